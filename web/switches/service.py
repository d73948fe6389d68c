"""Halt and let go on; set limits. Execution is asked first, for it is what decides.

Durable facts: that somebody asked, before execution hears of it; then what it answered, with
the row that pages and the drain go by. If we die in between, the relay brings the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import array, insert

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web import whole
from web.audit import service as audit
from web.connections.models import Connection
from web.db import current_tenant, db, get_for_tenant, mine
from web.execution_client import ExecutionClient, ExecutionDown
from web.paging import Page, in_order, newest_first
from web.queue import Bell
from web.strategies.models import Strategy
from web.switches.models import Switch
from web.switches.rules import MODES, OFF, SCOPES, On

LIMITS = ("max_daily_loss", "max_position", "max_orders_per_minute")


class BadSwitch(Exception):
    """A field of a request cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Halted:
    """What came of it."""

    switch: Switch
    unprotected: Sequence[pb.Unprotected]
    closing: Sequence[UUID]


def halt(scope: str, scope_id: UUID, mode: str, *, why: str, actor: str) -> Halted:
    """Put a switch of this tenant where it is said to be. Repeating changes nothing.

    Raises BadSwitch; ExecutionDown when it is not known whether it was done.
    """
    tenant = _tenant()
    subject = _subject(scope, scope_id, tenant)
    if mode not in MODES:
        raise BadSwitch("mode", f"{mode!r} is no mode.", f"One of {', '.join(MODES)}.")
    before = _known(scope, scope_id)
    audit.record(actor, "switch:ask", subject, after={"mode": mode}, reason=why or None)
    db.session.commit()
    try:
        answer = client().set_switch(
            scope, scope_id, mode, tenant=tenant, set_by=actor, why=why[:500]
        )
    except ExecutionDown:
        audit.record(actor, "switch:unanswered", subject, after={"mode": mode})
        db.session.commit()
        raise
    unprotected = [u for u in answer.switch.unprotected if u.tenant_id == tenant.hex]
    _remember(answer.switch, tenant)
    audit.record(
        actor,
        "switch:set",
        subject,
        before={"mode": before.mode if before else OFF},
        after={"mode": mode, "closing": len(answer.trade_ids), "unprotected": len(unprotected)},
        reason=why or None,
    )
    db.session.commit()
    bell: Bell = current_app.extensions["fillwire.bell"]
    bell.announce({tenant.hex})
    switch = _known(scope, scope_id)
    assert switch is not None
    return Halted(switch, unprotected, [UUID(trade_id) for trade_id in answer.trade_ids])


_IN_FORCE = Switch.mode != OFF


def in_force(*, limit: int, cursor: str | None) -> Page[Switch]:
    """What is halted here, by this tenant or by the platform; of brokers, its own. The newest
    first. Raises BadCursor."""
    rows = select(Switch).where(mine(Switch) | Switch.tenant_id.is_(None), _IN_FORCE)
    return newest_first(
        rows,
        Switch.set_at,
        Switch.scope_id,
        lambda row: (row.set_at, row.scope_id),
        limit=limit,
        cursor=cursor,
    )


def page_of_on(*, limit: int, cursor: str | None) -> Page[On]:
    """The same, the widest first. Raises BadCursor."""
    width = func.array_position(array(SCOPES), Switch.scope)
    rows = select(Switch, width).where(mine(Switch) | Switch.tenant_id.is_(None), _IN_FORCE)
    page = in_order(
        rows,
        (width, Switch.scope_id),
        tuple[int, UUID],
        lambda row: (row[1], row[0].scope_id),
        limit=limit,
        cursor=cursor,
    )
    return Page([_on(row[0]) for row in page.rows], page.next_cursor)


def binding(strategy_id: UUID, connection_ids: Sequence[UUID]) -> tuple[On, ...]:
    """What is on that may bind a trade of this strategy on these connections, as rules go by it."""
    narrow = {"strategy": [strategy_id], "connection": list(connection_ids)}
    named = [(Switch.scope == scope) & Switch.scope_id.in_(few) for scope, few in narrow.items()]
    reaches = or_(Switch.scope.not_in(narrow), *named)
    rows = select(Switch).where(mine(Switch) | Switch.tenant_id.is_(None), _IN_FORCE, reaches)
    return tuple(_on(row) for row in db.session.scalars(rows.order_by(Switch.set_at.desc())))


def _on(row: Switch) -> On:
    return On(row.scope, row.scope_id, row.mode, row.set_at, row.set_by, row.why)


def limits(wanted: Sequence[UUID]) -> Mapping[UUID, pb.LimitsState]:
    """The limits of these connections of this tenant. Raises ExecutionDown."""
    told = {UUID(each.connection_id): each for each in client().limits(wanted)}
    return {connection_id: told[connection_id] for connection_id in wanted if connection_id in told}


def set_limits(connection: Connection, given: Mapping[str, str], *, actor: str) -> pb.LimitsState:
    """Tighten at once, loosen with the next trading day. Raises BadSwitch, ExecutionDown."""
    wanted = pb.Limits(
        max_daily_loss=_money("max_daily_loss", given),
        max_position=_money("max_position", given),
        max_orders_per_minute=_count("max_orders_per_minute", given),
    )
    subject = ids.show("connection", connection.id)
    asked = {name: given.get(name, "") for name in LIMITS}
    audit.record(actor, "limits:ask", subject, after=asked)
    db.session.commit()
    state = client().set_limits(connection.id, wanted, set_by=actor)
    audit.record(actor, "limits:set", subject, after=told(state))
    db.session.commit()
    return state


def told(state: pb.LimitsState) -> dict[str, Any]:
    """Limits as people and the API read them."""
    after = {}
    if state.HasField("then"):
        at = wire.to_datetime(state.then_time)
        after = {"then": _plain(state.then), "then_at": at.isoformat() if at else None}
    return {"now": _plain(state.now), **after}


def client() -> ExecutionClient:
    """The application's own way to execution."""
    found: ExecutionClient = current_app.extensions["fillwire.execution"]
    return found


def _plain(limits: pb.Limits) -> dict[str, str | None]:
    most = limits.max_orders_per_minute
    return {
        "max_daily_loss": limits.max_daily_loss or None,
        "max_position": limits.max_position or None,
        "max_orders_per_minute": str(most) if most else None,
    }


def _subject(scope: str, scope_id: UUID, tenant: UUID) -> str:
    """What is halted, if it is this tenant's own; else 404."""
    match scope:
        case "tenant" if scope_id == tenant:
            pass
        case "strategy":
            get_for_tenant(Strategy, scope_id)
        case "connection":
            get_for_tenant(Connection, scope_id)
        case _:
            raise BadSwitch(
                "scope", f"{scope!r} cannot be halted here.", "tenant, strategy or connection."
            )
    return ids.show(scope, scope_id)


def _known(scope: str, scope_id: UUID) -> Switch | None:
    return db.session.get(Switch, (scope, scope_id), populate_existing=True)


def _remember(switch: pb.Switch, tenant: UUID) -> None:
    values = {
        "mode": pb.SwitchMode.Name(switch.mode).removeprefix("SWITCH_MODE_").lower(),
        "why": switch.why,
        "set_by": switch.set_by,
        "set_at": wire.to_datetime(switch.set_time),
        "version": switch.version,
    }
    row = insert(Switch).values(
        scope=pb.SwitchScope.Name(switch.scope).removeprefix("SWITCH_SCOPE_").lower(),
        scope_id=UUID(switch.scope_id),
        tenant_id=tenant,
        **values,
    )
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["scope", "scope_id"],
            set_=values,
            where=Switch.version < row.excluded.version,
        )
    )


def _money(name: str, given: Mapping[str, str]) -> str:
    text = given.get(name, "").strip()
    try:
        value = wire.to_decimal(text)
    except ValueError:
        value = Decimal(-1)
    if value is not None and value <= 0:
        raise BadSwitch(name, f"`{name}` is {text!r}.", "An amount above zero, or nothing.")
    return wire.to_text(value)


def _count(name: str, given: Mapping[str, str]) -> int:
    text = given.get(name, "").strip()
    if not text:
        return 0
    found = whole.read(text, most=999_999)
    if not found:
        cure = "A whole number above zero, or nothing."
        raise BadSwitch(name, f"`{name}` is {text[:20]!r}.", cure)
    return found


def _tenant() -> UUID:
    tenant = current_tenant()
    assert tenant is not None
    return tenant
