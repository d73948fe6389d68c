"""Execution and the paper venue, both real and in this process, on one database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from grpc import aio

from execution.brokers.base import NewOrder
from execution.brokers.paper import PaperAdapter
from execution.config import Config
from execution.domain.words import OrdType, Side
from execution.engine.queueing import NextOpen, exchange_opens
from execution.paper.config import Config as PaperConfig
from execution.paper.server import PaperServer
from execution.server import ExecutionServer
from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1 import execution_pb2_grpc
from protos.paper.v1 import paper_pb2, paper_pb2_grpc

SECONDS = 15.0


@dataclass
class Kit:
    """A client of one execution instance, and of the venue behind it."""

    database: Any
    venue: PaperServer
    server: ExecutionServer
    instance: str
    account: str = field(default_factory=lambda: f"acct-{uuid4().hex[:8]}")
    strategy: UUID = field(default_factory=uuid4)
    subscription: UUID = field(default_factory=uuid4)
    epoch: int = 1
    seq: int = 0
    facts: list[pb.Fact] = field(default_factory=list)
    cursor: str = ""
    next_open: NextOpen = exchange_opens
    keys_folder: Path | None = None

    @property
    def stub(self) -> Any:
        self._channel = getattr(self, "_channel", None) or aio.insecure_channel(
            f"127.0.0.1:{self.server.port}"
        )
        return execution_pb2_grpc.ExecutionStub(self._channel)

    def trade(self, action: str = "buy", quantity: str = "5", **fields: Any) -> pb.Trade:
        """A market trade from a signal accepted now."""
        self.seq += 1
        now = wire.to_timestamp(datetime.now(UTC))
        values: dict[str, Any] = {
            "trade_id": uuid4().hex,
            "tenant_id": uuid4().hex,
            "strategy_id": self.strategy.hex,
            "subscription_id": self.subscription.hex,
            "connection_id": uuid4().hex,
            "account": pb.Account(broker="paper", environment="paper", account=self.account),
            "signal_id": uuid4().hex,
            "signal_seq": self.seq,
            "accepted_time": now,
            "released_time": now,
            "action": pb.Action.Value(f"ACTION_{action.upper()}"),
            "instrument": "AAPL",
            "quantity": quantity,
            "quantity_from_signal": True,
            "ord_type": pb.ORD_TYPE_MARKET,
            "signal_price": "228.40",
            "sides": pb.SIDES_BOTH,
            "asset_class": pb.ASSET_CLASS_STOCKS,
        }
        return pb.Trade(**(values | fields))

    async def submit(self, *trades: pb.Trade) -> list[str]:
        """Store trades; the status of each."""
        group = pb.TradeGroup(strategy_id=self.strategy.hex, drain_epoch=self.epoch, trades=trades)
        answer = await self.stub.SubmitTrades(
            pb.SubmitTradesRequest(groups=[group]), timeout=SECONDS
        )
        if answer.groups[0].stale_epoch:
            return ["STALE"]
        return [
            pb.StoreStatus.Name(r.status).removeprefix("STORE_STATUS_")
            for r in answer.groups[0].results
        ]

    async def read_facts(self) -> list[pb.Fact]:
        """All facts so far."""
        while True:
            page = await self.stub.ListFacts(
                pb.ListFactsRequest(cursor=self.cursor), timeout=SECONDS
            )
            self.facts += page.facts
            self.cursor = page.cursor
            if not page.has_more:
                return self.facts

    def outcomes(self, trade: pb.Trade) -> list[tuple[str, str]]:
        """The outcomes told of a trade, oldest first."""
        return [
            (
                pb.TradeState.Name(f.trade_outcome.state).removeprefix("TRADE_STATE_"),
                pb.Reason.Name(f.trade_outcome.reason).removeprefix("REASON_").lower(),
            )
            for f in self.facts
            if f.trade_id == trade.trade_id and f.HasField("trade_outcome")
        ]

    async def until(self, met: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Read facts until something holds of them."""
        async with asyncio.timeout(seconds):
            while not met():
                await self.read_facts()
                await asyncio.sleep(0.01)

    async def outcome(self, trade: pb.Trade, seconds: float = SECONDS) -> tuple[str, str]:
        """The first outcome of a trade that is an end."""
        lasting = {"WORKING", "BLOCKED", "PENDING"}

        def ended() -> bool:
            return any(state not in lasting for state, _ in self.outcomes(trade))

        await self.until(ended, seconds)
        return self.outcomes(trade)[-1]

    async def run(self, trade: pb.Trade) -> tuple[str, str]:
        """Submit a trade and wait for its outcome."""
        assert await self.submit(trade) == ["STORED"]
        return await self.outcome(trade)

    async def positions(self) -> dict[str, str]:
        """Quantity by instrument, as execution says."""
        answer = await self.stub.GetAccountState(
            pb.GetAccountStateRequest(
                account=pb.Account(broker="paper", environment="paper", account=self.account)
            ),
            timeout=SECONDS,
        )
        return {p.instrument: p.quantity for p in answer.positions}

    @property
    def venue_stub(self) -> Any:
        self._venue_channel = getattr(self, "_venue_channel", None) or aio.insecure_channel(
            f"127.0.0.1:{self.venue.port}"
        )
        return paper_pb2_grpc.VenueStub(self._venue_channel)

    async def faults(
        self,
        *faults: paper_pb2.Fault,
        refuses_repeats: bool = True,
        horizon: float = 0.5,
    ) -> None:
        """Plan the venue's faults for this account; what it cannot find after so many seconds
        never came."""
        await self.venue_stub.ConfigureAccount(
            paper_pb2.ConfigureAccountRequest(
                account=self.account,
                options=paper_pb2.Options(
                    visibility_horizon_seconds=horizon, refuses_repeats=refuses_repeats
                ),
                set_faults=True,
                faults=faults,
            ),
            timeout=SECONDS,
        )

    async def venue_positions(self) -> dict[str, str]:
        """Quantity by instrument, as the venue says."""
        answer = await self.venue_stub.GetAccount(
            paper_pb2.GetAccountRequest(account=self.account), timeout=SECONDS
        )
        return {p.instrument: p.quantity for p in answer.positions if float(p.quantity)}

    async def by_hand(
        self, side: str, quantity: str, *, limit: str = "", symbol: str = "AAPL"
    ) -> str:
        """Somebody trades the account at the broker; the ClOrdID of the order."""
        adapter = PaperAdapter(f"127.0.0.1:{self.venue.port}")
        await adapter.start(lambda _said: None, lambda _cause: None)
        cl_ord_id = f"hand-{uuid4().hex[:8]}"
        try:
            await adapter.submit(
                NewOrder(
                    self.account, cl_ord_id, symbol, Side(side),
                    OrdType.LIMIT if limit else OrdType.MARKET, Decimal(quantity),
                    Decimal(limit) if limit else None, "day",
                    None if limit else Decimal("228.40"),
                )
            )  # fmt: skip
        finally:
            await adapter.close()
        return cl_ord_id

    async def transfer(self, quantity: str, *, price: str = "228.40", symbol: str = "AAPL") -> None:
        """A part of a position comes or goes, and no report tells of it."""
        await self.venue_stub.TransferPosition(
            paper_pb2.TransferPositionRequest(
                account=self.account, instrument=symbol, quantity=quantity, price=price
            ),
            timeout=SECONDS,
        )

    def changes(self) -> list[pb.PositionChange]:
        """How positions moved without a fill of ours, in order."""
        return [
            f.position_change if f.HasField("position_change") else f.external_report.change
            for f in self.facts
            if f.HasField("position_change") or f.external_report.HasField("change")
        ]

    async def restart(self, *, instance: str | None = None) -> None:
        """Kill execution and start it again on the same database."""
        await self.server.kill()
        await self.close_channels()
        self.server = await start_server(
            self.database,
            self.venue,
            instance or self.instance,
            self.next_open,
            self.keys_folder,
        )

    async def close_channels(self) -> None:
        for name in ("_channel", "_venue_channel"):
            channel = getattr(self, name, None)
            if channel is not None:
                await channel.close()
                setattr(self, name, None)


async def start_server(
    database: Any,
    venue: PaperServer,
    instance: str,
    next_open: NextOpen = exchange_opens,
    keys_folder: Path | None = None,
) -> ExecutionServer:
    """One execution instance on a free port."""
    target = f"127.0.0.1:{venue.port}"
    server = ExecutionServer(
        Config(
            "127.0.0.1:0",
            database.url("execution"),
            target,
            instance,
            keys_folder=keys_folder,
        ),
        next_open=next_open,
    )
    await server.start()
    return server


@asynccontextmanager
async def running(
    database: Any,
    *,
    next_open: NextOpen = exchange_opens,
    venue_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    keys_folder: Path | None = None,
) -> AsyncIterator[Kit]:
    """Venue and execution, started; stopped afterwards."""
    venue = PaperServer(PaperConfig("127.0.0.1:0", database.url("paper"), 2.0, 1), venue_clock)
    await venue.start()
    await venue._writer.ready.wait()
    server = await start_server(database, venue, "execution-1", next_open, keys_folder)
    kit = Kit(database, venue, server, "execution-1", next_open=next_open, keys_folder=keys_folder)
    try:
        yield kit
    finally:
        await kit.close_channels()
        await kit.server.stop()
        await venue.stop()
