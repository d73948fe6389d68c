"""Strategies as the list shows them: two queries a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from protos import ids
from web.db import current_tenant, db
from web.paging import Moment, Page, in_order
from web.strategies.models import Strategy, StrategyIntake

# Subscriptions of one strategy.
MOST_COUNTED = 500
_JOINED = """
SELECT w.id, count(s.id) AS joined, count(*) FILTER (WHERE s.enabled) AS enabled,
    array_agg(DISTINCT s.mode) FILTER (WHERE s.mode IS NOT NULL) AS modes
FROM unnest(CAST(:wanted AS uuid[])) AS w (id)
LEFT JOIN LATERAL (SELECT s.id, s.enabled,
        (SELECT c.mode FROM web.connections c WHERE c.id = s.connection_id) AS mode
    FROM web.subscriptions s
    WHERE s.strategy_id = w.id AND s.tenant_id = web.current_tenant() LIMIT :most) s ON true
GROUP BY w.id
"""


@dataclass(frozen=True)
class Overview:
    """One row of the list."""

    strategy: Strategy
    signals: int
    last_accepted_at: datetime | None
    # Counted up to a number; more are as many and more.
    subscriptions: int
    enabled: int
    has_more: bool
    modes: tuple[str, ...]


def overview(*, sought: str = "", limit: int, cursor: str | None) -> Page[Overview]:
    """This tenant's own strategies, oldest first; those that are called so. Raises BadCursor."""
    query = select(Strategy, StrategyIntake).where(Strategy.tenant_id == current_tenant())
    query = query.join(StrategyIntake, StrategyIntake.strategy_id == Strategy.id)
    if sought:
        asked = ids.read("strategy", sought)
        called = Strategy.name.icontains(sought, autoescape=True)
        query = query.where(called if asked is None else Strategy.id == asked)
    page = in_order(
        query,
        (Strategy.created_at, Strategy.id),
        Moment,
        lambda row: (row[0].created_at, row[0].id),
        limit=limit,
        cursor=cursor,
    )
    return Page(_seen(page.rows), page.next_cursor)


def _seen(rows: Sequence[tuple[Strategy, StrategyIntake]]) -> list[Overview]:
    """These with their subscriptions; one more query."""
    wanted = [strategy.id for strategy, _ in rows]
    if not wanted:
        return []
    counts = {row.id: row for row in db.session.execute(text(_JOINED), _given(wanted))}
    return [
        Overview(
            strategy,
            intake.seq,
            intake.last_accepted_at,
            counts[strategy.id].joined,
            counts[strategy.id].enabled,
            counts[strategy.id].joined > MOST_COUNTED,
            tuple(counts[strategy.id].modes or ()),
        )
        for strategy, intake in rows
    ]


def _given(wanted: Sequence[UUID]) -> dict[str, Any]:
    return {"wanted": list(wanted), "most": MOST_COUNTED + 1}
