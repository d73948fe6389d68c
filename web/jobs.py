"""The worker: answers the bell. An RQ job never means "here is work", only "look"."""

import faulthandler
import os
import threading
import time
from functools import lru_cache
from pathlib import Path

import psycopg
import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from protos import certificates, faults, memory
from protos import log as lines
from web import config, db
from web.bell_job import BellJob
from web.execution_client import ExecutionClient, ExecutionDown
from web.queue import QUEUE, Bell
from web.trades.service import Drain

# How long a job goes on before it makes way for another.
SHIFT_SECONDS = 2.0

log = structlog.get_logger()


def drain(shard: int) -> None:
    """The job: drain what is due, and a little longer whatever the bell tells meanwhile.

    RQ's way with a job costs several milliseconds; a stream of signals pays it once a
    shift instead of once each.
    """
    bell, drainer = _tools()
    bell.look(shard)
    deadline = time.monotonic() + SHIFT_SECONDS
    try:
        more, changed = drainer.drain_due()
        while not more and time.monotonic() < deadline:
            heard, changed = bell.listen(shard, changed), set()
            if heard:
                more, changed = drainer.drain_due()
            elif bell.leave(shard):
                return
        bell.announce(changed)
    except ExecutionDown as error:
        log.warning("execution_away", error=error)
        bell.give_up(shard)
        return
    except psycopg.OperationalError as error:
        log.warning("database_away", error=error)
        bell.give_up(shard)
        return
    bell.pass_on(shard)


def run_worker() -> None:
    """Work until told to stop. Redis coming and going ends nothing."""
    settings = config.read(secrets=())
    lines.configure("worker")
    faults.arm("worker")
    _tools()
    memory.settle()
    beat(settings)
    while True:
        try:
            listener(Redis.from_url(settings.redis_url)).work(logging_level="WARNING")
            return
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=error)
            time.sleep(0.5)


class Watchdog(BaseDeathPenalty):
    """Ends the process whose job takes too long, once it said what each thread was doing.

    RQ would raise an exception wherever the job is, and what it was in the midst of, a row of
    answers or gRPC's channel, would be left as it was for the next. Every step of a drain may be
    repeated, and whoever starts workers starts another.
    """

    def setup_death_penalty(self) -> None:
        """From now on."""
        faulthandler.dump_traceback_later(self._timeout, exit=True)

    def cancel_death_penalty(self) -> None:
        """It came to its end."""
        faulthandler.cancel_dump_traceback_later()


class Worker(SimpleWorker):
    """A worker that is never left half done."""

    death_penalty_class = Watchdog


def listener(connection: Redis) -> Worker:
    """A worker that hears the bell, and does nothing else that Redis may ask for."""
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer, job_class=BellJob)
    return Worker(
        [queue],
        connection=connection,
        serializer=JSONSerializer,
        job_class=BellJob,
        worker_ttl=25,
        maintenance_interval=10,
        disable_default_exception_handler=False,
    )


def beat(settings: config.Config) -> None:
    """Say "ready", and once a second "alive", in the data folder."""
    if not settings.instance:
        return
    path = Path(settings.data_dir) / "run" / f"{settings.instance}.ready"
    path.parent.mkdir(parents=True, exist_ok=True)

    def touch() -> None:
        while True:
            path.write_text(str(os.getpid()))
            time.sleep(1)

    threading.Thread(target=touch, name="beat", daemon=True).start()


@lru_cache(maxsize=1)
def _tools() -> tuple[Bell, Drain]:
    settings = config.read(secrets=())
    pool = db.open_pool(settings.worker_database_url, size=2, name="worker")
    execution = ExecutionClient(settings.execution_target, certificates.at(settings.certificates))
    return Bell(settings.redis_url), Drain(pool, execution)
