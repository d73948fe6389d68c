"""Hand trades over to execution, in order, until it has stored them.

Durable facts: `handed_seq`, and `handover_due` of a trade that had waited. What execution
did not confirm is given again, from what is stored, with the same ids.
"""

import heapq
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, cast
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import faults, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.alarms import raising
from web.execution_client import BATCH, ExecutionClient, ExecutionDown
from web.subscriptions import settings
from web.trades import messages, waiting
from web.trades.due import DueStrategy
from web.trades.messages import Destination
from web.trades.waiting import Change

# So that the first orders of many do not wait for the planning of the rest.
FIRST_BATCH = 50
# Batches of one signal on their way to execution: it plans one while another is stored.
UNDER_WAY = 2

# A trade's strategy, and the trade.
Made = tuple[UUID, pb.Trade]

log = structlog.get_logger()

_HAS = (pb.STORE_STATUS_STORED, pb.STORE_STATUS_ALREADY_STORED)

_COLUMNS = """
SELECT t.strategy_id, t.id, t.signal_id, t.signal_seq, t.signal::text, t.settings::text,
       t.accepted_at, t.released_at, t.numbers, t.released_at IS NOT NULL AND
       t.decided_by IS NOT NULL, t.tenant_id, t.subscription_id,
       t.connection_id, b.broker, b.environment, b.account
"""
_JOINS = """
JOIN web.connections c ON c.id = t.connection_id
JOIN web.broker_accounts b ON b.id = c.broker_account_id
"""

_UNHANDED = f"""
{_COLUMNS} FROM unnest(%s::uuid[], %s::bigint[]) AS d(strategy_id, after)
JOIN web.signals g ON g.strategy_id = d.strategy_id AND g.seq > d.after
JOIN web.trades t ON t.signal_id = g.id AND t.state = 'PENDING' AND t.released_at IS NULL
{_JOINS} ORDER BY t.strategy_id, t.signal_seq, t.id
"""

# What was let go. Not before every signal accepted earlier has had its say: an exit among
# them ends it. Also what execution may know already, whatever it made of it.
_LET_GO = f"""
{_COLUMNS} FROM unnest(%s::uuid[], %s::bigint[]) AS d(strategy_id, drained)
JOIN web.trades t ON t.strategy_id = d.strategy_id AND t.handover_due
{_JOINS} WHERE NOT EXISTS (
    SELECT FROM web.signals g WHERE g.strategy_id = d.strategy_id AND g.seq > d.drained
    AND g.accepted_at <= t.released_at)
"""

_LET_GO_HANDED = """
UPDATE web.trades SET handover_due = false WHERE id = ANY(%s) AND handover_due
"""

_HANDED = "CALL web.handed_over(%s, %s, %s, %s, %s, %s)"

_REFUSED = """
UPDATE web.trades SET state = 'NEEDS_ATTENTION', reason = 'internal_error', message = %s,
    handover_due = false
WHERE id = ANY(%s) AND state = 'PENDING'
RETURNING id, instrument
"""


class Progress:
    """How far hand-overs came that broke off: the next one of this process goes on from there.

    What execution has is not asked for again, or a wide signal on a slow machine would begin anew
    each time and never come to its end. Who does not know of it gives everything again.
    """

    def __init__(self) -> None:
        self._stored: dict[UUID, set[str]] = {}

    def keep(self, group: pb.TradeGroup, result: pb.GroupResult) -> None:
        """Execution has these."""
        stored = {each.trade_id for each in result.results if each.status in _HAS}
        self._stored.setdefault(UUID(group.strategy_id), set()).update(stored)

    def has(self, strategy_id: UUID, trade_id: UUID) -> bool:
        """True of what need not be given again."""
        return strategy_id in self._stored and trade_id.hex in self._stored[strategy_id]

    def end(self, strategies: Iterable[DueStrategy]) -> None:
        """Nothing of these is left to be given again."""
        for strategy in strategies:
            self._stored.pop(strategy.id, None)


def nothing() -> None:
    """Else."""


def hand_over(
    connection: Connection[TupleRow],
    execution: ExecutionClient,
    strategies: Sequence[DueStrategy],
    drained: Mapping[UUID, int],
    epochs: Mapping[UUID, int],
    changes: list[Change],
    progress: Progress,
    made: Generator[Made] | None = None,
    *,
    then: Callable[[], None] = nothing,
) -> bool:
    """Have execution store every trade of these strategies that it may not know yet: those
    `made` just now, in order, or else what is found. Did it take all?

    Tells of the `changes` then, with those of what was found: they are not on the road. What is
    asked of the database in `then` goes with that, after its commit.
    Raises ExecutionDown; what was stored is known to execution when it is given again.
    """
    stale: set[UUID] = set()
    bad: list[UUID] = []
    let_go = _let_go(connection, strategies, drained) if made is None else ()
    if made is None:
        made = _unhanded(connection, strategies, let_go, bad, changes, progress)
    try:
        # What is not read to its end keeps the connection.
        with closing(made):
            for group, result in _submit(execution, _batches(made, epochs)):
                if result.stale_epoch:
                    stale.add(UUID(group.strategy_id))
                progress.keep(group, result)
                bad += _refused(result)
    except ExecutionDown:
        waiting.tell(connection, changes)
        raise
    if bad:
        _put_aside(connection, bad)
    faults.point("drain.after_handing")
    handed = [row[1] for row in let_go if row[0] not in stale]
    done = [strategy.id for strategy in strategies if strategy.id not in stale]
    known = (done, [drained[key] for key in done], [epochs[key] for key in done])
    with connection.pipeline() as pipeline:
        # One transaction up to `sync`: `transaction()` would wait for its BEGIN, for what is in it,
        # and for its COMMIT. What comes first gives no rows: after a stream of rows, libpq would
        # give the first of a pipeline as one, too.
        if handed:
            connection.execute(_LET_GO_HANDED, (handed,))
        connection.execute(_HANDED, (*known, *waiting.told(changes)))
        pipeline.sync()
        then()
    return not (stale or bad)


def _put_aside(connection: Connection[TupleRow], bad: Sequence[UUID]) -> None:
    """These are not handed over again; somebody must look."""
    with connection.transaction():
        told = connection.execute(_REFUSED, (reasons.explain("internal_error", {}), list(bad)))
        found = told.fetchall()
        rows = [raising.of_trade("internal_error", trade, name, {}) for trade, name in found]
        raising.write(connection, rows)


def _let_go(
    connection: Connection[TupleRow],
    strategies: Sequence[DueStrategy],
    drained: Mapping[UUID, int],
) -> Sequence[TupleRow]:
    """The trades that had waited, in order."""
    held = [strategy.id for strategy in strategies if strategy.has_held]
    if not held:
        return ()
    found = connection.execute(_LET_GO, (held, [drained[key] for key in held]))
    return sorted(found, key=_turn)


def _unhanded(
    connection: Connection[TupleRow],
    strategies: Sequence[DueStrategy],
    let_go: Sequence[TupleRow],
    bad: list[UUID],
    changes: list[Change],
    progress: Progress,
) -> Generator[Made]:
    """Every trade that execution may not know yet, in order, from what is stored.

    Read while the first of them are handed over already; the unreadable ones go to `bad`.
    Whoever made them may have told nobody of them: those go to `changes`.
    """
    strategy_ids = [strategy.id for strategy in strategies]
    after = [strategy.handed_seq for strategy in strategies]
    decode, snapshots = _Decoder(), _Snapshots()
    with connection.cursor() as cursor, ExitStack() as ending:
        rows = cursor.stream(_UNHANDED, (strategy_ids, after), size=BATCH)
        # Whoever raises here keeps it, and with it the connection, for as long as that is known.
        ending.callback(cast("Generator[TupleRow]", rows).close)
        for row in heapq.merge(rows, let_go, key=_turn) if let_go else rows:
            if row[7] is None:
                changes.append((row[10], "trade", row[1]))
                if progress.has(row[0], row[1]):
                    continue
            try:
                trade = _message(row, decode, snapshots)
            except Exception:
                log.exception("trade_unreadable", trade_id=row[1].hex)
                bad.append(row[1])
            else:
                yield row[0], trade


def _turn(row: TupleRow) -> tuple[Any, ...]:
    """Runnable trades go in the order of acceptance, those that waited in that of release."""
    strategy_id, trade_id, _, seq, _, _, accepted_at, released_at = row[:8]
    return strategy_id, released_at or accepted_at, seq, trade_id


class _Decoder(dict[str, Any]):
    """JSON by its text: the trades of a signal share it, and few settings differ."""

    def __missing__(self, text: str) -> Any:
        return self.setdefault(text, msgspec.json.decode(text))


class _Snapshots(_Decoder):
    """Settings snapshots by their text, with the platform's defaults put back."""

    def __missing__(self, text: str) -> Any:
        return self.setdefault(text, settings.complete(msgspec.json.decode(text)))


def _message(row: TupleRow, decode: _Decoder, snapshots: _Snapshots) -> pb.Trade:
    strategy_id, trade_id, signal_id, seq, text, chosen, accepted_at, released_at = row[:8]
    signal = decode[text]
    shared = messages.terms(
        strategy_id=strategy_id,
        signal_id=signal_id,
        signal_seq=seq,
        signal=signal,
        settings=snapshots[chosen],
        accepted_at=accepted_at,
        released_at=released_at,
        asset_class=signal["asset_class"],
        numbers=row[8],
        # Of those let go, only a person's decision names anybody.
        approved=row[9],
    )
    return messages.to_trade(shared, trade_id, Destination(*row[10:]))


def _batches(trades: Iterable[Made], epochs: Mapping[UUID, int]) -> Iterable[list[pb.TradeGroup]]:
    """Groups by strategy, order kept: a few at first, then at most BATCH at a time."""
    groups: list[pb.TradeGroup] = []
    count, size = 0, FIRST_BATCH
    for strategy_id, trade in trades:
        if not groups or groups[-1].strategy_id != strategy_id.hex:
            groups.append(
                pb.TradeGroup(strategy_id=strategy_id.hex, drain_epoch=epochs[strategy_id])
            )
        groups[-1].trades.append(trade)
        count += 1
        if count == size:
            yield groups
            groups, count, size = [], 0, BATCH
    if groups:
        yield groups


def _submit(
    execution: ExecutionClient, batches: Iterable[list[pb.TradeGroup]]
) -> Iterator[tuple[pb.TradeGroup, pb.GroupResult]]:
    """Each group with what became of it. Of one signal two batches are under way: no two of its
    trades are of one subscription, so none can overtake another. Raises ExecutionDown."""
    flying: deque[tuple[list[pb.TradeGroup], Callable[[], Sequence[pb.GroupResult]]]] = deque()
    before = ""
    for groups in batches:
        signal = _only_signal(groups)
        while flying and (len(flying) == UNDER_WAY or signal != before):
            sent, results = flying.popleft()
            yield from zip(sent, results(), strict=True)
        before = signal
        if signal:
            flying.append((groups, execution.begin(groups)))
        else:
            yield from zip(groups, execution.submit(groups), strict=True)
    for sent, results in flying:
        yield from zip(sent, results(), strict=True)


def _only_signal(groups: Sequence[pb.TradeGroup]) -> str:
    """The one signal that a full batch is of, so that more of it may follow; else nothing."""
    trades = groups[0].trades
    if len(groups) > 1 or len(trades) < FIRST_BATCH:
        return ""
    signals = {trade.signal_id for trade in trades}
    return signals.pop() if len(signals) == 1 else ""


def _refused(result: pb.GroupResult) -> list[UUID]:
    """The trades that execution will never take."""
    bad = [
        UUID(stored.trade_id)
        for stored in result.results
        if stored.status in (pb.STORE_STATUS_CONFLICT, pb.STORE_STATUS_INVALID)
    ]
    if bad:
        log.error("trades_refused_by_execution", trade_ids=[trade_id.hex for trade_id in bad])
    return bad
