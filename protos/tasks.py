"""Ending tasks of the event loop, so that they have ended."""

import asyncio
from collections.abc import Collection
from typing import Any

AGAIN_SECONDS = 0.5


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return when all have ended; what they end with is not looked at.

    One cancellation is not enough: before Python 3.12 `asyncio.wait_for` swallows it when what
    it waits for comes in the same turn of the loop, and a pool of database connections waits
    with it (https://github.com/python/cpython/issues/86296).
    """
    while under_way := [task for task in tasks if not task.done()]:
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way, timeout=AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # or the loop would complain that nobody asked
