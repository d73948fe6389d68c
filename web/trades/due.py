"""What the drain reads: due strategies, their signals, and who subscribes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from web.signals import rules as language
from web.signals.rules import Signal
from web.switches.rules import On
from web.switches.rules import read as read_switches
from web.trades.messages import Destination

log = structlog.get_logger()

# What stands for a signal that cannot be read; its trades end at once.
UNREADABLE = Signal(dialect="unknown", ticker="?", instrument="?", action="")

# Strategies in one transaction, and signals of one strategy.
STRATEGIES = 100
SIGNALS = 20
# A span that ended longer ago than a signal can wait does not matter any more.
SPAN_MEMORY = "1 hour"

_DUE = f"SELECT * FROM web.lock_due(%s, %s, {STRATEGIES}, {SIGNALS})"

_SUBSCRIPTIONS = f"""
SELECT s.strategy_id, s.id, s.tenant_id, s.connection_id, s.enabled, s.settings::text, s.version,
       c.mode, b.broker, b.environment, b.account, p.enabled_at, p.disabled_at
FROM web.subscriptions s
JOIN web.connections c ON c.id = s.connection_id
JOIN web.broker_accounts b ON b.id = c.broker_account_id
JOIN web.subscription_spans p ON p.subscription_id = s.id
WHERE s.strategy_id = ANY(%s)
  AND (p.disabled_at IS NULL OR p.disabled_at > now() - interval '{SPAN_MEMORY}')
ORDER BY s.id
"""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One span in which a subscription was enabled."""

    destination: Destination
    enabled: bool
    mode: str
    settings: Mapping[str, Any]
    # Equal for equal settings: what is worked out once serves all who share it.
    settings_key: str
    settings_version: int
    enabled_at: datetime
    disabled_at: datetime | None

    def covers(self, at: datetime) -> bool:
        """Was the subscription enabled when the signal was accepted?"""
        return self.enabled_at <= at and (self.disabled_at is None or at < self.disabled_at)


@dataclass(frozen=True, slots=True)
class DueSignal:
    """A signal whose trades are not made yet."""

    id: UUID
    seq: int
    signal: Signal
    stored: Mapping[str, Any]
    received_at: datetime
    accepted_at: datetime
    dequeued_at: datetime


@dataclass(slots=True)
class DueStrategy:
    """A strategy that we hold the drain lock of."""

    id: UUID
    tenant_id: UUID
    version: int
    drained_seq: int
    handed_seq: int
    enabled: bool
    settings: Mapping[str, Any]
    asset_class: str
    # Some trade of it was held back: it may be superseded, or was let go and is to be handed over.
    has_held: bool
    # Kill switches that are on, anywhere.
    switches: Sequence[On] = ()
    subscribers: Sequence[Subscriber] = ()
    signals: list[DueSignal] = field(default_factory=list)

    @property
    def has_more_to_hand(self) -> bool:
        """True when something is to be handed over beside its due signals."""
        return self.has_held or self.handed_seq != self.drained_seq


class Subscribers:
    """Who subscribes to a strategy, remembered for as long as its version stands."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[int, Sequence[Subscriber]]] = {}

    def fill(self, connection: Connection[TupleRow], strategies: Sequence[DueStrategy]) -> None:
        """Give each strategy its subscribers, reading those not known at its version."""
        missing = [s for s in strategies if self._known.get(s.id, (0, ()))[0] != s.version]
        if missing:
            found: dict[UUID, list[Subscriber]] = defaultdict(list)
            for row in connection.execute(_SUBSCRIPTIONS, ([s.id for s in missing],)):
                found[row[0]].append(_subscriber(row))
            for strategy in missing:
                self._known[strategy.id] = (strategy.version, tuple(found[strategy.id]))
        for strategy in strategies:
            strategy.subscribers = self._known[strategy.id][1]


def lock_due(
    connection: Connection[TupleRow], *, older_than_seconds: float, resting: Sequence[UUID] = ()
) -> Sequence[DueStrategy]:
    """Strategies with undone signals or trades let go, each locked, with their signals.

    The locks are this connection's; the next call releases them, and so does `unlock`. Those
    that another holds are left to it, `resting` ones alone.
    """
    found: dict[UUID, DueStrategy] = {}
    for row in connection.execute(_DUE, (older_than_seconds, list(resting))):
        strategy_id, signal_id = row[0], row[10]
        if strategy_id not in found:
            found[strategy_id] = DueStrategy(*row[:9])
            found[strategy_id].switches = read_switches(row[9])
        if signal_id is not None:
            found[strategy_id].signals.append(_signal(*row[10:]))
    return list(found.values())


def unlock(connection: Connection[TupleRow]) -> None:
    """Release every strategy that this connection holds."""
    connection.execute("SELECT pg_advisory_unlock_all()")


def let_go(
    connection: Connection[TupleRow], strategies: Sequence[DueStrategy]
) -> Callable[[], bool]:
    """The same, perhaps among other statements of a pipeline. After it: has one of these newer
    signals by now?

    Whoever else looked meanwhile, because a ring told of those, left them to us.
    """
    known = ([strategy.id for strategy in strategies], [s.drained_seq for s in strategies])
    newer = connection.execute("SELECT web.let_go(%s, %s)", known)
    return lambda: bool((newer.fetchone() or (False,))[0])


def _signal(
    signal_id: UUID,
    seq: int,
    parsed: dict[str, Any],
    received_at: datetime,
    accepted_at: datetime,
    now: datetime,
) -> DueSignal:
    signal = _read(signal_id, parsed)
    if signal is UNREADABLE:
        parsed = {**signal.to_json(), **parsed}
    return DueSignal(signal_id, seq, signal, parsed, received_at, accepted_at, now)


def _read(signal_id: UUID, parsed: dict[str, Any]) -> Signal:
    """The signal as it was stored. One that cannot be read must not stop the others."""
    try:
        return language.from_json(parsed)
    except msgspec.ValidationError:
        log.exception("signal_unreadable", signal_id=signal_id.hex)
        return UNREADABLE


def _subscriber(row: TupleRow) -> Subscriber:
    _, subscription_id, tenant_id, connection_id, enabled, settings, version, mode = row[:8]
    broker, environment, account, enabled_at, disabled_at = row[8:]
    return Subscriber(
        Destination(tenant_id, subscription_id, connection_id, broker, environment, account),
        enabled,
        mode,
        msgspec.json.decode(settings),
        settings,
        version,
        enabled_at,
        disabled_at,
    )
