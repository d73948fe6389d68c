"""What a switch would meet: open positions and working orders in its scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, text

from protos import ids
from web.connections import service as connections
from web.connections.models import BrokerAccount, Connection
from web.db import db, mine
from web.strategies.models import Strategy
from web.switches.models import Switch
from web.switches.rules import On
from web.trades.models import OPEN_ORD_STATUSES, Order, Trade

# No page shows more.
MOST = 100

# What is held in a scope; a strategy holds what its subscriptions do.
_HELD = """
SELECT p.connection_id, p.instrument, p.quantity FROM web.positions p
WHERE p.tenant_id = web.current_tenant() {where}
"""
# In the order of its connections, so that a page of them reads no more than it shows;
# OFFSET keeps the planner from joining it to all that the workspace holds.
_HELD_OF_STRATEGY = """
SELECT u.connection_id, p.instrument, p.quantity
FROM web.subscriptions u CROSS JOIN LATERAL (SELECT held.instrument,
    (held.own ->> ('sub_' || replace(u.id::text, '-', '')))::numeric AS quantity
    FROM web.positions held WHERE held.connection_id = u.connection_id
        AND held.tenant_id = u.tenant_id AND held.quantity <> 0 OFFSET 0) p
WHERE u.strategy_id = w.id AND u.tenant_id = web.current_tenant()
"""
_WHERE = {
    "platform": "",
    "tenant": "",
    "connection": "AND p.connection_id = w.id",
    "broker": "AND p.connection_id IN (SELECT c.id FROM web.connections c "
    "JOIN web.broker_accounts a ON a.id = c.broker_account_id "
    "WHERE web.broker_id(a.broker, a.environment) = w.id)",
}
_OF_TRADES = "AND o.trade_id IS NOT NULL"
_OF_STRATEGY = (
    "AND EXISTS (SELECT FROM web.trades t WHERE t.id = o.trade_id AND t.strategy_id = w.id)"
)
_MEETS = """
SELECT w.id AS scope_id, m.* FROM unnest(CAST(:ids AS uuid[])) AS w (id) CROSS JOIN LATERAL (
SELECT h.connection_id, h.instrument, h.quantity, coalesce(s.guarded, 0) AS guarded
FROM ({held}) h
LEFT JOIN LATERAL (SELECT sum(o.order_qty - o.cum_qty) AS guarded FROM web.orders o
    WHERE o.connection_id = h.connection_id AND o.instrument = h.instrument AND o.leg = 'stop'
        AND o.tenant_id = web.current_tenant() AND o.ord_status = ANY (:open) {of}) s ON true
WHERE h.quantity <> 0 {wanted}
ORDER BY h.connection_id, h.instrument LIMIT :most) m
ORDER BY 1, 2, 3
"""
_WANTED = {False: "", True: "AND coalesce(s.guarded, 0) < abs(h.quantity)"}
# By scope, and whether only what is bare is wanted.
_STATEMENTS = {
    (scope, bare): _MEETS.format(held=_HELD.format(where=where), of=_OF_TRADES, wanted=wanted)
    for scope, where in _WHERE.items()
    for bare, wanted in _WANTED.items()
} | {
    ("strategy", bare): _MEETS.format(held=_HELD_OF_STRATEGY, of=_OF_STRATEGY, wanted=wanted)
    for bare, wanted in _WANTED.items()
}


@dataclass(frozen=True)
class Open:
    """What is open of one instrument on one connection; `guarded` is what a stop would close."""

    connection: Connection
    instrument: str
    quantity: Decimal
    guarded: Decimal


@dataclass(frozen=True)
class Meets:
    """What is open in a scope, or of that what nothing guards; some of it, where it is much."""

    positions: Sequence[Open]
    has_more: bool


def meets(scope: str, scope_id: UUID, *, bare: bool, most: int = MOST) -> Meets:
    """The positions that a switch of this tenant meets, as last heard; with `bare` those that no
    stop at the broker closes wholly."""
    return meets_each(scope, [scope_id], bare=bare, most=most)[scope_id]


def meets_each(
    scope: str, scope_ids: Sequence[UUID], *, bare: bool, most: int = MOST
) -> Mapping[UUID, Meets]:
    """The same of each of these; two queries."""
    rows = db.session.execute(
        text(_STATEMENTS[scope, bare]),
        {"ids": list(scope_ids), "most": most + 1, "open": list(OPEN_ORD_STATUSES)},
    ).all()
    met: dict[UUID, list[Row[Any]]] = {each: [] for each in scope_ids}
    for row in rows:
        met[row.scope_id].append(row)
    found = connections.named(row.connection_id for each in met.values() for row in each[:most])
    return {
        each: Meets(
            [
                Open(found[r.connection_id], r.instrument, r.quantity, r.guarded)
                for r in all_[:most]
            ],
            len(all_) > most,
        )
        for each, all_ in met.items()
    }


def working(scope: str, scope_id: UUID) -> int:
    """How many orders of a scope work at their brokers."""
    query = select(func.count()).select_from(Order)
    query = query.where(mine(Order), Order.ord_status.in_(OPEN_ORD_STATUSES))
    if scope == "strategy":
        query = query.join(Trade, Trade.id == Order.trade_id)
        query = query.where(Trade.strategy_id == scope_id)
    elif scope == "connection":
        query = query.where(Order.connection_id == scope_id)
    elif scope == "broker":
        query = query.where(Order.connection_id.in_(_at_broker(scope_id)))
    return db.session.scalar(query.where(Order.trade_id.is_not(None))) or 0


def names(on: Sequence[On | Switch]) -> Mapping[UUID, str]:
    """What the strategies, connections and brokers of these switches are called."""
    wanted = [each.scope_id for each in on]
    strategies = select(Strategy.id, Strategy.name).where(Strategy.id.in_(wanted))
    connections = select(Connection.id, Connection.name).where(Connection.id.in_(wanted))
    found = {row[0]: row[1] for row in db.session.execute(strategies.union_all(connections))}
    if any(each.scope == "broker" for each in on):
        brokers = select(BrokerAccount.broker, BrokerAccount.environment).distinct()
        mine_of = brokers.join(Connection).where(mine(Connection))
        for broker, environment in db.session.execute(mine_of):
            found[ids.broker_id(broker, environment)] = f"{broker} {environment}"
    return found


def _at_broker(broker_id: UUID) -> Select[UUID]:
    """The tenant's connections to one environment of a broker."""
    at = func.web.broker_id(BrokerAccount.broker, BrokerAccount.environment)
    return select(Connection.id).join(BrokerAccount).where(mine(Connection), at == broker_id)
