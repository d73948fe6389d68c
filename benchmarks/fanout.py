"""One signal to many subscriptions, beside a bare COPY of the same rows.

First and last submitted are the venue's arrivals, all stored is the last commit of the
read models; counted from the receipt of the signal. Every size has a strategy of its own
and is run twice: the second run, with its accounts known, is the one that counts.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from benchmarks import seed
from benchmarks.bench import Bench, Part, Row, ms, used

SIZES = (1, 100, 1_000, 10_000)
# first submitted, last submitted, all stored, as a multiple of the COPY
BUDGET = (100.0, 3_000.0, 5_000.0, 3.0)
WAIT_SECONDS = 180
# Counting ten thousand trades costs the very machine that is measured, so they are counted only
# when the read models have rested for a moment. The times are the database's own.
POLL_SECONDS = 0.25
_READ_SO_FAR = "SELECT cursor FROM web.fact_cursor WHERE name = 'read models'"

_AT_VENUE = (
    " JOIN execution.orders o USING (cl_ord_id) JOIN web.trades t ON t.id = o.trade_id"
    " WHERE t.signal_id = %(signal)s"
)
# The rows that one signal makes, by table: what a bare COPY has to write as well. The
# venue's are among them, because it writes on the same machine in the measured time.
_ROWS = {
    "web.trades": "SELECT t.* FROM web.trades t WHERE t.signal_id = %(signal)s",
    "web.orders": "SELECT o.* FROM web.orders o JOIN web.trades t ON t.id = o.trade_id"
    " WHERE t.signal_id = %(signal)s",
    "web.fills": "SELECT f.* FROM web.fills f JOIN web.trades t ON t.id = f.trade_id"
    " WHERE t.signal_id = %(signal)s",
    "execution.instructions": "SELECT i.* FROM execution.instructions i"
    " JOIN web.trades t ON t.id = i.trade_id WHERE t.signal_id = %(signal)s",
    "execution.orders": "SELECT o.* FROM execution.orders o JOIN web.trades t ON t.id = o.trade_id"
    " WHERE t.signal_id = %(signal)s",
    "web.positions": "SELECT p.* FROM web.positions p JOIN web.trades t"
    " ON t.connection_id = p.connection_id WHERE t.signal_id = %(signal)s",
    "execution.positions": "SELECT p.* FROM execution.positions p JOIN execution.instructions i"
    " ON i.account_id = p.account_id JOIN web.trades t ON t.id = i.trade_id"
    " WHERE t.signal_id = %(signal)s",
    "execution.facts": "SELECT f.* FROM execution.facts f JOIN web.trades t ON t.id = f.trade_id"
    " WHERE t.signal_id = %(signal)s",
    "paper.orders": f"SELECT p.* FROM paper.orders p{_AT_VENUE}",
    "paper.arrivals": f"SELECT a.* FROM paper.arrivals a{_AT_VENUE}",
    "paper.reports": f"SELECT r.* FROM paper.reports r{_AT_VENUE}",
    "paper.positions": "SELECT p.* FROM paper.positions p JOIN web.broker_accounts b"
    " ON b.account = p.account JOIN web.connections c ON c.broker_account_id = b.id"
    " JOIN web.trades t ON t.connection_id = c.id WHERE t.signal_id = %(signal)s",
}
_TIMES = """
    SELECT count(*), count(*) FILTER (WHERE t.state = 'FILLED'), min(t.received_at),
           min(a.arrived_at), max(a.arrived_at), max(t.updated_at)
    FROM web.trades t
    LEFT JOIN execution.orders o ON o.trade_id = t.id
    LEFT JOIN paper.arrivals a ON a.cl_ord_id = o.cl_ord_id
    WHERE t.signal_id = %s
"""
_STEPS = """
    SELECT min(t.received_at), min(t.dequeued_at), min(i.stored_at), max(i.stored_at),
           min(o.created_at), max(o.created_at), min(a.arrived_at), max(a.arrived_at),
           min(t.updated_at), max(t.updated_at)
    FROM web.trades t
    JOIN execution.instructions i ON i.trade_id = t.id
    JOIN execution.orders o ON o.trade_id = t.id
    JOIN paper.arrivals a ON a.cl_ord_id = o.cl_ord_id
    WHERE t.signal_id = %s
"""
STEPS = ("dequeued", "handed over", "planned", "submitted", "stored")


@dataclass(frozen=True)
class Run:
    """Milliseconds from the receipt of one signal."""

    trades: int
    filled: int
    first_submitted: float
    last_submitted: float
    stored: float


def measure(bench: Bench) -> Part:
    """Each size, warm, with its COPY."""
    part = Part("fanout")
    sizes = SIZES[:3] if bench.quick else SIZES
    for size, strategy, webhook in zip(sizes, bench.strategies, bench.webhooks, strict=False):
        seed.subscribe(bench.owner, [strategy], each=size)
        cold = _read(bench, _fire(bench, webhook, size))
        before = bench.processor_seconds()
        signal_id = _fire(bench, webhook, size)
        spent = used(before, bench.processor_seconds())
        warm = _read(bench, signal_id)
        copied, rows = copy_again(bench, signal_id)
        _tell(part, size, warm, copied, rows)
        part.figures[str(size)] = {
            "cold": cold.__dict__,
            "warm": warm.__dict__,
            "copy_ms": copied,
            "rows": rows,
        }
        part.notes.append(f"fan-out {size:,}, first to last: {_steps(bench, signal_id)}")
        part.notes.append(f"fan-out {size:,}, processor time: {spent}")
        if warm.filled < size:
            part.notes.append(f"fan-out {size}: {warm.filled} filled of {warm.trades} trades")
    return part


def _tell(part: Part, size: int, run: Run, copied: float, rows: int) -> None:
    largest = size == SIZES[-1]
    ratio = run.stored / copied if copied else 0.0
    held = (run.first_submitted, run.last_submitted, run.stored, ratio)
    part.rows.append(
        Row(
            f"fan-out to {size:,}: first / last submitted / all stored",
            f"{ms(run.first_submitted)} / {ms(run.last_submitted)} / {ms(run.stored)}",
            f"COPY of its {rows:,} rows {ms(copied)}: {ratio:.1f}x",
            "<= 100 ms / 3 s / 5 s, 3x" if largest else "",
            all(value <= bound for value, bound in zip(held, BUDGET, strict=True))
            if largest
            else None,
        )
    )


def _fire(bench: Bench, webhook: str, size: int) -> str:
    """Post the signal and wait until every trade of it ended."""
    body = {"ticker": "AAPL", "action": "buy", "quantity": 1, "price": "228.40"}
    answer = bench.stack.post(webhook, json.dumps(body).encode())
    answer.raise_for_status()
    signal_id = answer.json()["id"].partition("_")[2]
    deadline = time.monotonic() + WAIT_SECONDS
    before = None
    while time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        read = bench.owner.execute(_READ_SO_FAR).fetchone()
        if read == before and _ended(bench, signal_id) >= size:
            break
        before = read
    return str(signal_id)


def _ended(bench: Bench, signal_id: str) -> int:
    return bench.count(
        "SELECT count(*) FROM web.trades WHERE signal_id = %s"
        " AND state NOT IN ('PENDING', 'WORKING', 'BLOCKED')",
        signal_id,
    )


def _read(bench: Bench, signal_id: str) -> Run:
    # What was written just now is unknown to the planner, which would join it row by row.
    bench.owner.execute("ANALYZE web.trades, execution.orders, paper.arrivals")
    row = bench.owner.execute(_TIMES, [signal_id]).fetchone()
    assert row is not None
    trades, filled, received, *moments = row
    return Run(trades, filled, *(_since(received, each) for each in moments))


def _steps(bench: Bench, signal_id: str) -> str:
    row = bench.owner.execute(_STEPS, [signal_id]).fetchone()
    assert row is not None
    received, dequeued, *moments = row
    times = [_since(received, each) for each in (dequeued, dequeued, *moments)]
    pairs = zip(STEPS, times[::2], times[1::2], strict=True)
    return ", ".join(f"{name} {ms(first)} to {ms(last)}" for name, first, last in pairs)


def _since(start: datetime | None, moment: datetime | None) -> float:
    if start is None or moment is None:
        return float("nan")
    return (moment - start).total_seconds() * 1000


def copy_again(bench: Bench, signal_id: str) -> tuple[float, int]:
    """Write a signal's rows once more with COPY, into tables with the same indexes."""
    data: dict[str, list[bytes]] = {}
    for table, query in _ROWS.items():
        bench.owner.execute(
            f"DROP TABLE IF EXISTS benchmark.copied_{table.replace('.', '_')};"
            f"CREATE SCHEMA IF NOT EXISTS benchmark;"
            f"CREATE TABLE benchmark.copied_{table.replace('.', '_')} (LIKE {table} INCLUDING ALL)"
        )
        asked = sql.SQL(query.replace("%(signal)s", "{}")).format(signal_id)
        with bench.owner.cursor() as cursor:
            statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(asked)
            with cursor.copy(statement) as copy:
                data[table] = [bytes(block) for block in copy]
    started = time.perf_counter()
    with bench.owner.transaction():
        rows = sum(_copy_in(bench.owner, table, blocks) for table, blocks in data.items())
    return (time.perf_counter() - started) * 1000, rows


def _copy_in(connection: psycopg.Connection[object], table: str, blocks: list[bytes]) -> int:
    target = sql.SQL(f"COPY benchmark.copied_{table.replace('.', '_')} FROM STDIN (FORMAT binary)")
    with connection.cursor() as cursor:
        with cursor.copy(target) as copy:
            for block in blocks:
                copy.write(block)
        return cursor.rowcount
