"""Trades, orders and positions as pages and API show them. Few queries a page."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from web.connections.models import Connection
from web.db import db
from web.paging import Page, newest_first
from web.trades.models import Order, Position, Trade


def with_orders(query: Select[Trade]) -> Select[Trade]:
    """Load orders and fills along: two more queries, however many trades."""
    return query.options(selectinload(Trade.orders).selectinload(Order.fills))


def of_signals(signal_ids: Sequence[UUID]) -> Mapping[UUID, list[Trade]]:
    """This tenant's trades of these signals, with orders and fills."""
    found: dict[UUID, list[Trade]] = {signal_id: [] for signal_id in signal_ids}
    query = with_orders(select(Trade)).where(Trade.signal_id.in_(signal_ids))
    for trade in db.session.scalars(query.order_by(Trade.subscription_id)):
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
