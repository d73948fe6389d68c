"""Passwords and tokens: argon2 for what people choose, SHA-256 for what we draw."""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD = 12

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The password, for storing."""
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Takes as long when there is none stored."""
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """How a token is kept: it is random, so one round is enough."""
    return hashlib.sha256(token.encode()).digest()


_nobody_hash = ""


def _nobody() -> str:
    """A hash that no password opens, made once, at the cost of a real one."""
    global _nobody_hash
    if not _nobody_hash:
        _nobody_hash = _hasher.hash(secrets.token_urlsafe(32))
    return _nobody_hash
