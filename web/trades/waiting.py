"""What ends the waiting of a trade without a person: newer signals, its expiry, its time.

Approval, delay and the market's opening hold a trade back: `approval_expires_at` or
`release_at` says until when. Whoever ends that does it in one statement that locks the row
and finds it still waiting, so exactly one wins. One let go has `released_at` and is
`handover_due`, until the drain had execution store it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import alarms, reasons
from web.alarms import raising
from web.changes import events
from web.db import to_json
from web.signals import rules as language
from web.signals.rules import Signal
from web.trades import record, rules
from web.trades.asking import Approval, closes, may_close, only_closes
from web.trades.rules import Decision
from web.trades.standing import Standing

# Trades in one turn of a timer.
MOST = 500

log = structlog.get_logger()

# Tenant, kind and object, as live pages are told.
Change = tuple[UUID, str, UUID]

# Action and sentiment; what may open nothing any more is an exit, whatever its action.
_KIND = """(CASE WHEN t.numbers ? 'entry_refused' THEN 'exit '
    ELSE (t.signal->>'action') || ' ' || coalesce(t.signal->>'sentiment', '') END)"""

# A trade let go a moment ago is still ended by what was accepted before it was let go. A
# `cancel` is told how many it ended: there may be nothing else for it to do.
_SUPERSEDE = f"""
WITH ended AS (
    UPDATE web.trades t SET state = 'SKIPPED', reason = 'superseded', message = %(message)s,
        approval_expires_at = NULL, release_at = NULL, handover_due = false, updated_at = now()
    FROM json_to_recordset(%(by)s::json) AS n(strategy_id uuid, subscription_id uuid,
            instrument text, seq bigint, since timestamptz, ends jsonb, tag text)
    WHERE (t.approval_expires_at IS NOT NULL OR t.release_at IS NOT NULL OR t.handover_due)
      AND (NOT t.handover_due OR (t.state = 'PENDING' AND t.released_at > n.since))
      AND t.strategy_id = n.strategy_id AND t.subscription_id = n.subscription_id
      AND t.instrument = n.instrument AND t.signal_seq < n.seq
      AND (n.tag IS NULL OR t.signal->>'client_tag' = n.tag)
      AND n.ends ? {_KIND}
    RETURNING t.tenant_id, t.id, n.strategy_id, n.subscription_id, n.seq
), counted AS (
    UPDATE web.trades c SET numbers = c.numbers || e.told,
        decision = jsonb_set(c.decision, '{{web,released}}', c.numbers || e.told)
    FROM (SELECT strategy_id, subscription_id, seq,
              jsonb_build_object('superseded_waiting', count(*)::text) AS told
          FROM ended GROUP BY strategy_id, subscription_id, seq) e
    WHERE c.strategy_id = e.strategy_id AND c.subscription_id = e.subscription_id
      AND c.signal_seq = e.seq AND c.signal->>'action' = 'cancel'
)
SELECT tenant_id, id FROM ended
"""

_BOUND = f"""
(t.approval_expires_at IS NOT NULL OR t.release_at IS NOT NULL)
  AND CASE n.scope WHEN 'platform' THEN true WHEN 'tenant' THEN t.tenant_id = n.scope_id
      WHEN 'broker' THEN n.scope_id = (SELECT web.broker_id(b.broker, b.environment)
          FROM web.connections c JOIN web.broker_accounts b ON b.id = c.broker_account_id
          WHERE c.id = t.connection_id)
      WHEN 'strategy' THEN t.strategy_id = n.scope_id ELSE t.connection_id = n.scope_id END
  AND %(entries)s::jsonb ? {_KIND}
"""

# What may open or close, as the position has it.
_UNDECIDED = f"""
SELECT t.id, t.tenant_id, t.subscription_id, t.signal,
       coalesce((t.settings->'allow_add'->>'value')::boolean, false), g.asset_class,
       n.scope, coalesce(replace(w.mode, '_', ' '), 'on')
FROM json_to_recordset(%(by)s::json) AS n(scope text, scope_id uuid)
JOIN web.trades t ON {_BOUND}
JOIN web.strategies g ON g.id = t.strategy_id
LEFT JOIN web.switches w ON w.scope = n.scope AND w.scope_id = n.scope_id
WHERE t.signal->>'action' IN ('buy', 'sell', 'reverse')
FOR UPDATE OF t
"""

# It may open nothing any more, so it is an exit from now on.
_ONLY_CLOSES = """
UPDATE web.trades t SET numbers = t.numbers || r.numbers,
    decision = jsonb_set(t.decision, '{web,released}', t.numbers || r.numbers), updated_at = now()
FROM json_to_recordset(%s::json) AS r(id uuid, numbers jsonb) WHERE t.id = r.id
"""

# A kill switch ends the entries that wait; what closes goes on waiting.
_HALT = f"""
UPDATE web.trades t SET state = 'SKIPPED', reason = 'superseded', message = %(message)s,
    approval_expires_at = NULL, release_at = NULL, handover_due = false, updated_at = now()
FROM json_to_recordset(%(by)s::json) AS n(scope text, scope_id uuid)
WHERE {_BOUND}
RETURNING t.tenant_id, t.id
"""

# Those that someone else is deciding right now are left for the next turn.
_EXPIRED = f"""
SELECT t.id, t.tenant_id, t.numbers, t.subscription_id, t.instrument, t.signal,
       t.reason IS NOT NULL, coalesce((t.settings->'allow_add'->>'value')::boolean, false),
       g.asset_class, clock_timestamp()
FROM web.trades t JOIN web.strategies g ON g.id = t.strategy_id
WHERE t.approval_expires_at <= clock_timestamp()
ORDER BY t.approval_expires_at LIMIT {MOST} FOR UPDATE OF t SKIP LOCKED
"""

_RIPE = f"""
SELECT t.id, t.tenant_id, t.strategy_id, t.subscription_id, t.instrument, t.signal_seq, t.signal,
       coalesce((t.settings->'auto_submit'->>'value')::boolean, false),
       coalesce((t.settings->'approve_exits'->>'value')::boolean, false),
       coalesce((t.settings->'allow_add'->>'value')::boolean, false),
       t.numbers ? 'entry_refused', g.asset_class, s.enabled AND g.enabled, t.release_at,
       clock_timestamp()
FROM web.trades t
JOIN web.subscriptions s ON s.id = t.subscription_id
JOIN web.strategies g ON g.id = t.strategy_id
WHERE t.release_at <= clock_timestamp()
ORDER BY t.release_at LIMIT {MOST} FOR UPDATE OF t SKIP LOCKED
"""

_SETTLE = """
UPDATE web.trades t SET state = r.state, reason = r.reason, message = r.message,
    numbers = t.numbers || r.numbers, approval_expires_at = r.approval_expires_at,
    release_at = NULL, released_at = r.released_at, handover_due = r.released_at IS NOT NULL,
    approved_at = r.released_at, planned_at = coalesce(t.planned_at, t.dequeued_at),
    decision = CASE WHEN r.numbers ? 'entry_refused'
        THEN jsonb_set(t.decision, '{web,released}', t.numbers || r.numbers) ELSE t.decision END,
    updated_at = now()
FROM json_to_recordset(%s::json) AS r(id uuid, state text, reason text, message text,
    numbers jsonb, approval_expires_at timestamptz, released_at timestamptz)
WHERE t.id = r.id
"""

# What was made of signals that nobody is known to have handed over; some of it may wait, or have
# ended what waited.
_UNTOLD = """
WITH signals AS (
    SELECT g.tenant_id, g.id
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS d(strategy_id, handed, drained)
    JOIN web.signals g ON g.strategy_id = d.strategy_id
        AND g.seq > d.handed AND g.seq <= d.drained
)
SELECT tenant_id, 'signal', id FROM signals
UNION ALL
SELECT t.tenant_id, told.kind, t.id
FROM signals g JOIN web.trades t ON t.signal_id = g.id
CROSS JOIN unnest(ARRAY['trade', 'approval']) AS told(kind)
"""


@dataclass(frozen=True, slots=True)
class Superseding:
    """A signal that ends the waiting trades of a subscription on an instrument."""

    strategy_id: UUID
    subscription_id: UUID
    instrument: str
    seq: int
    # When it goes: what was let go before that still goes first.
    since: datetime
    # Action and sentiment of the trades that it ends.
    ends: Sequence[str]
    # Of them only those that the sender called so.
    tag: str | None = None


def supersede(connection: Connection[TupleRow], by: Sequence[Superseding]) -> list[Change]:
    """End what waits behind these; the changes that this makes."""
    if not by:
        return []
    values = {
        "by": to_json([asdict(one) for one in by]),
        "message": reasons.explain("superseded", {}),
    }
    return _changes(connection.execute(_SUPERSEDE, values))


def halt(connection: Connection[TupleRow], by: Sequence[tuple[str, UUID]]) -> list[Change]:
    """End the entries that wait in these scopes; the changes that this makes. What would close
    something waits on, and opens nothing."""
    values = {
        "by": to_json([{"scope": scope, "scope_id": scope_id} for scope, scope_id in by]),
        "entries": to_json(rules.ENTRIES),
        "message": "A kill switch ended it while it waited.",
    }
    kept = _keep_what_closes(connection, values)
    return [*kept, *_changes(connection.execute(_HALT, values))]


def _keep_what_closes(connection: Connection[TupleRow], values: dict[str, str]) -> list[Change]:
    found = connection.execute(_UNDECIDED, values).fetchall()
    standing, among = Standing(connection), [row[2] for row in found]
    kept: dict[UUID, dict[str, Any]] = {}
    changes: list[Change] = []
    for trade_id, tenant_id, subscription_id, stored, allow_add, asset_class, scope, mode in found:
        try:
            signal = language.from_json(stored)
            stands = standing.of(signal, asset_class, subscription_id, among)
        except Exception:
            log.exception("trade_not_judged", trade_id=trade_id.hex)
            continue
        if closes(signal, stands, allow_add=allow_add) and trade_id not in kept:
            numbers = {"entry_refused": "halted", "scope": scope, "mode": mode}
            kept[trade_id] = {"id": trade_id, "numbers": numbers}
            changes += _changes([(tenant_id, trade_id)])
    if kept:
        connection.execute(_ONLY_CLOSES, (to_json(list(kept.values())),))
    return changes


def expire(connection: Connection[TupleRow]) -> list[Change]:
    """End the trades that nobody approved in time; of an exit somebody hears."""
    found = connection.execute(_EXPIRED).fetchall()
    standing, among = Standing(connection), [row[3] for row in found]
    rows, raised = [], []
    for trade_id, _, numbers, subscription_id, instrument, stored, asked, *more in found:
        decision, kind = Decision("EXPIRED", "approval_expired"), ""
        try:
            signal, [allow_add, asset_class, now] = language.from_json(stored), more
            decision = rules.unanswered(signal, asked_before=asked, now=now)
            is_exit = only_closes(signal) or "entry_refused" in numbers
            if not is_exit and may_close(signal):
                stands = standing.of(signal, asset_class, subscription_id, among)
                is_exit = closes(signal, stands, allow_add=allow_add)
            kind = "exit_unanswered" if is_exit else ""
        except Exception:
            log.exception("trade_not_judged", trade_id=trade_id.hex)
        settled = _settled(trade_id, decision, numbers)
        rows.append(settled)
        kind = alarms.of_state(decision.state, decision.reason, settled["numbers"]) or kind
        if kind:
            raised.append(raising.of_trade(kind, trade_id, instrument, settled["numbers"]))
    _settle(connection, rows)
    changes = raising.write(connection, raised)
    return [*changes, *_changes((tenant_id, trade_id) for trade_id, tenant_id, *_ in found)]


def release(connection: Connection[TupleRow]) -> tuple[bool, list[Change]]:
    """Let go the trades whose time has come; is any to be handed over?"""
    rows: list[dict[str, Any]] = []
    changes: list[Change] = []
    raised: list[dict[str, Any]] = []
    by: list[Superseding] = []
    standing = Standing(connection)
    for row in connection.execute(_RIPE).fetchall():
        trade_id, tenant_id, strategy_id, subscription_id, instrument, seq, stored = row[:7]
        release_at = row[-2]
        try:
            signal = language.from_json(stored)
            decision = _ripen(signal, subscription_id, row[7:], standing)
            ends = rules.ended_by(signal, decision)
        except Exception:
            log.exception("trade_not_released", trade_id=trade_id.hex)
            decision, ends = Decision("NEEDS_ATTENTION", "internal_error"), ()
        settled = _settled(trade_id, decision, {})
        if decision.state == "PENDING":
            settled["released_at"] = release_at
        if kind := alarms.of_state(decision.state, decision.reason, settled["numbers"]):
            raised.append(raising.of_trade(kind, trade_id, instrument, settled["numbers"]))
        rows.append(settled)
        changes += _changes([(tenant_id, trade_id)])
        if ends:
            tag = rules.meant_by_name(signal)
            by.append(
                Superseding(strategy_id, subscription_id, instrument, seq, release_at, ends, tag)
            )
    _settle(connection, rows)
    changes += raising.write(connection, raised)
    changes += supersede(connection, by)
    return any(row["released_at"] for row in rows), changes


def untold(
    connection: Connection[TupleRow], spans: Sequence[tuple[UUID, int, int]]
) -> list[Change]:
    """What pages may not have heard of: what came of the signals after one and up to another
    number of these strategies. It was to be told with the hand-over, which is not known to be."""
    left = [span for span in spans if span[1] < span[2]]
    if not left:
        return []
    return connection.execute(_UNTOLD, [list(part) for part in zip(*left, strict=True)]).fetchall()


def tell(connection: Connection[TupleRow], changes: Sequence[Change]) -> None:
    """Record the changes, for live pages: of many a few."""
    if changes:
        connection.execute("SELECT web.record_changes(%s, %s, %s)", told(changes))


def told(changes: Sequence[Change]) -> list[list[Any]]:
    """Tenants, kinds and objects of the changes: of many a few."""
    return [list(column) for column in zip(*events.few(changes), strict=True)] or [[], [], []]


def _ripen(
    signal: Signal, subscription_id: UUID, row: Sequence[Any], standing: Standing
) -> Decision:
    *chosen, is_refused, asset_class, enabled, release_at, now = row
    approval = Approval(*chosen)
    stands = ""
    if not approval.auto_submit and may_close(signal):
        stands = standing.of(signal, asset_class, subscription_id, [subscription_id])
    return rules.release(
        signal,
        approval=approval,
        stands=stands,
        may_open=not is_refused,
        enabled=enabled,
        release_at=release_at,
        now=now,
    )


def _settled(trade_id: UUID, decision: Decision, known: dict[str, str]) -> dict[str, Any]:
    numbers = {**known, **record.numbers_of(decision)}
    return {
        "id": trade_id,
        "state": decision.state,
        "reason": decision.reason,
        "message": reasons.explain(decision.reason, numbers) if decision.reason else None,
        "numbers": numbers,
        "approval_expires_at": decision.approval_expires_at,
        "released_at": None,
    }


def _settle(connection: Connection[TupleRow], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(_SETTLE, (to_json(rows),))


def _changes(found: Iterable[Sequence[UUID]]) -> list[Change]:
    """A trade that waited is told as itself and as one approval more or less."""
    return [
        (tenant_id, kind, trade_id)
        for tenant_id, trade_id in found
        for kind in ("trade", "approval")
    ]
