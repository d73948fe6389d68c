"""Personal words in the audit trail: sealed under a key of their owner, gone with that key.

AES-256-GCM under 32 random bytes for each person or API key, which are themselves stored
sealed under FILLWIRE_SEALING_KEY. The chain covers the ciphertext, so it holds after the key
is destroyed.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import text

from web.config import Config
from web.db import db

_NONCE = 12
SEALED = frozenset({"of", "sealed"})
ERASED = "erased"


@dataclass(frozen=True)
class Personal:
    """Something that tells who somebody is, or where; `of` is `person:per_…` or `key:key_…`."""

    of: str
    text: str


def seal(personal: Personal) -> dict[str, str] | str:
    """As it is stored; only a word that it is gone, once its owner was erased."""
    key = _key(personal.of)
    if key is None:
        return ERASED
    return {"of": personal.of, "sealed": b64encode(_encrypt(key, personal)).decode()}


def sealed(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """The values, with everything personal among them sealed."""
    if values is None:
        return None
    changed: dict[str, Any] = _map(values)
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


class Reader:
    """Opens what is sealed, with the keys that are still there: one query for a page."""

    def __init__(self, whose: Iterable[str]) -> None:
        found = db.session.execute(
            text("SELECT of, key FROM web.find_privacy_keys(:of)"), {"of": sorted(set(whose))}
        )
        self._keys = {row.of: _unwrap(row.of, row.key) for row in found}

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


def _key(of: str) -> bytes | None:
    """The key of somebody, made when there is none; None once it was destroyed."""
    fresh = os.urandom(32)
    nonce = os.urandom(_NONCE)
    wrapped = nonce + AESGCM(_sealing_key()).encrypt(nonce, fresh, of.encode())
    stored = db.session.scalar(
        text("SELECT web.privacy_key(:of, :fresh)"), {"of": of, "fresh": wrapped}
    )
    return None if stored is None else _unwrap(of, stored)


def _encrypt(key: bytes, personal: Personal) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, personal.text.encode(), personal.of.encode())


def _unwrap(of: str, stored: bytes) -> bytes:
    return AESGCM(_sealing_key()).decrypt(stored[:_NONCE], stored[_NONCE:], of.encode())


def _sealing_key() -> bytes:
    config: Config = current_app.extensions["fillwire.config"]
    return config.sealing_key
