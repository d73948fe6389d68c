"""A process of execution or the venue: its log, its faults, its loop, and an end that is one."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

import structlog
import uvloop

from protos import faults, log, tasks
from protos.config import CannotStart

# For what is left once everything has been closed.
ENDS_SECONDS = 2.0


def run(name: str, serve: Callable[[], Awaitable[None]]) -> None:
    """Serve until it returns. One that fails is logged and ends at once, with status 1."""
    log.configure(name)
    faults.arm(name)
    uvloop.run(_serve(serve))


def told_to_stop() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT from now on."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def _serve(serve: Callable[[], Awaitable[None]]) -> None:
    try:
        await serve()
    except CannotStart as error:
        structlog.get_logger().error("cannot_start", cause=error)
        sys.exit(1)
    except Exception:
        structlog.get_logger().exception("process_failed")
        # As a kill would: what counts is stored, and a task that does not let itself be
        # canceled would keep alive a process that serves nobody.
        _exit(1)
    with suppress(TimeoutError):
        async with asyncio.timeout(ENDS_SECONDS):
            await tasks.end(asyncio.all_tasks() - {asyncio.current_task()})
        return
    structlog.get_logger().warning("tasks_left")
    _exit(0)


def _exit(status: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(status)
