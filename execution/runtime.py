"""Time and tasks, handed to the engine so that a simulator can drive it."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

log = structlog.get_logger()


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


class AsyncioRuntime:
    """The real one."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """This machine's clock, corrected by what the database last said."""
        return datetime.now(UTC) + self._offset

    def correct(self, database_now: datetime) -> None:
        """Follow the database's clock where it is more than 50 ms away."""
        offset = database_now - datetime.now(UTC)
        self._offset = offset if abs(offset) > timedelta(milliseconds=50) else timedelta(0)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task and keep it referenced until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """A timer of the event loop."""
        return asyncio.get_running_loop().call_later(seconds, callback)

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", exc_info=error)
