"""Trades, orders and positions as pages and API show them. Few queries a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import selectinload

from web.connections.models import Connection
from web.db import db
from web.paging import Page, newest_first
from web.strategies.models import Strategy
from web.trades.models import Fill, Order, Position, Trade

# An older price says nothing about now.
QUOTE_AGE = timedelta(days=1)

_WAITS = Trade.approval_expires_at.is_not(None) | Trade.release_at.is_not(None)


def with_orders(query: Select[Trade]) -> Select[Trade]:
    """Load orders and fills along: two more queries, however many trades."""
    return query.options(selectinload(Trade.orders).selectinload(Order.fills))


def of_signals(signal_ids: Sequence[UUID]) -> Mapping[UUID, list[Trade]]:
    """This tenant's trades of these signals, with orders and fills."""
    found: dict[UUID, list[Trade]] = {signal_id: [] for signal_id in signal_ids}
    query = with_orders(select(Trade)).where(Trade.signal_id.in_(signal_ids))
    for trade in db.session.scalars(query.order_by(Trade.subscription_id)):
        if trade.signal_id is not None:
            found[trade.signal_id].append(trade)
    return found


def load_orders(trade: Trade) -> Trade:
    """The trade again, with its orders and fills."""
    query = with_orders(select(Trade)).where(Trade.id == trade.id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def trade_page(*, limit: int, cursor: str | None) -> Page[Trade]:
    """This tenant's trades, newest first. Raises BadCursor."""
    return newest_first(
        select(Trade),
        Trade.accepted_at,
        Trade.id,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def order_page(*, limit: int, cursor: str | None) -> Page[Order]:
    """This tenant's orders with their fills, newest first. Raises BadCursor."""
    return newest_first(
        select(Order).options(selectinload(Order.fills)),
        Order.created_at,
        Order.id,
        lambda row: (row.created_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def positions() -> Sequence[Position]:
    """This tenant's positions, by connection and instrument."""
    return db.session.scalars(
        select(Position).order_by(Position.connection_id, Position.instrument)
    ).all()


def connections() -> Mapping[UUID, Connection]:
    """This tenant's connections by id, for naming them in lists."""
    return {connection.id: connection for connection in db.session.scalars(select(Connection))}


@dataclass(frozen=True)
class Quote:
    """The last price we know of an instrument: that of this tenant's own last fill."""

    price: Decimal
    at: datetime

    def drift_percent(self, signal_price: str | None) -> Decimal | None:
        """How far the price went since the signal; None when it named none."""
        then = Decimal(signal_price or 0)
        return ((self.price / then - 1) * 100).quantize(Decimal("0.01")) if then else None


def waiting_page(*, states: Sequence[str], limit: int, cursor: str | None) -> Page[Trade]:
    """This tenant's trades that wait in these states, newest first. Raises BadCursor."""
    return newest_first(
        with_orders(select(Trade)).where(_WAITS, Trade.state.in_(states)),
        Trade.accepted_at,
        Trade.id,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def last_quotes(trades: Sequence[Trade]) -> Mapping[str, Quote]:
    """The last known price of each instrument of these trades, where one is a day old at most."""
    wanted = sorted({trade.instrument for trade in trades})
    if not wanted:
        return {}
    rows = db.session.execute(
        select(Fill.instrument, Fill.price, Fill.at)
        .ext(distinct_on(Fill.instrument))
        .where(Fill.instrument.in_(wanted), Fill.at > func.now() - QUOTE_AGE)
        .order_by(Fill.instrument, Fill.at.desc())
    )
    return {instrument: Quote(price, at) for instrument, price, at in rows}


def strategy_names(trades: Sequence[Trade]) -> Mapping[UUID, str]:
    """The names of the strategies of these trades, by id."""
    wanted = {trade.strategy_id for trade in trades}
    if not wanted:
        return {}
    rows = db.session.execute(select(Strategy.id, Strategy.name).where(Strategy.id.in_(wanted)))
    return {row.id: row.name for row in rows}
