"""Where the checkpoints of a workspace are mailed to; the relay sends them."""

from sqlalchemy import text

from protos import ids
from web.accounts.service import Visitor
from web.audit import service as audit
from web.audit.privacy import Personal
from web.db import current_tenant, db


def mailed_to() -> str | None:
    """The address; None when they are not mailed."""
    found: str | None = db.session.scalar(
        text("SELECT address FROM web.checkpoint_mails WHERE chain = web.current_tenant()")
    )
    return found


def mail_to(visitor: Visitor, *, on: bool) -> None:
    """Mail them to whoever asks, who has shown that mail reaches them; or no more."""
    tenant = current_tenant()
    assert tenant is not None
    db.session.execute(
        text("DELETE FROM web.checkpoint_mails WHERE chain = :chain"), {"chain": tenant}
    )
    if on:
        db.session.execute(
            text(
                "INSERT INTO web.checkpoint_mails (chain, address, person_id) "
                "VALUES (:chain, :address, :person)"
            ),
            {"chain": tenant, "address": visitor.email, "person": visitor.person_id},
        )
    after = {"to": Personal(visitor.actor, visitor.email) if on else None}
    audit.record(visitor.actor, "checkpoints:mail", ids.show("tenant", tenant), after=after)
    db.session.commit()
