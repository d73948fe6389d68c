"""Run execution: `python -m execution`. Stops on SIGTERM and SIGINT."""

import asyncio
import gc
import signal

import structlog
import uvloop

from execution import config
from execution.server import ExecutionServer
from protos import faults
from protos import log as logging

# What a burst makes is freed by counting references; looking through it would take longer.
COLLECT_AFTER = (500_000, 20, 100)


async def serve() -> None:
    """Serve until told to stop."""
    settings = config.read()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = ExecutionServer(settings)
    await server.start()
    # Full collections over everything in memory would stop the loop for long.
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    structlog.get_logger().info("execution_started", bind=settings.bind)
    failed = asyncio.create_task(server.failed())
    await asyncio.wait(
        [asyncio.create_task(stop.wait()), failed], return_when=asyncio.FIRST_COMPLETED
    )
    if failed.done():
        raise SystemExit(1)
    await server.stop()


def main() -> None:
    """Configure the process and run it."""
    logging.configure("execution")
    faults.arm("execution")
    uvloop.run(serve())


if __name__ == "__main__":
    main()
