"""Strategies as the list shows them: one query, however many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from web.connections.models import Connection
from web.db import current_tenant, db
from web.strategies.models import Strategy, StrategyIntake
from web.subscriptions.models import Subscription


@dataclass(frozen=True)
class Overview:
    """One row of the list."""

    strategy: Strategy
    signals: int
    last_accepted_at: datetime | None
    subscriptions: int
    enabled: int
    modes: tuple[str, ...]


def overview() -> Sequence[Overview]:
    """This tenant's own strategies, oldest first."""
    joined = (
        select(
            Subscription.strategy_id,
            func.count().label("all"),
            func.count(case((Subscription.enabled, 1))).label("enabled"),
            func.array_agg(Connection.mode.distinct()).label("modes"),
        )
        .join(Connection, Connection.id == Subscription.connection_id)
        .group_by(Subscription.strategy_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Strategy, StrategyIntake, joined.c.all, joined.c.enabled, joined.c.modes)
        .join(StrategyIntake, StrategyIntake.strategy_id == Strategy.id)
        .outerjoin(joined, joined.c.strategy_id == Strategy.id)
        .where(Strategy.tenant_id == current_tenant())
        .order_by(Strategy.created_at, Strategy.id)
    )
    return [
        Overview(
            strategy,
            intake.seq,
            intake.last_accepted_at,
            total or 0,
            enabled or 0,
            tuple(modes or ()),
        )
        for strategy, intake, total, enabled, modes in rows
    ]
