"""What the passing of time does: end or let go what waited, forget what nobody needs."""

import time
from collections.abc import Callable

from psycopg import Connection
from psycopg.rows import TupleRow

from web import rework
from web.db import Pool
from web.trades import waiting
from web.trades.waiting import Change

# Well below the lease of a loop.
TURN_SECONDS = 2.0
HOUSEKEEPING_SECONDS = 60.0

# A process that died is known by its lock, which nobody holds. Written down, its death
# stops mattering to intake after 22 s.
_BURY = """
UPDATE web.boots SET ended_at = last_seen_at
WHERE ended_at IS NULL AND last_seen_at < clock_timestamp() - interval '3 seconds'
  AND pg_try_advisory_xact_lock_shared(hashtextextended(id::text, 0))
"""

# In batches, so that no housekeeping holds rows for long.
_FORGET = (
    "DELETE FROM web.changes WHERE ctid IN (SELECT ctid FROM web.changes "
    "WHERE at < now() - interval '1 day' LIMIT 5000)",
    "DELETE FROM web.doubts WHERE at < now() - interval '1 hour'",
    "DELETE FROM web.signal_keys WHERE expires_at < now()",
    "DELETE FROM web.boots WHERE last_seen_at < now() - interval '1 day'",
    "DELETE FROM web.links WHERE expires_at < now() - interval '1 day'",
    "DELETE FROM web.challenges WHERE expires_at < now()",
    "DELETE FROM web.invitations WHERE expires_at < now() - interval '30 days'",
    "DELETE FROM web.tries WHERE last_at < now() - interval '1 day'",
    "DELETE FROM web.sessions WHERE expires_at < now() - interval '30 days'",
    "DELETE FROM web.sign_ins WHERE at < now() - interval '180 days'",
    "DELETE FROM web.staff_sessions WHERE expires_at < now() - interval '90 days'",
    "DELETE FROM web.staff_links WHERE expires_at < now() - interval '1 day'",
    "DELETE FROM web.mails WHERE ended_at < now() - interval '30 days'",
)

_MEASURE = "SELECT web.measure_young()"

_last_housekeeping = 0.0


def turn(pool: Pool, ring: Callable[[], object]) -> set[str]:
    """One turn of the timers loop; the tenants whose pages changed.

    Rings when a trade was let go, once that is durable.
    """
    changed: set[str] = set()
    deadline = time.monotonic() + TURN_SECONDS
    with pool.connection() as connection:
        connection.execute(_BURY)
        changed |= rework.turn(connection)
        while time.monotonic() < deadline:
            is_let_go, changes = _end_waiting(connection)
            if is_let_go:
                ring()
            if not changes:
                break
            changed |= {tenant_id.hex for tenant_id, _, _ in changes}
        _measure_young(connection, deadline)
        _keep_house(connection)
    return changed


def _end_waiting(connection: Connection[TupleRow]) -> tuple[bool, list[Change]]:
    """Some of the trades whose waiting is over, in one transaction."""
    with connection.transaction():
        expired = waiting.expire(connection)
        is_let_go, released = waiting.release(connection)
        changes = expired + released
        waiting.tell(connection, changes)
    return is_let_go, changes


def _measure_young(connection: Connection[TupleRow], deadline: float) -> None:
    """Tables that have outgrown what the planner knows of them, one after another."""
    before, found = None, connection.execute(_MEASURE).fetchone()
    # One that autovacuum has in hand comes again.
    while found and found[0] and found != before and time.monotonic() < deadline:
        before, found = found, connection.execute(_MEASURE).fetchone()


def _keep_house(connection: Connection[TupleRow]) -> None:
    global _last_housekeeping
    if time.monotonic() - _last_housekeeping > HOUSEKEEPING_SECONDS:
        _last_housekeeping = time.monotonic()
        for statement in _FORGET:
            connection.execute(statement)
