"""Facts that were put aside, and that staff asked to have worked in after all.

Durable fact: the rows that the fact comes to, with the word that it was worked in, in one
transaction. If we die before it commits, the next turn tries again: a fact changes nothing twice.
"""

import psycopg
import structlog
from google.protobuf.message import DecodeError
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.projector import Batch

AT_ONCE = 20

log = structlog.get_logger()

_ASKED = """
SELECT broker, environment, account, canonical_id, fact FROM web.quarantined_facts
WHERE requeued_at IS NOT NULL AND ended_at IS NULL ORDER BY requeued_at LIMIT %s
FOR UPDATE SKIP LOCKED
"""
_OF = "WHERE broker = %s AND environment = %s AND account = %s AND canonical_id = %s"
_WORKED = f"UPDATE web.quarantined_facts SET ended_at = now(), outcome = 'worked in' {_OF}"
_FAILED = f"UPDATE web.quarantined_facts SET requeued_at = NULL, error = %s {_OF}"
# What came later outweighs it.
_LATER = "SELECT id FROM web.orders WHERE id = ANY (%s::uuid[]) AND updated_at > %s"


def turn(connection: Connection[TupleRow]) -> set[str]:
    """Try what was asked for; the tenants whose pages changed."""
    changed: set[str] = set()
    with connection.transaction():
        for *key, raw in connection.execute(_ASKED, (AT_ONCE,)).fetchall():
            try:
                with connection.transaction():
                    changed |= _work_in(connection, bytes(raw))
                connection.execute(_WORKED, key)
            except (ValueError, KeyError, psycopg.Error) as error:
                log.warning("fact_still_aside", canonical_id=key[3], error=type(error).__name__)
                connection.execute(_FAILED, [f"tried again: {error}"[:500], *key])
    return changed


def _work_in(connection: Connection[TupleRow], raw: bytes) -> set[str]:
    """One fact, whatever came after it. Raises ValueError when it cannot be read."""
    fact = pb.Fact()
    try:
        fact.ParseFromString(raw)
    except DecodeError as error:
        raise ValueError("not a fact at all") from error
    batch = Batch()
    batch.add(fact)
    at = wire.to_datetime(fact.time)
    later = connection.execute(_LATER, (list(batch.order_states), at)).fetchall()
    for (order,) in later:
        batch.order_states.pop(order.hex, None)
    batch.write(connection)
    return batch.tenants
