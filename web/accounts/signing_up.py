"""Sign-up, confirming the address, and resetting the password.

Whether an address is known is told to nobody but its owner, by mail. Signing up always
makes a person: until one of them shows that mail reaches them, an address belongs to none.
"""

import re
from uuid import UUID
from zoneinfo import available_timezones

from flask import current_app, url_for
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from protos import ids
from web.accounts import links, passwords
from web.accounts.links import BadLink, Linked
from web.accounts.workspaces import FIRST
from web.audit import service as audit
from web.db import act_as, db
from web.mail import service as mail

_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\".]+")


class BadEmail(Exception):
    """This is not an address."""


class NotYours(Exception):
    """The link is for somebody else than who is signed in."""


def actor(person_id: UUID) -> str:
    """As audit events name a person."""
    return f"person:{ids.show('person', person_id)}"


def address_of(email: str) -> str:
    """As it is kept. Raises BadEmail."""
    cleaned = email.strip().lower()
    if len(cleaned) > 254 or not _EMAIL.fullmatch(cleaned):
        raise BadEmail()
    return cleaned


def sign_up(
    email: str,
    password: str | None,
    timezone: str,
    person: UUID | None = None,
    *,
    asks: bool = True,
) -> tuple[UUID, UUID]:
    """A new person with a workspace of their own, in the transaction of the caller; a mail `asks`
    them to confirm. Without a password they have a passkey.

    Raises BadEmail, WeakPassword.
    """
    address = address_of(email)
    if password is not None:
        passwords.check(password, address)
    hashed = passwords.hash_password(password) if password is not None else None
    person, tenant = person or ids.new(), ids.new()
    zone = timezone if timezone in available_timezones() else "UTC"
    taken = db.session.scalar(
        text("SELECT web.sign_up(:person, :tenant, :email, :hash, :zone, :workspace)"),
        {
            "person": person,
            "tenant": tenant,
            "email": address,
            "hash": hashed,
            "zone": zone,
            "workspace": FIRST,
        },
    )
    act_as(person, tenant)
    shown = ids.show("person", person)
    audit.record(actor(person), "person:sign_up", shown, after={"timezone": zone})
    if asks:
        _ask_to_confirm(person, address, taken=bool(taken))
    return person, tenant


def ask_again(person: UUID, email: str) -> None:
    """Send another link to confirm."""
    taken = db.session.scalar(
        text("SELECT confirmed FROM web.find_login(:email)"), {"email": email}
    )
    _ask_to_confirm(person, email, taken=bool(taken))
    db.session.commit()


def send_link(person: UUID, email: str) -> None:
    """Another link to confirm, in the transaction of the caller, who knows them."""
    _ask_to_confirm(person, email, taken=False)


def confirm(signed: str, person: UUID) -> None:
    """The mail came to them, and they are signed in: the address is theirs, with what they made.

    The mail alone shows nothing of who signed up, which may have been somebody else with this
    address: their password and passkeys would stay. Raises BadLink, NotYours.
    """
    if links.look("confirm", signed).person_id != person:
        raise NotYours()
    linked = links.use("confirm", signed)
    act_as(linked.person_id, linked.tenant_id)
    _own_address(linked.person_id)
    db.session.commit()


def ask_reset(email: str) -> None:
    """Send a link to choose a new password; nobody learns whether there is anybody."""
    found = db.session.execute(
        text("SELECT person_id, disabled FROM web.find_login(:email)"), {"email": email}
    ).one_or_none()
    person = found.person_id if found and not found.disabled else None
    url = _url("signing_up.reset", links.make("reset", person))
    mail.write(
        email,
        "Choose a new password",
        f"Somebody, you we hope, asked for a new password for {email}.\n\nChoose it here within "
        f"an hour:\n{url}\n\nIf it was not you, do nothing: your password stays as it is.\n",
        to_nobody=person is None,
    )
    db.session.commit()


def begins_anew(linked: Linked) -> bool:
    """Whether a reset makes a new account, as nobody has shown yet that the address is theirs.
    From here on the transaction acts as them."""
    act_as(linked.person_id, linked.tenant_id)
    confirmed = text("SELECT confirmed_at IS NOT NULL FROM web.people WHERE id = :person")
    return not db.session.scalar(confirmed, {"person": linked.person_id})


def reset(signed: str, password: str) -> None:
    """The new password; every session is over and every other such link is worth nothing.

    Second factors stay: a mailbox alone lets nobody in. But an address that nobody confirmed is
    no account to get back into: its owner gets one of their own, and whoever only named the
    address keeps theirs. Raises BadLink, WeakPassword.
    """
    passwords.check(password, links.look("reset", signed).email)
    hashed = passwords.hash_password(password)
    linked = links.use("reset", signed)
    db.session.execute(
        text("SELECT web.spend_links(:person, 'reset')"), {"person": linked.person_id}
    )
    if begins_anew(linked):
        person, _ = sign_up(linked.email, password, "UTC", asks=False)
        _own_address(person)
    else:
        store_password(linked.person_id, linked.email, hashed, "person:reset_password")
        db.session.execute(
            text(
                "UPDATE web.sessions SET revoked_at = now() "
                "WHERE person_id = :person AND revoked_at IS NULL"
            ),
            {"person": linked.person_id},
        )
    db.session.commit()


def store_password(person: UUID, email: str, hashed: str, action: str) -> None:
    """Keep it, note it, and tell its owner by mail."""
    db.session.execute(
        text("UPDATE web.people SET password_hash = :hash WHERE id = :person"),
        {"hash": hashed, "person": person},
    )
    audit.record(actor(person), action, ids.show("person", person))
    mail.write(
        email,
        "Your password was changed",
        f"The password of {email} was changed just now.\n\nIf it was not you, choose another at "
        f"once:\n{current_app.config['WEB_URL']}{url_for('signing_up.forgotten')}\n",
    )


def _own_address(person: UUID) -> None:
    """The address is theirs, as whom the transaction acts. Raises BadLink."""
    try:
        db.session.execute(
            text(
                "UPDATE web.people SET confirmed_at = now() "
                "WHERE id = :person AND confirmed_at IS NULL"
            ),
            {"person": person},
        )
    except IntegrityError as error:
        # Somebody else signed up with it and was faster to show it.
        db.session.rollback()
        raise BadLink() from error
    audit.record(actor(person), "person:confirm", ids.show("person", person))


def _ask_to_confirm(person: UUID, email: str, *, taken: bool) -> None:
    """Ask for proof that mail reaches them; an address that has an owner hears of it."""
    url = _url("signing_up.confirm", links.make("confirm", None if taken else person))
    sign_in = f"{current_app.config['WEB_URL']}{url_for('accounts.sign_in')}"
    asked = (
        "Welcome to Fillwire.\n\n"
        f"Confirm that {email} is yours, where you are signed in:\n{url}\n\n"
        "Paper trading works without it. If you did not sign up, do nothing.\n"
    )
    known = (
        f"Somebody signed up with {email}, which has an account already. Nothing of it was "
        f"changed.\n\nIf it was you, sign in here:\n{sign_in}\n"
    )
    mail.write(email, "Confirm your e-mail address", known if taken else asked)


def _url(endpoint: str, token: str) -> str:
    return f"{current_app.config['WEB_URL']}{url_for(endpoint, token=token)}"
