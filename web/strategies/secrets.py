"""Webhook secrets: drawn at random, found by hash, sealed for showing again."""

import hashlib
import os
import secrets
import string
from base64 import b64encode
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# 24 characters of base62: 142 bits.
LENGTH = 24
_ALPHABET = string.ascii_letters + string.digits
_NONCE = 12


def draw() -> str:
    """A new secret."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def draw_signing() -> str:
    """A new secret to sign with, spelled as Standard Webhooks does: 256 bits."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def digest(secret: str) -> bytes:
    """How intake knows it."""
    return hashlib.sha256(secret.encode()).digest()


def seal(key: bytes, strategy_id: UUID, secret: str) -> bytes:
    """The secret, readable only with the key and for this strategy."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), strategy_id.bytes)


def unseal(key: bytes, strategy_id: UUID, sealed: bytes) -> str:
    """The secret again. Raises cryptography's InvalidTag for another key or strategy."""
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], strategy_id.bytes).decode()
