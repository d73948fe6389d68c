"""Run the venue: `python -m execution.paper`. Stops on SIGTERM and SIGINT."""

import asyncio
import signal
from datetime import UTC, datetime

import structlog
import uvloop

from execution.paper import config
from execution.paper.server import PaperServer
from protos import faults
from protos import log as logging


async def serve() -> None:
    """Serve until told to stop."""
    settings = config.read()
    server = PaperServer(settings, lambda: datetime.now(UTC))
    await server.start()
    structlog.get_logger().info("venue_started", target=settings.target)
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
