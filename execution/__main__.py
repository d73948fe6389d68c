"""Run execution: `python -m execution`. Stops on SIGTERM and SIGINT."""

import asyncio

import structlog

from execution import config
from execution.server import ExecutionServer
from protos import memory, process


async def serve() -> None:
    """Serve until told to stop; raises RuntimeError when what it serves with has failed."""
    settings = config.read()
    stop = process.told_to_stop()
    server = ExecutionServer(settings)
    await server.start()
    tidying = asyncio.create_task(memory.keep_tidy())
    structlog.get_logger().info("execution_started", bind=settings.bind)
    failed = asyncio.create_task(server.failed())
    await asyncio.wait(
        [asyncio.create_task(stop.wait()), failed, tidying], return_when=asyncio.FIRST_COMPLETED
    )
    if failed.done() or tidying.done():
        raise RuntimeError("the journal's writer or a loop of execution has ended")
    await server.stop()


if __name__ == "__main__":
    process.run("execution", serve)
