"""Seal what happened: a chain of hashes for each tenant, and one for the platform.

A loop of the relay. Durable fact: the seals, with how far they reach, in one transaction. If we
die before it commits, the next turn makes the same seals. Events are sealed at the next turn;
signals and execution's facts in ranges, once a minute, off the road, a bounded number at a time.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from web.audit import lines, ranges, verify
from web.audit.ranges import Facts, Found, Range, Source
from web.db import Pool

SEAL_SECONDS = 0.5
RANGES_SECONDS = 60.0
# Well below the lease of a loop.
TURN_SECONDS = 1.5
# What one transaction seals at most.
CHAINS, EVENTS = 50, 500
VERSION = 2

_DUE = """
SELECT chain, seq, sealed_seq FROM web.audit_heads WHERE sealed_seq < seq ORDER BY chain LIMIT %s
"""
_LAST = """
SELECT number, last_seq, line FROM web.audit_seals WHERE chain = %s ORDER BY number DESC LIMIT 1
"""
_MARK = """
INSERT INTO web.audit_marks (kind, of_id, seq, cursor) VALUES (%s, %s, %s, %s)
ON CONFLICT (kind, of_id) DO UPDATE SET seq = excluded.seq, cursor = excluded.cursor
"""


@dataclass
class Due:
    """What the next seal of a chain is about to cover."""

    events: Sequence[tuple[int, str]] = ()
    ranges: list[Range] = field(default_factory=list)


class Sealer:
    """Seals turn by turn; remembers when ranges were last looked for, and where they may wait."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], float] = time.monotonic,
        facts: Facts | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._sources = ranges.sources(facts)
        self._waiting: list[Source] = []
        self._ranges_at = -RANGES_SECONDS

    def turn(self) -> int:
        """Seal what is due; how many seals were made."""
        began, made = self._clock(), 0
        if began - self._ranges_at >= RANGES_SECONDS:
            self._waiting, self._ranges_at = list(self._sources), began
        with self._pool.connection() as connection:
            while True:
                source = self._waiting[0] if self._waiting else None
                sealed, more = _seal_some(connection, source)
                made += sealed
                if self._waiting and not more:
                    self._waiting.pop(0)
                if self._clock() - began > TURN_SECONDS or not (sealed or self._waiting):
                    return made


def _seal_some(connection: Connection[TupleRow], source: Source | None) -> tuple[int, bool]:
    """One transaction: how many seals it made, and whether more ranges may wait."""
    with connection.transaction():
        found = source(connection) if source is not None else Found()
        due: defaultdict[UUID, Due] = defaultdict(Due)
        for chain, seq, sealed_seq in connection.execute(_DUE, (CHAINS,)).fetchall():
            rows = lines.events(connection, chain, after=sealed_seq, last=seq, limit=EVENTS)
            due[chain].events = rows
        for each in found.ranges:
            due[each.chain].ranges.append(each)
        for mark in found.marks:
            connection.execute(_MARK, mark)
        now = connection.execute("SELECT clock_timestamp()").fetchone()
        assert now is not None
        for chain, covered in due.items():
            _add(connection, chain, covered, now[0])
    return len(due), found.more


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
        covers=due.ranges,
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
    covers: Sequence[Range],
    at: datetime,
) -> str:
    """A seal, as it is stored and exported."""
    return lines.text(
        {
            "at": lines.moment(at),
            "chain": lines.name(chain),
            "events": {"first": first, "rows": [verify.digest(row.encode()) for row in rows]},
            "previous": previous,
            "ranges": [each.to_json() for each in covers],
            "seal": number,
            "type": "seal",
            "version": VERSION,
        }
    )
