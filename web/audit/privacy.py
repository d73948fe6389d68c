"""Personal words in the audit trail: sealed under a key of their owner, gone with that key.

AES-256-GCM under 32 random bytes for each person, API key or workspace, which are themselves
stored sealed under FILLWIRE_SEALING_KEY. The chain covers the ciphertext, so it holds after the key
is destroyed.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import text

from protos import ids
from web.config import Config
from web.db import db

_NONCE = 12
SEALED = frozenset({"of", "sealed"})
ERASED = "erased"
# Whose reasons are theirs. What staff say of somebody is sealed for whom it is about, who may
# read why. Programs say nothing personal.
PEOPLE = ("person:", "key:")
STAFF = "staff:"


# What people type in free words: in the trail it is sealed for their workspace.
TYPED = frozenset({"name", "addresses", "networks"})


@dataclass(frozen=True)
class Personal:
    """Something that tells who somebody is, or where; `of` is `person:per_…`, `key:key_…`, or
    `tenant:ten_…` for what was typed in a workspace."""

    of: str
    text: str


def seal(personal: Personal) -> dict[str, str] | str:
    """As it is stored; only a word that it is gone, once its owner was erased."""
    key = key_of(personal.of)
    if key is None:
        return ERASED
    return {"of": personal.of, "sealed": b64encode(_encrypt(key, personal)).decode()}


def sealed(values: dict[str, Any] | None, tenant: UUID | None) -> dict[str, Any] | None:
    """The values, with everything personal among them sealed."""
    if values is None:
        return None
    if tenant is not None:
        values = _typed(f"tenant:{ids.show('tenant', tenant)}", values)
    changed: dict[str, Any] = _map(values)
    return changed


def sealed_reason(actor: str, reason: str | None, about: str | None) -> str | None:
    """What somebody typed, sealed for them, or of staff for whom it is about."""
    of = actor if actor.startswith(PEOPLE) else about if actor.startswith(STAFF) else None
    if not reason or of is None:
        return reason
    found = seal(Personal(of, reason))
    return found if isinstance(found, str) else json.dumps(found)


def about(tenant: UUID | None, subject: str) -> str | None:
    """Whose key seals what is said of it: its person's, or its workspace's."""
    if ids.read("person", subject) is not None:
        return f"person:{subject}"
    if tenant is not None:
        return f"tenant:{ids.show('tenant', tenant)}"
    return f"tenant:{subject}" if ids.read("tenant", subject) is not None else None


def read_reason(stored: str | None) -> Any:
    """The reason as values are: plain words, or sealed ones."""
    if stored and stored.startswith('{"of"'):
        return json.loads(stored)
    return stored


def _typed(of: str, values: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            changed[name] = _typed(of, value)
        elif name in TYPED and isinstance(value, str):
            changed[name] = Personal(of, value)
        elif name in TYPED and isinstance(value, list | tuple):
            changed[name] = [Personal(of, str(each)) for each in value]
        else:
            changed[name] = value
    return changed


def _map(value: Any) -> Any:
    if isinstance(value, Personal):
        return seal(value)
    if isinstance(value, Mapping):
        return {name: _map(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_map(each) for each in value]
    return value


def owners(values: Iterable[Any]) -> set[str]:
    """Of whom something is sealed in there."""
    return {each["of"] for value in values for each in _sealed_in(value)}


def _sealed_in(value: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(value, Mapping):
        if value.keys() == SEALED:
            yield value
        else:
            for each in value.values():
                yield from _sealed_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _sealed_in(each)


class Opener:
    """Opens what is sealed, with the keys that are still there."""

    def __init__(self, sealing_key: bytes, stored: Iterable[tuple[str, bytes]]) -> None:
        self._keys = {of: unwrap(sealing_key, of, key) for of, key in stored}

    def open(self, value: Any) -> Any:
        """The value with its personal words, or with `erased` in their place."""
        if isinstance(value, Mapping):
            if value.keys() == SEALED:
                return self._open(value["of"], value["sealed"])
            return {name: self.open(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.open(each) for each in value]
        return value

    def _open(self, of: str, text: str) -> str:
        key = self._keys.get(of)
        if key is None:
            return ERASED
        raw = b64decode(text)
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], of.encode()).decode()


class Reader(Opener):
    """The same within a request: one query for a page."""

    def __init__(self, whose: Iterable[str]) -> None:
        found = db.session.execute(
            text("SELECT of, key FROM web.find_privacy_keys(:of)"), {"of": sorted(set(whose))}
        )
        super().__init__(_sealing_key(), [(row.of, row.key) for row in found])


def fresh_key(sealing_key: bytes, of: str) -> bytes:
    """A new key for somebody, as it is stored."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(sealing_key).encrypt(nonce, os.urandom(32), of.encode())


def key_of(of: str) -> bytes | None:
    """The key of somebody, made when there is none; None once it was destroyed."""
    stored = db.session.scalar(
        text("SELECT web.privacy_key(:of, :fresh)"),
        {"of": of, "fresh": fresh_key(_sealing_key(), of)},
    )
    return None if stored is None else unwrap(_sealing_key(), of, stored)


def _encrypt(key: bytes, personal: Personal) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, personal.text.encode(), personal.of.encode())


def unwrap(sealing_key: bytes, of: str, stored: bytes) -> bytes:
    """A stored key."""
    return AESGCM(sealing_key).decrypt(stored[:_NONCE], stored[_NONCE:], of.encode())


def _sealing_key() -> bytes:
    config: Config = current_app.extensions["fillwire.config"]
    return config.sealing_key
