"""What goes first, what waits and for how long: rules of time, told step by step."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from execution.lanes.tickets import MARKET_BOUND
from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.instance import Instance
from tests.sim.script import Script, slow

FILLED = ("FILLED", "unspecified")
WORKING = ("WORKING", "unspecified")
AT_90 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90")
STOP: dict[str, Any] = {"stop_loss": pb.Protection(percent="5")}
OTHER: dict[str, Any] = {"subscription_id": UUID(int=4).hex, "strategy_id": UUID(int=5).hex}


# -- the second waits for the first


@pytest.mark.rule("B2.market", "B2.bound")
def test_an_entry_waits_ten_seconds_for_the_market_order_before_it_and_no_longer() -> None:
    script, one = slow()
    script.submit(one, script.trade("buy", "1"), script.trade("buy", "2", allow_add=True))
    bound = MARKET_BOUND.total_seconds()
    assert bound == 10
    script.wait(bound - 0.5)
    assert script.written() == ["entry"]
    script.wait(1)
    assert script.written() == ["entry", "entry"]


@pytest.mark.rule("B2.market", "B1.order")
def test_an_entry_goes_as_soon_as_the_market_order_before_it_has_filled() -> None:
    script, one = slow()
    script.submit(one, script.trade("buy", "1"), script.trade("buy", "2", allow_add=True))
    script.wait(1)
    assert script.written() == ["entry"]
    script.fill_newest(1)
    assert script.written() == ["entry", "entry"]


@pytest.mark.rule("B2.resting")
def test_an_entry_waits_for_a_resting_order_only_until_the_broker_has_it() -> None:
    script, one = slow()
    first = script.trade("buy", "1", entry=AT_90)
    script.submit(one, first, script.trade("buy", "2", allow_add=True))
    script.wait(1)
    assert script.written() == ["entry", "entry"]
    assert script.outcome(first) == WORKING


@pytest.mark.rule("B2.doubt", "B2.expires", "I.attention", "A.waiting")
def test_the_bound_passes_no_order_in_doubt_not_even_when_a_person_was_told() -> None:
    script = Script(refuses_repeats=False, horizon=0.5)
    one = script.start("one", drop=1.0)
    first = script.trade("buy", "1")
    script.submit(one, first)
    script.wait(3)
    assert script.outcome(first) == ("NEEDS_ATTENTION", "not_provable")
    script.wires["one"].drop = 0.0
    second = script.trade("buy", "2", allow_add=True)
    script.submit(one, second)
    script.wait(30)
    assert (script.outcome(second), script.written()) == (("BLOCKED", "in_doubt"), [])
    script.wait(92)
    assert (script.outcome(second), script.written()) == (("EXPIRED", "signal_stale"), [])


@pytest.mark.rule("B4.pass", "A.waiting", "B3.blocked", "D3.debt", "B3.exit")
def test_an_exit_passes_the_entries_that_are_blocked_and_ends_them() -> None:
    script, one = slow()
    script.hold(one)
    script.wires["one"].drop = 1.0
    script.venue.habits.horizon = 60.0
    doubtful, blocked = (script.trade("buy", "1", allow_add=True) for _ in range(2))
    script.submit(one, doubtful, blocked)
    script.wait(13)
    assert script.outcome(blocked) == ("BLOCKED", "in_doubt")
    script.wires["one"].drop = 0.0
    script.submit(one, script.trade("exit"))
    script.wait(1)
    assert script.outcome(blocked) == ("SKIPPED", "superseded")
    assert script.written() == ["entry", "exit"]


@pytest.mark.rule("B3.reverse", "B3.blocked")
def test_a_reversal_ends_the_entries_that_are_blocked() -> None:
    script, one = slow()
    script.hold(one)
    script.wires["one"].drop = 1.0
    script.venue.habits.horizon = 60.0
    doubtful, blocked = (script.trade("buy", "1", allow_add=True) for _ in range(2))
    script.submit(one, doubtful, blocked)
    script.wait(13)
    script.submit(one, script.trade("reverse"))
    script.wait(1)
    assert script.outcome(blocked) == ("SKIPPED", "superseded")


@pytest.mark.rule("B3.opposite", "B3.blocked")
def test_an_addition_to_a_position_is_ended_by_what_turns_that_and_not_by_what_repeats_it() -> None:
    script, one = slow()
    script.hold(one)
    script.wires["one"].drop = 1.0
    script.venue.habits.horizon = 60.0
    script.submit(one, script.trade("buy", "1", allow_add=True), add := script.trade("add", "2"))
    script.wait(13)
    script.submit(one, script.trade("buy", "3"))
    script.wait(1)
    assert script.outcome(add) == ("BLOCKED", "in_doubt")
    script.submit(one, script.trade("sell", "3"))
    script.wait(1)
    assert script.outcome(add) == ("SKIPPED", "superseded")


@pytest.mark.rule("B1.strangers", "A.waiting")
def test_nobody_waits_for_another_strategy_s_trades() -> None:
    script, one = slow()
    script.submit(one, script.trade("buy", "1"))
    script.submit(one, script.trade("buy", "2", **OTHER))
    script.wait(1)
    assert script.written() == ["entry", "entry"]


@pytest.mark.rule("B3.others")
def test_an_exit_leaves_what_waits_of_other_subscriptions() -> None:
    script, one = slow()
    script.submit(one, script.trade("buy", "1", **OTHER))
    script.submit(one, blocked := script.trade("buy", "2", allow_add=True, **OTHER))
    script.submit(one, script.trade("exit"))
    script.wait(1)
    script.fill_newest(1)
    script.fill_newest(2)
    assert script.outcome(blocked) == FILLED


# -- flips


def flip(script: Script, one: Instance, **fields: Any) -> pb.Trade:
    """A reversal of 5 whose exit rests."""
    script.hold(one)
    turn = script.trade("sell", "8", allow_swap=True, exit=AT_90, **fields)
    script.submit(one, turn)
    script.wait(0.1)
    assert script.outcome(turn) == WORKING
    return turn


@pytest.mark.rule("E1.bound", "E1.exit", "K.words.timeout", "I.half")
def test_a_flip_s_entry_is_dropped_after_its_wait_and_its_exit_goes_on() -> None:
    script, one = slow()
    turn = flip(script, one)
    script.wait(119)
    assert script.outcome(turn) == WORKING
    script.wait(2)
    assert script.outcome(turn) == ("WORKING", "flip_timeout")
    assert len(script.working()) == 1
    script.fill_newest(5)
    script.wait(1)
    assert script.outcome(turn) == ("PARTIALLY_FILLED", "flip_timeout")
    assert (script.written(), script.position) == (["entry", "exit"], 0)


@pytest.mark.rule("E1.bound", "E1.range")
@pytest.mark.parametrize("seconds", [60, 300])
def test_a_flip_waits_as_long_as_it_was_set_to(seconds: int) -> None:
    script, one = slow()
    turn = flip(script, one, flip_wait_seconds=seconds)
    script.wait(seconds - 1)
    assert script.outcome(turn) == WORKING
    script.wait(2)
    assert script.outcome(turn) == ("WORKING", "flip_timeout")


@pytest.mark.rule("E1.clock", "E1.waits")
def test_the_entry_of_a_flip_is_as_young_as_the_fill_of_its_exit() -> None:
    script, one = slow()
    turn = flip(script, one, flip_wait_seconds=300)
    script.wait(200)
    script.fill_newest(5)
    script.wait(1)
    script.fill_newest(8)
    assert (script.outcome(turn), script.position) == (FILLED, -8)


@pytest.mark.rule("B5.drops", "B5.keeps", "B5.planned")
def test_a_newer_signal_ends_a_flip_s_entry_and_sees_what_its_exit_leaves() -> None:
    script, one = slow()
    turn = flip(script, one)
    script.submit(one, newer := script.trade("buy", "3"))
    script.wait(0.5)
    # It meets the position, which the exit has not closed yet.
    assert script.outcome(newer) == ("SKIPPED", "already_in_position")
    script.fill_newest(5)
    script.wait(1)
    assert script.outcome(turn) == ("PARTIALLY_FILLED", "superseded")
    assert script.position == 0


# -- ages


def aged(script: Script, action: str, quantity: str, seconds: float, **fields: Any) -> pb.Trade:
    """A trade that was let go so long ago."""
    at = wire.to_timestamp(script.world.at() - timedelta(seconds=seconds))
    return script.trade(action, quantity, accepted_time=at, released_time=at, **fields)


@pytest.mark.rule("F.exit", "F.entry", "F.clock", "D6.age", "I.ended")
@pytest.mark.parametrize(
    ("action", "seconds", "goes"),
    [("buy", 119, True), ("buy", 121, False), ("exit", 899, True), ("exit", 901, False)],
)
def test_execution_sends_no_leg_that_is_older_than_its_kind_may_be(
    action: str, seconds: float, goes: bool
) -> None:
    script, one = slow()
    script.hold(one)
    trade = aged(script, action, "2", seconds, allow_add=True)
    script.submit(one, trade)
    script.wait(1)
    assert len(script.written()) == 1 + goes
    assert goes or script.outcome(trade) == ("EXPIRED", "signal_stale")


@pytest.mark.rule("I.lasting")
def test_an_order_that_rests_outlasts_the_age_of_entries() -> None:
    script, one = slow()
    script.submit(one, enter := script.trade("buy", "5", entry=AT_90))
    script.wait(300)
    assert script.outcome(enter) == WORKING
    script.fill_newest(5)
    assert script.outcome(enter) == FILLED


@pytest.mark.rule("D7.older")
def test_a_cancel_that_was_delayed_leaves_what_was_asked_for_after_it() -> None:
    script, one = slow()
    earlier = script.trade("buy", "1", entry=AT_90)
    script.submit(one, earlier)
    script.wait(10)
    asked = wire.to_timestamp(script.world.at())
    script.wait(10)
    later = script.trade("buy", "2", entry=AT_90, allow_add=True)
    script.submit(one, later)
    script.wait(10)
    script.submit(one, cancel := script.trade("cancel", accepted_time=asked))
    script.wait(1)
    assert script.outcome(earlier) == ("CANCELED", "canceled_by_signal")
    assert script.outcome(later) == WORKING
    assert script.outcome(cancel) == ("DONE", "unspecified")
    script.submit(one, again := script.trade("cancel", accepted_time=asked))
    script.wait(1)
    assert script.outcome(again) == ("SKIPPED", "nothing_to_cancel")


@pytest.mark.rule("D7.raced", "D7.entries")
def test_what_filled_before_its_cancel_came_is_said() -> None:
    script, one = slow()
    script.submit(one, enter := script.trade("buy", "5", entry=AT_90))
    script.wait(1)
    # The stream is late: execution does not know of the fill yet.
    one.adapter.lose(1.0)
    script.fill(script.orders()[-1], 5)
    script.submit(one, cancel := script.trade("cancel"))
    script.wait(10)
    assert script.outcome(enter) == FILLED
    assert script.outcome(cancel) == ("DONE", "raced_fill")
