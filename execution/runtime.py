"""Time and tasks, handed to the engine so that a simulator can drive it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from protos import tasks

log = structlog.get_logger()

# What is not worth a correction.
NEAR = timedelta(milliseconds=50)
# How long an answer may take that tells the time.
SHARP = timedelta(seconds=1)


class Timer(Protocol):
    """A callback that will run; unless canceled."""

    def cancel(self) -> None:
        """Do not run it."""


class Runtime(Protocol):
    """The clock and the task spawner of everything below the server."""

    def now(self) -> datetime:
        """Database time, aware UTC."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside; a failure is logged, never lost."""

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call once, after some seconds."""


# Where there is one that goes on while the machine is suspended: whoever wakes is as late as it is.
_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_clock() -> Callable[[], datetime]:
    """What this machine says now, and how time goes on from there: nobody sets it."""
    began = time.time() - time.clock_gettime(_UPTIME)
    return lambda: datetime.fromtimestamp(began + time.clock_gettime(_UPTIME), UTC)


def _unheard(_by: timedelta) -> None:
    """Nobody counts by the clock."""


class AsyncioRuntime:
    """The real one."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or steady_clock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._offset = timedelta(0)
        self._is_closed = False

    def now(self) -> datetime:
        """This machine's clock, corrected by what the database last said."""
        now = self._clock()
        return now + self._offset if self._offset else now

    async def follow(
        self, asking: Awaitable[datetime], stepped: Callable[[timedelta], None] = _unheard
    ) -> bool:
        """Follow the database's clock where it is more than 50 ms away, and step no more often
        than that; `stepped` is told of it. What it says was true at some time between the
        question and the answer; False when that leaves more than a second open."""
        asked = self._clock()
        said = await asking
        answered = self._clock()
        least, most = said - answered, said - asked
        if not least - NEAR <= self._offset <= most + NEAR:
            is_near = least - NEAR <= timedelta(0) <= most + NEAR
            before = self._offset
            self._offset = timedelta(0) if is_near else min(max(self._offset, least), most)
            stepped(self._offset - before)
        return answered - asked <= SHARP

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task and keep it referenced until it ends; none once closed."""
        if self._is_closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """A timer of the event loop; one that never runs once closed."""
        timer = asyncio.get_running_loop().call_later(seconds, callback)
        if self._is_closed:
            timer.cancel()
        return timer

    async def close(self) -> None:
        """Cancel what still runs, and begin nothing more."""
        self._is_closed = True
        await tasks.end(set(self._tasks))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", exc_info=error)
