"""Ending tasks: one that misses a cancellation ends all the same."""

import asyncio

import pytest

from execution.runtime import AsyncioRuntime
from protos import tasks


async def deaf(times: int) -> None:
    """Wait for ever, and miss so many cancellations."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_task_that_misses_a_cancellation_ends(times: int) -> None:
    task = asyncio.create_task(deaf(times))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.end([task])
    assert task.cancelled()


async def test_what_a_task_failed_with_is_not_raised() -> None:
    async def fail() -> None:
        raise ValueError("for itself")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await tasks.end([task])
    assert task.done()


async def test_a_runtime_closes_over_a_task_that_misses_a_cancellation() -> None:
    runtime = AsyncioRuntime()
    runtime.spawn(deaf(1))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await runtime.close()
