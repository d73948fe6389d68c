"""Run execution: `python -m execution`. Stops on SIGTERM and SIGINT."""

import asyncio
import signal

import structlog
import uvloop

from execution import config
from execution.server import ExecutionServer
from protos import faults
from protos import log as logging


async def serve() -> None:
    """Serve until told to stop."""
    settings = config.read()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = ExecutionServer(settings)
    await server.start()
    structlog.get_logger().info("execution_started", target=settings.target)
    await stop.wait()
    await server.stop()


def main() -> None:
    """Configure the process and run it."""
    logging.configure("execution")
    faults.arm("execution")
    uvloop.run(serve())


if __name__ == "__main__":
    main()
