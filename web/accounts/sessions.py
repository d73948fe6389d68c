"""Sessions: opened by a proof, renewed by another, listed, and over when somebody says so.

They live in the database; the browser holds a random token, the table its hash. The token
is another after each proof.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text

from protos import ids
from web.accounts import passwords
from web.accounts.places import Place
from web.accounts.signing_up import actor
from web.accounts.workspaces import home
from web.audit import service as audit
from web.audit.privacy import Personal
from web.db import act_as, db

log = structlog.get_logger()

LIFE = timedelta(days=14)
IDLE = timedelta(hours=12)
# How long a right password waits for its second factor.
PENDING_LIFE = timedelta(minutes=10)
# Who tried an address that nobody has.
NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Opened:
    """A session just opened; pending: the second factor is still to come."""

    token: str
    person_id: UUID
    pending: bool = False


@dataclass(frozen=True)
class Pending:
    """Who is on the way in, and waits for the second factor."""

    person_id: UUID
    tenant_id: UUID
    email: str


def sign_in(email: str, password: str, place: Place) -> Opened | None:
    """Open a session; None when e-mail or password is wrong.

    For an address that nobody has the same is done and written, so that waiting tells nothing.
    """
    login = db.session.execute(
        text("SELECT * FROM web.find_login(:email)"), {"email": email}
    ).one_or_none()
    # The hash is slow: no transaction waits for it.
    db.session.rollback()
    right = passwords.is_right(login.password_hash if login else None, password)
    if login is None or login.disabled or not right:
        act_as(login.person_id if login else NOBODY, None)
        note(login.person_id if login else NOBODY, "password", "wrong", place)
        db.session.commit()
        return None
    tenant = home(login.person_id, login.tenant_ids)
    act_as(login.person_id, tenant)
    opened = open_for(login.person_id, tenant, place, "password", pending=login.second_factor)
    db.session.commit()
    return opened


def open_for(
    person: UUID, tenant: UUID, place: Place, method: str, *, pending: bool = False
) -> Opened:
    """A session of this person, in the caller's transaction, which acts as them."""
    token = passwords.new_token()
    session_id = db.session.scalar(
        text(
            "SELECT web.open_session(:hash, :person, :tenant, :expires, :pending, :device, "
            ":address)"
        ),
        {
            "hash": passwords.hash_token(token),
            "person": person,
            "tenant": tenant,
            "expires": datetime.now(UTC) + (PENDING_LIFE if pending else LIFE),
            "pending": pending,
            "device": place.device,
            "address": place.address,
        },
    )
    note(person, method, "half" if pending else "ok", place)
    if not pending:
        _record(person, "session:open", session_id, method, place)
    return Opened(token, person, pending)


def find(connection: Any, token: str, address: str) -> Row[Any] | None:
    """The session behind the token, if it is still good; notes that it was seen."""
    row: Row[Any] | None = connection.execute(
        text("SELECT * FROM web.find_session(:hash, :idle, :address)"),
        {"hash": passwords.hash_token(token), "idle": IDLE, "address": address},
    ).one_or_none()
    return row


def find_pending(token: str, address: str) -> Pending | None:
    """Who is on the way in; from here on the request works as them."""
    row = find(db.session, token, address)
    if row is None or not row.pending:
        return None
    act_as(row.person_id, row.tenant_id)
    return Pending(row.person_id, row.tenant_id, row.email)


def complete(token: str, pending: Pending, method: str, place: Place) -> Opened | None:
    """The second factor was right: they are in, in the caller's transaction."""
    renewed = _renew(token)
    if renewed is None:
        return None
    fresh, session_id = renewed
    note(pending.person_id, method, "ok", place)
    _record(pending.person_id, "session:open", session_id, method, place)
    return Opened(fresh, pending.person_id)


def prove(token: str, person: UUID, method: str, place: Place) -> str | None:
    """They proved again who they are: the session's new token, in the caller's transaction."""
    renewed = _renew(token)
    if renewed is None:
        return None
    fresh, session_id = renewed
    note(person, method, "again", place)
    _record(person, "session:prove", session_id, method, place)
    return fresh


def switch(token: str, address: str, tenant: UUID) -> str | None:
    """Work in another workspace of theirs: the session's new token, in the caller's transaction;
    None where they are no member."""
    row = find(db.session, token, address)
    if row is None or row.pending:
        return None
    act_as(row.person_id, tenant)
    fresh = passwords.new_token()
    moved = db.session.execute(
        text("SELECT * FROM web.switch_session(:old, :new, :tenant)"),
        {
            "old": passwords.hash_token(token),
            "new": passwords.hash_token(fresh),
            "tenant": tenant,
        },
    ).one_or_none()
    if moved is None:
        return None
    audit.record(actor(row.person_id), "session:switch", ids.show("session", row.session_id))
    return fresh


def note(person: UUID, method: str, outcome: str, place: Place) -> None:
    """One line of the history that its person sees; of a try that was nobody's, nothing."""
    told = "nobody" if person == NOBODY else outcome
    log.info("sign_in", person_id=person.hex, method=method, outcome=told)
    db.session.execute(
        text(
            "INSERT INTO web.sign_ins (person_id, method, outcome, device, address) "
            "VALUES (:person, :method, :outcome, :device, :address)"
        ),
        {
            "person": person,
            "method": method,
            "outcome": outcome,
            "device": "" if person == NOBODY else place.device,
            "address": "" if person == NOBODY else place.address,
        },
    )


def mine(person: UUID) -> list[Row[Any]]:
    """The person's open sessions, the last seen first."""
    rows = db.session.execute(
        text(
            "SELECT id, device, address, created_at, last_seen_at FROM web.sessions "
            "WHERE person_id = :person AND revoked_at IS NULL AND expires_at > now() "
            "AND last_seen_at > now() - CAST(:idle AS interval) AND NOT pending "
            "ORDER BY last_seen_at DESC LIMIT 100"
        ),
        {"person": person, "idle": IDLE},
    )
    return list(rows)


def history(person: UUID) -> list[Row[Any]]:
    """The last sign-ins and tries."""
    rows = db.session.execute(
        text(
            "SELECT at, method, outcome, device, address FROM web.sign_ins "
            "WHERE person_id = :person ORDER BY id DESC LIMIT 30"
        ),
        {"person": person},
    )
    return list(rows)


def revoke(person: UUID, session_id: UUID) -> bool:
    """End one session of theirs, in the caller's transaction."""
    return _end(person, "revoke", session_id) == 1


def revoke_others(person: UUID, kept: UUID | None) -> int:
    """End all but this one, in the caller's transaction."""
    return _end(person, "revoke", kept, others=True)


def sign_out(token: str, address: str) -> None:
    """Close the session for good."""
    row = find(db.session, token, address)
    if row is not None:
        act_as(row.person_id, row.tenant_id)
        _end(row.person_id, "close", row.session_id)
    db.session.commit()


def _end(person: UUID, verb: str, session_id: UUID | None, *, others: bool = False) -> int:
    """This session, or all but it."""
    ended = db.session.execute(
        text(
            "UPDATE web.sessions SET revoked_at = now() WHERE person_id = :person "
            "AND revoked_at IS NULL AND (id = CAST(:session AS uuid)) IS DISTINCT FROM "
            "CAST(:others AS boolean) RETURNING id"
        ),
        {"person": person, "session": session_id, "others": others},
    ).all()
    for row in ended:
        audit.record(actor(person), f"session:{verb}", ids.show("session", row.id))
    return len(ended)


def _renew(token: str) -> tuple[str, UUID] | None:
    fresh = passwords.new_token()
    renewed = db.session.scalar(
        text("SELECT web.renew_session(:old, :new, :expires)"),
        {
            "old": passwords.hash_token(token),
            "new": passwords.hash_token(fresh),
            "expires": datetime.now(UTC) + LIFE,
        },
    )
    return (fresh, renewed) if renewed else None


def _record(person: UUID, action: str, session_id: UUID, method: str, place: Place) -> None:
    """Like the address in the event's origin, the device can be erased."""
    after = {"method": method, "device": Personal(actor(person), place.device)}
    audit.record(actor(person), action, ids.show("session", session_id), after=after)
