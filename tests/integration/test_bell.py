"""The bell under a steady stream of rings: whoever fails to answer does not silence it."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from rq import Queue

from web import jobs, queue
from web.execution_client import ExecutionDown
from web.queue import Bell, Ringer

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


def test_a_ring_during_a_drain_is_heard_after_it_and_once(bell: Bell) -> None:
    bell.look(SHARD)
    for _ in range(3):
        bell.ring(SHARD)
    assert bell.listen(SHARD)
    assert not bell.listen(SHARD)


def test_a_ring_after_one_was_heard_is_heard_as_well(bell: Bell) -> None:
    # Whoever hears a ring does not read at the same moment: nothing may be lost between.
    bell.look(SHARD)
    for _ in range(3):
        bell.ring(SHARD)
        assert bell.listen(SHARD)
    assert asked(bell).count == 0


def test_whoever_begins_to_look_has_heard_what_was_rung_before(bell: Bell) -> None:
    bell.ring(SHARD)
    bell.look(SHARD)
    assert not bell.listen(SHARD)


def test_a_ring_keeps_whoever_wants_to_leave(bell: Bell) -> None:
    bell.look(SHARD)
    bell.ring(SHARD)
    assert not bell.leave(SHARD)
    assert bell.listen(SHARD)
    assert bell.leave(SHARD)
    bell.ring(SHARD)
    assert asked(bell).count == 1, "nobody looks any more"


def test_whoever_listens_for_long_is_known_to(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "RING_MS", 400)
    bell.look(SHARD)
    for _ in range(3):
        assert not bell.listen(SHARD)
    bell.ring(SHARD)
    assert asked(bell).count == 0


@pytest.mark.parametrize(
    "away",
    [ExecutionDown("away"), psycopg.OperationalError("away")],
    ids=["execution", "database"],
)
def test_what_is_rung_while_the_way_is_barred_is_asked_for_by_the_next_ring(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    class Away:
        def drain_due(self) -> tuple[bool, set[str]]:
            raise away

    monkeypatch.setattr(jobs, "_tools", lambda: (bell, Away()))
    bell.ring(SHARD)
    jobs.drain(SHARD)
    asked(bell).empty()  # type: ignore[no-untyped-call]
    bell.ring(SHARD)
    assert asked(bell).count == 1


def test_a_process_rings_again_for_what_came_while_it_rang(redis_url: str) -> None:
    rung, go_on = [], threading.Event()

    class Slow(Bell):
        def ring(self, shard: int = 0) -> None:
            rung.append(shard)
            go_on.wait(5)

    ringer = Ringer(Slow(redis_url))
    ringer.ring()
    while not rung:
        time.sleep(0.001)
    ringer.ring()
    ringer.ring()
    go_on.set()
    deadline = time.monotonic() + 5
    while len(rung) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    ringer.end()
    assert len(rung) >= 2
