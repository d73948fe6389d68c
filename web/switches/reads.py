"""What a switch would meet: open positions and working orders in its scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, true

from protos import ids
from web.connections.models import BrokerAccount, Connection
from web.db import db, mine
from web.strategies.models import Strategy
from web.subscriptions.models import Subscription
from web.switches.models import Switch
from web.switches.rules import On
from web.trades.models import OPEN_ORD_STATUSES, Order, Position, Trade

# No page shows more.
MOST = 200
ZERO = Decimal(0)


@dataclass(frozen=True)
class Open:
    """What is open of one instrument on one connection; `guarded` is what a stop would close."""

    connection: Connection
    instrument: str
    quantity: Decimal
    guarded: Decimal

    @property
    def is_unprotected(self) -> bool:
        """True when no stop at the broker closes all of it."""
        return self.guarded < abs(self.quantity)


@dataclass(frozen=True)
class Meets:
    """What is open in a scope."""

    positions: Sequence[Open]
    orders: int

    @property
    def unprotected(self) -> Sequence[Open]:
        """Positions that nothing guards."""
        return [each for each in self.positions if each.is_unprotected]


def meets(scope: str, scope_id: UUID) -> Meets:
    """What a switch of this tenant meets, as last heard."""
    of_strategy = _subscriptions(scope_id) if scope == "strategy" else None
    open_orders = db.session.execute(
        select(Order.connection_id, Order.instrument, Order.leg, Order.order_qty, Order.cum_qty)
        .join(Trade, Trade.id == Order.trade_id)
        .where(mine(Order), Order.ord_status.in_(OPEN_ORD_STATUSES), _in_scope(scope, scope_id))
    ).all()
    guarded: dict[tuple[UUID, str], Decimal] = {}
    for connection_id, instrument, leg, quantity, filled in open_orders:
        if leg == "stop":
            key = (connection_id, instrument)
            guarded[key] = guarded.get(key, ZERO) + quantity - filled
    rows = db.session.execute(
        select(Position, Connection)
        .join(Connection, Connection.id == Position.connection_id)
        .where(mine(Position), Position.quantity != 0, _is_on(scope, scope_id))
        .order_by(Connection.name, Position.instrument)
        .limit(MOST)
    ).all()
    found = [
        Open(
            connection,
            p.instrument,
            quantity,
            guarded.get((connection.id, p.instrument), ZERO),
        )
        for p, connection in rows
        if (quantity := _quantity(p, of_strategy))
    ]
    return Meets(found, len(open_orders))


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


def _quantity(position: Position, of: set[str] | None) -> Decimal:
    """All of it; of a strategy what its subscriptions hold."""
    if of is None:
        return position.quantity
    own = {key.removeprefix("sub_"): Decimal(value) for key, value in position.own.items()}
    return sum((value for key, value in own.items() if key in of), ZERO)


def _subscriptions(strategy_id: UUID) -> set[str]:
    rows = select(Subscription.id).where(Subscription.strategy_id == strategy_id)
    return {row.hex for row in db.session.scalars(rows)}


def _in_scope(scope: str, scope_id: UUID) -> ColumnElement[bool]:
    if scope == "broker":
        return Trade.connection_id.in_(_at_broker(scope_id))
    column = {"strategy": Trade.strategy_id, "connection": Trade.connection_id}.get(scope)
    return true() if column is None else column == scope_id


def _is_on(scope: str, scope_id: UUID) -> ColumnElement[bool]:
    if scope == "broker":
        return Position.connection_id.in_(_at_broker(scope_id))
    return Position.connection_id == scope_id if scope == "connection" else true()


def _at_broker(broker_id: UUID) -> Select[UUID]:
    """The tenant's connections to one environment of a broker."""
    at = func.web.broker_id(BrokerAccount.broker, BrokerAccount.environment)
    return select(Connection.id).join(BrokerAccount).where(mine(Connection), at == broker_id)
