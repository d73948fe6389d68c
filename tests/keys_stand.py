"""A real execution and a real venue beside a site's tests, on a thread of their own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import grpc

from execution.config import Config
from execution.paper.config import Config as PaperConfig
from execution.paper.server import PaperServer
from execution.server import ExecutionServer
from protos.paper.v1 import keys_pb2, keys_pb2_grpc
from tests.conftest import Database

Told = TypeVar("Told")
SECONDS = 15.0


class Stand:
    """Both programs, and the venue's owner."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._start(database, folder))

    def run(self, work: "Coroutine[Any, Any, Told]") -> Told:
        """On the programs' own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    @property
    def target(self) -> str:
        """Where execution is."""
        return f"127.0.0.1:{self.execution.port}"

    def issue(self, account: str, *permissions: str) -> tuple[str, str]:
        """A key of an account and its secret, as the broker's page would show them."""
        with grpc.insecure_channel(f"127.0.0.1:{self.venue.port}") as channel:
            request = keys_pb2.IssueKeyRequest(
                account=account, permissions=permissions or ("read", "trade")
            )
            made = keys_pb2_grpc.KeysStub(channel).IssueKey(request, timeout=SECONDS)
        return made.key_id, made.secret

    def revoke(self, key_id: str) -> None:
        """End one."""
        with grpc.insecure_channel(f"127.0.0.1:{self.venue.port}") as channel:
            request = keys_pb2.RevokeKeyRequest(key_id=key_id)
            keys_pb2_grpc.KeysStub(channel).RevokeKey(request, timeout=SECONDS)

    def stop(self) -> None:
        """End both."""
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    async def _start(self, database: Database, folder: Path) -> None:
        paper = PaperConfig("127.0.0.1:0", database.url("paper"), 2.0, 1)
        self.venue = PaperServer(paper, lambda: datetime.now(UTC))
        await self.venue.start()
        await self.venue.ready()
        target = f"127.0.0.1:{self.venue.port}"
        self.execution = ExecutionServer(
            Config(
                "127.0.0.1:0", database.url("execution"), target, "execution-1", keys_folder=folder
            )
        )
        await self.execution.start()

    async def _stop(self) -> None:
        await self.execution.stop()
        await self.venue.stop()


@contextmanager
def standing(database: Database, folder: Path) -> Iterator[Stand]:
    """For as long as it is needed."""
    stand = Stand(database, folder)
    try:
        yield stand
    finally:
        stand.stop()
