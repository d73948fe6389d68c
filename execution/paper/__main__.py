"""Run the venue: `python -m execution.paper`. Stops on SIGTERM and SIGINT."""

import asyncio
import gc
import signal
from datetime import UTC, datetime

import structlog
import uvloop

from execution.paper import config
from execution.paper.server import PaperServer
from protos import faults
from protos import log as logging

# What a batch makes is freed by counting references; looking through it would take longer.
COLLECT_AFTER = (500_000, 20, 100)


async def serve() -> None:
    """Serve until told to stop."""
    settings = config.read()
    server = PaperServer(settings, lambda: datetime.now(UTC))
    await server.start()
    # Full collections over everything in memory would stop the loop for long.
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    structlog.get_logger().info("venue_started", bind=settings.bind)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await server.stop()


def main() -> None:
    """Configure the process and run it."""
    logging.configure("paper")
    faults.arm("paper")
    uvloop.run(serve())


if __name__ == "__main__":
    main()
