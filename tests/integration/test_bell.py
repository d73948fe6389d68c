"""The bell under a steady stream of rings: whoever fails to answer does not silence it."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from rq import Queue

from web import jobs, queue
from web.execution_client import ExecutionDown
from web.queue import Bell

SHARD = uuid4().int % 10**9


@pytest.fixture
def bell(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bell]:
    monkeypatch.setattr(queue, "QUEUE", f"drain-{uuid4().hex}")
    bell = Bell(redis_url)
    yield bell
    bell.give_up(SHARD)
    asked(bell).delete()


def asked(bell: Bell) -> "Queue":
    """The jobs that ask somebody to look."""
    return bell._queue


def test_the_first_ring_asks_and_further_ones_do_not(bell: Bell) -> None:
    for _ in range(5):
        bell.ring(SHARD)

    assert asked(bell).count == 1


def test_after_somebody_died_who_looked_steady_rings_are_heard_again(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "RING_MS", 100)
    bell.ring(SHARD)
    asked(bell).empty()  # type: ignore[no-untyped-call]
    bell.look(SHARD)  # by a worker, which is killed then

    deadline = time.monotonic() + 5
    while not asked(bell).count and time.monotonic() < deadline:
        bell.ring(SHARD)
        time.sleep(0.01)

    assert asked(bell).count == 1


def test_after_a_drain_found_execution_away_the_next_ring_is_heard(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def drain_due(self) -> tuple[bool, set[str]]:
            bell.ring(SHARD)  # a signal arrives meanwhile
            raise ExecutionDown("away")

    monkeypatch.setattr(jobs, "_tools", lambda: (bell, Away()))
    bell.ring(SHARD)
    asked(bell).empty()  # type: ignore[no-untyped-call]

    jobs.drain(SHARD)
    bell.ring(SHARD)

    assert asked(bell).count == 1


def test_a_ring_wakes_whoever_listens(bell: Bell) -> None:
    bell.look(SHARD)
    assert not bell.listen(SHARD)
    ringing = threading.Timer(0.05, bell.ring, [SHARD])
    ringing.start()
    assert bell.listen(SHARD)
    ringing.join()
    assert asked(bell).count == 0, "nobody else was asked"
    assert not bell.listen(SHARD), "one ring, heard once"


def test_a_ring_during_a_drain_is_heard_after_it(bell: Bell) -> None:
    bell.look(SHARD)
    bell.ring(SHARD)
    bell.ring(SHARD)
    assert bell.listen(SHARD)


def test_a_ring_whose_call_was_lost_keeps_whoever_wants_to_leave(bell: Bell) -> None:
    bell.look(SHARD)
    bell.ring(SHARD)
    bell._redis.delete(queue._call(SHARD))
    assert not bell.leave(SHARD)
    assert bell.look(SHARD)
    assert bell.leave(SHARD)
