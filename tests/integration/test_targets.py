"""The sync templates of Crypto-Arsenal on the whole of execution, message by message, and
orders canceled by the sender's name."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit
from web.signals import crypto_arsenal
from web.strategies.rules import Connector, Mode
from web.trades import targets

# The venue opens an account with 100,000; at 100 a percent of it is ten.
PRICE = "100"
MODES = (
    ("Percentage of Balance with Compounding", "10"),
    ("Percentage of Initial Balance Only", "10"),
    ("Initial Balance Compound With Percentage of Profit", "10"),
    ("Fixed Quote Amount", "3000"),
    ("Strategy Order Size", "0"),
    ("Fixed Base Amount", "10"),
    ("Percentage of Balance at No Position", "10"),
    ("Strategy Percentage with Fixed Capital", "1000"),
)


def message(kit: Kit, mode: Mode, **fields: Any) -> pb.Trade:
    """A message of a template, as web hands it over."""
    signal = crypto_arsenal.parse(fields, Connector("AAPL", mode=mode))
    words = {"bullish": pb.SENTIMENT_BULLISH, "bearish": pb.SENTIMENT_BEARISH, None: 0}
    return kit.trade(
        signal.action,
        "",
        sentiment=words[signal.sentiment],
        quantity_from_signal=False,
        target=targets.field(signal.to_json()),
        signal_price=PRICE,
        price_type=pb.PRICE_TYPE_LAST,
        fractional=True,
        client_tag=signal.client_tag or "",
    )


def sync(kit: Kit, mode: str, value: str, now: str, before: str, size: str) -> pb.Trade:
    """A message of sync v3; positions are signed here, as in nobody's template."""

    def side(text: str) -> str:
        return "flat" if not Decimal(text) else "short" if text.startswith("-") else "long"

    return message(
        kit,
        Mode.SYNC,
        entryOrder={"mode": mode, "value": value, "size": size, "price": PRICE},
        position={
            "side": side(now),
            "size": now.lstrip("-"),
            "prev_side": side(before),
            "prev_size": before.lstrip("-"),
        },
    )


async def held(kit: Kit) -> Decimal:
    """The position, which both sides agree on."""
    told = Decimal((await kit.positions()).get("AAPL", "0"))
    assert told == Decimal((await kit.venue_positions()).get("AAPL", "0"))
    return told


async def follow(kit: Kit, trades: Sequence[pb.Trade]) -> list[Decimal]:
    """Run them one after the other; the position after each."""
    found = []
    for trade in trades:
        state, _ = await kit.run(trade)
        assert state in ("FILLED", "DONE", "SKIPPED"), kit.outcomes(trade)
        found.append(await held(kit))
    return found


def orders(kit: Kit, trade: pb.Trade) -> list[tuple[str, str, str]]:
    return [
        (pb.Leg.Name(o.leg), pb.Side.Name(o.side), o.order_qty)
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("order_sending")
        for o in [f.order_sending.order]
    ]


async def test_size_sync_holds_what_the_sender_holds(kit: Kit) -> None:
    logs = ["in/long/5/flat/0", "add/long/8/long/5", "part/long/3/long/8"]
    logs += ["flip/short/4/long/3", "more/short/9/short/4", "out/flat/0/short/9"]
    found = await follow(kit, [message(kit, Mode.SIZE_SYNC, log=log) for log in logs])
    assert found == [5, 8, 3, -4, -9, 0]


async def test_multicharts_begins_when_the_sender_was_flat(kit: Kit) -> None:
    def update(contracts: int) -> pb.Trade:
        return message(kit, Mode.PLAIN, action="update", log=f"2026-11-20,{contracts},x")

    early = update(30)
    assert await kit.run(early) == ("SKIPPED", "out_of_step")
    assert await kit.run(update(0)) == ("SKIPPED", "no_position")
    await kit.restart()
    found = await follow(kit, [update(n) for n in (30, 80, 80, 30, -40, 0, 10)])
    assert found == [3, 8, 8, 3, -4, 0, 1]
    assert orders(kit, early) == []


async def test_side_sync_holds_all_there_is_but_the_reserve(kit: Kit) -> None:
    long = message(kit, Mode.SIDE_SYNC, log="in/long/flat")
    assert await follow(kit, [long]) == [990]
    again = message(kit, Mode.SIDE_SYNC, log="in/long/flat")
    assert await kit.run(again) == ("DONE", "target_reached")
    assert orders(kit, again) == []

    flip = message(kit, Mode.SIDE_SYNC, log="flip/short/long")
    (short,) = await follow(kit, [flip])
    assert [leg for leg, _, _ in orders(kit, flip)] == ["LEG_EXIT", "LEG_ENTRY"]
    assert -992 < short < -980
    assert await follow(kit, [message(kit, Mode.SIDE_SYNC, log="out/flat/short")]) == [0]


async def test_units_are_held_again_after_ours_were_closed_by_other_means(kit: Kit) -> None:
    first = message(kit, Mode.SIZE_SYNC, log="add/long/8/long/5")
    assert await kit.run(first) == ("SKIPPED", "out_of_step")
    assert await follow(kit, [message(kit, Mode.SIZE_SYNC, log="in/long/5/flat/0")]) == [5]
    await kit.run(kit.trade("exit", ""))
    assert await follow(kit, [message(kit, Mode.SIZE_SYNC, log="add/long/8/long/5")]) == [8]


async def test_the_percent_add_on_counts_in_the_senders_capital(kit: Kit) -> None:
    def said(side: str, size: str, before: str, before_size: str, order: str) -> pb.Trade:
        return message(
            kit,
            Mode.PERCENT,
            position={
                "capital": "1000",
                "order_size": order,
                "order_price": PRICE,
                "position": side,
                "position_size": size,
                "prev_position": before,
                "prev_position_size": before_size,
            },
        )

    steps = [said("long", "5", "flat", "0", "5"), said("long", "7", "long", "5", "2")]
    assert await follow(kit, steps) == [500, 700]
    # What is left is as much of it as of the sender's.
    assert await follow(kit, [said("long", "3.5", "long", "7", "3.5")]) == [350]
    (short,) = await follow(kit, [said("short", "4", "long", "3.5", "7.5")])
    assert -405 < short < -395
    assert await follow(kit, [said("flat", "0", "short", "4", "4")]) == [0]


@pytest.mark.parametrize(
    ("number", "opened", "added"),
    [
        (0, "100", "90"),
        (1, "100", "90"),
        (2, "1000", None),
        (3, "30", "30"),
        (4, "5", "3"),
        (5, "10", "10"),
        (6, "100", "100"),
        (7, "500", "300"),
    ],
)
async def test_each_mode_of_sync_follows_its_sender(
    kit: Kit, number: int, opened: str, added: str | None
) -> None:
    mode, value = MODES[number]
    (first,) = await follow(kit, [sync(kit, mode, value, "5", "0", "5")])
    assert first == Decimal(opened)
    if added is not None:
        more = sync(kit, mode, value, "8", "5", "3")
        (second,) = await follow(kit, [more])
        # The second percent is one of what the first left; the fill's spread is not the test's.
        assert abs(second - first - Decimal(added)) < Decimal("0.5")
        assert await kit.run(sync(kit, mode, value, "8", "5", "3")) == ("DONE", "target_reached")
        first = second
    reduced = sync(kit, mode, value, "4", "8", "4")
    (half,) = await follow(kit, [reduced])
    assert first / 2 - Decimal("0.001") <= half <= first / 2 + Decimal("0.001")

    flip = sync(kit, mode, value, "-5", "4", "9")
    (short,) = await follow(kit, [flip])
    # Of shorts only whole units are lent.
    assert abs(abs(short) - Decimal(opened)) <= Decimal(opened) / 50 + 1
    assert short < 0
    assert await follow(kit, [sync(kit, mode, value, "0", "-5", "5")]) == [0]


async def test_balances_are_known_again_after_a_restart(kit: Kit) -> None:
    mode, value = MODES[6]
    await follow(kit, [sync(kit, mode, value, "5", "0", "5")])
    await kit.restart()
    # A tenth of the balance when flat, though half of a tenth less is left of it now.
    more = sync(kit, mode, value, "8", "5", "3")
    assert await follow(kit, [more]) == [200]
    assert await kit.run(sync(kit, mode, value, "8", "5", "3")) == ("DONE", "target_reached")


async def test_a_flip_is_finished_by_the_process_that_comes_after(kit: Kit) -> None:
    mode, value = MODES[4]
    await follow(kit, [sync(kit, mode, value, "5", "0", "5")])
    delay = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DELAY, delay_ms=700)
    await kit.faults(delay)
    flip = sync(kit, mode, value, "-3", "5", "8")
    assert await kit.submit(flip) == ["STORED"]
    await kit.until(lambda: bool(orders(kit, flip)))
    await kit.restart()

    assert await kit.outcome(flip) == ("FILLED", "unspecified")
    assert orders(kit, flip) == [
        ("LEG_EXIT", "SIDE_SELL", "5"),
        ("LEG_ENTRY", "SIDE_SELL", "3"),
    ]
    assert await held(kit) == -3


@pytest.mark.parametrize("now", ["3", "-5", "8"])
async def test_a_preview_of_a_wanted_position_shows_what_is_then_sent(kit: Kit, now: str) -> None:
    mode, value = MODES[5]
    await follow(kit, [sync(kit, mode, value, "5", "0", "5")])
    trade = sync(kit, mode, value, now, "5", "9")
    answer = await kit.stub.PreviewTrades(pb.PreviewTradesRequest(trades=[trade]), timeout=SECONDS)
    await kit.run(trade)
    planned = [
        (pb.Leg.Name(o.leg), pb.Side.Name(o.side), o.order_qty) for o in answer.previews[0].orders
    ]
    assert planned == orders(kit, trade)
    assert planned


async def resting(kit: Kit, tag: str, price: str) -> pb.Trade:
    """A limit entry that bears a name."""
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price=price)
    trade = kit.trade("buy", "5", entry=style, client_tag=tag, allow_add=True)
    await kit.submit(trade)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(trade))
    return trade


async def test_cancel_by_name_reaches_the_orders_of_that_name_only(kit: Kit) -> None:
    first, second = await resting(kit, "a", "90"), await resting(kit, "b", "91")
    third = await resting(kit, "a", "92")
    await kit.restart()

    assert await kit.run(kit.trade("cancel", "", client_tag="a")) == ("DONE", "unspecified")
    for trade in (first, third):
        assert await kit.outcome(trade) == ("CANCELED", "canceled_by_signal")
    assert kit.outcomes(second)[-1] == ("WORKING", "unspecified")
    nobody = kit.trade("cancel", "", client_tag="a")
    assert await kit.run(nobody) == ("DONE", "nothing_to_cancel")
    assert await kit.run(kit.trade("cancel", "")) == ("DONE", "unspecified")
    assert await kit.outcome(second) == ("CANCELED", "canceled_by_signal")


async def test_cancel_by_a_hash_reaches_orders_from_when_names_were_sent(kit: Kit) -> None:
    order = await resting(kit, "a", "90")
    tag = ids.tag(UUID(hex=order.strategy_id), "a")
    assert await kit.run(kit.trade("cancel", "", client_tag=tag)) == ("DONE", "unspecified")
    assert await kit.outcome(order) == ("CANCELED", "canceled_by_signal")


async def test_cancel_by_name_reaches_exits_and_no_other_subscription(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="900")
    leaving = kit.trade("exit", "", exit=style, entry=style, client_tag="out")
    await kit.submit(leaving)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(leaving))

    stranger = kit.trade("cancel", "", client_tag="out", subscription_id="0" * 31 + "7")
    assert await kit.run(stranger) == ("DONE", "nothing_to_cancel")
    assert await kit.run(kit.trade("cancel", "", client_tag="out")) == ("DONE", "unspecified")
    assert await kit.outcome(leaving) == ("CANCELED", "canceled_by_signal")
    assert await held(kit) == 5


async def test_what_reverses_is_scaled_by_the_multiplier(kit: Kit) -> None:
    await kit.run(kit.trade("sell", "6"))
    trade = kit.trade("buy", "2", reverses=True, allow_swap=True, multiplier="3")
    assert await kit.run(trade) == ("FILLED", "unspecified")
    assert [quantity for _, _, quantity in orders(kit, trade)] == ["6", "6"]
    assert await held(kit) == 6
