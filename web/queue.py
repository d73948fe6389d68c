"""The bell: tells a worker that something is due. It carries no work.

One bell a shard; ringing one that is already ringing does nothing. Losing a ring costs
one sweep of the relay (1 s), running it twice changes nothing. Redis holds no truth: a
slow or absent one costs nobody who answers a sender any time at all, because a thread of
its own (`Ringer`) rings for all of a process's requests.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

TIMEOUT_SECONDS = 0.05
# After a failure the bell is left alone for this long.
REST_SECONDS = 1.0
QUEUE = "drain"
CHANGES_CHANNEL = "fillwire:changes"

log = structlog.get_logger()


class Bell:
    """Rings for a shard of strategies. Safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=None,
        )
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer)
        self._rest_until = 0.0

    def ring(self, shard: int = 0) -> None:
        """Ask for a drain, unless one was asked for already."""
        with self._awake("bell_unheard") as redis:
            if redis and redis.set(_key(shard), 1, nx=True, px=1000):
                self._queue.enqueue(
                    "web.jobs.drain", shard, result_ttl=0, failure_ttl=60, job_timeout=10
                )

    def answer(self, shard: int = 0) -> None:
        """Take the ring down, before looking at what is due."""
        with self._awake("bell_unanswered") as redis:
            if redis:
                redis.delete(_key(shard))

    def announce(self, tenant_ids: set[str]) -> None:
        """Tell live pages that these tenants have changes."""
        if not tenant_ids:
            return
        with self._awake("changes_unheard") as redis:
            if redis:
                pipe = redis.pipeline(transaction=False)
                for tenant_id in tenant_ids:
                    pipe.publish(CHANGES_CHANNEL, tenant_id)
                pipe.execute()

    @contextmanager
    def _awake(self, event: str) -> Iterator[Redis | None]:
        """Redis, or None while it rests after a failure, so that nobody waits for it again."""
        try:
            yield self._redis if time.monotonic() >= self._rest_until else None
        except (RedisError, OSError) as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            log.warning(event, error=str(error))


class Ringer:
    """Rings on behalf of many threads, which do not wait for it.

    A ring asked for while one is on its way is made after it, so none is lost to timing.
    """

    def __init__(self, bell: Bell, *, pause_seconds: float = 0.002) -> None:
        self._bell = bell
        self._pause = pause_seconds
        self._asked = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name="ringer", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Ask for a ring; returns at once."""
        self._asked.set()

    def end(self) -> None:
        """Ring once more if asked, and stop."""
        self._ended = True
        self._asked.set()
        self._thread.join(timeout=1)

    def _serve(self) -> None:
        while not self._ended:
            self._asked.wait()
            self._asked.clear()
            self._bell.ring()
            time.sleep(self._pause)


def _key(shard: int) -> str:
    return f"fillwire:bell:{shard}"
