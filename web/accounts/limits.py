"""How often people may try, counted in the database: the same for all web processes.

Past its free tries a key waits longer after each. An account is slowed for addresses that
never signed it in, and so nobody can shut its owner out.
"""

import hashlib
from dataclasses import dataclass

import structlog
from sqlalchemy import text

from web.db import db

log = structlog.get_logger()

# Free tries by kind of key.
FREE = {"login": 10, "account": 15, "address": 50, "code": 5, "sign_up": 20, "mail": 5}
# Whether somebody has signed in from an address before.
_KNOWS = "SELECT web.knows_address(:email, :address)"
_KNOWS_STAFF = "SELECT web.knows_staff_address(:email, :address)"


class TooMany(Exception):
    """Another try has to wait."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"wait {wait_seconds} s")
        self.wait_seconds = wait_seconds

    @property
    def told(self) -> str:
        """For the person."""
        wait = self.wait_seconds
        how_long = f"{wait} s" if wait < 120 else f"{-(-wait // 60)} min"
        return f"Too many wrong tries. Wait {how_long}, then try again."


@dataclass(frozen=True)
class Tried:
    """One counted try; what to forget and what to give back when it was right."""

    forget: tuple[bytes, ...]
    refund: tuple[bytes, ...] = ()

    def succeeded(self) -> None:
        """It was right."""
        with db.engine.begin() as connection:
            connection.execute(
                text("SELECT web.forgive_tries(:forget, :refund)"),
                {"forget": list(self.forget), "refund": list(self.refund)},
            )


def sign_in(email: str, address: str) -> Tried:
    """Count a try to sign in. Raises TooMany."""
    return _count_login(_KNOWS, email, address)


def staff(email: str, address: str) -> Tried:
    """Count a try to sign in as one of staff. Raises TooMany."""
    return _count_login(_KNOWS_STAFF, email, address, "staff ")


def _count_login(knows: str, email: str, address: str, whose: str = "") -> Tried:
    with db.engine.connect() as connection:
        known = connection.scalar(text(knows), {"email": email, "address": address})
    kinds = {"login": f"{whose}{email} {address}", "address": address}
    if not known:
        kinds["account"] = f"{whose}{email}"
    login, *others = _count(kinds)
    return Tried((login,), tuple(others))


def code(person: str) -> Tried:
    """Count a try of a code, or of the password of who is in. Raises TooMany."""
    return Tried(tuple(_count({"code": person})))


def passkey(address: str) -> Tried:
    """Count a passkey shown at this address. Raises TooMany."""
    return Tried((), tuple(_count({"address": address})))


def mail(email: str, address: str) -> None:
    """Count a mail that somebody has sent: signing up sends one. Raises TooMany."""
    _count({"mail": email, "sign_up": address})


def sign_up(address: str) -> None:
    """Count somebody who signs up from this address, without a mail. Raises TooMany."""
    _count({"sign_up": address})


def _count(kinds: dict[str, str]) -> list[bytes]:
    keys = [hashlib.sha256(f"{kind} {value}".encode()).digest() for kind, value in kinds.items()]
    with db.engine.begin() as connection:
        wait = connection.scalar(
            text("SELECT web.count_try(:keys, :free)"),
            {"keys": keys, "free": [FREE[kind] for kind in kinds]},
        )
    if wait:
        log.warning("too_many_tries", kind=" ".join(kinds), seconds=int(wait))
        raise TooMany(int(wait))
    return keys
