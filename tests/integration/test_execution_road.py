"""Stored trades become orders, fills and outcomes: execution, venue and database are real."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit


async def test_a_market_buy_is_filled(kit: Kit) -> None:
    trade = kit.trade("buy", "5")

    assert await kit.run(trade) == ("FILLED", "unspecified")

    kinds = [f.WhichOneof("kind") for f in kit.facts if f.trade_id == trade.trade_id]
    assert kinds == ["order_sending", "execution_report", "execution_report", "trade_outcome"]
    assert await kit.positions() == {"AAPL": "5"}
    assert await kit.venue_positions() == {"AAPL": "5"}


@pytest.mark.rule("C1.position", "E2.never")
async def test_buy_sell_with_swap_off_and_exit_each_fill(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    assert await kit.run(kit.trade("buy", "5")) == ("SKIPPED", "already_in_position")
    assert await kit.run(kit.trade("sell", "3")) == ("FILLED", "unspecified")
    assert await kit.positions() == {"AAPL": "2"}
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.run(kit.trade("exit", "")) == ("SKIPPED", "no_position")
    assert await kit.venue_positions() == {}


@pytest.mark.rule("B1.order", "B2.market")
async def test_exits_posted_right_behind_their_buys_end_flat(kit: Kit) -> None:
    trades = []
    for _ in range(50):
        pair = [kit.trade("buy", "5"), kit.trade("exit", "")]
        for trade in pair:
            assert await kit.submit(trade) == ["STORED"]
        trades += pair
    for trade in trades:
        await kit.outcome(trade)
    assert await kit.venue_positions() == {}
    assert kit.outcomes(trades[-1])[-1][0] in ("FILLED", "SKIPPED")


@pytest.mark.rule("E1.waits", "I.flip")
async def test_a_flip_waits_for_the_fill_and_enters_in_full(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    flip = kit.trade("sell", "8", allow_swap=True)

    assert await kit.run(flip) == ("FILLED", "unspecified")

    legs = [
        (f.order_sending.order.leg, f.order_sending.order.order_qty)
        for f in kit.facts
        if f.trade_id == flip.trade_id and f.HasField("order_sending")
    ]
    assert legs == [(pb.LEG_EXIT, "5"), (pb.LEG_ENTRY, "8")]
    assert await kit.positions() == {"AAPL": "-8"}
    assert await kit.venue_positions() == {"AAPL": "-8"}


async def test_the_same_trade_twice_is_one_and_other_content_is_refused(kit: Kit) -> None:
    trade = kit.trade("buy", "5")
    await kit.run(trade)

    assert await kit.submit(trade) == ["ALREADY_STORED"]
    other = pb.Trade()
    other.CopyFrom(trade)
    other.quantity = "6"
    assert await kit.submit(other) == ["CONFLICT"]
    broken = kit.trade("buy", "many")
    assert await kit.submit(broken) == ["INVALID"]
    assert await kit.venue_positions() == {"AAPL": "5"}


async def test_a_lower_drain_epoch_stores_nothing(kit: Kit) -> None:
    kit.epoch = 7
    await kit.run(kit.trade("buy", "5"))
    kit.epoch = 6
    assert await kit.submit(kit.trade("exit", "")) == ["STALE"]


@pytest.mark.rule("C1.working", "D7.entries", "C2.exit", "B2.resting", "I.done")
async def test_a_resting_entry_is_canceled_by_cancel_and_by_exit(kit: Kit) -> None:
    limit = {"ord_type": pb.ORD_TYPE_LIMIT, "limit_price": "1.00"}
    resting = kit.trade("buy", "5", **limit)
    await kit.submit(resting)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(resting))
    assert await kit.run(kit.trade("buy", "5")) == ("SKIPPED", "entry_working")
    assert await kit.run(kit.trade("cancel", "")) == ("DONE", "unspecified")
    assert await kit.outcome(resting) == ("CANCELED", "canceled_by_signal")
    assert await kit.run(kit.trade("cancel", "")) == ("SKIPPED", "nothing_to_cancel")

    again = kit.trade("buy", "5", **limit)
    await kit.submit(again)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(again))
    assert await kit.run(kit.trade("exit", "")) == ("DONE", "entry_canceled")
    assert await kit.outcome(again) == ("CANCELED", "canceled_by_signal")


@pytest.mark.rule("C2.opposite")
async def test_an_opposite_signal_with_swap_off_only_cancels_the_working_entry(kit: Kit) -> None:
    resting = kit.trade("buy", "5", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1.00")
    await kit.submit(resting)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(resting))
    assert await kit.run(kit.trade("sell", "3")) == ("DONE", "entry_canceled")
    assert await kit.venue_positions() == {}


@pytest.mark.rule("F.entry", "I.ended")
async def test_a_stale_signal_expires_and_says_where(kit: Kit) -> None:
    old = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=130))
    trade = kit.trade("buy", "5", accepted_time=old, released_time=old)
    assert await kit.run(trade) == ("EXPIRED", "signal_stale")
    fact = next(f for f in kit.facts if f.trade_id == trade.trade_id)
    assert fact.trade_outcome.numbers["stage"] == "planning"


@pytest.mark.rule("I.ended")
async def test_a_refusal_keeps_the_brokers_words(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_REJECT))
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("REJECTED", "broker_rejected")
    outcome = next(f for f in kit.facts if f.HasField("trade_outcome")).trade_outcome
    assert outcome.numbers["text"]


async def test_each_account_numbers_its_facts_without_gaps(kit: Kit) -> None:
    for action in ("buy", "exit", "exit"):
        await kit.run(kit.trade(action, ""))
    assert [f.seq for f in kit.facts] == list(range(1, len(kit.facts) + 1))


async def test_the_fact_stream_never_skips_behind_an_open_transaction(kit: Kit) -> None:
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as other:
        await other.execute("SELECT pg_current_xact_id()")
        trade = kit.trade("buy", "5")
        await kit.submit(trade)
        await asyncio.sleep(0.3)
        assert await kit.read_facts() == []
        await other.commit()
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    stream = kit.stub.StreamFacts(pb.StreamFactsRequest(), timeout=5)
    first = await stream.read()
    assert [f.seq for f in first.facts] == [f.seq for f in kit.facts]
    assert first.cursor == kit.cursor
    stream.cancel()


async def test_withdrawn_trades_cancel_what_rests(kit: Kit) -> None:
    resting = kit.trade("buy", "5", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1.00")
    await kit.submit(resting)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(resting))
    answer = await kit.stub.CancelTrades(
        pb.CancelTradesRequest(
            trade_ids=[resting.trade_id, UUID(int=1).hex], reason=pb.REASON_SUBSCRIPTION_PAUSED
        ),
        timeout=5,
    )
    assert [r.status for r in answer.results] == [
        pb.STORE_STATUS_STORED,
        pb.STORE_STATUS_NOT_FOUND,
    ]
    assert await kit.outcome(resting) == ("CANCELED", "subscription_paused")


async def test_a_flip_that_a_member_cancels_says_so_and_opens_nothing(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    far = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="900", time_in_force="day")
    flip = kit.trade("sell", "8", allow_swap=True, exit=far)
    await kit.submit(flip)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(flip))
    wanted = pb.CancelTradesRequest(trade_ids=[flip.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER)
    await kit.stub.CancelTrades(wanted, timeout=5)
    assert await kit.outcome(flip) == ("CANCELED", "canceled_by_member")
    assert await kit.venue_positions() == {"AAPL": "5"}
