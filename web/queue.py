"""The bell: tells a worker that something is due. It carries no work.

One bell a shard: the first ring puts a job on the queue, and until somebody hears it there
is one call, however many ring. Losing a ring costs one sweep of the relay (1 s), running
it twice changes nothing. Redis holds no truth: a
slow or absent one costs nobody who answers a sender any time at all, because a thread of
its own (`Ringer`) rings for all of a process's requests.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from web.bell_job import FUNCTION

TIMEOUT_SECONDS = 0.05
# After a failure the bell is left alone for this long.
REST_SECONDS = 1.0
# Whoever looks is believed to for so long after they said so: then the next ring asks for
# another, should they have died.
RING_MS = 1000
# How long a process's ringer rests between two rings.
PAUSE_SECONDS = 0.002
# Without a ring for so long, whoever listens goes.
LISTEN_SECONDS = 0.25
# No job takes so long: a shift, and at most one wide signal. What does hangs, and is ended with
# its process.
JOB_SECONDS = 30
QUEUE = "drain"
CHANGES_CHANNEL = "fillwire:changes"

# The key stands while someone looks, or was asked to; the call, while nobody has heard it. The
# first ring finds nobody and asks, which is answered with 1.
_RING = """
if redis.call('LLEN', KEYS[2]) == 0 then redis.call('LPUSH', KEYS[2], 1) end
if redis.call('SET', KEYS[1], 1, 'PX', ARGV[1], 'NX') then return 1 end
return 0
"""

_LEAVE = """
if redis.call('LLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""

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
        self._ring = self._redis.register_script(_RING)
        self._leave = self._redis.register_script(_LEAVE)
        # Whoever listens waits for the answer.
        self._line = Redis.from_url(
            redis_url,
            socket_timeout=LISTEN_SECONDS + 10 * TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=None,
        )
        self._rest_until = 0.0
        self._said_at = 0.0

    def ring(self, shard: int = 0) -> None:
        """Ask for a drain. Only where nobody looks does it put a job on the queue."""
        with self._awake("bell_unheard") as redis:
            if redis and self._ring(keys=[_key(shard), _call(shard)], args=[RING_MS]):
                ending = {"result_ttl": 0, "failure_ttl": 60, "job_timeout": JOB_SECONDS}
                self._queue.enqueue(FUNCTION, shard, **ending)

    def look(self, shard: int = 0) -> None:
        """Say that someone looks now, before they do: every ring so far is heard."""
        with self._awake("bell_unanswered") as redis:
            if redis:
                pipe = redis.pipeline(transaction=False)
                pipe.set(_key(shard), 1, px=RING_MS)
                pipe.delete(_call(shard))
                pipe.execute()
                self._said_at = time.monotonic()

    def listen(self, shard: int = 0, changed: Iterable[str] = ()) -> bool:
        """Wait for a ring, LISTEN_SECONDS at most; was it rung since the last one was heard?

        To hear it is to look: it is taken, and whoever rings from here on rings anew. Live pages
        of the `changed` tenants are told first, on the same way.
        """
        with self._awake("bell_unanswered") as redis:
            if redis:
                line = self._line.pipeline(transaction=False)
                _publish(line, changed)
                if time.monotonic() - self._said_at > LISTEN_SECONDS:
                    line.set(_key(shard), 1, px=RING_MS)
                    self._said_at = time.monotonic()
                line.blpop([_call(shard)], timeout=LISTEN_SECONDS)
                return line.execute()[-1] is not None
        return False

    def leave(self, shard: int = 0) -> bool:
        """Stop looking, unless it was rung meanwhile: then False, and look again."""
        with self._awake("bell_unanswered") as redis:
            if redis:
                return bool(self._leave(keys=[_key(shard), _call(shard)]))
        return True

    def give_up(self, shard: int = 0) -> None:
        """Stop looking, though it was rung meanwhile: the next ring asks for another."""
        with self._awake("bell_unanswered") as redis:
            if redis:
                redis.delete(_key(shard))

    def pass_on(self, shard: int = 0) -> None:
        """Stop looking, and ask for another who looks."""
        self.give_up(shard)
        self.ring(shard)

    def announce(self, tenant_ids: set[str]) -> None:
        """Tell live pages that these tenants have changes."""
        if not tenant_ids:
            return
        with self._awake("changes_unheard") as redis:
            if redis:
                pipe = redis.pipeline(transaction=False)
                _publish(pipe, tenant_ids)
                pipe.execute()

    @contextmanager
    def _awake(self, event: str) -> Iterator[Redis | None]:
        """Redis, or None while it rests after a failure, so that nobody waits for it again."""
        try:
            yield self._redis if time.monotonic() >= self._rest_until else None
        except (RedisError, OSError) as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            log.warning(event, error=error)


class Ringer:
    """Rings on behalf of many threads, which do not wait for it.

    A ring asked for while one is on its way is made after it, so none is lost to timing.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
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
            time.sleep(PAUSE_SECONDS)


def _publish(pipe: Pipeline, tenant_ids: Iterable[str]) -> None:
    for tenant_id in tenant_ids:
        pipe.publish(CHANGES_CHANNEL, tenant_id)


def _key(shard: int) -> str:
    return f"fillwire:bell:{shard}"


def _call(shard: int) -> str:
    return f"fillwire:bell:{shard}:call"
