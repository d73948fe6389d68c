"""Invitations: a mail with a link, for one address, for one use, for seven days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import current_app, url_for
from itsdangerous import BadSignature
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.exc import IntegrityError

from protos import ids
from web.accounts import links, members, passwords, signing_up
from web.accounts.links import BadLink
from web.accounts.models import Invitation, Tenant
from web.audit import service as audit
from web.db import act_as, current_tenant, db
from web.mail import service as mail

LIFE = timedelta(days=7)
MOST_OPEN = 100
_PURPOSE = "invite"


class AlreadyMember(Exception):
    """They work here already."""


class TooManyInvitations(Exception):
    """So many are open already."""


class AlreadyThere(Exception):
    """The address has an owner, who signs in."""


@dataclass(frozen=True)
class Invited:
    """What a link opens."""

    tenant_name: str
    email: str
    role: str
    inviter: str
    # Somebody signs in with this address.
    has_owner: bool


def open_ones() -> Sequence[Row[Any]]:
    """Those that wait for their answer, and those that waited too long; the newest first."""
    rows = db.session.execute(
        text(
            "SELECT i.id, i.email, i.role, i.created_at, i.expires_at, p.email AS inviter, "
            "i.expires_at < now() AS is_over FROM web.invitations i "
            "JOIN web.people p ON p.id = i.invited_by "
            "WHERE i.tenant_id = web.current_tenant() AND i.ended_at IS NULL "
            "ORDER BY i.created_at DESC LIMIT :most"
        ),
        {"most": MOST_OPEN},
    )
    return list(rows)


def invite(typed: str, role: str, person: UUID, inviter: str) -> str:
    """Ask somebody to join, in the transaction of the caller; their address. An earlier invitation
    of theirs is worth nothing any more. Whether the address is known elsewhere changes nothing.

    Raises BadEmail, BadRole, AlreadyMember, TooManyInvitations.
    """
    email, role = signing_up.address_of(typed), members.check_role(role)
    if members.is_member(email):
        raise AlreadyMember()
    _end(Invitation.email == email, "replaced")
    if len(open_ones()) >= MOST_OPEN:
        raise TooManyInvitations()
    token = passwords.new_token()
    row = Invitation(
        id=ids.new(),
        tenant_id=current_tenant(),
        email=email,
        role=role,
        token_hash=passwords.hash_token(token),
        invited_by=person,
        expires_at=datetime.now(UTC) + LIFE,
    )
    db.session.add(row)
    shown = ids.show("invitation", row.id)
    audit.record(signing_up.actor(person), "invitation:create", shown, after={"role": role})
    name = db.session.scalar(select(Tenant.name).where(Tenant.id == current_tenant()))
    where = url_for("invitations.page", token=links.signer(_PURPOSE).dumps(token))
    mail.write(
        email,
        f"Join {name} at Fillwire",
        f"{inviter} asks you to join the workspace {name} at Fillwire, as {role}.\n\n"
        f"Look at it within 7 days:\n{current_app.config['WEB_URL']}{where}\n\n"
        "If you do not know them, do nothing.\n",
    )
    return email


def withdraw(invitation: UUID, actor: str) -> bool:
    """Its link opens nothing any more; in the transaction of the caller."""
    if not _end(Invitation.id == invitation, "withdrawn"):
        return False
    audit.record(actor, "invitation:withdraw", ids.show("invitation", invitation))
    return True


def look(signed: str) -> Invited:
    """What it opens, without using it. Raises BadLink."""
    row = db.session.execute(
        text("SELECT * FROM web.look_at_invitation(:hash)"), {"hash": _hash(signed)}
    ).one_or_none()
    if row is None:
        raise BadLink()
    return Invited(row.tenant_name, row.email, row.role, row.inviter, row.has_owner)


def accept(signed: str, person: UUID) -> UUID:
    """They have joined, in the transaction of the caller, which acts as them there.

    Raises BadLink: also for whoever it was not sent to.
    """
    try:
        row = db.session.execute(
            text("SELECT * FROM web.accept_invitation(:hash, :person)"),
            {"hash": _hash(signed), "person": person},
        ).one_or_none()
    except IntegrityError as error:
        # Somebody else has shown that the address is theirs.
        db.session.rollback()
        raise BadLink() from error
    if row is None:
        raise BadLink()
    act_as(person, row.tenant_id)
    shown = ids.show("invitation", row.invitation_id)
    # Who was a member already keeps their role, whatever the invitation says.
    role = db.session.scalar(
        text("SELECT role FROM web.members WHERE tenant_id = :tenant AND person_id = :person"),
        {"tenant": row.tenant_id, "person": person},
    )
    told = {"role": role, "member": ids.show("person", person)}
    audit.record(signing_up.actor(person), "invitation:accept", shown, after=told)
    return UUID(str(row.tenant_id))


def sign_up(signed: str, password: str, timezone: str) -> tuple[UUID, UUID]:
    """A new person, who has joined; with a workspace of their own beside, in the transaction of
    the caller. The mail reached them, so their address is theirs.

    Raises BadLink, AlreadyThere, WeakPassword.
    """
    invited = look(signed)
    if invited.has_owner:
        raise AlreadyThere()
    person, _ = signing_up.sign_up(invited.email, password, timezone, asks=False)
    return person, accept(signed, person)


def _end(which: Any, outcome: str) -> bool:
    ended = db.session.execute(
        update(Invitation)
        .where(which, Invitation.tenant_id == current_tenant(), Invitation.ended_at.is_(None))
        .values(ended_at=func.now(), outcome=outcome, email=None)
        .returning(Invitation.id)
    )
    return bool(ended.all())


def _hash(signed: str) -> bytes:
    try:
        return passwords.hash_token(str(links.signer(_PURPOSE).loads(signed)))
    except BadSignature as error:
        raise BadLink() from error
