"""The lines of an exported trail, byte for byte. What is sealed and what is exported is this.

A line is JSON: names in alphabetical order, no space around `,` and `:`, UTF-8, nothing escaped
but what JSON demands; `before`, `after` and `origin` are as PostgreSQL writes its jsonb. Times
are UTC with six digits. docs/audit.md describes each field.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids

# The chain of events that belong to no tenant.
PLATFORM = UUID(int=0)
PAGE = 2000

_EVENTS = """
SELECT p.seq, e.action, e.actor, e.after::text,
    to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.before::text, e.id,
    e.origin::text, e.reason, e.subject
FROM web.audit_places p LEFT JOIN web.audit_events e ON e.id = p.event_id
WHERE p.chain = %s AND p.seq > %s AND p.seq <= %s
ORDER BY p.seq LIMIT %s
"""


def name(chain: UUID) -> str:
    """The chain as its lines call it."""
    return "platform" if chain == PLATFORM else ids.show("tenant", chain)


def text(value: Any) -> str:
    """A value of ours as JSON in that form."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def moment(at: datetime) -> str:
    """A time as lines write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def events(
    connection: Connection[TupleRow], chain: UUID, *, after: int, last: int, limit: int | None
) -> Sequence[tuple[int, str]]:
    """Events of a chain in order, each with its seq."""
    called = name(chain)
    rows = connection.execute(_EVENTS, (chain, after, last, limit)).fetchall()
    return [(row[0], _event(called, row)) for row in rows]


def _event(chain: str, row: TupleRow) -> str:
    seq, action, actor, after, at, before, row_id, origin, reason, subject = row
    return (
        f'{{"action":{text(action)},"actor":{text(actor)},"after":{after or "null"},'
        f'"at":{text(at)},"before":{before or "null"},"chain":"{chain}","id":{text(row_id)},'
        f'"origin":{origin or "null"},"reason":{text(reason)},"seq":{seq},'
        f'"subject":{text(subject)},"type":"event"}}'
    )


def page(
    connection: Connection[TupleRow], chain: UUID, *, after_seal: int
) -> list[tuple[int, str]]:
    """The next part of an export: whole seals, each after its events, with its number."""
    before = connection.execute(
        "SELECT last_seq FROM web.audit_seals WHERE chain = %s AND number = %s", (chain, after_seal)
    ).fetchone()
    seq = before[0] if before is not None else 0
    seals = connection.execute(
        "SELECT number, last_seq, line FROM web.audit_seals WHERE chain = %s AND number > %s "
        "ORDER BY number LIMIT %s",
        (chain, after_seal, PAGE),
    ).fetchall()
    taken = [seal for index, seal in enumerate(seals) if not index or seal[1] - seq <= PAGE]
    if not taken:
        return []
    pending = iter(events(connection, chain, after=seq, last=taken[-1][1], limit=None))
    event = next(pending, None)
    found: list[tuple[int, str]] = []
    for number, last_seq, line in taken:
        while event is not None and event[0] <= last_seq:
            found.append((number, event[1]))
            event = next(pending, None)
        found.append((number, line))
    return found


def exported(connection: Connection[TupleRow], chain: UUID) -> Iterator[str]:
    """All that is sealed, in order: events, their seal, the next events."""
    seal = 0
    while found := page(connection, chain, after_seal=seal):
        yield from (line for _, line in found)
        seal = found[-1][0]
