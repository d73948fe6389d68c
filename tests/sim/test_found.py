"""What the simulator found, told step by step."""

from typing import Any
from uuid import UUID

import pytest

from protos.execution.v1 import execution_pb2 as pb
from tests.sim.run import run
from tests.sim.script import Script

LIMIT = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90", cancel_after_seconds=1)


# What was withdrawn, sent behind an exit, or as its account was taken, or again in a smaller size.
# What a breakeven stood for, unprotected for good beside an entry that nothing guards. Who waited
# for the end of somebody's doubt, never told of it. A guard that waits for the broker's limit, told
# as if its trade were not over. An exit whose commit was late, of what was closed meanwhile. What
# a resting exit of the other side closes, counted as if it opened. A watched entry that a signal to
# be flat left alone. A stop that a former holder sent as it woke. A trade whose stop was refused,
# closed with what another one guards. A fill of an order of before, found by asking while its
# report waited to be recognised. What was to be canceled for an exit, by who died before it asked.
# A stop beside what was about to be closed as its own stop was refused, and one in doubt. An exit
# that rested, though an entry of its subscription had closed what it was to close. What closed a
# position whose stop was refused, in doubt for good, and nobody told, as another had closed it.
# A watched entry that an entry of the other side left, where others held as much against it.
# A trade that was over, withdrawn just after a takeover: told to be canceled by somebody else.
# And where the checker was wrong: late fills of an exit, counted against it; others' exits, whose
# place it took no more; what could not be sized, and so left a watched entry as it would one that
# rests; an account whose lease is held, and which nobody knows yet; a stop, or an exit, of which
# nobody can prove whether it works.
_SEEDS = [
    7942187, 9149264, 9300685, 9523136, 9534674, 10032999, 13043119, 15003165,
    15121288, 15217398, 16194907,
    8101317, 8124861, 8120108, 8615993, 10055119, 10064343, 15055680,
    16112524, 28003892, 29030979, 30038869, 31002377,
    35022485, 37025789, 37086828, 38041512, 38075638,
    39078862,
]  # fmt: skip


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_seed_that_failed_is_clean(seed: int) -> None:
    assert run(seed).violations == []


def test_a_clock_that_is_set_forward_lets_nothing_go_too_early() -> None:
    # Requests of one second were a second apart by a clock that had been set meanwhile.
    assert run(9700943, liveness=True).violations == []


def test_trades_stored_before_an_account_was_ever_held_go_first() -> None:
    script = Script()
    first = script.start("one", look_fails=1.0)
    enter = script.trade("buy", "5")
    script.submit(first, enter)
    script.wait(0.05)
    first.loop.kill()
    second = script.start("two")
    leave = script.trade("exit")
    script.submit(second, leave)
    script.wait(3)
    assert script.written() == ["entry", "exit"]
    assert (script.outcome(enter), script.outcome(leave)) == (("FILLED", "unspecified"),) * 2
    assert script.position == 0


def test_a_trade_that_another_holder_ended_is_not_run_again() -> None:
    script = Script(refuses_repeats=False)
    first = script.start("one", look_fails=1.0)
    second = script.start("two")
    enter = script.trade("buy", "5")
    # The first cannot ask its broker, and keeps the trade until it can.
    script.submit(first, enter)
    script.wait(3)
    assert script.outcome(enter) == ("FILLED", "unspecified")
    second.loop.kill()
    script.wait(7)
    script.wires["one"].look_fails = 0.0
    leave = script.trade("exit", "2")
    script.submit(first, leave)
    script.wait(3)
    assert script.written() == ["entry", "exit"]
    assert script.position == 3
    assert [fact["seq"] for fact in script.database.tables.facts] == list(range(1, 9))


@pytest.mark.rule("B3.never")
def test_what_a_withdrawn_trade_superseded_is_not_revived_by_a_restart() -> None:
    script = Script(horizon=3.0)
    first = script.start("one", drop=1.0)
    enter, turn = script.trade("buy", "5"), script.trade("sell", "5", allow_swap=True)
    script.submit(first, enter)
    script.wait(2.5)
    script.submit(first, turn)
    script.wait(0.1)
    assert script.outcome(turn) == ("BLOCKED", "flatten_debt")
    script.withdraw(first, turn)
    script.wait(0.1)
    first.loop.kill()
    script.start("one")
    script.wait(10)
    assert script.written() == []
    assert script.outcome(enter) == ("SKIPPED", "superseded")
    assert script.outcome(turn) == ("SKIPPED", "canceled_by_member")


def test_guards_of_an_entry_that_nobody_can_find_hold_nothing_up() -> None:
    script = Script(refuses_repeats=False, has_brackets=True, horizon=0.5)
    one = script.start("one", drop=1.0)
    guards = {"take_profit": pb.Protection(percent="5"), "stop_loss": pb.Protection(percent="5")}
    enter = script.trade("buy", "5", **guards)
    script.submit(one, enter)
    script.wait(3)
    assert script.outcome(enter) == ("NEEDS_ATTENTION", "not_provable")
    cancel, leave = script.trade("cancel"), script.trade("exit")
    script.submit(one, cancel, leave)
    script.wait(3)
    assert script.outcome(cancel) == ("BLOCKED", "in_doubt")
    assert script.outcome(leave) == ("BLOCKED", "flatten_debt")
    asked = script.world.steps
    script.wait(10)
    # Polls and heartbeats go on; nobody cancels twice a second what is not there.
    assert script.world.steps - asked < 400


@pytest.mark.rule("I.amended", "I.half")
def test_a_fill_after_the_end_amends_a_flip_that_was_over() -> None:
    script = Script(late_fills=1.0)
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    turn = script.trade("sell", "5", allow_swap=True, exit=LIMIT)
    script.submit(one, turn)
    # Its exit is canceled after a second, and filled after all at some time after that.
    script.wait(12)
    assert script.position == 0
    assert script.outcome(turn) == ("PARTIALLY_FILLED", "canceled_in_time")


@pytest.mark.rule("B2.doubt")
def test_a_trade_behind_a_doubt_is_judged_by_what_came_of_it() -> None:
    script = Script(horizon=2.0)
    one = script.start("one", drop=1.0)
    enter = script.trade("buy", "1")
    turn, again = (script.trade("sell", "4", allow_swap=True) for _ in range(2))
    script.submit(one, enter)
    script.wait(1)
    script.wires["one"].drop = 0.0
    script.submit(one, turn, again)
    script.wait(10)
    assert script.position == -4
    assert script.outcome(turn) == ("FILLED", "unspecified")
    assert script.outcome(again) == ("SKIPPED", "already_in_position")


@pytest.mark.rule("F.clock")
def test_a_clock_follows_the_database_and_not_its_late_answers() -> None:
    script = Script()
    one = script.start("one", skew=600.0)
    one.loop.pause(0.0)
    one.loop.paused_until = script.world.now_us + 5_000_000
    stale = script.trade("buy", "5")
    for stamp in (stale.accepted_time, stale.released_time):
        stamp.seconds -= 116
    script.wait(4.9)
    script.submit(one, stale)
    script.wait(2)
    assert script.outcome(stale) == ("EXPIRED", "signal_stale")
    assert script.written() == []


@pytest.mark.rule("G3.paused")
@pytest.mark.parametrize("is_taken", [True, False])
def test_who_stood_still_sends_only_what_nobody_took(is_taken: bool) -> None:
    script = Script(horizon=0.5, slowness=1e9)
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    while not script.orders():
        script.wait(0.0001)
    # It is written down, and its commit is not heard of.
    one.loop.pause(10.0)
    if is_taken:
        script.start("two")
    script.wait(9.0)
    assert script.written() == (["entry"] if is_taken else [])
    script.wait(5.0)
    assert script.written() == ["entry"]


@pytest.mark.rule("G1.standing")
def test_an_order_that_was_given_up_and_appears_after_all_is_canceled() -> None:
    script = Script(horizon=0.5)
    one = script.start("one", drop=1.0)
    enter = script.trade("buy", "5", entry=LIMIT)
    script.submit(one, enter)
    script.wait(0.2)
    script.submit(one, leave := script.trade("exit"))
    script.wait(2)
    assert script.outcome(enter) == ("SKIPPED", "superseded")
    assert script.outcome(leave) == ("DONE", "nothing_appeared")
    script.wires["one"].drop = 0.0
    [entry] = script.orders()
    stray = script.arrive(entry, "a former holder")
    script.wait(1)
    assert not stray.is_open
    script.submit(one, again := script.trade("exit"))
    script.wait(1)
    assert script.outcome(again) == ("SKIPPED", "no_position")


def test_an_entry_does_not_overtake_one_that_the_broker_refused_for_its_limit() -> None:
    script = Script()
    one = script.start("one")
    script.wires["one"].throttled_until = script.world.seconds + 0.3
    first, second = (script.trade("buy", size, allow_add=True) for size in ("5", "1"))
    script.submit(one, first)
    script.wait(0.1)
    script.submit(one, second)
    script.wait(0.1)
    assert script.outcome(second) == ("BLOCKED", "rate_limited")
    script.wait(5)
    sent = [arrival.cl_ord_id for arrival in script.venue.arrivals]
    assert sent == script.orders()
    assert script.outcome(first) == script.outcome(second) == ("FILLED", "unspecified")


@pytest.mark.rule("B3.blocked")
def test_an_exit_takes_with_it_what_waits_behind_a_limited_entry() -> None:
    script = Script()
    one = script.start("one")
    script.wires["one"].throttled_until = script.world.seconds + 0.5
    entries = [script.trade("buy", size, allow_add=True) for size in ("5", "1")]
    script.submit(one, *entries)
    script.wait(0.2)
    script.submit(one, leave := script.trade("exit"))
    script.wait(5)
    assert script.written() == []
    assert {script.outcome(entry) for entry in entries} == {("SKIPPED", "superseded")}
    assert script.outcome(leave) == ("SKIPPED", "no_position")


def test_what_guards_an_entry_that_was_not_sent_is_not_canceled_for_ever() -> None:
    # Cancels go first: of orders that do not exist they would use up the limit for good.
    script = Script(has_brackets=True, most=3, window=3_000_000)
    one = script.start("one")
    other = {"subscription_id": UUID(int=4).hex, "sides": pb.SIDES_BOTH}
    guards = {"take_profit": pb.Protection(percent="5"), "stop_loss": pb.Protection(percent="5")}
    script.submit(one, script.trade("buy", "2"))
    script.wait(4)
    guarded = [script.trade("buy", "1", allow_add=True, **guards, **other) for _ in range(3)]
    script.submit(one, *guarded)
    script.wait(1)
    script.submit(one, leave := script.trade("exit"))
    script.wait(30)
    assert script.outcome(leave)[0] == "FILLED"
    assert [script.outcome(entry)[0] for entry in guarded] == ["FILLED"] * 3


@pytest.mark.rule("B3.opposite", "B3.half", "B5.drops", "B5.keeps")
def test_what_turns_round_does_not_wait_behind_what_it_ends() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("sell", "4"))
    script.wait(1)
    adds: dict[str, Any] = {"allow_add": True, "allow_swap": True}
    turn, add = script.trade("reverse", **adds), script.trade("buy", "5", **adds)
    script.submit(one, turn)
    while script.position:
        script.wait(0.0005)
    script.wires["one"].throttled_until = script.world.seconds + 2.0
    script.submit(one, add)
    script.wait(0.5)
    script.submit(one, back := script.trade("sell", "1", **adds))
    script.wait(0.2)
    assert script.outcome(add) == ("SKIPPED", "superseded")
    script.wait(20)
    assert script.outcome(turn) == ("PARTIALLY_FILLED", "superseded")
    assert script.outcome(back) == ("FILLED", "unspecified")


@pytest.mark.rule("B3.never")
def test_what_was_withdrawn_before_its_account_was_held_ends_in_its_turn() -> None:
    # Seed 7942187: it was left to the poll, and came as if nobody had withdrawn it.
    script = Script()
    first = script.start("one", look_fails=1.0)
    enter = script.trade("buy", "5")
    script.submit(first, enter)
    script.wait(0.05)
    script.withdraw(first, enter)
    script.wait(0.05)
    first.loop.kill()
    second = script.start("two")
    leave, back = script.trade("exit"), script.trade("sell", "2")
    script.submit(second, leave)
    script.wait(0.2)
    script.submit(second, back)
    script.wait(3)
    assert script.written() == ["entry"]
    assert script.position == -2
    assert script.outcome(enter) == ("SKIPPED", "canceled_by_member")
    assert script.outcome(leave) == ("SKIPPED", "no_position")


def test_a_trade_that_is_withdrawn_while_it_waits_for_its_account_is_not_sent() -> None:
    script = Script()
    one = script.start("one", look_fails=1.0)
    enter = script.trade("buy", "5")
    script.submit(one, enter)
    script.wait(0.1)
    script.withdraw(one, enter)
    script.wait(0.1)
    script.wires["one"].look_fails = 0.0
    script.wait(3)
    assert script.written() == []
    assert script.outcome(enter) == ("SKIPPED", "canceled_by_member")


def test_a_withdrawn_trade_that_the_poll_finds_is_not_sent() -> None:
    script = Script()
    first = script.start("one", look_fails=1.0)
    enter = script.trade("buy", "5")
    script.submit(first, enter)
    script.wait(0.05)
    script.withdraw(first, enter)
    script.wait(0.05)
    first.loop.kill()
    script.start("two")
    script.wait(3)
    assert script.written() == []
    assert script.outcome(enter) == ("SKIPPED", "canceled_by_member")
