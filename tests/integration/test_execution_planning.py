"""Sizes, stops and brackets on the whole of execution: server, venue and database are real."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit


def sent(kit: Kit, trade: pb.Trade) -> list[pb.Order]:
    """The orders of a trade, as they were written down."""
    return [
        f.order_sending.order
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("order_sending")
    ]


def ended(kit: Kit, trade: pb.Trade, leg: pb.Leg) -> str:
    """The status of the trade's order of a leg, as last heard."""
    heard = [
        f.execution_report
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.execution_report.leg == leg
    ]
    return pb.OrdStatus.Name(heard[-1].ord_status) if heard else ""


def far(**fields: Any) -> dict[str, Any]:
    """A target and a stop that the feed does not come to."""
    return {
        "take_profit": pb.Protection(percent="5"),
        "stop_loss": pb.Protection(percent="5"),
        # The price that the signal saw, whichever side of the spread the second draws.
        "price_type": pb.PRICE_TYPE_LAST,
        **fields,
    }


async def resting(kit: Kit) -> list[paper_pb2.Order]:
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    return list(answer.open_orders)


async def preview(kit: Kit, trade: pb.Trade) -> pb.Preview:
    answer = await kit.stub.PreviewTrades(pb.PreviewTradesRequest(trades=[trade]), timeout=SECONDS)
    found: pb.Preview = answer.previews[0]
    return found


@pytest.mark.rule("H.native", "D4.exit")
async def test_a_bracket_rests_with_its_entry_and_an_exit_takes_it_away(kit: Kit) -> None:
    entry = kit.trade("buy", "5", **far())
    assert await kit.run(entry) == ("FILLED", "unspecified")

    legs = [(o.leg, o.side, o.limit_price, o.stop_price) for o in sent(kit, entry)]
    assert legs == [
        (pb.LEG_ENTRY, pb.SIDE_BUY, "", ""),
        (pb.LEG_TAKE_PROFIT, pb.SIDE_SELL, "239.82", ""),
        (pb.LEG_STOP, pb.SIDE_SELL, "", "216.98"),
    ]
    assert len(await resting(kit)) == 2

    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {}
    await kit.until(lambda: ended(kit, entry, pb.LEG_STOP) == "ORD_STATUS_CANCELED")


@pytest.mark.rule("H.one")
async def test_one_guard_fills_and_its_twin_is_canceled(kit: Kit) -> None:
    near = {"percent": "0.1"}
    entry = kit.trade(
        "buy", "5", take_profit=pb.Protection(**near), stop_loss=pb.Protection(**near)
    )
    await kit.run(entry)
    await kit.until(lambda: bool(ended(kit, entry, pb.LEG_STOP)))

    def over() -> bool:
        ends = {ended(kit, entry, leg) for leg in (pb.LEG_STOP, pb.LEG_TAKE_PROFIT)}
        return ends == {"ORD_STATUS_FILLED", "ORD_STATUS_CANCELED"}

    await kit.until(over, seconds=60)
    assert await kit.venue_positions() == {}
    assert await kit.positions() == {"AAPL": "0"}
    assert kit.outcomes(entry)[-1] == ("FILLED", "unspecified")


async def test_protection_is_known_again_after_a_restart(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5", **far()))
    await kit.restart()

    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {}


async def test_a_refused_entry_leaves_no_guards(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_REJECT))
    entry = kit.trade("buy", "5", **far())
    assert await kit.run(entry) == ("REJECTED", "broker_rejected")
    await kit.until(lambda: ended(kit, entry, pb.LEG_STOP) == "ORD_STATUS_EXPIRED")
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")


async def test_a_bracket_whose_reply_was_lost_is_adopted_whole(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LOST_REPLY))
    entry = kit.trade("buy", "5", **far())
    assert await kit.run(entry) == ("FILLED", "unspecified")
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {}


@pytest.mark.rule("K.price.breakeven")
async def test_breakeven_puts_the_stop_at_the_average_price(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    trade = kit.trade("breakeven", "", signal_price="240", breakeven_offset="0.5")
    assert await kit.run(trade) == ("DONE", "unspecified")
    assert [(o.stop_price, o.order_qty) for o in await resting(kit)] == [("228.90", "5")]
    await kit.restart()
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await resting(kit) == []


async def test_a_stop_entry_waits_for_its_price(kit: Kit) -> None:
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_STOP, stop_price="300")
    trade = kit.trade("buy", "5", entry=style)
    assert await kit.submit(trade) == ["STORED"]
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(trade))
    assert [o.ord_type for o in await resting(kit)] == [paper_pb2.ORD_TYPE_STOP]
    assert await kit.run(kit.trade("cancel", "")) == ("DONE", "unspecified")
    assert await kit.outcome(trade) == ("CANCELED", "canceled_by_signal")


@pytest.mark.rule("I.ended")
async def test_an_entry_is_canceled_when_its_time_is_over(kit: Kit) -> None:
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="100", cancel_after_seconds=1)
    assert await kit.run(kit.trade("buy", "5", entry=style)) == ("CANCELED", "canceled_in_time")


async def test_a_share_of_equity_is_sized_from_the_accounts_own_ledger(kit: Kit) -> None:
    trade = kit.trade(
        "buy",
        "10",
        size_type=pb.SIZE_TYPE_PERCENT_OF_EQUITY,
        signal_price="100",
        price_type=pb.PRICE_TYPE_LAST,
    )
    assert await kit.run(trade) == ("FILLED", "unspecified")
    assert await kit.positions() == {"AAPL": "100"}
    # What it holds counts at cost, so the same share is as large again.
    again = kit.trade(
        "buy",
        "10",
        size_type=pb.SIZE_TYPE_PERCENT_OF_EQUITY,
        signal_price="100",
        price_type=pb.PRICE_TYPE_LAST,
        allow_add=True,
    )
    await kit.run(again)
    assert await kit.positions() == {"AAPL": "200"}


@pytest.mark.rule("K.futures.exits")
async def test_what_its_sender_calls_too_old_is_not_begun(kit: Kit) -> None:
    long_ago = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=5))
    late = kit.trade("exit", "", reject_after_time=long_ago)
    await kit.run(kit.trade("buy", "5"))
    assert await kit.run(late) == ("EXPIRED", "signal_stale")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("sell", {"allow_swap": True}),
        ("buy", {"allow_add": True, **far()}),
        ("reverse", {}),
        ("buy", {}),
        ("exit", {}),
        ("sell", {"size_type": pb.SIZE_TYPE_DOLLAR_AMOUNT, "allow_swap": True}),
    ],
)
async def test_a_preview_shows_the_orders_that_are_then_sent(
    kit: Kit, action: str, fields: dict[str, Any]
) -> None:
    await kit.run(kit.trade("buy", "5"))
    trade = kit.trade(action, "2000" if "size_type" in fields else "8", **fields)
    seen = await preview(kit, trade)
    state, reason = await kit.run(trade)

    assert pb.TradeState.Name(seen.state) == f"TRADE_STATE_{state}"
    assert pb.Reason.Name(seen.reason).removeprefix("REASON_").lower() == reason
    fields_of = ("leg", "side", "ord_type", "order_qty", "limit_price", "stop_price")
    planned = [tuple(getattr(o, f) for f in fields_of) for o in seen.orders]
    assert planned == [tuple(getattr(o, f) for f in fields_of) for o in sent(kit, trade)]
    assert seen.seen.position == "5"


async def test_a_preview_of_an_account_never_used_stores_nothing(kit: Kit) -> None:
    trade = kit.trade("buy", "8", **far())
    seen = await preview(kit, trade)
    assert seen.state == pb.TRADE_STATE_FILLED
    assert Decimal(seen.worst_loss) == (Decimal("228.40") - Decimal("216.98")) * 8
    assert seen.seen.last == "228.40"
    assert Decimal(seen.seen.bid) < Decimal(seen.seen.ask)
    assert await kit.read_facts() == []
    assert await kit.venue_positions() == {}


async def test_a_given_state_is_planned_from_and_the_account_is_left_alone(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    now = await preview(kit, kit.trade("exit", ""))
    assert [order.order_qty for order in now.orders] == ["5"]

    given = pb.SeenState()
    given.CopyFrom(now.seen)
    given.position = given.exposure = given.lots[0].quantity = "7"
    asked = kit.trade("exit", "", account=pb.Account(broker="none", account="of ours"))
    request = pb.PreviewTradesRequest(trades=[asked], given=[given])
    [told] = (await kit.stub.PreviewTrades(request, timeout=SECONDS)).previews
    assert [order.order_qty for order in told.orders] == ["7"]
    assert [order.order_qty for order in told.decision.orders] == ["7"]
    assert len(told.decision.hash) == 64
    assert told.decision.seen == given

    uneven = pb.PreviewTradesRequest(trades=[asked, asked], given=[given])
    with pytest.raises(AioRpcError) as refused:
        await kit.stub.PreviewTrades(uneven, timeout=SECONDS)
    assert refused.value.code() is StatusCode.INVALID_ARGUMENT


async def test_what_was_decided_from_travels_with_the_order_and_with_a_refusal(kit: Kit) -> None:
    entry, again = kit.trade("buy", "5", **far()), kit.trade("buy", "5")
    await kit.run(entry)
    assert await kit.run(again) == ("SKIPPED", "already_in_position")
    [sending] = [
        f.order_sending.decision
        for f in kit.facts
        if f.trade_id == entry.trade_id and f.order_sending.HasField("decision")
    ]
    assert [o.leg for o in sending.orders] == [pb.LEG_ENTRY, pb.LEG_TAKE_PROFIT, pb.LEG_STOP]
    assert (sending.seen.position, sending.seen.last) == ("0", "228.40")
    [ended] = [
        f.trade_outcome.decision
        for f in kit.facts
        if f.trade_id == again.trade_id and f.trade_outcome.HasField("decision")
    ]
    assert (ended.reason, ended.seen.position) == (pb.REASON_ALREADY_IN_POSITION, "5")
    assert len(ended.seen.protection) == 2
