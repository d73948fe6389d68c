"""Limits of accounts on the whole of execution: server, venue and database are real."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import running
from tests.integration.switches_kit import Desk


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        desk = Desk(kit.database, kit.venue, kit.server, kit.instance)
        yield desk
        await desk.close_channels()
        kit.server = desk.server


@pytest.mark.rule("C6.position", "C6.reserved")
async def test_two_lanes_together_stay_within_the_largest_position(desk: Desk) -> None:
    await desk.limits(max_position="5000")
    trades = [
        desk.trade(
            quantity="5", subscription_id=uuid4().hex, instrument=symbol, signal_price="228.40"
        )
        for symbol in ("AAPL", "MSFT", "GOOG", "AMZN", "META", "NVDA", "TSLA", "ORCL")
    ]
    await desk.submit(*trades)
    ends = [await desk.outcome(trade) for trade in trades]
    assert ends.count(("SKIPPED", "max_position")) == 4
    assert ends.count(("FILLED", "unspecified")) == 4
    assert await desk.run(desk.trade("exit", "")) in {
        ("SKIPPED", "no_position"),
        ("FILLED", "unspecified"),
    }


async def test_a_contract_counts_with_its_point_value(desk: Desk) -> None:
    await desk.limits(max_position="40000")
    # Two dollars a point: 50,000.
    large = desk.trade(
        instrument="MNQ1!", asset_class=pb.ASSET_CLASS_FUTURES, signal_price="25000", quantity="1"
    )
    assert await desk.run(large) == ("SKIPPED", "max_position")


@pytest.mark.rule("C6.orders")
async def test_orders_of_a_minute_are_counted_across_a_restart(desk: Desk) -> None:
    await desk.limits(max_orders_per_minute=2)
    await desk.run(desk.trade())
    await desk.run(desk.trade("exit", ""))
    assert await desk.run(desk.trade()) == ("SKIPPED", "max_orders")
    await desk.restart()
    assert await desk.run(desk.trade()) == ("SKIPPED", "max_orders")


@pytest.mark.rule("C6.loss", "D6.loss")
async def test_a_loss_stops_entries_for_the_day_and_never_exits(desk: Desk) -> None:
    await desk.run(desk.trade(quantity="10"))
    await desk.limits(max_daily_loss="0.01")
    lower = desk.trade("exit", "5", signal_price="220.00")
    assert await desk.run(lower) == ("FILLED", "unspecified")
    assert await desk.run(desk.trade(instrument="MSFT")) == ("SKIPPED", "daily_loss_hit")
    await desk.restart()
    assert await desk.run(desk.trade(instrument="MSFT")) == ("SKIPPED", "daily_loss_hit")
    assert await desk.run(desk.trade("exit", "")) == ("FILLED", "unspecified")


async def test_a_limit_is_tightened_at_once_and_loosened_later(desk: Desk) -> None:
    await desk.limits(max_orders_per_minute=10)
    looser = await desk.limits(max_orders_per_minute=20)
    assert looser.now.max_orders_per_minute == 10
    assert looser.then.max_orders_per_minute == 20
    assert looser.then_time.ToDatetime(tzinfo=UTC) > datetime.now(UTC)
    tighter = await desk.limits(max_orders_per_minute=5)
    assert tighter.now.max_orders_per_minute == 5
    assert not tighter.HasField("then")
    assert (await desk.listed()).limits == [tighter]


@pytest.mark.parametrize("limits", [{"max_position": "-1"}, {"max_daily_loss": "much"}])
async def test_a_limit_that_is_none_is_refused(desk: Desk, limits: Any) -> None:
    with pytest.raises(AioRpcError) as refused:
        await desk.limits(**limits)
    assert refused.value.code() is StatusCode.INVALID_ARGUMENT
