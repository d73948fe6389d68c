"""Staff's sessions: password, then a second factor, always; over after half an hour of nothing.

Beside tenants' sessions, with a table, a cookie and a database role of their own. What is shown
as a second factor is the same: an authenticator's code, or a passkey.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from protos import ids
from web.accounts import factors, passwords
from web.accounts.places import Place
from web.accounts.sessions import NOBODY
from web.admin.rules import comes_from
from web.audit import service as audit
from web.db import act_as, db

LIFE = timedelta(hours=12)
IDLE = timedelta(minutes=30)
PENDING_LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class Staff:
    """A staff member behind a session."""

    id: UUID
    email: str
    role: str
    session_id: UUID
    # The second factor is still to come; `enrols`: it is to be set up.
    pending: bool = False
    enrols: bool = False

    @property
    def actor(self) -> str:
        """As audit events name them."""
        return actor(self.id)

    @property
    def shown(self) -> str:
        """Their id."""
        return ids.show("staff", self.id)


def actor(staff: UUID) -> str:
    """As audit events name a staff member."""
    return f"staff:{ids.show('staff', staff)}"


def sign_in(email: str, password: str, place: Place) -> str | None:
    """The token of a session that waits for its second factor; None when they may not.

    A try with an address that nobody of staff has is noted too, as nobody's: waiting tells nothing.
    """
    login = db.session.execute(
        text("SELECT * FROM web.find_staff_login(:email)"), {"email": email}
    ).one_or_none()
    # The hash is slow: no transaction waits for it.
    db.session.rollback()
    right = passwords.is_right(login.password_hash if login else None, password)
    staff = login.staff_id if login else NOBODY
    act_as(staff, None)
    if login is None or not right or not comes_from(place.address, login.addresses):
        _note(staff, "refused", "password")
        db.session.commit()
        return None
    token = open_for(staff, place, enrols=False)
    db.session.commit()
    return token


def open_for(staff: UUID, place: Place, *, enrols: bool) -> str:
    """A session that waits for its second factor, in the caller's transaction."""
    token = passwords.new_token()
    db.session.execute(
        text(
            "SELECT web.open_staff_session(:id, :hash, :staff, :enrols, :expires, :device, "
            ":address)"
        ),
        {
            "id": ids.new(),
            "hash": passwords.hash_token(token),
            "staff": staff,
            "enrols": enrols,
            "expires": datetime.now(UTC) + PENDING_LIFE,
            "device": place.device,
            "address": place.address,
        },
    )
    return token


def find(token: str, address: str) -> Staff | None:
    """Whose session it is, if they may come from there; from here on the request acts as them."""
    with db.engine.begin() as connection:
        row = connection.execute(
            text("SELECT * FROM web.find_staff_session(:hash, :idle)"),
            {"hash": passwords.hash_token(token), "idle": IDLE},
        ).one_or_none()
    if row is None or not comes_from(address, row.addresses):
        return None
    return Staff(row.staff_id, row.email, row.role, row.session_id, row.pending, row.enrols)


def prove(staff: Staff, token: str, shown: Mapping[str, str]) -> str | None:
    """The session's new token, once the second factor was right."""
    method = factors.check(staff.id, shown)
    return None if method is None else complete(staff, token, method)


def complete(staff: Staff, token: str, method: str) -> str | None:
    """They are in: another token. Only who has a second factor gets there."""
    fresh = passwords.new_token()
    opened = db.session.scalar(
        text("SELECT web.complete_staff_session(:old, :new, :expires)"),
        {
            "old": passwords.hash_token(token),
            "new": passwords.hash_token(fresh),
            "expires": datetime.now(UTC) + LIFE,
        },
    )
    if opened is None:
        return None
    _note(staff.id, "sign_in", method)
    db.session.commit()
    return fresh


def refused(staff: Staff) -> None:
    """Note that the second factor was wrong."""
    db.session.rollback()
    _note(staff.id, "refused", "second factor")
    db.session.commit()


def sign_out(staff: Staff, token: str) -> None:
    """Close the session for good."""
    db.session.execute(
        text("SELECT web.close_staff_session(:hash)"), {"hash": passwords.hash_token(token)}
    )
    _note(staff.id, "sign_out", None)
    db.session.commit()


def whose_link(token: str, *, use: bool) -> tuple[UUID, str] | None:
    """Whom a one-time link is for, with their address; `use` spends it."""
    row = db.session.execute(
        text("SELECT * FROM web.open_staff_link(:hash, :use)"),
        {"hash": passwords.hash_token(token), "use": use},
    ).one_or_none()
    return (row.staff_id, row.email) if row else None


def begin_with_link(token: str, password: str, place: Place) -> str | None:
    """The password they chose is theirs; a session in which they set up a second factor.

    Raises WeakPassword.
    """
    found = whose_link(token, use=False)
    db.session.rollback()
    if found is None:
        return None
    passwords.check(password, found[1])
    hashed = passwords.hash_password(password)
    found = whose_link(token, use=True)
    if found is None:
        return None
    act_as(found[0], None)
    db.session.execute(
        text("UPDATE web.staff SET password_hash = :hash WHERE id = :staff"),
        {"hash": hashed, "staff": found[0]},
    )
    opened = open_for(found[0], place, enrols=True)
    _note(found[0], "choose_password", None)
    db.session.commit()
    return opened


def _note(staff: UUID, verb: str, method: str | None) -> None:
    after = {"method": method} if method else None
    audit.record(actor(staff), f"staff:{verb}", ids.show("staff", staff), after=after)
