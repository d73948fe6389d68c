"""Passwords and tokens: argon2 for what people choose, SHA-256 for what we draw."""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from web.accounts import common

MIN_PASSWORD = 12
# Longer ones would only keep argon2 busy.
MAX_PASSWORD = 256

_hasher = PasswordHasher()


class WeakPassword(Exception):
    """The password cannot be taken; the message says why."""


def check(password: str, *about: str) -> None:
    """Refuse what is too short, or what everybody guesses; `about` are facts of its owner.

    Raises WeakPassword.
    """
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(f"A password has at least {MIN_PASSWORD} characters.")
    if len(password) > MAX_PASSWORD:
        raise WeakPassword(f"A password has at most {MAX_PASSWORD} characters.")
    if common.is_common(password, *about):
        raise WeakPassword(
            "This password is made of parts that are tried first: common words, names, dates, "
            "rows of keys. Take four words that have nothing to do with each other."
        )


def hash_password(password: str) -> str:
    """The password, for storing."""
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Takes as long when there is none stored."""
    nobody = _nobody()
    try:
        return _hasher.verify(stored or nobody, password) and stored is not None
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
