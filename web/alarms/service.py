"""Alarms as pages and API show them, and the acknowledging of them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from flask import current_app
from sqlalchemy import func, select, text, update

from protos import ids
from web.alarms.models import Alarm
from web.audit import service as audit
from web.db import current_tenant, db
from web.paging import Page, newest_first
from web.queue import Bell

# Many more than this are looked at a page at a time.
MOST_OPEN = 100
_OPEN = Alarm.ended_at.is_(None) & Alarm.acknowledged_at.is_(None)


class Hears(Protocol):
    """Execution, as alarms need it."""

    def see_overfill(self, order_id: UUID, filled: str, *, tenant_id: UUID, seen_by: str) -> None:
        """Somebody looked at an order that was filled too much. Raises ExecutionDown."""


def page(*, is_open: bool | None, limit: int, cursor: str | None) -> Page[Alarm]:
    """This tenant's alarms, newest first: open ones, past ones, or all. Raises BadCursor."""
    query = select(Alarm).where(Alarm.tenant_id == current_tenant())
    if is_open is not None:
        query = query.where(_OPEN if is_open else ~_OPEN)
    return newest_first(
        query,
        Alarm.raised_at,
        Alarm.id,
        lambda row: (row.raised_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def of_trade(trade_id: UUID) -> Sequence[Alarm]:
    """All that was raised of a trade, the newest first."""
    query = select(Alarm).where(Alarm.trade_id == trade_id).order_by(Alarm.raised_at.desc())
    return db.session.scalars(query).all()


def acknowledge(alarm: Alarm, *, actor: str) -> Alarm:
    """Say that somebody has looked. The first who says so is kept; repeating changes nothing.

    What goes on by it in execution goes on first: if we die in between, it is said again.
    Raises ExecutionDown.
    """
    if alarm.kind == "overfilled" and alarm.order_id is not None:
        execution: Hears = current_app.extensions["fillwire.execution"]
        execution.see_overfill(
            alarm.order_id, alarm.numbers["filled"], tenant_id=alarm.tenant_id, seen_by=actor
        )
    statement = (
        update(Alarm)
        .where(Alarm.id == alarm.id, Alarm.acknowledged_at.is_(None))
        .values(acknowledged_at=func.clock_timestamp(), acknowledged_by=actor)
        .returning(Alarm.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(statement) is not None:
        after = {"kind": alarm.kind}
        audit.record(actor, "alarm:acknowledge", ids.show("alarm", alarm.id), after=after)
        db.session.execute(
            text("SELECT web.record_changes(ARRAY[:tenant]::uuid[], ARRAY['alarm'], "
                 "ARRAY[:alarm]::uuid[])"),
            {"tenant": alarm.tenant_id, "alarm": alarm.id},
        )  # fmt: skip
        tenant = alarm.tenant_id.hex
        db.session.commit()
        bell: Bell = current_app.extensions["fillwire.bell"]
        bell.announce({tenant})
    db.session.refresh(alarm)
    return alarm
