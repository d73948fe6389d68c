"""Trades, orders and positions as pages and API show them. Few queries a page."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import selectinload

from web.connections.models import Connection
from web.db import db, mine
from web.paging import Page, newest_first
from web.signals.rules import Signal
from web.strategies.models import Strategy
from web.subscriptions.models import Subscription
from web.trades import rules, standing
from web.trades.models import Order, Position, Trade

# No market is closed for longer.
LONGEST_CLOSED = timedelta(days=14)

_WAITS = Trade.approval_expires_at.is_not(None) | Trade.release_at.is_not(None)
# What execution holds until its market opens has no time of ours; there is an index of reasons.
_HELD = (
    (Trade.state == "QUEUED")
    & (Trade.reason == "market_closed")
    & (Trade.accepted_at > func.now() - LONGEST_CLOSED)
)


def with_orders(query: Select[Trade]) -> Select[Trade]:
    """Load orders and fills along: two more queries, however many trades."""
    return query.options(selectinload(Trade.orders).selectinload(Order.fills))


def of_signals(signal_ids: Sequence[UUID]) -> Mapping[UUID, list[Trade]]:
    """This tenant's trades of these signals, with orders and fills."""
    found: dict[UUID, list[Trade]] = {signal_id: [] for signal_id in signal_ids}
    query = with_orders(select(Trade)).where(mine(Trade), Trade.signal_id.in_(signal_ids))
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
        select(Trade).where(mine(Trade)),
        Trade.accepted_at,
        Trade.id,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def order_page(*, limit: int, cursor: str | None) -> Page[Order]:
    """This tenant's orders with their fills, newest first. Raises BadCursor."""
    return newest_first(
        select(Order).where(mine(Order)).options(selectinload(Order.fills)),
        Order.created_at,
        Order.id,
        lambda row: (row.created_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def positions() -> Sequence[Position]:
    """This tenant's positions, by connection and instrument."""
    query = select(Position).where(mine(Position))
    return db.session.scalars(query.order_by(Position.connection_id, Position.instrument)).all()


def stands(subscription: Subscription, signal: Signal, asset_class: str) -> str:
    """Which way a subscription stands in a signal's underlying, as far as fills are known."""
    found = db.session.scalars(
        select(Position).where(Position.connection_id == subscription.connection_id)
    )
    own = standing.own_of({row.instrument: row.own for row in found}, subscription.id)
    return standing.stands(own, signal, asset_class)


def ended_by(subscription: Subscription, signal: Signal) -> int:
    """How many waiting trades of a subscription a signal ends, were it to go now."""
    sentiment = func.coalesce(Trade.signal["sentiment"].astext, "")
    said = Trade.signal["action"].astext + " " + sentiment
    kind = case((Trade.numbers.op("?")("entry_refused"), "exit "), else_=said)
    query = select(func.count()).where(
        _WAITS | Trade.handover_due,
        Trade.subscription_id == subscription.id,
        Trade.instrument == signal.instrument,
        kind.in_(rules.superseded_by(signal)),
    )
    if (tag := rules.meant_by_name(signal)) is not None:
        query = query.where(Trade.signal["client_tag"].astext == tag)
    return db.session.scalar(query) or 0


def connections() -> Mapping[UUID, Connection]:
    """This tenant's connections by id, for naming them in lists."""
    query = select(Connection).where(mine(Connection))
    return {connection.id: connection for connection in db.session.scalars(query)}


def waiting_page(*, states: Sequence[str], limit: int, cursor: str | None) -> Page[Trade]:
    """This tenant's trades that wait in these states, newest first. Raises BadCursor."""
    # Only what execution may hold is looked for among all trades.
    waits = _WAITS | _HELD if "QUEUED" in states else _WAITS
    return newest_first(
        with_orders(select(Trade)).where(mine(Trade), waits, Trade.state.in_(states)),
        Trade.accepted_at,
        Trade.id,
        lambda row: (row.accepted_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def strategy_names(trades: Sequence[Trade]) -> Mapping[UUID, str]:
    """The names of the strategies of these trades, by id."""
    wanted = {trade.strategy_id for trade in trades}
    if not wanted:
        return {}
    rows = db.session.execute(select(Strategy.id, Strategy.name).where(Strategy.id.in_(wanted)))
    return {row.id: row.name for row in rows}
