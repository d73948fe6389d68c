"""A person closes a position: what subscriptions hold of an instrument on a connection.

Durable facts: that somebody asked, before execution hears of it; then what it answered. Asked
again with the same key, it is the same closing.
"""

from uuid import UUID

from flask import current_app

from protos import ids, wire
from web.audit import service as audit
from web.connections.models import Connection
from web.db import db
from web.execution_client import ExecutionClient, ExecutionDown

LONGEST_KEY = 100


class BadClosing(Exception):
    """A field of a request cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


class NothingHeld(Exception):
    """No subscription holds anything of it there."""


def close(
    connection: Connection,
    instrument: str,
    *,
    subscription_id: UUID | None,
    quantity: str,
    key: str,
    actor: str,
) -> list[UUID]:
    """Close it, or a quantity of what one subscription holds; the trades that do. Repeating
    with the same key changes nothing.

    Raises BadClosing, NothingHeld; ExecutionDown when it is not known whether it was done.
    """
    if not instrument or not 0 < len(key) <= LONGEST_KEY:
        field = "key" if instrument else "instrument"
        raise BadClosing(field, f"`{field}` is missing.", "Send it.")
    _check_quantity(quantity, subscription_id)
    subject = ids.show("connection", connection.id)
    wanted = {"instrument": instrument, "quantity": quantity or "all", "key": key}
    if subscription_id is not None:
        wanted["subscription"] = ids.show("subscription", subscription_id)
    audit.record(actor, "position:ask_close", subject, after=wanted)
    db.session.commit()
    client: ExecutionClient = current_app.extensions["fillwire.execution"]
    try:
        trades = client.close_position(
            connection.tenant_id,
            connection.id,
            connection.broker_account,
            instrument,
            subscription_id=subscription_id,
            quantity=quantity,
            key=key,
            asked_by=actor,
        )
    except ExecutionDown:
        audit.record(actor, "position:unanswered", subject, after=wanted)
        db.session.commit()
        raise
    shown = [ids.show("trade", trade_id) for trade_id in trades]
    audit.record(actor, "position:close", subject, after=wanted | {"trades": shown})
    db.session.commit()
    if not trades:
        raise NothingHeld()
    return trades


def _check_quantity(text: str, subscription_id: UUID | None) -> None:
    if not text:
        return
    try:
        value = wire.to_decimal(text)
    except ValueError:
        value = None
    if value is None or value <= 0:
        raise BadClosing("quantity", f"`quantity` is {text[:30]!r}.", "A number above zero.")
    if subscription_id is None:
        raise BadClosing(
            "subscription_id",
            "A part is closed of one subscription.",
            "Send `subscription_id`, or leave `quantity` out to close everything.",
        )
