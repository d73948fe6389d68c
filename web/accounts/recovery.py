"""Recovery codes: ten, shown once, each good once, for whoever lost their second factor."""

import base64
import secrets
from uuid import UUID

from sqlalchemy import text

from web.accounts import passwords
from web.db import db

COUNT = 10
# 120 bits: so many that a plain hash keeps them; 24 characters.
_BYTES = 15


def draw(person: UUID) -> list[str]:
    """Ten new codes; older ones are worth nothing from now on."""
    codes = [_spell(secrets.token_bytes(_BYTES)) for _ in range(COUNT)]
    db.session.execute(
        text("DELETE FROM web.recovery_codes WHERE person_id = :person"), {"person": person}
    )
    db.session.execute(
        text("INSERT INTO web.recovery_codes (person_id, code_hash) VALUES (:person, :hash)"),
        [{"person": person, "hash": _hash(code)} for code in codes],
    )
    return codes


def left(person: UUID) -> int:
    """How many are unused."""
    found = db.session.scalar(
        text(
            "SELECT count(*) FROM web.recovery_codes WHERE person_id = :person AND used_at IS NULL"
        ),
        {"person": person},
    )
    return int(found or 0)


def take(person: UUID, code: str) -> bool:
    """Is it one of theirs, unused until now?"""
    taken = db.session.execute(
        text(
            "UPDATE web.recovery_codes SET used_at = now() WHERE person_id = :person "
            "AND code_hash = :hash AND used_at IS NULL RETURNING true"
        ),
        {"person": person, "hash": _hash(code)},
    )
    return taken.one_or_none() is not None


def forget(person: UUID) -> None:
    """Nothing is left to recover."""
    db.session.execute(
        text("DELETE FROM web.recovery_codes WHERE person_id = :person"), {"person": person}
    )


def _spell(drawn: bytes) -> str:
    letters = base64.b32encode(drawn).decode().lower()
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


def _hash(code: str) -> bytes:
    return passwords.hash_token("".join(filter(str.isalnum, code.lower())))
