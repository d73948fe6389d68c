"""What RQ keeps of jobs that failed: listed, put back, discarded.

Jobs are bells, so none of them is work that is lost. All calls raise RedisError, OSError.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from redis import Redis
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.serializers import JSONSerializer

from web.bell_job import BellJob
from web.queue import QUEUE

TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """A job that failed, with the last line of why."""

    id: str
    what: str
    ended_at: datetime | None
    error: str


def listed(redis_url: str, most: int) -> Sequence[Job]:
    """Those that are kept still, oldest first."""
    found = []
    with _queue(redis_url) as queue:
        for job_id in queue.failed_job_registry.get_job_ids(0, most - 1):
            job = queue.fetch_job(job_id)
            if job is not None:
                result = job.latest_result()
                lines = (result.exc_string or "").strip().splitlines() if result else []
                error = lines[-1] if lines else ""
                found.append(Job(job_id, job.func_name or "", job.ended_at, error))
    return found


def put_back(redis_url: str, job_id: str) -> bool:
    """On its queue again; False where it is gone."""
    with _queue(redis_url) as queue:
        try:
            queue.failed_job_registry.requeue(job_id)
        except (NoSuchJobError, InvalidJobOperation):
            return False
    return True


def discard(redis_url: str, job_id: str) -> bool:
    """Forgotten; False where it is gone."""
    with _queue(redis_url) as queue:
        # Not as RQ deletes one, which looks through all of its books: the site may not.
        was_there = queue.failed_job_registry.remove(job_id)
        queue.connection.delete(BellJob.key_for(job_id))
        return bool(was_there)


@contextmanager
def _queue(redis_url: str) -> Iterator[Queue]:
    with Redis.from_url(
        redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    ) as redis:
        yield Queue(QUEUE, connection=redis, serializer=JSONSerializer)
