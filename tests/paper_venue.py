"""A real paper venue inside the test's process, that can be stopped and started again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
from grpc import aio
from psycopg.rows import tuple_row

from execution.brokers.base import NewOrder, PositionMove, Report, Said
from execution.brokers.paper import PaperAdapter
from execution.domain.words import OrdType, Side
from execution.paper.config import Config
from execution.paper.server import PaperServer
from protos.paper.v1 import paper_pb2 as pb
from protos.paper.v1 import paper_pb2_grpc


def wall_clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


async def until(is_so: Callable[[], bool]) -> None:
    """Let other tasks run until something is so; fails after 10 s."""
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


@dataclass
class PaperVenue:
    """The venue on one database and one port."""

    database_url: str
    seed: int = 1
    clock: Callable[[], datetime] = wall_clock
    port: int = 0
    is_running: bool = False

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.server = PaperServer(Config(self.target, self.database_url, 2, self.seed), self.clock)
        await self.server.start()
        await self.server.ready()
        self.port = self.server.port
        self.is_running = True

    async def stop(self) -> None:
        if self.is_running:
            self.is_running = False
            await self.server.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the database says."""
        async with await psycopg.AsyncConnection.connect(
            self.database_url, row_factory=tuple_row
        ) as connection:
            return await (await connection.execute(query)).fetchall()

    @asynccontextmanager
    async def locked(self, account: str) -> AsyncIterator[None]:
        """Keep the venue from storing anything of an account."""
        async with (
            await psycopg.AsyncConnection.connect(self.database_url) as connection,
            connection.transaction(),
        ):
            await connection.execute(
                "SELECT FROM paper.accounts WHERE account = %s FOR UPDATE", (account,)
            )
            yield

    async def arrivals(self) -> list[tuple[object, ...]]:
        """The arrival log: ClOrdID and result, in order."""
        return await self.rows("SELECT cl_ord_id, result FROM paper.arrivals ORDER BY id")

    @asynccontextmanager
    async def stub(self) -> "AsyncIterator[paper_pb2_grpc.VenueAsyncStub]":
        """The bare service."""
        async with aio.insecure_channel(self.target) as channel:
            venue: paper_pb2_grpc.VenueAsyncStub = paper_pb2_grpc.VenueStub(channel)
            yield venue

    async def plan(self, account: str, *faults: pb.Fault) -> None:
        """Set an account's fault plan."""
        async with self.stub() as stub:
            request = pb.ConfigureAccountRequest(account=account, set_faults=True, faults=faults)
            await stub.ConfigureAccount(request)


@dataclass
class Listener:
    """An adapter, and what it has told."""

    adapter: PaperAdapter
    reports: list[Report] = field(default_factory=list)
    moves: list[PositionMove] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    async def start(self, *attached: tuple[str, int]) -> None:
        await self.adapter.start(self._hear, self.gaps.append)
        await self.adapter.attach(attached)

    def _hear(self, said: Said) -> None:
        if isinstance(said, Report):
            self.reports.append(said)
        elif isinstance(said, PositionMove):
            self.moves.append(said)

    def sequences(self, account: str) -> list[int]:
        return [report.sequence for report in self.reports if report.account == account]


@asynccontextmanager
async def listening(
    venue: PaperVenue, accounts: Sequence[str], *, timeout_seconds: float = 10.0
) -> AsyncIterator[Listener]:
    """An adapter that has attached the accounts from their beginning."""
    listener = Listener(PaperAdapter(venue.target, timeout_seconds=timeout_seconds))
    await listener.start(*((account, 0) for account in accounts))
    try:
        yield listener
    finally:
        await listener.adapter.close()


def an_order(
    cl_ord_id: str,
    *,
    account: str = "acme",
    side: Side = Side.BUY,
    qty: str = "5",
    limit_price: str | None = None,
    reference_price: str | None = "228.40",
) -> NewOrder:
    """A market buy of five, unless said otherwise."""
    return NewOrder(
        account=account,
        cl_ord_id=cl_ord_id,
        instrument="AAPL",
        side=side,
        ord_type=OrdType.LIMIT if limit_price else OrdType.MARKET,
        order_qty=Decimal(qty),
        limit_price=Decimal(limit_price) if limit_price else None,
        time_in_force="day",
        reference_price=Decimal(reference_price) if reference_price else None,
    )
