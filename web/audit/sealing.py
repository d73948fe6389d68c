"""Seal what happened: a chain of hashes for each tenant, and one for the platform.

A loop of the relay. Durable fact: the seals, with how far they reach, in one transaction. If we
die before it commits, the next turn makes the same seals. Events are sealed at the next turn;
signals and facts in ranges, once a minute, off the road and a bounded number at a time.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from web.audit import lines, verify
from web.db import Pool

SEAL_SECONDS = 0.5
RANGES_SECONDS = 60.0
# Well below the lease of a loop.
TURN_SECONDS = 1.5
# What one transaction seals at most.
CHAINS, EVENTS = 50, 500
RANGES, RANGE_ROWS = 10, 1000
VERSION = 1

_DUE = """
SELECT chain, seq, sealed_seq FROM web.audit_heads WHERE sealed_seq < seq ORDER BY chain LIMIT %s
"""
_LAST = """
SELECT number, last_seq, line FROM web.audit_seals WHERE chain = %s ORDER BY number DESC LIMIT 1
"""
_SIGNALS = """
SELECT due.tenant_id, due.strategy_id, due.after + 1, due.last, d.rows, d.digest FROM (
    SELECT i.tenant_id, i.strategy_id, coalesce(m.seq, 0) AS after,
        least(i.seq, coalesce(m.seq, 0) + %s) AS last
    FROM web.strategy_intake i
    LEFT JOIN web.audit_marks m ON m.kind = 'signals' AND m.of_id = i.strategy_id
    WHERE i.seq > coalesce(m.seq, 0) LIMIT %s
) due CROSS JOIN LATERAL web.digest_signals(due.strategy_id, due.after, due.last) d
"""
_MARK = """
INSERT INTO web.audit_marks (kind, of_id, seq) VALUES (%s, %s, %s)
ON CONFLICT (kind, of_id) DO UPDATE SET seq = excluded.seq
"""


@dataclass(frozen=True)
class Range:
    """Rows of one kind and owner, by their numbers, and the hash over them."""

    chain: UUID
    kind: str
    of: UUID
    first: int
    last: int
    count: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """As a seal has it."""
        return {
            "count": self.count,
            "first": self.first,
            "kind": self.kind,
            "last": self.last,
            "of": ids.show("strategy", self.of),
            "sha256": self.sha256,
        }


@dataclass
class Due:
    """What the next seal of a chain is about to cover."""

    events: Sequence[tuple[int, str]] = ()
    ranges: list[Range] = field(default_factory=list)


class Sealer:
    """Seals turn by turn; remembers when ranges were last looked for."""

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._ranges_at = -RANGES_SECONDS

    def turn(self) -> int:
        """Seal what is due; how many seals were made."""
        began, made = self._clock(), 0
        ranges_due = began - self._ranges_at >= RANGES_SECONDS
        with self._pool.connection() as connection:
            while True:
                sealed, more_ranges = _seal_some(connection, with_ranges=ranges_due)
                made += sealed
                if ranges_due and not more_ranges:
                    ranges_due, self._ranges_at = False, began
                if not sealed or self._clock() - began > TURN_SECONDS:
                    return made


def _seal_some(connection: Connection[TupleRow], *, with_ranges: bool) -> tuple[int, bool]:
    """One transaction: how many seals it made, and whether more ranges may be due."""
    with connection.transaction():
        due: defaultdict[UUID, Due] = defaultdict(Due)
        for chain, seq, sealed_seq in connection.execute(_DUE, (CHAINS,)).fetchall():
            found = lines.events(connection, chain, after=sealed_seq, last=seq, limit=EVENTS)
            due[chain].events = found
        ranges = _signals(connection) if with_ranges else []
        for each in ranges:
            due[each.chain].ranges.append(each)
            connection.execute(_MARK, (each.kind, each.of, each.last))
        now = connection.execute("SELECT clock_timestamp()").fetchone()
        assert now is not None
        for chain, covered in due.items():
            _add(connection, chain, covered, now[0])
    return len(due), len(ranges) == RANGES


def _signals(connection: Connection[TupleRow]) -> list[Range]:
    rows = connection.execute(_SIGNALS, (RANGE_ROWS, RANGES)).fetchall()
    return [
        Range(tenant, "signals", strategy, first, last, count, digest.hex())
        for tenant, strategy, first, last, count, digest in rows
    ]


def _add(connection: Connection[TupleRow], chain: UUID, due: Due, at: datetime) -> None:
    before = connection.execute(_LAST, (chain,)).fetchone()
    number, last_seq, line = before if before is not None else (0, 0, None)
    rows = [text for _, text in due.events]
    sealed = seal_line(
        chain,
        number + 1,
        previous=verify.FIRST if line is None else verify.digest(line.encode()),
        first=last_seq + 1,
        rows=rows,
        ranges=due.ranges,
        at=at,
    )
    last = due.events[-1][0] if due.events else last_seq
    connection.execute(
        "INSERT INTO web.audit_heads (chain) VALUES (%s) ON CONFLICT DO NOTHING", (chain,)
    )
    connection.execute(
        "INSERT INTO web.audit_seals (chain, number, last_seq, line) VALUES (%s, %s, %s, %s)",
        (chain, number + 1, last, sealed),
    )
    if rows:
        connection.execute(
            "UPDATE web.audit_heads SET sealed_seq = %s WHERE chain = %s", (last, chain)
        )


def seal_line(
    chain: UUID,
    number: int,
    *,
    previous: str,
    first: int,
    rows: Sequence[str],
    ranges: Sequence[Range],
    at: datetime,
) -> str:
    """A seal, as it is stored and exported."""
    return lines.text(
        {
            "at": lines.moment(at),
            "chain": lines.name(chain),
            "events": {"first": first, "rows": [verify.digest(row.encode()) for row in rows]},
            "previous": previous,
            "ranges": [each.to_json() for each in ranges],
            "seal": number,
            "type": "seal",
            "version": VERSION,
        }
    )
