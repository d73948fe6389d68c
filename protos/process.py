"""A process of execution or the venue: its log, its faults, its loop, and an end that is one."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from protos import faults, log
from protos.config import CannotStart

# What a burst makes is freed by counting references; looking through it would take longer.
_COLLECT_AFTER = (500_000, 20, 100)


def run(name: str, serve: Callable[[], Awaitable[None]]) -> None:
    """Serve until it returns. One that fails is logged and ends at once, with status 1."""
    log.configure(name)
    faults.arm(name)
    uvloop.run(_serve(serve))


def settle_memory() -> None:
    """After the start: full collections over everything in memory would stop the loop for long."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


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
        sys.stderr.flush()
        os._exit(1)
