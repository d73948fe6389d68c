"""Run the venue: `python -m execution.paper`. Stops on SIGTERM and SIGINT."""

import asyncio
from datetime import UTC, datetime

import structlog

from execution.paper import config
from execution.paper.server import PaperServer
from protos import memory, process


async def serve() -> None:
    """Serve until told to stop."""
    settings = config.read()
    server = PaperServer(settings, lambda: datetime.now(UTC))
    await server.start()
    tidying = asyncio.create_task(memory.keep_tidy())
    structlog.get_logger().info("venue_started", bind=settings.bind)
    await process.told_to_stop().wait()
    tidying.cancel()
    await server.stop()


if __name__ == "__main__":
    process.run("paper", serve)
