"""Who works in a workspace, as what; changed at once, for running sessions too."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import NotFound

from protos import ids
from web.accounts.models import Invitation, Tenant
from web.accounts.rules import ROLES
from web.audit import service as audit
from web.db import current_tenant, db
from web.mail import service as mail

_ONE = (
    "web.members m JOIN web.people p ON p.id = m.person_id "
    "WHERE m.tenant_id = web.current_tenant() AND p.id = :person"
)


class LastOwner(Exception):
    """A workspace always has an owner."""


class BadRole(Exception):
    """There is no such role."""


def all_of_tenant() -> Sequence[Row[Any]]:
    """Everybody, the mightiest role first."""
    order = {role: place for place, role in enumerate(ROLES)}
    rows = db.session.execute(
        text(
            "SELECT m.person_id, m.role, m.created_at, p.email, p.confirmed_at IS NOT NULL "
            "AS confirmed, web.has_second_factor(p.id) AS second_factor "
            "FROM web.members m JOIN web.people p ON p.id = m.person_id "
            "WHERE m.tenant_id = web.current_tenant()"
        )
    )
    return sorted(rows, key=lambda row: (order[row.role], row.email))


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
