"""What guards a position goes with it, and stays while nothing else closes it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit

pytestmark = pytest.mark.usefixtures("impatient")


def far(**fields: Any) -> dict[str, Any]:
    """A target and a stop that the feed does not come to."""
    return {
        "take_profit": pb.Protection(percent="5"),
        "stop_loss": pb.Protection(percent="5"),
        "price_type": pb.PRICE_TYPE_LAST,
        **fields,
    }


def limit_at(price: str) -> pb.OrderStyle:
    return pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price=price)


async def resting(kit: Kit) -> list[str]:
    """The ids of what works at the venue."""
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    return sorted(order.cl_ord_id for order in answer.open_orders)


async def legs(kit: Kit, trade: pb.Trade) -> list[pb.Leg]:
    """The legs of a trade that were written down."""
    return [
        f.order_sending.order.leg
        for f in await kit.read_facts()
        if f.trade_id == trade.trade_id and f.HasField("order_sending")
    ]


@pytest.mark.rule("D4.orphans", "A.whole")
async def test_an_exit_of_the_whole_account_leaves_nobodys_stops_behind(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    await kit.run(kit.trade("buy", "3", subscription_id=uuid4().hex, **far()))
    assert len(await resting(kit)) == 2

    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    assert await kit.venue_positions() == {}
    assert await resting(kit) == []


@pytest.mark.rule("D2.quantity")
async def test_an_exit_of_part_of_the_account_leaves_what_guards_the_rest(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    await kit.run(kit.trade("buy", "3", subscription_id=uuid4().hex, **far()))
    assert (await kit.run(kit.trade("exit", "4")))[0] == "FILLED"
    assert len(await resting(kit)) == 2
    # No more than the other's stop leaves free: both may fill.
    assert (await kit.run(kit.trade("exit", "3")))[0] == "FILLED"
    assert await kit.venue_positions() == {"AAPL": "3"}


@pytest.mark.rule("F.exit")
@pytest.mark.parametrize("late", ["by_its_sender", "by_its_age"])
async def test_an_exit_that_comes_too_late_leaves_the_protection(kit: Kit, late: str) -> None:
    await kit.run(kit.trade("buy", "5", **far()))
    guards = await resting(kit)
    then = wire.to_timestamp(datetime.now(UTC) - timedelta(minutes=20))
    fields = {"by_its_sender": {"reject_after_time": then}, "by_its_age": {"released_time": then}}
    leave = kit.trade("exit", "", **fields[late])
    ends = {"by_its_sender": ("EXPIRED", "signal_stale")}
    assert await kit.run(leave) == ends.get(late, ("WAITING_APPROVAL", "late_exit"))
    assert await resting(kit) == guards


@pytest.mark.rule("K.words.spread", "D6.spread")
async def test_an_exit_that_a_wide_spread_holds_back_leaves_the_protection(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5", **far()))
    guards = await resting(kit)
    leave = kit.trade("exit", "", exit=pb.OrderStyle(spread_filter="0.001"))
    await kit.submit(leave)
    await kit.until(lambda: ("BLOCKED", "spread_too_wide") in kit.outcomes(leave))
    assert await resting(kit) == guards


async def let_go(kit: Kit, trade: pb.Trade) -> pb.DoubtStatus:
    request = pb.ResolveDoubtRequest(trade_id=trade.trade_id, word=pb.DOUBT_WORD_LET_GO)
    answer: pb.ResolveDoubtResponse = await kit.stub.ResolveDoubt(request, timeout=SECONDS)
    return answer.status


@pytest.mark.rule("D6.spread", "D6.click")
@pytest.mark.parametrize("restarts", [False, True])
async def test_an_exit_that_its_spread_filter_holds_goes_by_one_click(
    kit: Kit, restarts: bool
) -> None:
    await kit.run(kit.trade("buy", "5"))
    leave = kit.trade("exit", "", exit=pb.OrderStyle(spread_filter="0.001"))
    await kit.submit(leave)
    await kit.until(lambda: ("BLOCKED", "spread_too_wide") in kit.outcomes(leave))
    if restarts:
        await kit.restart()
        # Nobody has looked at it yet who could let it go: asked again, it goes.
        async with asyncio.timeout(SECONDS):
            while not kit.server._holding.accounts():
                await kit.read_facts()
    async with asyncio.timeout(SECONDS):
        while await let_go(kit, leave) == pb.DOUBT_STATUS_TAKEN:
            await kit.read_facts()
    await kit.until(lambda: kit.outcomes(leave)[-1][0] == "FILLED")
    assert await kit.venue_positions() == {}
    assert await let_go(kit, leave) == pb.DOUBT_STATUS_NOT_IN_DOUBT
    # The record of it is of a trade without that filter.
    decided = next(
        f.order_sending.decision
        for f in kit.facts
        if f.trade_id == leave.trade_id and f.HasField("order_sending")
    )
    plain = pb.Trade()
    plain.CopyFrom(leave)
    plain.exit.spread_filter = ""
    request = pb.PreviewTradesRequest(trades=[plain], given=[decided.seen])
    [again] = (await kit.stub.PreviewTrades(request, timeout=SECONDS)).previews
    assert again.decision.hash == decided.hash


async def test_an_exit_of_nothing_leaves_the_protection(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5", **far()))
    guards = await resting(kit)
    assert await kit.run(kit.trade("exit", "0.0000000001")) == ("SKIPPED", "quantity_zero")
    assert await resting(kit) == guards


@pytest.mark.rule("B3.never", "B3.half")
async def test_a_restart_does_not_revive_what_a_finished_cancel_dropped(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=1200))
    flip = kit.trade("sell", "8", allow_swap=True)
    await kit.submit(flip)
    await kit.until(lambda: ("BLOCKED", "in_doubt") in kit.outcomes(flip))
    await kit.run(kit.trade("cancel", ""))
    await kit.server.kill()
    await asyncio.sleep(1)
    await kit.restart()
    assert await kit.outcome(flip) == ("PARTIALLY_FILLED", "superseded")
    assert await legs(kit, flip) == [pb.LEG_EXIT]
    assert await kit.venue_positions() == {}


@pytest.mark.rule("K.words.urgent")
async def test_a_full_market_exit_takes_the_place_of_a_smaller_resting_one(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    small = kit.trade("exit", "2", exit=limit_at("300"))
    await kit.submit(small)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(small))
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}
    assert await resting(kit) == []
