"""A person closes a position: trades of origin manual, through the lane like any exit."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from grpc import aio

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, running
from tests.integration.switches_kit import Desk

STOP = pb.Protection(ord_type=pb.ORD_TYPE_STOP, price="200")
FILLED = ("FILLED", "unspecified")


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        kit.__class__ = Desk
        assert isinstance(kit, Desk)
        yield kit


async def close(desk: Desk, key: str = "once", **fields: str) -> list[str]:
    """The trades that close."""
    wanted = {"instrument": "AAPL", "asked_by": "person:ada", "connection_id": desk.connection}
    answer = await desk.stub.ClosePosition(
        pb.ClosePositionRequest(
            key=key,
            tenant_id=desk.tenant,
            account=pb.Account(broker="paper", environment="paper", account=desk.account),
            **{**wanted, **fields},
        ),
        timeout=SECONDS,
    )
    return list(answer.trade_ids)


@pytest.mark.rule("A.origin")
async def test_a_position_is_closed_by_an_order_that_says_who_asked(desk: Desk) -> None:
    assert await desk.run(desk.trade("buy", "5", stop_loss=STOP)) == FILLED
    [trade_id] = await close(desk)
    assert await desk.outcome(pb.Trade(trade_id=trade_id)) == FILLED
    assert await desk.venue_positions() == {}
    [order] = desk.orders(trade_id)
    assert (order.origin, order.leg, order.order_qty) == (pb.ORIGIN_MANUAL, pb.LEG_EXIT, "5")
    told = {f.asked_by for f in desk.facts if f.trade_id == trade_id}
    assert told == {"person:ada"}
    await desk.until(lambda: True)
    assert await desk.open_orders() == []


@pytest.mark.rule("A.origin")
async def test_the_same_key_closes_once_also_when_all_is_closed(desk: Desk) -> None:
    assert await desk.run(desk.trade("buy", "5")) == FILLED
    first = await close(desk)
    assert await close(desk) == first
    assert await desk.outcome(pb.Trade(trade_id=first[0])) == FILLED
    assert await desk.run(desk.trade("buy", "3")) == FILLED
    assert await close(desk) == first
    assert await desk.venue_positions() == {"AAPL": "3"}
    assert await close(desk, "again") != first


async def test_a_part_is_closed_and_the_stop_guards_the_rest(desk: Desk) -> None:
    assert await desk.run(desk.trade("buy", "5", stop_loss=STOP)) == FILLED
    [trade_id] = await close(desk, quantity="2", subscription_id=desk.subscription.hex)
    assert await desk.outcome(pb.Trade(trade_id=trade_id)) == FILLED
    assert await desk.venue_positions() == {"AAPL": "3"}

    def is_guarded() -> bool:
        told = [f.trade_protection for f in desk.facts if f.HasField("trade_protection")]
        last = told[-1]
        return (last.state, last.numbers.get("held")) == (pb.PROTECTION_STATE_PROTECTED, "3")

    await desk.until(is_guarded)
    assert [order.order_qty for order in await desk.open_orders()] == ["3"]


async def test_a_working_entry_is_canceled_by_closing(desk: Desk) -> None:
    resting = desk.trade("buy", "3", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1")
    await desk.submit(resting)
    await desk.until(lambda: desk.outcomes(resting)[-1:] == [("WORKING", "unspecified")])
    [trade_id] = await close(desk)
    assert await desk.outcome(pb.Trade(trade_id=trade_id)) == ("DONE", "entry_canceled")
    assert await desk.open_orders() == []


async def test_shares_of_two_subscriptions_are_closed_each_by_its_own_trade(desk: Desk) -> None:
    second = uuid4()
    assert await desk.run(desk.trade("buy", "5")) == FILLED
    assert await desk.run(desk.trade("buy", "4", subscription_id=second.hex)) == FILLED
    [only] = await close(desk, subscription_id=second.hex)
    assert await desk.outcome(pb.Trade(trade_id=only)) == FILLED
    assert await desk.venue_positions() == {"AAPL": "5"}
    assert len(await close(desk, "all")) == 1


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"instrument": "MSFT"}, grpc.StatusCode.NOT_FOUND),
        ({"connection_id": uuid4().hex}, grpc.StatusCode.NOT_FOUND),
        ({"quantity": "-1"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"asked_by": ""}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_what_cannot_be_closed_is_said(
    desk: Desk, wanted: dict[str, str], code: grpc.StatusCode
) -> None:
    assert await desk.run(desk.trade("buy", "5")) == FILLED
    with pytest.raises(aio.AioRpcError) as refused:
        await close(desk, **wanted)
    assert refused.value.code() is code
