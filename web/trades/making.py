"""Make the trades of due signals, as rows: what settings and switches say of each subscriber.

Signals and decisions stand once, however many trades share them.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import structlog

from protos import alarms, ids, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.alarms import raising
from web.db import to_json
from web.subscriptions import settings
from web.switches import rules as switches
from web.switches.rules import On
from web.trades import due, messages, record, rules
from web.trades.asking import may_close
from web.trades.due import DueSignal, DueStrategy, Subscriber
from web.trades.handing import Made
from web.trades.messages import Destination
from web.trades.standing import Standing
from web.trades.waiting import Change, Superseding

# Trades in one transaction, beyond the last signal that fits.
TRADES = 2000

log = structlog.get_logger()


@dataclass
class Batch:
    """Rows for one transaction. Signals and decisions stand once, however many share them."""

    trades: list[dict[str, Any]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    supersede: list[Superseding] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    drained: dict[UUID, int] = field(default_factory=dict)
    # What goes to execution at once: numbers of the signal and the decision, and the trade.
    runnable: list[tuple[int, int, UUID, Destination]] = field(default_factory=list)

    def made(self) -> Generator[Made]:
        """The trades that go to execution, in order; the same bytes as from what is stored."""
        shared: dict[tuple[int, int], pb.Trade] = {}
        for g, d, trade_id, to in sorted(self.runnable, key=lambda row: (row[0], row[2])):
            if (g, d) not in shared:
                shared[g, d] = _terms(self.signals[g], self.decisions[d])
            yield self.signals[g]["strategy_id"], messages.to_trade(shared[g, d], trade_id, to)


def make(batch: Batch, strategy: DueStrategy, standing: Standing, begun: int = 0) -> None:
    """All trades of the strategy's due signals, as rows; of the first signal but for those of
    so many subscribers, which have theirs."""
    batch.drained[strategy.id] = strategy.drained_seq
    for signal in strategy.signals:
        batch.changes.append((strategy.tenant_id, "signal", signal.id))
        covered = [s for s in strategy.subscribers if s.covers(signal.accepted_at)]
        if signal is strategy.signals[0]:
            covered = covered[begun:]
        if covered:
            make_trades(batch, strategy, signal, covered, standing)
        batch.drained[strategy.id] = signal.seq
        if len(batch.trades) >= TRADES:
            break


def make_trades(
    batch: Batch,
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
        if decision["state"] == "PENDING":
            batch.runnable.append((number, d, trade_id, to))
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
        broker=ids.broker_id(to.broker, to.environment),
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


def _terms(signal: Mapping[str, Any], decision: Mapping[str, Any]) -> pb.Trade:
    """What trades of a decision share, from rows that were stored just now."""
    return messages.terms(
        strategy_id=signal["strategy_id"],
        signal_id=signal["id"],
        signal_seq=signal["seq"],
        signal=signal["signal"],
        # As they are read: JSON knows no decimals.
        settings=settings.complete(msgspec.json.decode(to_json(decision["settings"]))),
        accepted_at=signal["accepted_at"],
        released_at=None,
        asset_class=signal["signal"]["asset_class"],
        numbers=decision["numbers"],
    )
