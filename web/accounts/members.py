"""Who works in a workspace, as what; changed at once, for running sessions too."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import NotFound

from protos import ids
from web.accounts.models import Invitation, Member, Tenant
from web.accounts.rules import ROLES
from web.audit import service as audit
from web.db import current_tenant, db
from web.mail import service as mail


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
    found = db.session.get(Member, (current_tenant(), person))
    return found.role if found else None


def check_role(role: str) -> str:
    """One that there is. Raises BadRole."""
    if role not in ROLES:
        raise BadRole(role)
    return role


def change_role(person: UUID, role: str, actor: str) -> str:
    """Give somebody another role, in the transaction of the caller; their address.

    Raises BadRole, LastOwner, NotFound.
    """
    member, email = _find(person)
    before, member.role = member.role, check_role(role)
    if before == role:
        return email
    _guarded()
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
    member, email = _find(person)
    role = member.role
    db.session.delete(member)
    _guarded()
    _withdraw_of(person)
    left = actor == f"person:{ids.show('person', person)}"
    action = "member:leave" if left else "member:remove"
    audit.record(actor, action, ids.show("person", person), before={"role": role})
    if not left:
        _tell(email, "You were removed from a workspace", "is over: you were removed")
    return email


def _find(person: UUID) -> tuple[Member, str]:
    row = db.session.get(Member, (current_tenant(), person), with_for_update=True)
    if row is None:
        raise NotFound()
    email = db.session.scalar(
        text("SELECT email FROM web.people WHERE id = :person"), {"person": person}
    )
    return row, str(email)


def _guarded() -> None:
    """Tell the database, which keeps an owner. Raises LastOwner."""
    try:
        db.session.flush()
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
