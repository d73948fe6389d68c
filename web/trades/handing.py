"""Hand trades over to execution, in order, until it has stored them.

Durable fact: `handed_seq`. What execution did not confirm is given again, from what is
stored, with the same ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import faults, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.execution_client import BATCH, ExecutionClient
from web.trades import messages
from web.trades.due import DueStrategy
from web.trades.messages import Destination

# So that the first orders of many do not wait for the planning of the rest.
FIRST_BATCH = 50

log = structlog.get_logger()

_UNHANDED = """
SELECT t.strategy_id, t.id, t.signal_id, t.signal_seq, t.signal::text, t.settings::text,
       t.accepted_at, t.numbers->>'quantity', t.tenant_id, t.subscription_id, t.connection_id,
       b.broker, b.environment, b.account
FROM unnest(%s::uuid[], %s::bigint[]) AS d(strategy_id, after)
JOIN web.signals g ON g.strategy_id = d.strategy_id AND g.seq > d.after
JOIN web.trades t ON t.signal_id = g.id AND t.state = 'PENDING'
JOIN web.connections c ON c.id = t.connection_id
JOIN web.broker_accounts b ON b.id = c.broker_account_id
ORDER BY t.strategy_id, t.signal_seq, t.id
"""

_HANDED = """
UPDATE web.strategy_intake i SET handed_seq = d.seq
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS d(strategy_id, seq, epoch)
WHERE i.strategy_id = d.strategy_id AND i.handed_seq < d.seq AND i.drain_epoch = d.epoch
"""

_REFUSED = """
UPDATE web.trades SET state = 'NEEDS_ATTENTION', reason = 'internal_error', message = %s
WHERE id = ANY(%s) AND state = 'PENDING'
"""


def hand_over(
    connection: Connection[TupleRow],
    execution: ExecutionClient,
    strategies: Sequence[DueStrategy],
    drained: Mapping[UUID, int],
    epochs: Mapping[UUID, int],
) -> None:
    """Have execution store every trade of these strategies that it may not know yet.

    Raises ExecutionDown; what was stored is known to execution when it is given again.
    """
    stale: set[UUID] = set()
    bad: list[UUID] = []
    for groups in _batches(_unhanded(connection, strategies, bad), epochs):
        for group, result in zip(groups, execution.submit(groups), strict=True):
            if result.stale_epoch:
                stale.add(UUID(group.strategy_id))
            bad += _refused(result)
    if bad:
        connection.execute(_REFUSED, (reasons.explain("internal_error", {}), bad))
    faults.point("drain.after_handing")
    done = [strategy.id for strategy in strategies if strategy.id not in stale]
    connection.execute(
        _HANDED, (done, [drained[key] for key in done], [epochs[key] for key in done])
    )


def _unhanded(
    connection: Connection[TupleRow], strategies: Sequence[DueStrategy], bad: list[UUID]
) -> Iterable[tuple[UUID, pb.Trade]]:
    """Every trade that execution may not know yet, in order, from what is stored.

    Read while the first of them are handed over already; the unreadable ones go to `bad`.
    """
    strategy_ids = [strategy.id for strategy in strategies]
    after = [strategy.handed_seq for strategy in strategies]
    decode = _Decoder()
    with connection.cursor() as cursor:
        for row in cursor.stream(_UNHANDED, (strategy_ids, after), size=BATCH):
            try:
                trade = _message(row, decode)
            except Exception:
                log.exception("trade_unreadable", trade_id=row[1].hex)
                bad.append(row[1])
            else:
                yield row[0], trade


class _Decoder(dict[str, Any]):
    """JSON by its text: the trades of a signal share it, and few settings differ."""

    def __missing__(self, text: str) -> Any:
        return self.setdefault(text, msgspec.json.decode(text))


def _message(row: TupleRow, decode: _Decoder) -> pb.Trade:
    strategy_id, trade_id, signal_id, seq, text, chosen, accepted_at, quantity = row[:8]
    signal = decode[text]
    return messages.to_trade(
        trade_id=trade_id,
        strategy_id=strategy_id,
        signal_id=signal_id,
        signal_seq=seq,
        signal=signal,
        settings=decode[chosen],
        destination=Destination(*row[8:]),
        accepted_at=accepted_at,
        asset_class=signal["asset_class"],
        quantity=quantity,
    )


def _batches(
    trades: Iterable[tuple[UUID, pb.Trade]], epochs: Mapping[UUID, int]
) -> Iterable[list[pb.TradeGroup]]:
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
