"""A record sealed with a key of its own, which a key-encryption key wraps. Pure.

The first byte says how. What belongs to it, its tenant, connection and version, is no part of
the record but must be given again to open it: a record moved to another row opens nowhere.
"""

import os
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protos.telling import Tellable

VERSION = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12


class Unreadable(Tellable):
    """It does not open: changed, moved, or its key is missing. Never says what is in it."""


class Wraps(Protocol):
    """Whatever has the key-encryption keys."""

    def wrap(self, kek_id: str, key: bytes, belongs: bytes) -> bytes:
        """The key, readable only with that key-encryption key. Raises MissingKek."""

    def unwrap(self, kek_id: str, wrapped: bytes, belongs: bytes) -> bytes:
        """The key again. Raises MissingKek, and Unreadable for what was changed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed record, its wrapped key, and by which key it is wrapped."""

    sealed: bytes
    wrapped_key: bytes
    kek_id: str


def of_credentials(tenant_id: UUID, connection_id: UUID, version: int) -> bytes:
    """What the credentials of a connection belong to."""
    return b"credentials" + tenant_id.bytes + connection_id.bytes + version.to_bytes(8, "big")


def of_transport_key(key_id: str) -> bytes:
    """What the private half of a transport key belongs to."""
    return b"transport key " + key_id.encode()


def seal(source: Wraps, kek_id: str, plain: bytes, belongs: bytes) -> Envelope:
    """Seal with a new key, and wrap that. Raises MissingKek."""
    key = os.urandom(KEY_BYTES)
    wrapped = VERSION + source.wrap(kek_id, key, _of_key(belongs, kek_id))
    return Envelope(VERSION + encrypt(key, plain, belongs), wrapped, kek_id)


def unseal(source: Wraps, envelope: Envelope, belongs: bytes) -> bytes:
    """What was sealed. Raises Unreadable, MissingKek."""
    key = _unwrap(source, envelope, belongs)
    return decrypt(key, _body(envelope.sealed), belongs)


def rewrap(source: Wraps, envelope: Envelope, belongs: bytes, kek_id: str) -> Envelope:
    """The same record, its key wrapped with another one. Raises Unreadable, MissingKek."""
    key = _unwrap(source, envelope, belongs)
    wrapped = VERSION + source.wrap(kek_id, key, _of_key(belongs, kek_id))
    return Envelope(envelope.sealed, wrapped, kek_id)


def encrypt(key: bytes, plain: bytes, belongs: bytes) -> bytes:
    """AES-256-GCM, its nonce in front."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, belongs)


def decrypt(key: bytes, sealed: bytes, belongs: bytes) -> bytes:
    """The way back. Raises Unreadable."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], belongs)
    except (InvalidTag, ValueError):
        raise Unreadable("it was changed, or is of something else") from None


def _unwrap(source: Wraps, envelope: Envelope, belongs: bytes) -> bytes:
    wrapped = _body(envelope.wrapped_key)
    return source.unwrap(envelope.kek_id, wrapped, _of_key(belongs, envelope.kek_id))


def _of_key(belongs: bytes, kek_id: str) -> bytes:
    return belongs + b" by " + kek_id.encode()


def _body(sealed: bytes) -> bytes:
    if sealed[:1] != VERSION:
        raise Unreadable("it is sealed in a way that is not known here")
    return sealed[1:]
