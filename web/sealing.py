"""Secrets that we must be able to read again, sealed in the database."""

import os
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from web.db import is_read_only

_NONCE = 12
# What staff see of it who look through a customer's eyes.
HIDDEN = "hidden"


def seal(key: bytes, owner: UUID, secret: str) -> bytes:
    """The secret, readable only with the key and for this owner: a strategy, a person."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), owner.bytes)


def unseal(key: bytes, owner: UUID, sealed: bytes) -> str:
    """The secret again, unless staff look. Raises cryptography's InvalidTag for another key or
    owner."""
    if is_read_only():
        return HIDDEN
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner.bytes).decode()
