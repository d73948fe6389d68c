"""The clock that execution goes by."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from execution.runtime import AsyncioRuntime, steady_clock

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Machine:
    """A machine's clock, which is off, and a database that answers after a while."""

    def __init__(self, off: float) -> None:
        self.passed = 0.0
        self.off = off
        self.runtime = AsyncioRuntime(self.clock)

    def clock(self) -> datetime:
        return self.truth() + timedelta(seconds=self.off)

    def truth(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    async def answer(self, before: float, after: float) -> datetime:
        """The database's time, on the way for so long."""
        self.passed += before
        said = self.truth()
        self.passed += after
        return said

    def error(self) -> float:
        return (self.runtime.now() - self.truth()).total_seconds()


async def test_a_clock_that_is_off_follows_the_database() -> None:
    for off in (600.0, -600.0, 0.2):
        machine = Machine(off)
        assert await machine.runtime.follow(machine.answer(0.001, 0.001))
        assert abs(machine.error()) <= 0.002


async def test_a_clock_that_is_right_is_left_alone() -> None:
    machine = Machine(0.03)
    assert await machine.runtime.follow(machine.answer(0.001, 0.001))
    assert machine.error() == 0.03


async def test_an_answer_that_comes_late_does_not_turn_the_clock_back() -> None:
    machine = Machine(0.0)
    assert not await machine.runtime.follow(machine.answer(0.0, 7.0))
    assert machine.error() == 0.0


async def test_what_was_known_better_before_is_kept() -> None:
    machine = Machine(600.0)
    await machine.runtime.follow(machine.answer(0.001, 0.001))
    assert not await machine.runtime.follow(machine.answer(3.0, 4.0))
    assert abs(machine.error()) <= 0.002


async def test_what_is_closed_begins_nothing_more() -> None:
    runtime, ran = AsyncioRuntime(), list[str]()

    async def work() -> None:
        ran.append("task")

    runtime.later(0.0, lambda: runtime.spawn(work()))
    await runtime.close()
    runtime.later(0.0, lambda: ran.append("timer"))
    await asyncio.sleep(0.01)
    assert ran == []


async def test_whoever_counts_by_the_clock_is_told_how_far_it_was_set() -> None:
    machine, steps = Machine(-600.0), list[timedelta]()
    await machine.runtime.follow(machine.answer(0.001, 0.001), steps.append)
    await machine.runtime.follow(machine.answer(0.001, 0.001), steps.append)
    [step] = steps
    assert abs(step.total_seconds() - 600) <= 0.002


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has such a clock")
def test_time_passes_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep = 0.0
    monkeypatch.setattr(
        time, "clock_gettime", lambda which: 5.0 + asleep * (which == time.CLOCK_BOOTTIME)
    )
    clock = steady_clock()
    before, asleep = clock(), 3600.0
    assert clock() - before == timedelta(hours=1)
