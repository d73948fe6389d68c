"""Links that mails carry: signed, for one use, for a while.

The signature lets forged ones be refused without asking the database, which knows the
hash of each link and whether it was used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import text

from web.accounts import passwords
from web.db import db

LIVES = {"confirm": timedelta(days=3), "reset": timedelta(hours=1)}


class BadLink(Exception):
    """Forged, used, or too old."""


@dataclass(frozen=True)
class Linked:
    """Whose link it is."""

    person_id: UUID
    tenant_id: UUID
    email: str


def make(purpose: str, person: UUID | None) -> str:
    """A new link's token, in this transaction; for nobody it opens nothing."""
    token = passwords.new_token()
    db.session.execute(
        text("SELECT web.keep_link(:hash, :person, :purpose, :expires)"),
        {
            "hash": passwords.hash_token(token),
            "person": person,
            "purpose": purpose,
            "expires": datetime.now(UTC) + LIVES[purpose],
        },
    )
    return signer(purpose).dumps(token)


def look(purpose: str, signed: str) -> Linked:
    """Whose it is, without using it. Raises BadLink."""
    return _open(purpose, signed, use=False)


def use(purpose: str, signed: str) -> Linked:
    """Whose it is; in this transaction it is used up. Raises BadLink."""
    return _open(purpose, signed, use=True)


def _open(purpose: str, signed: str, *, use: bool) -> Linked:
    try:
        token = str(signer(purpose).loads(signed))
    except BadSignature as error:
        raise BadLink() from error
    row = db.session.execute(
        text("SELECT * FROM web.open_link(:hash, :purpose, :use)"),
        {"hash": passwords.hash_token(token), "purpose": purpose, "use": use},
    ).one_or_none()
    if row is None:
        raise BadLink()
    return Linked(row.person_id, row.tenant_id, row.email)


def signer(purpose: str) -> URLSafeSerializer:
    """What signs links of this kind."""
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"link-{purpose}")
