"""What happened to signals during game days."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from protos import wire
from protos.execution.v1 import simulation_pb2 as pb
from web.connections import gameday
from web.connections.gameday import Kind
from web.connections.models import PositionChange
from web.db import db
from web.trades.models import Order, Trade

MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class Happened:
    """One misdeed, the order that it hit, and what became of that."""

    at: datetime
    kind: Kind
    delay_ms: int
    cl_ord_id: str
    order: Order | None
    trade: Trade | None

    @property
    def answer(self) -> str:
        """What Fillwire did about it."""
        if self.order is None:
            return "The order is of no signal."
        return gameday.answer(self.kind, self.order.ord_status)


@dataclass(frozen=True, slots=True)
class Summary:
    """What all of it came to."""

    by_kind: Sequence[tuple[str, int]]
    orders: int
    filled: int
    working: int
    other: int


def report(connection_id: UUID, misdeeds: Sequence[pb.Misdeed]) -> list[Happened]:
    """Each misdeed with its order and trade, newest first; three queries."""
    names = {each.cl_ord_id for each in misdeeds}
    query = (
        select(Order)
        .options(selectinload(Order.fills))
        .where(Order.connection_id == connection_id, Order.cl_ord_id.in_(names))
    )
    orders = {order.cl_ord_id: order for order in db.session.scalars(query)}
    wanted = {order.trade_id for order in orders.values()}
    trades = {row.id: row for row in db.session.scalars(select(Trade).where(Trade.id.in_(wanted)))}
    found: list[Happened] = []
    for each in misdeeds:
        kind, at = gameday.BY_NUMBER.get(each.kind), wire.to_datetime(each.time)
        if kind is None or at is None:
            continue
        order = orders.get(each.cl_ord_id)
        trade = trades.get(order.trade_id) if order and order.trade_id else None
        found.append(Happened(at, kind, each.delay_ms, each.cl_ord_id, order, trade))
    return found


def changes(connection_id: UUID) -> Sequence[PositionChange]:
    """What moved positions without a fill, newest first."""
    query = select(PositionChange).where(PositionChange.connection_id == connection_id)
    query = query.order_by(PositionChange.at.desc(), PositionChange.instrument.desc())
    return db.session.scalars(query.limit(MOST_CHANGES)).all()


def summary(rows: Sequence[Happened]) -> Summary:
    """Counts by kind and by what became of the orders."""
    kinds = Counter(row.kind.label for row in rows)
    orders = {row.cl_ord_id: row.order for row in rows}
    states = Counter(order.ord_status if order else "" for order in orders.values())
    filled = states["FILLED"]
    working = states["PENDING_NEW"] + states["NEW"] + states["PARTIALLY_FILLED"]
    return Summary(
        kinds.most_common(), len(orders), filled, working, len(orders) - filled - working
    )
