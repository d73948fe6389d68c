"""Staff, from the machine itself: add one, give one a new link, let one in no more."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import psycopg

from protos import ids
from web.accounts import passwords

LINK_LIFE = timedelta(days=1)


class CannotDo(Exception):
    """It was not done; the message says why."""


def add(owner: psycopg.Connection, email: str, role: str, networks: tuple[str, ...]) -> str:
    """A new staff member; the token of a one-time link. Raises CannotDo."""
    address = email.strip().lower()
    if "@" not in address:
        raise CannotDo(f"{email!r} is not an e-mail address")
    try:
        known = [str(ip_network(each)) for each in networks]
    except ValueError as error:
        raise CannotDo(f"write networks as 192.0.2.0/24: {error}") from None
    staff_id = ids.new()
    with owner.transaction():
        added = owner.execute(
            "INSERT INTO web.staff (id, email, role, addresses) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (staff_id, address, role, known),
        )
        if added.rowcount == 0:
            raise CannotDo(f"{address} is staff already: `fillwire staff reset` makes a new link")
        _record(owner, "staff:add", ids.show("staff", staff_id), f"as {role}")
        return _link(owner, staff_id)


def reset(owner: psycopg.Connection, email: str) -> str:
    """Forget their password, factors and sessions; the token of a one-time link."""
    with owner.transaction():
        staff_id = _find(owner, email)
        owner.execute(
            "UPDATE web.staff SET password_hash = NULL, disabled_at = NULL WHERE id = %s",
            (staff_id,),
        )
        owner.execute("DELETE FROM web.totp WHERE person_id = %s", (staff_id,))
        owner.execute("DELETE FROM web.passkeys WHERE person_id = %s", (staff_id,))
        _end_sessions(owner, staff_id)
        _record(owner, "staff:reset", ids.show("staff", staff_id), "on the machine")
        return _link(owner, staff_id)


def remove(owner: psycopg.Connection, email: str) -> None:
    """They come in no more; what they did stays theirs."""
    with owner.transaction():
        staff_id = _find(owner, email)
        owner.execute("UPDATE web.staff SET disabled_at = now() WHERE id = %s", (staff_id,))
        _end_sessions(owner, staff_id)
        _record(owner, "staff:remove", ids.show("staff", staff_id), "on the machine")


def first_link(owner: psycopg.Connection, email: str) -> str | None:
    """The token of a link for the first of staff; None once they were in."""
    row = owner.execute("SELECT id, password_hash FROM web.staff WHERE email = %s", (email,))
    found = row.fetchone()
    if found is None:
        return add(owner, email, "owner", ())
    return _link(owner, found[0]) if found[1] is None else None


def _find(owner: psycopg.Connection, email: str) -> UUID:
    row = owner.execute("SELECT id FROM web.staff WHERE email = %s", (email.strip().lower(),))
    found = row.fetchone()
    if found is None:
        raise CannotDo(f"{email} is not staff")
    staff_id: UUID = found[0]
    return staff_id


def _link(owner: psycopg.Connection, staff_id: UUID) -> str:
    token = passwords.new_token()
    owner.execute(
        "UPDATE web.staff_links SET used_at = now() WHERE staff_id = %s AND used_at IS NULL",
        (staff_id,),
    )
    owner.execute(
        "INSERT INTO web.staff_links (token_hash, staff_id, expires_at) VALUES (%s, %s, %s)",
        (passwords.hash_token(token), staff_id, datetime.now(UTC) + LINK_LIFE),
    )
    return token


def _end_sessions(owner: psycopg.Connection, staff_id: UUID) -> None:
    owner.execute(
        "UPDATE web.staff_sessions SET revoked_at = now() "
        "WHERE staff_id = %s AND revoked_at IS NULL",
        (staff_id,),
    )


def _record(owner: psycopg.Connection, action: str, subject: str, reason: str) -> None:
    owner.execute(
        "INSERT INTO web.audit_events (actor, action, subject, reason) "
        "VALUES ('system:operator', %s, %s, %s)",
        (action, subject, reason),
    )
