"""Drain what is due: make the trades of each signal, and hand them to execution.

Durable facts, in order: all `trades` of a signal with `drained_seq` in one transaction;
then, once execution has stored them, `handed_seq`. Whoever dies in between leaves the
strategy due; another repeats the step with the same trade ids, under a higher epoch.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow
from rq.timeouts import BaseTimeoutException

from protos import alarms, faults, ids, reasons
from web.alarms import raising
from web.db import Pool, to_json
from web.execution_client import ExecutionClient, ExecutionDown
from web.subscriptions import settings
from web.switches import rules as switches
from web.switches.rules import On
from web.trades import due, handing, record, rules, waiting
from web.trades.asking import may_close
from web.trades.due import DueSignal, DueStrategy, Subscriber, Subscribers
from web.trades.messages import Destination
from web.trades.standing import Standing
from web.trades.waiting import Change, Superseding

SLICE_SECONDS = 0.25
# A strategy that could not be drained is left alone for so long.
REST_SECONDS = 5.0
# Trades in one transaction, beyond the last signal that fits.
TRADES = 2000
# A signal with more trades than WIDE has a few of them ahead of its transaction, so that its
# first orders do not wait until thousands are written down.
WIDE = 500
AHEAD = 50

log = structlog.get_logger()

_INSERT = """
INSERT INTO web.trades (id, tenant_id, signal_id, signal_seq, strategy_id, subscription_id,
    connection_id, mode, state, reason, message, numbers, instrument, signal, settings,
    settings_version, sent_at, received_at, accepted_at, dequeued_at, planned_at,
    approval_expires_at, release_at, decision)
SELECT t.id, t.tenant_id, g.id, g.seq, g.strategy_id, t.subscription_id, t.connection_id, t.mode,
    d.state, d.reason, d.message, d.numbers, g.instrument, g.signal, d.settings,
    t.settings_version, g.sent_at, g.received_at, g.accepted_at, g.dequeued_at, d.planned_at,
    d.approval_expires_at, d.release_at, d.decision
FROM json_to_recordset(%(trades)s::json) AS t(id uuid, g int, d int, tenant_id uuid,
        subscription_id uuid, connection_id uuid, mode text, settings_version int)
JOIN json_to_recordset(%(signals)s::json) AS g(g int, id uuid, seq bigint, strategy_id uuid,
        instrument text, signal jsonb, sent_at timestamptz, received_at timestamptz,
        accepted_at timestamptz, dequeued_at timestamptz) USING (g)
JOIN json_to_recordset(%(decisions)s::json) AS d(d int, state text, reason text, message text,
        numbers jsonb, settings jsonb, planned_at timestamptz,
        approval_expires_at timestamptz, release_at timestamptz, decision jsonb) USING (d)
ON CONFLICT (id) DO NOTHING
"""

_ADVANCE = """
UPDATE web.strategy_intake i SET drained_seq = greatest(i.drained_seq, d.seq),
    drain_epoch = i.drain_epoch + 1
FROM unnest(%s::uuid[], %s::bigint[]) AS d(strategy_id, seq)
WHERE i.strategy_id = d.strategy_id
RETURNING i.strategy_id, i.drain_epoch
"""


@dataclass
class _Batch:
    """Rows for one transaction. Signals and decisions stand once, however many share them."""

    trades: list[dict[str, Any]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    supersede: list[Superseding] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    drained: dict[UUID, int] = field(default_factory=dict)


class Drain:
    """Makes and hands over what is due. One a process; not shared between threads."""

    def __init__(self, pool: Pool, execution: ExecutionClient) -> None:
        self._pool = pool
        self._execution = execution
        self._subscribers = Subscribers()
        self._rest_until: dict[UUID, float] = {}

    def drain_due(
        self, *, slice_seconds: float = SLICE_SECONDS, older_than_seconds: float = 0.0
    ) -> tuple[bool, set[str]]:
        """Work for at most a slice; is more due, and whose pages changed?

        Raises psycopg.OperationalError when the database is away, ExecutionDown when
        execution is: what was not handed over stays due.
        """
        deadline = time.monotonic() + slice_seconds
        changed: set[str] = set()
        with self._pool.connection() as connection:
            try:
                while True:
                    strategies = due.lock_due(
                        connection, older_than_seconds=older_than_seconds, resting=self._resting()
                    )
                    if not strategies:
                        return False, changed
                    faults.point("sweep.before_drain")
                    self._subscribers.fill(connection, strategies)
                    changed |= self._drain_what_can_be(connection, strategies)
                    due.unlock(connection)
                    if time.monotonic() > deadline:
                        return True, changed
            finally:
                if not connection.broken:
                    due.unlock(connection)

    def _resting(self) -> list[UUID]:
        now = time.monotonic()
        self._rest_until = {key: until for key, until in self._rest_until.items() if until > now}
        return list(self._rest_until)

    def _drain_what_can_be(
        self, connection: Connection[TupleRow], strategies: Sequence[DueStrategy]
    ) -> set[str]:
        """All together; if that fails, each alone, so that one stops nobody else."""
        try:
            return self._drain(connection, strategies)
        except (psycopg.OperationalError, ExecutionDown, BaseTimeoutException):
            raise
        except Exception:
            if len(strategies) > 1:
                alone = [self._drain_what_can_be(connection, [one]) for one in strategies]
                return set().union(*alone)
            log.exception("strategy_not_drained", strategy_id=strategies[0].id.hex)
            self._rest_until[strategies[0].id] = time.monotonic() + REST_SECONDS
            return set()

    def _drain(
        self, connection: Connection[TupleRow], strategies: Sequence[DueStrategy]
    ) -> set[str]:
        for strategy in strategies:
            self._start_wide(connection, strategy)
        batch, standing = _Batch(), Standing(connection)
        for strategy in strategies:
            _make(batch, strategy, standing)
            if len(batch.trades) >= TRADES:
                break
        with connection.transaction():
            epochs = _store(connection, batch)
            faults.point("drain.before_commit")
        faults.point("drain.after_commit")
        touched = [strategy for strategy in strategies if strategy.id in epochs]
        handing.hand_over(connection, self._execution, touched, batch.drained, epochs)
        return {tenant_id.hex for tenant_id, _, _ in batch.changes}

    def _start_wide(self, connection: Connection[TupleRow], strategy: DueStrategy) -> None:
        """The first few trades of a signal for many, under an epoch of their own.

        `drained_seq` stays: the transaction of the whole signal finds them made, with the
        same ids, and so does whoever repeats it.
        """
        if len(strategy.subscribers) <= WIDE or not strategy.signals:
            return
        batch, signal = _Batch(drained={strategy.id: strategy.drained_seq}), strategy.signals[0]
        covered = (s for s in strategy.subscribers if s.covers(signal.accepted_at))
        if ahead := list(islice(covered, AHEAD)):
            _make_trades(batch, strategy, signal, ahead, Standing(connection))
            with connection.transaction():
                epochs = _store(connection, batch)
            handing.hand_over(connection, self._execution, [strategy], batch.drained, epochs)


def _make(batch: _Batch, strategy: DueStrategy, standing: Standing) -> None:
    """All trades of the strategy's due signals, as rows."""
    batch.drained[strategy.id] = strategy.drained_seq
    for signal in strategy.signals:
        batch.changes.append((strategy.tenant_id, "signal", signal.id))
        covered = [s for s in strategy.subscribers if s.covers(signal.accepted_at)]
        if covered:
            _make_trades(batch, strategy, signal, covered, standing)
        batch.drained[strategy.id] = signal.seq
        if len(batch.trades) >= TRADES:
            break


def _make_trades(
    batch: _Batch,
    strategy: DueStrategy,
    signal: DueSignal,
    subscribers: Sequence[Subscriber],
    standing: Standing,
) -> None:
    number = len(batch.signals)
    batch.signals.append(_signal_row(number, strategy, signal))
    decided: dict[tuple[str, bool, str, On | None, str], int] = {}

    def decide(subscriber: Subscriber, halted: On | None, stands: str = "") -> int:
        key = (subscriber.settings_key, subscriber.enabled, subscriber.mode, halted, stands)
        if key not in decided:
            decided[key] = len(batch.decisions)
            made = _decide(strategy, signal, subscriber, halted, stands)
            batch.decisions.append({"d": decided[key], **made})
        return decided[key]

    among: list[UUID] = []
    has_held = strategy.has_held
    for subscriber in subscribers:
        to = subscriber.destination
        halted = _halted(strategy, to) if strategy.switches else None
        d = decide(subscriber, halted)
        if _turns_on_position(batch.decisions[d]) and may_close(signal.signal):
            among = among or [each.destination.subscription_id for each in subscribers]
            asset_class = strategy.asset_class
            stands = standing.of(signal.signal, asset_class, to.subscription_id, among)
            d = decide(subscriber, halted, stands)
        trade_id = ids.trade_id(signal.id, to.subscription_id)
        batch.trades.append(
            {
                "id": trade_id,
                "g": number,
                "d": d,
                "tenant_id": to.tenant_id,
                "subscription_id": to.subscription_id,
                "connection_id": to.connection_id,
                "mode": subscriber.mode,
                "settings_version": subscriber.settings_version,
            }
        )
        if to.tenant_id != strategy.tenant_id:
            batch.changes.append((to.tenant_id, "trade", trade_id))
        decision = batch.decisions[d]
        if decision["approval_expires_at"] or decision["release_at"]:
            batch.changes.append((to.tenant_id, "approval", trade_id))
        if kind := alarms.of_state(decision["state"], decision["reason"], decision["numbers"]):
            instrument = signal.signal.instrument
            raised = raising.of_trade(kind, trade_id, instrument, decision["numbers"])
            batch.alarms.append(raised)
        if has_held and decision["ends"]:
            batch.supersede.append(_superseding(strategy, signal, to, decision["ends"]))


def _turns_on_position(decision: Mapping[str, Any]) -> bool:
    """True where it matters whether a buy or sell closes what is held."""
    return bool(decision["approval_expires_at"]) or (
        decision["state"] == "SKIPPED" and decision["reason"] == "outside_window"
    )


def _halted(strategy: DueStrategy, to: Destination) -> On | None:
    return switches.binding(
        strategy.switches,
        tenant=to.tenant_id,
        strategy=strategy.id,
        connection=to.connection_id,
    )


def _decide(
    strategy: DueStrategy,
    signal: DueSignal,
    subscriber: Subscriber,
    halted: On | None,
    stands: str,
) -> dict[str, Any]:
    """The part of a trade's row that depends on settings and switches only."""
    try:
        if signal.signal is not due.UNREADABLE:
            return _decide_by_rules(strategy, signal, subscriber, halted, stands)
    except Exception:
        log.exception("trade_not_decided", signal_id=signal.id.hex)
    return {
        "settings": settings.resolve(None, {}, {}).snapshot(),
        "state": "NEEDS_ATTENTION",
        "reason": "internal_error",
        "message": reasons.explain("internal_error", {}),
        "numbers": {},
        "planned_at": signal.dequeued_at,
        "approval_expires_at": None,
        "release_at": None,
        "ends": (),
        "decision": {},
    }


def _decide_by_rules(
    strategy: DueStrategy,
    signal: DueSignal,
    subscriber: Subscriber,
    halted: On | None,
    stands: str,
) -> dict[str, Any]:
    caps = settings.caps_of(strategy.settings)
    resolved = settings.resolve(signal.signal, strategy.settings, subscriber.settings, caps)
    context = rules.Context(
        strategy.enabled, subscriber.enabled, strategy.asset_class, subscriber.mode, halted, stands
    )
    decision = rules.decide(
        signal.signal,
        resolved,
        context,
        accepted_at=signal.accepted_at,
        now=signal.dequeued_at,
    )
    numbers = record.numbers_of(decision)
    recorded = record.of_rules(
        signal.signal,
        resolved,
        context,
        decision,
        accepted_at=signal.accepted_at,
        now=signal.dequeued_at,
    )
    # A later signal of the same batch may supersede it.
    strategy.has_held = strategy.has_held or decision.until is not None
    ended_or_waits = decision.reason or decision.approval_expires_at
    return {
        "settings": resolved.snapshot(),
        "state": decision.state,
        "reason": decision.reason,
        "message": reasons.explain(decision.reason, numbers) if decision.reason else None,
        "numbers": numbers,
        "planned_at": signal.dequeued_at if ended_or_waits else None,
        "approval_expires_at": decision.approval_expires_at,
        "release_at": decision.release_at,
        "ends": rules.ended_by(signal.signal, decision),
        "decision": {record.RULES: recorded},
    }


def _signal_row(number: int, strategy: DueStrategy, signal: DueSignal) -> dict[str, Any]:
    return {
        "g": number,
        "id": signal.id,
        "seq": signal.seq,
        "strategy_id": strategy.id,
        "instrument": signal.signal.instrument,
        "signal": {**signal.stored, "asset_class": strategy.asset_class},
        "sent_at": signal.signal.sent_at,
        "received_at": signal.received_at,
        "accepted_at": signal.accepted_at,
        "dequeued_at": signal.dequeued_at,
    }


def _superseding(
    strategy: DueStrategy, signal: DueSignal, to: Destination, ends: Sequence[str]
) -> Superseding:
    return Superseding(
        strategy_id=strategy.id,
        subscription_id=to.subscription_id,
        instrument=signal.signal.instrument,
        seq=signal.seq,
        since=signal.accepted_at,
        ends=ends,
        tag=rules.meant_by_name(signal.signal),
    )


def _store(connection: Connection[TupleRow], batch: _Batch) -> dict[UUID, int]:
    """Write the batch; the new drain epoch of each strategy."""
    if batch.trades:
        connection.execute(
            _INSERT,
            {
                "trades": to_json(batch.trades),
                "signals": to_json(batch.signals),
                "decisions": to_json(batch.decisions),
            },
        )
    batch.changes.extend(waiting.supersede(connection, batch.supersede))
    batch.changes.extend(raising.write(connection, batch.alarms))
    drained = batch.drained
    rows = connection.execute(_ADVANCE, (list(drained), list(drained.values())))
    epochs: dict[UUID, int] = dict(rows.fetchall())
    waiting.tell(connection, batch.changes)
    return epochs
