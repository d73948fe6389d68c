"""Who works in a workspace, as what; changed at once, for running sessions too."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Integer, Row, String, Uuid, func, select, text, update
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import NotFound

from protos import ids
from web.accounts.models import Invitation, Tenant
from web.accounts.rules import ROLES
from web.audit import service as audit
from web.db import current_tenant, db
from web.mail import service as mail
from web.paging import Page, in_order

_ONE = (
    "web.members m JOIN web.people p ON p.id = m.person_id "
    "WHERE m.tenant_id = web.current_tenant() AND p.id = :person"
)


@dataclass(frozen=True)
class Member:
    """Somebody who works in the workspace, and as what."""

    person_id: UUID
    role: str
    created_at: datetime
    email: str
    # Whether they have shown that mail reaches them.
    confirmed: bool
    second_factor: bool


_EVERYBODY = f"""
SELECT m.person_id, m.role, m.created_at, p.email, p.confirmed_at IS NOT NULL AS confirmed,
    array_position(ARRAY[{", ".join(f"'{role}'" for role in ROLES)}], m.role) AS rank
FROM web.members m JOIN web.people p ON p.id = m.person_id
WHERE m.tenant_id = web.current_tenant()
"""
_COLUMNS: dict[str, Any] = {
    "person_id": Uuid,
    "role": String,
    "created_at": DateTime(timezone=True),
    "email": String,
    "confirmed": Boolean,
    "rank": Integer,
}


class LastOwner(Exception):
    """A workspace always has an owner."""


class BadRole(Exception):
    """There is no such role."""


def page(
    *,
    sought: str = "",
    roles: Sequence[str] = tuple(ROLES),
    limit: int,
    cursor: str | None = None,
) -> Page[Member]:
    """Everybody of these roles, or those whose address has this in it; the mightiest role first.
    Raises BadCursor."""
    everybody = text(_EVERYBODY).columns(**_COLUMNS).subquery()
    query = select(everybody).where(everybody.c.role.in_(roles))
    if sought:
        query = query.where(everybody.c.email.icontains(sought, autoescape=True))
    found = in_order(
        query,
        (everybody.c.rank, everybody.c.email, everybody.c.person_id),
        tuple[int, str, UUID],
        lambda row: (row.rank, row.email, row.person_id),
        limit=limit,
        cursor=cursor,
    )
    guarded = set(
        db.session.scalars(
            text("SELECT id FROM unnest(CAST(:people AS uuid[])) AS p (id) "
                 "WHERE web.has_second_factor(id)"),
            {"people": [row.person_id for row in found.rows]},
        )
    )  # fmt: skip
    return Page([_member(row, guarded) for row in found.rows], found.next_cursor)


def _member(row: Row[Any], guarded: Collection[UUID]) -> Member:
    return Member(
        row.person_id,
        row.role,
        row.created_at,
        row.email,
        row.confirmed,
        row.person_id in guarded,
    )


def named(wanted: Iterable[UUID | None]) -> dict[UUID, Row[Any]]:
    """The address and the role of those of these people who are members, by id."""
    found = [person for person in set(wanted) if person]
    rows = db.session.execute(
        text(
            "SELECT m.person_id, m.role, p.email FROM web.members m "
            "JOIN web.people p ON p.id = m.person_id "
            "WHERE m.tenant_id = web.current_tenant() AND m.person_id = ANY (:wanted)"
        ),
        {"wanted": found},
    )
    return {row.person_id: row for row in rows}


def is_member(email: str) -> bool:
    """Whether somebody of this address is one."""
    found = db.session.scalar(
        text(
            "SELECT true FROM web.members m JOIN web.people p ON p.id = m.person_id "
            "WHERE m.tenant_id = web.current_tenant() AND p.email = :email LIMIT 1"
        ),
        {"email": email},
    )
    return bool(found)


def role_of(person: UUID) -> str | None:
    """The role somebody has in the current workspace."""
    found: str | None = db.session.scalar(text(f"SELECT m.role FROM {_ONE}"), {"person": person})
    return found


def check_role(role: str) -> str:
    """One that there is. Raises BadRole."""
    if role not in ROLES:
        raise BadRole(role)
    return role


def change_role(person: UUID, role: str, actor: str) -> str:
    """Give somebody another role, in the transaction of the caller; their address.

    Raises BadRole, LastOwner, NotFound.
    """
    before, email = _find(person)
    if before == check_role(role):
        return email
    _write(
        "UPDATE web.members m SET role = :role FROM web.people p WHERE p.id = m.person_id "
        "AND m.tenant_id = web.current_tenant() AND p.id = :person",
        {"person": person, "role": role},
    )
    _withdraw_of(person)
    audit.record(
        actor,
        "member:role",
        ids.show("person", person),
        before={"role": before},
        after={"role": role},
    )
    _tell(email, "Your role was changed", f"is now {role}, it was {before}")
    return email


def remove(person: UUID, actor: str) -> str:
    """Somebody works here no more, in the transaction of the caller; their address.

    Raises LastOwner, NotFound.
    """
    role, email = _find(person)
    _write(
        "DELETE FROM web.members m USING web.people p WHERE p.id = m.person_id "
        "AND m.tenant_id = web.current_tenant() AND p.id = :person",
        {"person": person},
    )
    _withdraw_of(person)
    left = actor == f"person:{ids.show('person', person)}"
    action = "member:leave" if left else "member:remove"
    audit.record(actor, action, ids.show("person", person), before={"role": role})
    if not left:
        _tell(email, "You were removed from a workspace", "is over: you were removed")
    return email


def _find(person: UUID) -> tuple[str, str]:
    """Their role and address, kept as they are. Raises NotFound."""
    row = db.session.execute(
        text(f"SELECT m.role, p.email FROM {_ONE} FOR UPDATE OF m"), {"person": person}
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row.role, row.email


def _write(statement: str, values: dict[str, Any]) -> None:
    """The database keeps an owner. Raises LastOwner."""
    try:
        db.session.execute(text(statement), values)
    except IntegrityError as error:
        db.session.rollback()
        raise LastOwner() from error


def _withdraw_of(person: UUID) -> None:
    """Who may not invite any more has invited nobody."""
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.tenant_id == current_tenant(),
            Invitation.invited_by == person,
            Invitation.ended_at.is_(None),
        )
        .values(ended_at=func.now(), outcome="withdrawn", email=None)
    )


def _tell(email: str, subject: str, what: str) -> None:
    name = db.session.scalar(select(Tenant.name).where(Tenant.id == current_tenant()))
    mail.write(email, subject, f"Your membership of {name} at Fillwire {what}.\n")
