"""The site's side of waiting trades, beside the road's: people deciding, time passing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask

from protos import ids
from tests import factories
from tests.integration.road_kit import Road
from web import timers
from web.db import get_for_tenant, tenant_scope
from web.trades.approval import NotWaiting, Paused
from web.trades.models import Trade

ANN, BOB = "person:ann", "person:bob"


@dataclass
class Desk:
    """The site's side: people deciding, each on a connection of their own."""

    app: Flask
    road: Road

    def do(self, verb: Callable[..., Trade], trade_id: UUID, actor: str = ANN) -> str:
        """`won` or `lost`, or `paused`."""
        [tenant] = self.road.owner.execute(
            "SELECT tenant_id FROM web.trades WHERE id = %s", (trade_id,)
        ).fetchone() or [None]
        assert tenant is not None
        with self.app.app_context(), tenant_scope(tenant):
            try:
                verb(get_for_tenant(Trade, trade_id), actor=actor)
            except NotWaiting:
                return "lost"
            except Paused:
                return "paused"
        return "won"

    def state(self, trade_id: UUID) -> tuple[Any, ...]:
        row = self.road.owner.execute(
            "SELECT state, reason FROM web.trades WHERE id = %s", (trade_id,)
        ).fetchone()
        assert row is not None
        return row

    def turn(self) -> list[str]:
        """One turn of the timers; what it rang."""
        rings: list[str] = []
        timers.turn(self.road.pool, lambda: rings.append("ring"))
        return rings

    def pass_time(self, trade_id: UUID, seconds: float) -> None:
        """As if that much had passed for this trade's timers."""
        self.road.owner.execute(
            "UPDATE web.trades SET approval_expires_at = approval_expires_at - %(by)s, "
            "release_at = release_at - %(by)s WHERE id = %(id)s",
            {"id": trade_id, "by": timedelta(seconds=seconds)},
        )


@dataclass
class Waiting:
    """A strategy whose subscription asks before it submits, with one trade that waits."""

    strategy: factories.Strategy
    subscription: factories.Subscription
    trade_id: UUID


def wait(road: Road, **fields: Any) -> Waiting:
    strategy = factories.strategy(road.owner)
    subscription = factories.subscription(road.owner, strategy, auto_submit=False)
    signal_id = road.signal(strategy, **fields)
    road.drain.drain_due()
    return Waiting(strategy, subscription, ids.trade_id(signal_id, subscription.id))
