"""What the passing of time does: end what waited too long, forget what nobody needs."""

import time

from protos import reasons
from web.db import Pool

HOUSEKEEPING_SECONDS = 60.0

_EXPIRE = """
UPDATE web.trades SET state = 'EXPIRED', reason = 'approval_expired', message = %s,
    approval_expires_at = NULL, updated_at = now()
WHERE approval_expires_at < clock_timestamp()
RETURNING tenant_id, id
"""

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
)

_last_housekeeping = 0.0


def turn(pool: Pool) -> set[str]:
    """One turn of the timers loop; the tenants whose pages changed."""
    global _last_housekeeping
    with pool.connection() as connection:
        connection.execute(_BURY)
        with connection.transaction():
            rows = connection.execute(
                _EXPIRE, (reasons.explain("approval_expired", {"minutes": "10"}),)
            ).fetchall()
            if rows:
                tenants, trades = zip(*rows, strict=True)
                connection.execute(
                    "SELECT web.record_changes(%s, %s, %s)",
                    (list(tenants), ["trade"] * len(rows), list(trades)),
                )
        if time.monotonic() - _last_housekeeping > HOUSEKEEPING_SECONDS:
            _last_housekeeping = time.monotonic()
            for statement in _FORGET:
                connection.execute(statement)
    return {tenant_id.hex for tenant_id, _ in rows}
