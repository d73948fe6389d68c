"""Passkeys: made and asked for by the browser, checked here with `webauthn`.

What is to be signed is drawn here, kept here, and taken away by its first use. A passkey
checks its person itself (a finger, a PIN), so that it is both factors at once.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from flask import current_app, request, session
from sqlalchemy import Row, text
from webauthn.helpers import (
    options_to_json,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from protos import ids
from web.accounts.workspaces import home
from web.config import LOOPBACK
from web.db import act_as, db

CHALLENGE_LIFE = timedelta(minutes=5)
_SLOT = "passkey_challenge"


class BadPasskey(Exception):
    """It cannot be taken."""


@dataclass(frozen=True)
class Known:
    """Whose passkey was shown."""

    person_id: UUID
    tenant_id: UUID
    email: str


@dataclass(frozen=True)
class Party:
    """As whom we ask: browsers bind a passkey to it."""

    host: str
    origin: str


def party() -> Party | None:
    """As whom we ask for passkeys; None where browsers know none, which is at an address of
    digits: `localhost` is where this machine has them."""
    url = urlsplit(current_app.extensions["fillwire.config"].web_url)
    asked = urlsplit(request.url_root)
    if url.hostname in LOOPBACK and asked.hostname == "localhost":
        return Party("localhost", f"{asked.scheme}://{asked.netloc}")
    try:
        ipaddress.ip_address(url.hostname or "")
    except ValueError:
        return Party(url.hostname or "", f"{url.scheme}://{url.netloc}")
    return None


def creation(person: UUID, email: str) -> str:
    """What the browser needs to make one for this person."""
    here = _party()
    options = webauthn.generate_registration_options(
        rp_id=here.host,
        rp_name="Fillwire",
        user_id=person.bytes,
        user_name=email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=bytes(row.credential_id)) for row in mine(person)
        ],
    )
    _keep(options.challenge, "create", person)
    return options_to_json(options)


def asking(person: UUID | None) -> str:
    """What the browser needs to show one: of this person, or of whoever signs in."""
    options = webauthn.generate_authentication_options(
        rp_id=_party().host,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=bytes(row.credential_id)) for row in mine(person)
        ]
        if person
        else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(options.challenge, "show", person)
    return options_to_json(options)


def add(person: UUID, name: str, credential: str) -> None:
    """Keep the passkey that the browser made for them. Raises BadPasskey."""
    here = _party()
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=_take("create", person),
            expected_rp_id=here.host,
            expected_origin=here.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise BadPasskey() from error
    db.session.execute(
        text(
            "INSERT INTO web.passkeys (id, person_id, credential_id, public_key, sign_count, "
            "name) VALUES (:id, :person, :credential, :key, :count, :name)"
        ),
        {
            "id": ids.new(),
            "person": person,
            "credential": made.credential_id,
            "key": made.credential_public_key,
            "count": made.sign_count,
            "name": _name(name),
        },
    )


def prove(person: UUID, credential: str) -> bool:
    """Did this person show a passkey of theirs?"""
    try:
        _verify(credential, person)
    except BadPasskey:
        return False
    return True


def find(credential: str) -> Known:
    """Who signs in with it; the transaction acts as them. Raises BadPasskey."""
    row = _verify(credential, None)
    return Known(row.person_id, home(row.person_id, row.tenant_ids), row.email)


def mine(person: UUID) -> list[Row[Any]]:
    """The person's passkeys, oldest first."""
    rows = db.session.execute(
        text(
            "SELECT id, credential_id, name, created_at, last_used_at FROM web.passkeys "
            "WHERE person_id = :person ORDER BY created_at"
        ),
        {"person": person},
    )
    return list(rows)


def rename(person: UUID, passkey_id: UUID, name: str) -> bool:
    """Give it another name."""
    return _one(
        "UPDATE web.passkeys SET name = :name WHERE id = :id AND person_id = :person "
        "RETURNING true",
        {"name": _name(name), "id": passkey_id, "person": person},
    )


def remove(person: UUID, passkey_id: UUID) -> bool:
    """It opens nothing any more."""
    return _one(
        "DELETE FROM web.passkeys WHERE id = :id AND person_id = :person RETURNING true",
        {"id": passkey_id, "person": person},
    )


def _verify(credential: str, challenged: UUID | None) -> Row[Any]:
    """The row of the passkey that signed our challenge, its use noted. A counter that does not
    grow is a copy's, and is refused."""
    here = _party()
    challenge = _take("show", challenged)
    try:
        shown = parse_authentication_credential_json(credential)
        row = db.session.execute(
            text("SELECT * FROM web.find_passkey(:id)"), {"id": shown.raw_id}
        ).one_or_none()
        if row is None or challenged not in (None, row.person_id):
            raise BadPasskey()
        verified = webauthn.verify_authentication_response(
            credential=shown,
            expected_challenge=challenge,
            expected_rp_id=here.host,
            expected_origin=here.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise BadPasskey() from error
    act_as(row.person_id, row.tenant_ids[0] if row.tenant_ids else None)
    # Two shown at once: only one of them still finds the counter as it was checked.
    if not _one(
        "UPDATE web.passkeys SET sign_count = :count, last_used_at = now() WHERE id = :id "
        "AND person_id = :person AND sign_count = :seen RETURNING true",
        {
            "count": verified.new_sign_count,
            "id": row.passkey_id,
            "person": row.person_id,
            "seen": row.sign_count,
        },
    ):
        raise BadPasskey()
    return row


def _party() -> Party:
    here = party()
    if here is None:
        raise BadPasskey()
    return here


def _keep(challenge: bytes, purpose: str, person: UUID | None) -> None:
    """Until its first use, or five minutes; the browser's form cookie says which it is."""
    challenge_id = ids.new()
    with db.engine.begin() as connection:
        connection.execute(
            text("SELECT web.keep_challenge(:id, :purpose, :person, :challenge, :expires)"),
            {
                "id": challenge_id,
                "purpose": purpose,
                "person": person,
                "challenge": challenge,
                "expires": datetime.now(UTC) + CHALLENGE_LIFE,
            },
        )
    session[_SLOT] = challenge_id.hex


def _take(purpose: str, person: UUID | None) -> bytes:
    """The challenge, gone for good whatever comes of it."""
    kept = session.pop(_SLOT, "")
    challenge = None
    if kept:
        with db.engine.begin() as connection:
            challenge = connection.scalar(
                text("SELECT web.take_challenge(:id, :purpose, :person)"),
                {"id": UUID(kept), "purpose": purpose, "person": person},
            )
    if challenge is None:
        raise BadPasskey()
    return bytes(challenge)


def _one(statement: str, values: dict[str, Any]) -> bool:
    return db.session.execute(text(statement), values).one_or_none() is not None


def _name(name: str) -> str:
    return " ".join(name.split())[:60] or "Passkey"
