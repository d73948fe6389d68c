"""What the settings screens read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, text

from web.db import db, mine
from web.signals import models
from web.signals.rules import Signal, from_json
from web.strategies.models import Strategy
from web.subscriptions import settings
from web.subscriptions.models import Subscription
from web.subscriptions.settings import Source
from web.trades.models import Trade

# Of those that a change reaches.
MOST_NAMED = 20


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


# Of the subscriptions that have a value of their own for a setting, how many by setting.
_OWN = f"""
SELECT own.key, count(*) FROM web.subscriptions s, jsonb_each(s.settings) AS own
WHERE s.tenant_id = web.current_tenant() AND s.strategy_id = :strategy
    AND own.value ->> 'source' <> '{Source.STRATEGY}' AND own.value ->> 'value' IS NOT NULL
GROUP BY own.key
"""


def inheriting(strategy: Strategy) -> dict[str, int]:
    """By setting: how many subscriptions' value is the strategy's, or becomes it."""
    counted = select(func.count()).select_from(Subscription).where(_joined(strategy))
    joined = db.session.scalar(counted) or 0
    rows = db.session.execute(text(_OWN), {"strategy": strategy.id})
    own: dict[str, int] = {name: count for name, count in rows}
    return {
        setting.name: joined - own.get(setting.part_of or setting.name, 0)
        for setting in settings.OF_STRATEGY
    }


@dataclass(frozen=True)
class Affected:
    """What a change of a strategy's settings reaches; some of the subscriptions by name, each
    with the labels of what changes."""

    count: int
    named: Sequence[tuple[str, Sequence[str]]]


def affected(strategy: Strategy, names: Iterable[str]) -> Affected:
    """The subscriptions that inherit any of these settings."""
    changed = [settings.BY_NAME[name] for name in names if name in settings.BY_NAME]
    changed = [setting for setting in changed if setting in settings.OF_STRATEGY]
    if not changed:
        return Affected(0, [])
    inherits = or_(*(_inherits(setting.part_of or setting.name) for setting in changed))
    reached = select(Subscription).where(_joined(strategy), inherits)
    count = db.session.scalar(select(func.count()).select_from(reached.subquery())) or 0
    rows = db.session.scalars(
        reached.order_by(Subscription.created_at, Subscription.id).limit(MOST_NAMED)
    )
    named = (
        (
            row.connection.name,
            [each.label for each in changed if _does_inherit(row, each.part_of or each.name)],
        )
        for row in rows
    )
    return Affected(count, sorted(named))


def _joined(strategy: Strategy) -> ColumnElement[bool]:
    return and_(mine(Subscription), Subscription.strategy_id == strategy.id)


def _inherits(name: str) -> ColumnElement[bool]:
    stored = Subscription.settings[name]
    return or_(stored["value"].astext.is_(None), stored["source"].astext == Source.STRATEGY.value)


def _does_inherit(row: Subscription, name: str) -> bool:
    stored = row.settings.get(name)
    return stored is None or stored["source"] == Source.STRATEGY or stored["value"] is None
