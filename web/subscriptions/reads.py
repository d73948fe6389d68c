"""What the settings screens read."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from web.db import db
from web.signals import models
from web.signals.rules import Signal, from_json
from web.strategies.models import Strategy
from web.subscriptions import service, settings
from web.subscriptions.models import Subscription
from web.subscriptions.settings import Source
from web.trades.models import Trade


def last_signal(subscription: Subscription) -> Signal | None:
    """The newest real one; of another tenant's strategy, as one's own trade copied it."""
    stored = db.session.scalar(
        select(models.Signal.parsed)
        .where(models.Signal.strategy_id == subscription.strategy_id)
        .order_by(models.Signal.seq.desc())
        .limit(1)
    ) or db.session.scalar(
        select(Trade.signal)
        .where(Trade.subscription_id == subscription.id)
        .order_by(Trade.signal_seq.desc())
        .limit(1)
    )
    try:
        return from_json(stored) if stored else None
    except msgspec.ValidationError:
        return None


def inheriting(strategy: Strategy) -> dict[str, Sequence[Subscription]]:
    """By setting: the subscriptions whose value is the strategy's, or becomes it."""
    joined = service.of_strategy(strategy)
    return {
        setting.name: [row for row in joined if _inherits(row, setting.part_of or setting.name)]
        for setting in settings.OF_STRATEGY
    }


def _inherits(row: Subscription, name: str) -> bool:
    stored = row.settings.get(name)
    return stored is None or stored["source"] == Source.STRATEGY or stored["value"] is None
