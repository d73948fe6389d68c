"""A position stays guarded by what remains of it: after partial exits, cancels, refusals,
restarts, and at brokers that can do less."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit
from tests.integration.protection_kit import (
    faults_only,
    guarded,
    move_price,
    protections,
    resting,
    restrict,
    stands,
    until_resting,
)

pytestmark = pytest.mark.usefixtures("watchful")


@pytest.mark.rule("D4.exit", "A.protection", "H.gap")
async def test_what_a_partial_exit_leaves_gets_its_stop_and_target_again(kit: Kit) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    await stands(kit, enter, "PROTECTED", "5")
    assert await resting(kit) == [("LIMIT", 5), ("STOP", 5)]

    assert await kit.run(kit.trade("exit", "2")) == ("FILLED", "unspecified")
    told = await stands(kit, enter, "PROTECTED", "3")
    # The venue links only what comes with an entry: the target is watched.
    assert told.synthetic
    assert await resting(kit) == [("STOP", 3)]
    assert 0 <= int(told.numbers["gap_ms"]) <= int(told.numbers["longest_gap_ms"])

    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    await stands(kit, enter, "CLOSED", "0")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {}


@pytest.mark.rule("D2.quantity", "H.one")
async def test_a_resting_partial_exit_and_the_stop_together_close_no_more_than_is_held(
    kit: Kit,
) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    at_300 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="300")
    leave = kit.trade("exit", "2", exit=at_300)
    await kit.submit(leave)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(leave))
    await until_resting(kit, ("LIMIT", 2), ("STOP", 3))
    # What the exit sets free when it is canceled is guarded again.
    await kit.stub.CancelTrades(
        pb.CancelTradesRequest(trade_ids=[leave.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER),
        timeout=SECONDS,
    )
    await kit.outcome(leave)
    await until_resting(kit, ("STOP", 2), ("STOP", 3))


@pytest.mark.rule("D7.protection", "D7.unprotected")
async def test_a_canceled_protection_stays_away_after_a_restart_too(kit: Kit) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    await stands(kit, enter, "PROTECTED", "5")
    assert await kit.run(kit.trade("cancel", "")) == ("DONE", "now_unprotected")
    told = await stands(kit, enter, "UNPROTECTED", "5")
    assert told.reason == pb.REASON_NOW_UNPROTECTED
    await kit.restart()
    await kit.run(kit.trade("exit", "2"))
    await stands(kit, enter, "UNPROTECTED", "3")
    assert await resting(kit) == []


async def test_after_a_restart_what_remains_is_guarded_as_before(kit: Kit) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    await kit.run(kit.trade("exit", "2"))
    await stands(kit, enter, "PROTECTED", "3")
    await kit.restart()
    await kit.run(kit.trade("exit", "1"))
    await stands(kit, enter, "PROTECTED", "2")
    assert await resting(kit) == [("STOP", 2)]


@pytest.mark.rule("K.price.replaces")
async def test_a_breakeven_takes_the_target_over_and_closes_no_more_than_is_held(kit: Kit) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    even = kit.trade("breakeven", "", signal_price="235")
    assert await kit.run(even) == ("DONE", "unspecified")
    await stands(kit, even, "PROTECTED", "5")
    await stands(kit, enter, "CLOSED", "0")
    assert await resting(kit) == [("STOP", 5)]
    await move_price(kit, "250")
    await stands(kit, even, "CLOSED", "0")
    assert await kit.venue_positions() == {"AAPL": "1"}
    assert await resting(kit) == []


@pytest.mark.rule("K.price.breakeven", "I.current")
async def test_a_breakeven_stays_done_when_its_stop_is_made_smaller(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5", **guarded()))
    even = kit.trade("breakeven", "", signal_price="235")
    assert await kit.run(even) == ("DONE", "unspecified")
    for quantity, left in (("2", [("STOP", 3)]), ("", [])):
        leave = kit.trade("exit", quantity, signal_price="235")
        assert (await kit.run(leave))[0] == "FILLED"
        await until_resting(kit, *left)
    await stands(kit, even, "CLOSED", "0")
    assert set(kit.outcomes(even)) <= {("WORKING", "unspecified"), ("DONE", "unspecified")}


async def test_a_refused_breakeven_leaves_the_old_protection(kit: Kit) -> None:
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_REJECT))
    even = kit.trade("breakeven", "", signal_price="235")
    assert await kit.run(even) == ("REJECTED", "broker_rejected")
    await stands(kit, enter, "PROTECTED", "5")
    await until_resting(kit, ("STOP", 5))


@pytest.mark.rule("H.stop", "H.watched", "H.target")
async def test_without_brackets_the_stop_rests_and_the_target_is_watched(kit: Kit) -> None:
    await restrict(kit, no_brackets=True)
    enter = kit.trade("buy", "5", **guarded())
    assert await kit.run(enter) == ("FILLED", "unspecified")
    assert (await stands(kit, enter, "PROTECTED", "5")).synthetic
    await until_resting(kit, ("STOP", 5))
    orders = [f.order_sending.order for f in kit.facts if f.HasField("order_sending")]
    assert [(o.leg, o.synthetic) for o in orders] == [(pb.LEG_ENTRY, False), (pb.LEG_STOP, True)]

    await move_price(kit, "250")
    told = await stands(kit, enter, "CLOSED", "0")
    # The gap is the cancel of the stop, and nothing more.
    assert int(told.numbers["longest_gap_ms"]) < 5000
    assert await resting(kit) == []
    assert await kit.venue_positions() == {"AAPL": "1"}


async def test_without_stops_both_legs_are_watched(kit: Kit) -> None:
    await restrict(kit, no_brackets=True, no_stops=True)
    enter = kit.trade("buy", "5", **guarded())
    assert await kit.run(enter) == ("FILLED", "unspecified")
    assert (await stands(kit, enter, "PROTECTED", "5")).synthetic
    assert await resting(kit) == []
    await kit.restart()
    await move_price(kit, "200")
    await stands(kit, enter, "CLOSED", "0")
    assert await kit.venue_positions() == {"AAPL": "1"}


async def test_a_watched_target_survives_a_restart(kit: Kit) -> None:
    await restrict(kit, no_brackets=True)
    enter = kit.trade("buy", "5", **guarded())
    await kit.run(enter)
    await stands(kit, enter, "PROTECTED", "5")
    await kit.restart()
    await move_price(kit, "250")
    await stands(kit, enter, "CLOSED", "0")
    assert await kit.venue_positions() == {"AAPL": "1"}
    assert await resting(kit) == []


@pytest.mark.rule("K.size.fraction")
async def test_an_entry_with_a_fraction_is_guarded_by_us(kit: Kit) -> None:
    enter = kit.trade("buy", "1.5", fractional=True, **guarded())
    assert await kit.run(enter) == ("FILLED", "unspecified")
    assert (await stands(kit, enter, "PROTECTED", "1.5")).synthetic
    assert await resting(kit) == [("STOP", Decimal("1.5"))]


def _refused(kit: Kit, trade: pb.Trade) -> list[tuple[str, str]]:
    """How the protection stands now, if the broker's refusal is told with it."""
    told = [f for f in kit.facts if f.trade_id == trade.trade_id and f.HasField("trade_protection")]
    last = told[-1].trade_protection if told else None
    if last is None or last.reason != pb.REASON_STOP_REFUSED or not last.numbers["text"]:
        return []
    return protections(kit, trade)[-1:]


@pytest.mark.rule("C5.refused", "C5.alarm")
@pytest.mark.parametrize("keeps", [False, True])
async def test_a_stop_refused_after_the_fill_flattens_or_alarms(kit: Kit, keeps: bool) -> None:
    await restrict(kit, no_brackets=True)
    await faults_only(kit, paper_pb2.Fault(nth=2, kind=paper_pb2.FAULT_KIND_REJECT))
    enter = kit.trade("buy", "5", keep_unprotected=keeps, **guarded())
    assert await kit.run(enter) == ("FILLED", "unspecified")
    state, held = ("UNPROTECTED", "5") if keeps else ("CLOSED", "0")
    await kit.until(lambda: _refused(kit, enter) == [(state, held)])
    assert await kit.venue_positions() == ({"AAPL": "5"} if keeps else {})
    assert await resting(kit) == []
    raised = [fact.alarm.kind for fact in await kit.read_facts() if fact.HasField("alarm")]
    assert raised == [pb.ALARM_KIND_STOP_REFUSED]


@pytest.mark.rule("D4.orphans")
async def test_when_another_subscription_closes_the_account_the_stop_shrinks(kit: Kit) -> None:
    await restrict(kit, no_brackets=True)
    await kit.run(kit.trade("buy", "5"))
    theirs = kit.trade("buy", "3", subscription_id=uuid4().hex, **guarded())
    await kit.run(theirs)
    await stands(kit, theirs, "PROTECTED", "3")
    # A resting exit of everything takes the stop away; canceled, it gives it back.
    at_300 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="300")
    leave = kit.trade("exit", "", exit=at_300)
    await kit.submit(leave)
    await until_resting(kit, ("LIMIT", 8))
    await kit.stub.CancelTrades(
        pb.CancelTradesRequest(trade_ids=[leave.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER),
        timeout=SECONDS,
    )
    await kit.outcome(leave)
    await until_resting(kit, ("STOP", 3))
    await stands(kit, theirs, "PROTECTED", "3")
    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    await stands(kit, theirs, "CLOSED", "0")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {}


def laddered(*rungs: tuple[str, str]) -> dict[str, Any]:
    """A stop, and targets at some prices that close so much."""
    return {
        "stop_loss": pb.Protection(price="200"),
        "take_profit_ladder": [
            pb.Rung(place=pb.Protection(price=price), quantity=quantity)
            for price, quantity in rungs
        ],
        "price_type": pb.PRICE_TYPE_LAST,
    }


@pytest.mark.rule("H.ladder")
async def test_the_stop_shrinks_with_each_rung_of_a_ladder(kit: Kit) -> None:
    enter = kit.trade("buy", "10", **laddered(("260", "3"), ("280", "5"), ("300", "")))
    assert await kit.run(enter) == ("FILLED", "unspecified")
    assert (await stands(kit, enter, "PROTECTED", "10")).synthetic
    assert await resting(kit) == [("STOP", 10)]
    await move_price(kit, "265")
    await stands(kit, enter, "PROTECTED", "7")
    await until_resting(kit, ("STOP", 7))
    await kit.restart()
    await move_price(kit, "285")
    await stands(kit, enter, "PROTECTED", "2")
    await until_resting(kit, ("STOP", 2))
    # What a partial exit leaves of a rung is the rung's. Two of the four moved the price.
    assert (await kit.run(kit.trade("exit", "3")))[0] == "FILLED"
    await stands(kit, enter, "PROTECTED", "1")
    await move_price(kit, "305")
    await stands(kit, enter, "CLOSED", "0")
    assert await resting(kit) == []
    assert await kit.venue_positions() == {"AAPL": "1"}


async def test_a_ladder_without_a_stop_rests_at_the_venue(kit: Kit) -> None:
    rungs = laddered(("260", "3"), ("280", ""))
    rungs.pop("stop_loss")
    enter = kit.trade("buy", "5", **rungs)
    await kit.run(enter)
    await until_resting(kit, ("LIMIT", 3), ("LIMIT", 2))
    await stands(kit, enter, "PROTECTED", "5")
    assert (await kit.run(kit.trade("exit", "4")))[0] == "FILLED"
    await stands(kit, enter, "PROTECTED", "1")
    assert await resting(kit) == [("LIMIT", 1)]


async def test_a_breakeven_keeps_what_is_left_of_a_ladder(kit: Kit) -> None:
    enter = kit.trade("buy", "10", **laddered(("260", "3"), ("280", "")))
    await kit.run(enter)
    await stands(kit, enter, "PROTECTED", "10")
    await move_price(kit, "265")
    await stands(kit, enter, "PROTECTED", "7")
    even = kit.trade("breakeven", "", signal_price="250")
    assert await kit.run(even) == ("DONE", "unspecified")
    # It sees the whole account's position, what moved the price included.
    await stands(kit, even, "PROTECTED", "8")
    assert await resting(kit) == [("STOP", 8)]
    await move_price(kit, "285")
    await stands(kit, even, "CLOSED", "0")
    assert await kit.venue_positions() == {"AAPL": "1"}


async def test_a_trail_that_the_venue_lacks_is_watched_and_survives_a_restart(kit: Kit) -> None:
    await restrict(kit, no_brackets=True, no_stops=True)
    trails = pb.Protection(ord_type=pb.ORD_TYPE_TRAILING_STOP, trail_percent="10")
    enter = kit.trade("buy", "5", stop_loss=trails, price_type=pb.PRICE_TYPE_LAST)
    assert await kit.run(enter) == ("FILLED", "unspecified")
    told = await stands(kit, enter, "PROTECTED", "5")
    assert (told.synthetic, await resting(kit)) == (True, [])
    await move_price(kit, "300")

    def level() -> Decimal:
        told = [f.trade_protection for f in kit.facts if f.trade_id == enter.trade_id]
        return Decimal([t for t in told if t.state][-1].numbers.get("level", "0"))

    await kit.until(lambda: level() > 265)
    await kit.restart()
    await move_price(kit, "260")
    await stands(kit, enter, "CLOSED", "0")
    assert await kit.venue_positions() == {"AAPL": "2"}


@pytest.mark.parametrize("no_brackets", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
async def test_what_a_late_fill_opens_is_guarded_and_found_again(
    kit: Kit, restarts: bool, no_brackets: bool
) -> None:
    await restrict(kit, no_brackets=no_brackets)
    late = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2500)
    await faults_only(kit, late)
    almost = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=119.5))
    enter = kit.trade("buy", "5", accepted_time=almost, released_time=almost, **guarded())
    assert await kit.run(enter) == ("EXPIRED", "signal_stale")
    if restarts:
        await kit.restart()
        await kit.run(kit.trade("cancel", ""))
    await stands(kit, enter, "PROTECTED", "5")
    assert ("STOP", 5) in await resting(kit)
    await kit.restart()
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    await stands(kit, enter, "CLOSED", "0")
    assert await resting(kit) == []
