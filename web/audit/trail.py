"""The sealed trail of a chain in the order of an export: events, what else a seal covers, it."""

import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from web.audit import lines, ranges
from web.audit.ranges import Facts

# Seals, and lines of what they cover, at once.
PAGE = 2000

Seal = tuple[int, int, str]


def page(
    connection: Connection[TupleRow], facts: Facts, chain: UUID, *, after_seal: int
) -> list[tuple[int, str]]:
    """The next part: whole seals, each after what it covers, with its number.

    Raises ExecutionDown.
    """
    before = connection.execute(
        "SELECT last_seq FROM web.audit_seals WHERE chain = %s AND number = %s", (chain, after_seal)
    ).fetchone()
    seq = before[0] if before is not None else 0
    seals = connection.execute(
        "SELECT number, last_seq, line FROM web.audit_seals WHERE chain = %s AND number > %s "
        "ORDER BY number LIMIT %s",
        (chain, after_seal, PAGE),
    ).fetchall()
    taken = _some(seals, seq)
    if not taken:
        return []
    pending = iter(lines.events(connection, chain, after=seq, last=taken[-1][1], limit=None))
    event = next(pending, None)
    found: list[tuple[int, str]] = []
    for number, last_seq, line in taken:
        while event is not None and event[0] <= last_seq:
            found.append((number, event[1]))
            event = next(pending, None)
        if ranges.count(line):
            covered = ranges.rows(connection, facts, chain, json.loads(line))
            found += ((number, row) for row in covered)
        found.append((number, line))
    return found


def exported(connection: Connection[TupleRow], facts: Facts, chain: UUID) -> Iterator[str]:
    """All that is sealed. Raises ExecutionDown."""
    seal = 0
    while found := page(connection, facts, chain, after_seal=seal):
        yield from (line for _, line in found)
        seal = found[-1][0]


def _some(seals: Sequence[Seal], seq: int) -> Sequence[Seal]:
    """The first of them, and more as long as they cover no more than a page."""
    covered = 0

    def fits(seal: Seal) -> bool:
        nonlocal covered
        covered += ranges.count(seal[2])
        return seal is seals[0] or seal[1] - seq + covered <= PAGE

    return list(takewhile(fits, seals))
