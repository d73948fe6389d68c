"""One account's money, asked for by several lanes at once; server and venue are real."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from grpc import aio

from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1 import simulation_pb2, simulation_pb2_grpc
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit, running

TICKERS = ("AAPL", "MSFT", "NVDA", "TSLA", "AMZN")


@pytest.fixture
async def kit(database: Any) -> AsyncIterator[Kit]:
    """An account without leverage, so that its broker reports a buying power."""
    async with running(database) as kit:
        async with aio.insecure_channel(f"127.0.0.1:{kit.server.port}") as channel:
            owner = simulation_pb2_grpc.SimulationStub(channel)
            model = simulation_pb2.TradingModel(leverage="1")
            request = simulation_pb2.SetTradingModelRequest(account=kit.account, model=model)
            await owner.SetTradingModel(request, timeout=SECONDS)
        yield kit


def share(kit: Kit, ticker: str, percent: str, **fields: Any) -> pb.Trade:
    """A subscription of its own, which buys for a share of the equity."""
    return kit.trade(
        "buy",
        percent,
        instrument=ticker,
        subscription_id=uuid4().hex,
        size_type=pb.SIZE_TYPE_PERCENT_OF_EQUITY,
        signal_price="100",
        price_type=pb.PRICE_TYPE_LAST,
        **fields,
    )


@pytest.mark.rule("C6.reserved", "C6.account")
async def test_c6_lanes_that_plan_from_the_same_figures_do_not_spend_them_twice(kit: Kit) -> None:
    # The venue must be known already, or the first would be far ahead of the others.
    await kit.run(kit.trade("exit", ""))
    trades = [share(kit, ticker, "40") for ticker in TICKERS]
    assert await kit.submit(*trades) == ["STORED"] * len(TICKERS)
    ends = [await kit.outcome(trade) for trade in trades]
    assert sorted(ends) == [("FILLED", "unspecified")] * 2 + [("SKIPPED", "buying_power")] * 3

    refused = [
        f.trade_outcome for f in kit.facts if f.trade_outcome.reason == pb.REASON_BUYING_POWER
    ]
    for outcome in refused:
        assert Decimal(outcome.numbers["cost"]) == 40_000
        assert Decimal(outcome.numbers["power"]) < 40_000
        assert outcome.decision.seen.buying_power


async def test_c6_an_order_without_an_answer_keeps_its_money_over_a_restart(kit: Kit) -> None:
    await kit.run(kit.trade("exit", ""))
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DROP), refuses_repeats=False)
    first = share(kit, "AAPL", "60")
    await kit.submit(first)
    await kit.until(lambda: any(f.HasField("order_sending") for f in kit.facts))
    await kit.restart()

    # The venue never heard of it, so only we know what it may still take.
    second = share(kit, "MSFT", "60")
    assert await kit.run(second) == ("SKIPPED", "buying_power")
    told = [f.trade_outcome for f in kit.facts if f.trade_id == second.trade_id][-1]
    assert Decimal(told.decision.seen.promised) == 60_000
