"""The lines of an exported trail, byte for byte. What is sealed and what is exported is this.

A line is JSON: names in alphabetical order, no space around `,` and `:`, UTF-8, nothing escaped
but what JSON demands; `before`, `after` and `origin` are as PostgreSQL writes its jsonb. Times
are UTC with six digits. docs/audit.md describes each field.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids

# The chain of events that belong to no tenant.
PLATFORM = UUID(int=0)

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
