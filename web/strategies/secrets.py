"""Webhook secrets: drawn at random, found by hash, sealed for showing again."""

import hashlib
import secrets
import string
from base64 import b64encode

from web.sealing import seal as seal
from web.sealing import unseal as unseal

# 24 characters of base62: 142 bits.
LENGTH = 24
_ALPHABET = string.ascii_letters + string.digits


def draw() -> str:
    """A new secret."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def draw_signing() -> str:
    """A new secret to sign with, spelled as Standard Webhooks does: 256 bits."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def digest(secret: str) -> bytes:
    """How intake knows it."""
    return hashlib.sha256(secret.encode()).digest()
