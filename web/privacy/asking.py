"""What people ask for on the privacy page; the relay does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app, url_for
from sqlalchemy import text

from protos import ids
from web.accounts.service import Visitor
from web.audit import privacy
from web.audit import service as audit
from web.db import db
from web.mail import service as mail
from web.privacy import files

# Long enough to notice that somebody else asked.
GRACE = timedelta(days=7)


@dataclass(frozen=True)
class File:
    """The file that was asked for: how far it is."""

    asked_at: datetime
    done: int
    parts: int
    ended_at: datetime | None
    is_there: bool

    @property
    def expires_at(self) -> datetime | None:
        """When it is removed."""
        return self.ended_at + timedelta(days=1) if self.ended_at else None


def file() -> File | None:
    """Of whoever visits."""
    row = db.session.execute(
        text(
            "SELECT asked_at, done, parts, ended_at, sealed IS NOT NULL AS is_there "
            "FROM web.personal_files WHERE person_id = web.current_person()"
        )
    ).one_or_none()
    return File(*row) if row is not None else None


def ask_file(visitor: Visitor) -> None:
    """Have a file made; one that is under way or fresh goes."""
    person = {"person": visitor.person_id}
    db.session.execute(text("DELETE FROM web.personal_files WHERE person_id = :person"), person)
    db.session.execute(text("INSERT INTO web.personal_files (person_id) VALUES (:person)"), person)
    _record(visitor, "person:ask_file")
    db.session.commit()


def take_file(visitor: Visitor) -> bytes | None:
    """The zip; None when there is none."""
    stored: bytes | None = db.session.scalar(
        text("SELECT sealed FROM web.personal_files WHERE person_id = web.current_person()")
    )
    key = privacy.key_of(visitor.actor) if stored is not None else None
    if stored is None or key is None:
        db.session.rollback()
        return None
    _record(visitor, "person:take_file")
    db.session.commit()
    return files.opened(key, visitor.person_id, bytes(stored))


def erasure() -> datetime | None:
    """When whoever visits will be erased; None when they did not ask."""
    found: datetime | None = db.session.scalar(
        text("SELECT due_at FROM web.erasures WHERE person_id = web.current_person()")
    )
    return found


def workspaces() -> Sequence[Any]:
    """Theirs: name, whether nobody else is in it, whether it would lose its last owner."""
    return db.session.execute(text("SELECT * FROM web.my_tenants()")).all()


def ask_erasure(visitor: Visitor) -> datetime:
    """Begin the days after which it is done, and tell them by mail."""
    due: datetime = db.session.scalar(
        text(
            "INSERT INTO web.erasures (person_id, due_at) VALUES (:person, now() + :grace) "
            "ON CONFLICT (person_id) DO NOTHING RETURNING due_at"
        ),
        {"person": visitor.person_id, "grace": GRACE},
    ) or _due(visitor.person_id)
    _record(visitor, "person:ask_erasure")
    mail.write(
        visitor.email,
        "You asked us to erase you",
        f"You, we hope, asked us to erase everything that tells who you are. We do so on "
        f"{due:%Y-%m-%d at %H:%M} UTC.\n\nUntil then you can change your mind:\n{_page()}\n\n"
        "If it was not you, cancel it there, change your password and end the other sessions.\n",
    )
    db.session.commit()
    return due


def cancel_erasure(visitor: Visitor) -> bool:
    """Stay; whether anything was asked."""
    gone = db.session.execute(
        text("DELETE FROM web.erasures WHERE person_id = :person RETURNING person_id"),
        {"person": visitor.person_id},
    ).one_or_none()
    if gone is None:
        db.session.rollback()
        return False
    _record(visitor, "person:cancel_erasure")
    mail.write(visitor.email, "You stay", f"Nothing of yours will be erased. See:\n{_page()}\n")
    db.session.commit()
    return True


def _due(person: UUID) -> Any:
    return db.session.scalar(
        text("SELECT due_at FROM web.erasures WHERE person_id = :person"), {"person": person}
    )


def _page() -> str:
    return f"{current_app.config['WEB_URL']}{url_for('privacy.page')}"


def _record(visitor: Visitor, action: str) -> None:
    audit.record(visitor.actor, action, ids.show("person", visitor.person_id))
