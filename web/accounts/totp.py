"""Authenticator apps: a secret they share with us, and each code taken once."""

import base64
import hmac
import io
import time
from uuid import UUID

import pyotp
import segno
from flask import current_app
from sqlalchemy import text

from web import sealing
from web.db import db

ISSUER = "Fillwire"
STEP_SECONDS = 30
# Clocks differ: the half minutes beside the present one are good too.
_DRIFT = (0, -1, 1)


def begin(person: UUID) -> None:
    """Draw a new secret, which counts once a code of it was shown. Replaces only such ones."""
    db.session.execute(
        text("DELETE FROM web.totp WHERE person_id = :person AND confirmed_at IS NULL"),
        {"person": person},
    )
    db.session.execute(
        text("INSERT INTO web.totp (person_id, sealed) VALUES (:person, :sealed)"),
        {"person": person, "sealed": sealing.seal(_key(), person, pyotp.random_base32())},
    )


def state(person: UUID) -> str:
    """`none`, `begun` or `on`."""
    row = db.session.execute(
        text("SELECT confirmed_at FROM web.totp WHERE person_id = :person"), {"person": person}
    ).one_or_none()
    return "none" if row is None else "begun" if row.confirmed_at is None else "on"


def begun_secret(person: UUID) -> str | None:
    """The secret while it is being set up; afterwards nobody sees it again."""
    sealed = db.session.scalar(
        text("SELECT sealed FROM web.totp WHERE person_id = :person AND confirmed_at IS NULL"),
        {"person": person},
    )
    return sealing.unseal(_key(), person, bytes(sealed)) if sealed is not None else None


def picture(secret: str, email: str) -> str:
    """The QR code of a secret, as the address of an image."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    out = io.BytesIO()
    segno.make_qr(uri).save(out, kind="svg", scale=4, border=4, light="#fff", dark="#000")
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}"


def confirm(person: UUID, code: str) -> bool:
    """A first code shows that the app has the secret: it counts from now on."""
    return _take(person, code, confirmed=False)


def take(person: UUID, code: str) -> bool:
    """Is it a code of now that was not taken before?"""
    return _take(person, code, confirmed=True)


def remove(person: UUID) -> bool:
    """Forget the secret."""
    removed = db.session.execute(
        text("DELETE FROM web.totp WHERE person_id = :person RETURNING true"), {"person": person}
    )
    return removed.one_or_none() is not None


def _take(person: UUID, code: str, *, confirmed: bool) -> bool:
    row = db.session.execute(
        text(
            "SELECT sealed FROM web.totp WHERE person_id = :person "
            "AND (confirmed_at IS NOT NULL) = :confirmed"
        ),
        {"person": person, "confirmed": confirmed},
    ).one_or_none()
    if row is None:
        return False
    app = pyotp.TOTP(sealing.unseal(_key(), person, bytes(row.sealed)))
    now = int(time.time()) // STEP_SECONDS
    steps = [
        now + drift
        for drift in _DRIFT
        if hmac.compare_digest(app.at((now + drift) * STEP_SECONDS).encode(), code.encode())
    ]
    # The newest taken half minute only grows, so no code is taken twice, at once or later.
    return any(
        db.session.execute(
            text(
                "UPDATE web.totp SET last_step = :step, "
                "confirmed_at = coalesce(confirmed_at, now()) "
                "WHERE person_id = :person AND last_step < :step RETURNING true"
            ),
            {"person": person, "step": step},
        ).one_or_none()
        for step in steps[:1]
    )


def _key() -> bytes:
    key: bytes = current_app.extensions["fillwire.config"].sealing_key
    return key
