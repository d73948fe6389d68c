"""Trades, orders and positions as pages and API show them. Few queries a page."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, case, column, func, or_, select, true, values
from sqlalchemy.orm import selectinload

from web.connections.models import Connection
from web.db import db, mine
from web.paging import Page, in_order, newest_first
from web.signals.models import Signal as Stored
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


def of_signals(signal_ids: Sequence[UUID], *, most: int) -> Mapping[UUID, tuple[list[Trade], bool]]:
    """This tenant's first trades of each of these signals, with orders and fills; and whether
    there are more."""
    found: dict[UUID, list[Trade]] = {signal_id: [] for signal_id in signal_ids}
    if not found:
        return {}
    wanted = values(column("id", Uuid), name="wanted").data([(each,) for each in signal_ids])
    first = (
        select(Trade.id)
        .where(mine(Trade), Trade.signal_id == wanted.c.id)
        .order_by(Trade.subscription_id)
        .limit(most + 1)
        .lateral()
    )
    chosen = select(first.c.id).select_from(wanted.join(first, true()))
    query = with_orders(select(Trade)).where(mine(Trade), Trade.id.in_(chosen))
    for trade in db.session.scalars(query.order_by(Trade.subscription_id)):
        if trade.signal_id is not None:
            found[trade.signal_id].append(trade)
    return {each: (rows[:most], len(rows) > most) for each, rows in found.items()}


def load_orders(trade: Trade) -> Trade:
    """The trade again, with its orders and fills."""
    query = with_orders(select(Trade)).where(Trade.id == trade.id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def trade_page(*, orders: bool = False, limit: int, cursor: str | None) -> Page[Trade]:
    """This tenant's trades, newest first, or with their orders as well. Raises BadCursor."""
    query = select(Trade).where(mine(Trade))
    return newest_first(
        with_orders(query) if orders else query,
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


def of_signal_page(
    signal_id: UUID, *, state: str = "", limit: int, cursor: str | None
) -> Page[Trade]:
    """This tenant's trades of a signal with orders and fills. Raises BadCursor."""
    query = with_orders(select(Trade)).where(mine(Trade), Trade.signal_id == signal_id)
    return in_order(
        query.where(Trade.state == state) if state else query,
        (Trade.subscription_id,),
        tuple[UUID],
        lambda row: (row.subscription_id,),
        limit=limit,
        cursor=cursor,
    )


def outcomes(signal_id: UUID) -> Sequence[Row[str, str | None, int]]:
    """How many of a signal's trades went how and why, the most first."""
    count = func.count().label("count")
    query = select(Trade.state, Trade.reason, count).where(
        mine(Trade), Trade.signal_id == signal_id
    )
    rows = db.session.execute(
        query.group_by(Trade.state, Trade.reason).order_by(count.desc(), Trade.state)
    )
    return rows.all()


def position_page(*, sought: str = "", limit: int, cursor: str | None) -> Page[Position]:
    """This tenant's positions, by connection and instrument; those of an instrument or on a
    connection that is called so. Raises BadCursor."""
    query = select(Position).where(mine(Position))
    if sought:
        query = query.join(Connection, Connection.id == Position.connection_id)
        query = query.where(
            or_(
                Position.instrument.icontains(sought, autoescape=True),
                Connection.name.icontains(sought, autoescape=True),
            )
        )
    return in_order(
        query,
        (Position.connection_id, Position.instrument),
        tuple[UUID, str],
        lambda row: (row.connection_id, row.instrument),
        limit=limit,
        cursor=cursor,
    )


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


def strategy_names(rows: Sequence[Trade | Stored]) -> Mapping[UUID, str]:
    """The names of the strategies of these trades or signals, by id."""
    wanted = {row.strategy_id for row in rows}
    if not wanted:
        return {}
    named = db.session.execute(select(Strategy.id, Strategy.name).where(Strategy.id.in_(wanted)))
    return {row.id: row.name for row in named}
