"""Whoever stored trades for an account that another instance holds rings there, through the
database; the holder looks at once. A ring that is lost costs the wait for its next poll."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import psycopg
import structlog

log = structlog.get_logger()

CHANNEL = "fillwire_stored"
RETRY_SECONDS = 1.0

RING = f"""
SELECT pg_notify('{CHANNEL}', instance_id) FROM execution.leases
WHERE account_id = ANY(%s) GROUP BY instance_id
"""

# For one trade, whose doubtful orders are to be asked about.
RING_TO_CHECK = f"""
SELECT pg_notify('{CHANNEL}', instance_id || ' ' || %s) FROM execution.leases
WHERE account_id = %s
"""


async def answer(
    database_url: str,
    instance: str,
    look: Callable[[], Awaitable[object]],
    check: Callable[[UUID], object],
) -> None:
    """Look, or check a trade, whenever somebody rings for this instance, for ever."""
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                database_url, autocommit=True, connect_timeout=3
            )
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                while True:
                    # Those that came together are answered together.
                    rings = [ring async for ring in connection.notifies(stop_after=1)]
                    if any(ring.payload == instance for ring in rings):
                        await look()
                    for ring in rings:
                        called, _, trade = ring.payload.rpartition(" ")
                        if called == instance:
                            check(UUID(hex=trade))
        except psycopg.OperationalError as error:
            log.info("rings_unheard", cause=error)
            await asyncio.sleep(RETRY_SECONDS)
