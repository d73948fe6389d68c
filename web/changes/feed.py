"""What changed for a tenant after a number, and a bell when there may be more.

The bell is Redis and may be silent; whoever listens asks PostgreSQL every two seconds
anyway, so a frozen or absent Redis costs at most that.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.exceptions import RedisError

from protos import tasks
from web.changes.tickets import Listener
from web.queue import CHANGES_CHANNEL

POLL_SECONDS = 2.0
READ_SECONDS = 3.0
MOST = 500
_RECONNECT_SECONDS = 1.0
# The pool's pauses between attempts double; it gives up instead, and the next read tries again.
_GIVE_UP_SECONDS = 0.25
_PING_SECONDS = 5.0

# Asked each time, so that a stream is over within two seconds of what allowed it.
_ALLOWED = """
SELECT FROM web.sessions s
JOIN web.people p ON p.id = s.person_id AND p.disabled_at IS NULL
JOIN web.members m ON m.person_id = s.person_id
WHERE s.id = %s AND s.revoked_at IS NULL AND s.expires_at > now()
  AND m.person_id = %s AND m.tenant_id = %s AND m.role = %s
"""

log = structlog.get_logger()


class NotTheirs(Exception):
    """Their session is over, or they are no member with that role any more."""


@dataclass(frozen=True)
class Change:
    """One thing of a tenant that is not as it was."""

    number: int
    kind: str
    object_id: UUID


class Feed:
    """Reads changes and hears the bell. One a process, in its event loop."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self._redis_url = redis_url
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=4,
            timeout=READ_SECONDS,
            reconnect_timeout=_GIVE_UP_SECONDS,
            name="live",
            open=False,
            kwargs={"connect_timeout": 2, "application_name": "fillwire-live"},
        )
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen, whatever state the neighbours are in."""
        await self._pool.open()
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Stop."""
        if self._listener is not None:
            await tasks.end([self._listener])
        await self._pool.close()

    async def number(self, listener: Listener) -> int:
        """The tenant's latest change number. Raises NotTheirs."""
        rows = await self._read(
            listener,
            "SELECT number FROM web.tenant_changes WHERE tenant_id = %s",
            (listener.tenant_id,),
        )
        return int(rows[0][0]) if rows else 0

    async def after(self, listener: Listener, number: int) -> Sequence[Change]:
        """Changes after a number, in order; a number's changes are never torn apart.

        Raises NotTheirs.
        """
        rows = await self._read(
            listener,
            "SELECT number, kind, object_id FROM web.changes WHERE tenant_id = %s "
            "AND number > %s ORDER BY number FETCH FIRST %s ROWS WITH TIES",
            (listener.tenant_id, number, MOST),
        )
        return [Change(*row) for row in rows]

    @contextlib.contextmanager
    def bell(self, tenant_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever the tenant may have changes."""
        event = asyncio.Event()
        self._waiting[tenant_id].add(event)
        try:
            yield event
        finally:
            self._waiting[tenant_id].discard(event)
            if not self._waiting[tenant_id]:
                del self._waiting[tenant_id]

    async def _read(
        self, listener: Listener, query: str, values: tuple[object, ...]
    ) -> Sequence[TupleRow]:
        """What is asked, for whoever is still allowed to hear it. Raises NotTheirs."""
        tenant, person = listener.tenant_id, listener.person_id
        async with asyncio.timeout(READ_SECONDS), self._pool.connection() as connection:
            await connection.execute(
                "SELECT set_config('app.tenant_id', %s, true), "
                "set_config('app.person_id', %s, true)",
                (str(tenant), str(person)),
            )
            allowed = await connection.execute(
                _ALLOWED, (listener.session_id, person, tenant, listener.role)
            )
            if await allowed.fetchone() is None:
                raise NotTheirs()
            found = await connection.execute(query.encode(), values)
            return await found.fetchall()

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("changes_unheard", error=error)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self) -> None:
        async with (
            Redis.from_url(
                self._redis_url, socket_connect_timeout=2, health_check_interval=_PING_SECONDS
            ) as redis,
            redis.pubsub() as pubsub,
        ):
            await pubsub.subscribe(CHANGES_CHANNEL)
            while True:
                message = await pubsub.get_message(
                    ignore_subscribe_messages=True, timeout=_PING_SECONDS
                )
                if message is not None:
                    self._ring(message["data"])

    def _ring(self, data: bytes) -> None:
        try:
            tenant_id = UUID(data.decode())
        except ValueError:
            return
        for event in self._waiting.get(tenant_id, ()):
            event.set()
