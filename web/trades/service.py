"""Drain what is due: make the trades of each signal, and hand them to execution.

Durable facts, in order: all `trades` of a signal with `drained_seq` in one transaction;
then, once execution has stored them, `handed_seq`. Whoever dies in between leaves the
strategy due; another repeats the step with the same trade ids, under a higher epoch.
"""

import time
from collections.abc import Callable, Generator, Sequence
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import faults
from web.alarms import raising
from web.db import Pool, one_go, to_json
from web.execution_client import ExecutionClient, ExecutionDown
from web.trades import due, handing, waiting
from web.trades.due import DueStrategy, Subscribers
from web.trades.handing import Made, nothing
from web.trades.making import TRADES, Batch, make, make_trades
from web.trades.standing import Standing
from web.trades.waiting import Change

SLICE_SECONDS = 0.25
# A strategy that could not be drained is left alone for so long.
REST_SECONDS = 5.0
# A signal with more trades than WIDE is written in steps, the first of a few, so that no order
# waits until thousands are written down: execution has one step while the next is written.
WIDE = 500
AHEAD = 50
STEP = 500
# So many strategies at once may be this worker's part of all that fit: others hold the rest, and
# behind those something may be left.
MANY = due.STRATEGIES // 10

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

# After the last trade is written, or webhooks of a strategy with very many would wait for them all.
_INSERT_AND_ADVANCE = f"""
WITH inserted AS ({_INSERT} RETURNING 1), made AS (SELECT count(*) AS trades FROM inserted)
UPDATE web.strategy_intake i SET drained_seq = greatest(i.drained_seq, d.seq),
    drain_epoch = i.drain_epoch + 1
FROM made, unnest(%(strategies)s::uuid[], %(drained)s::bigint[]) AS d(strategy_id, seq)
WHERE i.strategy_id = d.strategy_id
RETURNING i.strategy_id, i.drain_epoch, made.trades
"""

_NO_MORE = {"trades": "[]", "signals": "[]", "decisions": "[]"}


class Drain:
    """Makes and hands over what is due. One a process; not shared between threads."""

    def __init__(self, pool: Pool, execution: ExecutionClient) -> None:
        self._pool = pool
        self._execution = execution
        self._subscribers = Subscribers()
        self._progress = handing.Progress()
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
        strategies: Sequence[DueStrategy] = ()
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
                    told, has_newer = self._drain_what_can_be(connection, strategies)
                    changed |= told
                    more = has_newer or _may_be_more(strategies)
                    strategies = ()
                    if not more or time.monotonic() > deadline:
                        return more, changed
            finally:
                if strategies and not connection.closed:
                    # Maybe in the midst of an answer: nothing but this one statement.
                    due.unlock(connection)

    def _resting(self) -> list[UUID]:
        now = time.monotonic()
        self._rest_until = {key: until for key, until in self._rest_until.items() if until > now}
        return list(self._rest_until)

    def _drain_what_can_be(
        self, connection: Connection[TupleRow], strategies: Sequence[DueStrategy]
    ) -> tuple[set[str], bool]:
        """All together; if that fails, each alone, so that one stops nobody else.

        Whose pages changed, and is more due of those that could be drained? They are unlocked.
        """
        newer: list[Callable[[], bool]] = []

        def let_go() -> None:
            could_be = [s for s in strategies if s.id not in self._rest_until]
            newer.append(due.let_go(connection, could_be))

        wide = [strategy for strategy in strategies if _is_wide(strategy)]
        first = [strategy for strategy in strategies if not _is_wide(strategy)] if wide else ()
        try:
            # Nobody waits behind thousands of trades who need not.
            changed = self._drain(connection, first) if first else set()
            changed |= self._drain(connection, wide or strategies, let_go)
        except (psycopg.OperationalError, ExecutionDown):
            raise
        except Exception as error:
            alone = strategies if len(strategies) > 1 else ()
            if not alone:
                self._let_rest(strategies[0], error)
            changed = set().union(*(self._drain_alone(connection, one) for one in alone))
            newer.clear()
            let_go()
        return changed, newer[0]()

    def _drain_alone(self, connection: Connection[TupleRow], strategy: DueStrategy) -> set[str]:
        try:
            return self._drain(connection, [strategy])
        except (psycopg.OperationalError, ExecutionDown):
            raise
        except Exception as error:
            self._let_rest(strategy, error)
            return set()

    def _let_rest(self, strategy: DueStrategy, error: Exception) -> None:
        log.error("strategy_not_drained", strategy_id=strategy.id.hex, exc_info=error)
        self._rest_until[strategy.id] = time.monotonic() + REST_SECONDS

    def _drain(
        self,
        connection: Connection[TupleRow],
        strategies: Sequence[DueStrategy],
        then: Callable[[], None] = nothing,
    ) -> set[str]:
        """`then` goes with the last statements, when all of these are handed over."""
        begun = {each.id: steps for each in strategies if (steps := self._begin(connection, each))}
        batch, standing = Batch(), Standing(connection)
        made_to = {key: steps.made_seq for key, steps in begun.items()}
        spans = [(s.id, s.handed_seq, made_to.get(s.id, s.drained_seq)) for s in strategies]
        batch.changes += waiting.untold(connection, spans)
        for steps in begun.values():
            batch.changes += steps.changes
        for strategy in strategies:
            steps = begun.get(strategy.id)
            make(batch, strategy, standing, steps.at if steps else 0)
            if len(batch.trades) >= TRADES:
                break
        epochs, inserted = _store(connection, batch)
        faults.point("drain.after_commit")
        touched = [strategy for strategy in strategies if strategy.id in epochs]
        are_new = inserted == len(batch.trades) and not batch.supersede
        # What nobody else knows of need not be read again.
        is_all = are_new and not any(strategy.has_more_to_hand for strategy in touched)
        is_all = is_all and all(steps.are_taken for steps in begun.values())
        made = batch.made() if is_all else None
        for strategy in touched:
            strategy.drained_seq = batch.drained[strategy.id]
        handing.hand_over(
            connection,
            self._execution,
            touched,
            batch.drained,
            epochs,
            batch.changes,
            self._progress,
            made,
            then=then,
        )
        self._progress.end(touched)
        return {tenant_id.hex for tenant_id, _, _ in batch.changes}

    def _begin(self, connection: Connection[TupleRow], strategy: DueStrategy) -> "_Steps | None":
        """Most trades of a wide signal, a step at a time, under an epoch of their own; only the
        first few where other trades of the strategy are to be handed over as well.

        `drained_seq` stays: whoever repeats the signal finds them made, with the same ids. The
        whole signal tells of them, unless execution is away.
        """
        if not _is_wide(strategy):
            return None
        steps = _Steps(connection, strategy)
        if steps.left <= WIDE:
            return None
        first, drained = steps.write(), {strategy.id: strategy.drained_seq}

        # Once the signals before it are handed over, nobody looks whether they were told.
        before = (strategy.id, strategy.handed_seq, strategy.drained_seq)

        def give(made: Generator[Made] | None) -> bool:
            execution, epochs = self._execution, steps.epochs
            told = waiting.untold(connection, [before])
            return handing.hand_over(
                connection, execution, [strategy], drained, epochs, told, self._progress, made
            )

        alone = steps.are_taken and not strategy.has_more_to_hand
        try:
            taken = give(first.made() if alone else None)
            if alone and taken:
                taken = give(steps.made())
        except ExecutionDown:
            waiting.tell(connection, steps.changes)
            raise
        steps.are_taken = steps.are_taken and taken
        return steps


class _Steps:
    """The trades of a wide signal but for the last, which go with how far it came."""

    def __init__(self, connection: Connection[TupleRow], strategy: DueStrategy) -> None:
        self._connection, self._strategy = connection, strategy
        self._signal = strategy.signals[0]
        self._standing = Standing(connection)
        self._covered = [s for s in strategy.subscribers if s.covers(self._signal.accepted_at)]
        self.epochs: dict[UUID, int] = {}
        self.changes: list[Change] = []
        # Of so many of those that are covered; was each new, and is it execution's?
        self.at = 0
        self.are_new = self.are_taken = True

    @property
    def left(self) -> int:
        """How many there are still to be made."""
        return len(self._covered) - self.at

    @property
    def made_seq(self) -> int:
        """Up to where some of it may be made by who told nobody of it."""
        return self._strategy.drained_seq if self.are_new else self._signal.seq

    def made(self) -> Generator[Made]:
        """What goes to execution: each step is written when it is asked for."""
        while self.are_taken and self.left > STEP:
            yield from self.write().made()

    def write(self) -> Batch:
        """The next step. Empty where somebody made some of it before: those are read."""
        strategy, some = self._strategy, self._covered[self.at :][: STEP if self.at else AHEAD]
        batch = Batch(drained={strategy.id: strategy.drained_seq})
        make_trades(batch, strategy, self._signal, some, self._standing)
        epochs, inserted = _store(self._connection, batch, advances=not self.at)
        self.epochs |= epochs
        self.changes += batch.changes
        self.at += len(some)
        self.are_new = self.are_new and inserted == len(some)
        self.are_taken = self.are_new and not batch.supersede
        return batch if self.are_taken else Batch()


def _is_wide(strategy: DueStrategy) -> bool:
    return bool(strategy.signals) and len(strategy.subscribers) > WIDE


def _may_be_more(strategies: Sequence[DueStrategy]) -> bool:
    """True when a bound left something for the next turn; whatever came meanwhile rang."""
    trades = sum(len(s.signals) * len(s.subscribers) for s in strategies)
    is_cut = any(len(strategy.signals) == due.SIGNALS for strategy in strategies)
    return is_cut or len(strategies) >= MANY or trades >= TRADES


def _store(
    connection: Connection[TupleRow], batch: Batch, *, advances: bool = True
) -> tuple[dict[UUID, int], int]:
    """Write the batch, in one transaction. The new drain epoch of each strategy where it
    advances, and how many trades are new."""
    rows = {
        "trades": to_json(batch.trades),
        "signals": to_json(batch.signals),
        "decisions": to_json(batch.decisions),
        "strategies": list(batch.drained) if advances else [],
        "drained": list(batch.drained.values()) if advances else [],
    }
    if batch.supersede or batch.alarms:
        with one_go(connection):
            inserted = connection.execute(_INSERT, rows)
            batch.changes.extend(waiting.supersede(connection, batch.supersede))
            batch.changes.extend(raising.write(connection, batch.alarms))
            advanced = connection.execute(_INSERT_AND_ADVANCE, rows | _NO_MORE)
            faults.point("drain.before_commit")
        return {row[0]: row[1] for row in advanced}, inserted.rowcount
    faults.point("drain.before_commit")
    if not advances:
        return {}, connection.execute(_INSERT, rows).rowcount
    found = connection.execute(_INSERT_AND_ADVANCE, rows).fetchall()
    return {row[0]: row[1] for row in found}, found[0][2] if found else 0
