"""What the simulator found of protection, told step by step."""

from typing import Any

import pytest

from protos.execution.v1 import execution_pb2 as pb
from tests.sim.script import Script

LIMIT = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="90", cancel_after_seconds=1)
GUARDS: dict[str, Any] = {
    "take_profit": pb.Protection(percent="5"),
    "stop_loss": pb.Protection(percent="5"),
}


def test_a_stop_that_waits_for_the_limit_leaves_the_outcome_as_it_was() -> None:
    script = Script(has_brackets=True, most=4, window=3_000_000)
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "5", **GUARDS))
    script.wait(1)
    # Two cancels and the exit are what the limit leaves; the stop for the rest waits.
    script.submit(one, script.trade("exit", "2"))
    script.wait(1)
    assert script.written() == ["entry", "take_profit", "stop", "exit"]
    assert script.outcome(enter) == ("FILLED", "unspecified")
    assert script.protection(enter) == ("UNPROTECTED", "unspecified")
    script.wait(5)
    assert script.written()[4:] == ["stop"]
    assert script.outcome(enter) == ("FILLED", "unspecified")
    assert script.protection(enter) == ("PROTECTED", "unspecified")


def test_of_a_stop_that_nobody_can_find_it_is_said_that_a_person_must_look() -> None:
    script = Script(refuses_repeats=False, horizon=0.5)
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "5", **GUARDS))
    while not script.position:
        script.wait(0.0005)
    script.wires["one"].drop = 1.0
    script.wait(5)
    assert script.outcome(enter) == ("FILLED", "unspecified")
    assert script.protection(enter) == ("UNPROTECTED", "not_provable")
    script.submit(one, leave := script.trade("exit"))
    script.wait(5)
    # It may still rest there, and would sell what is sold already.
    assert script.outcome(leave) == ("BLOCKED", "flatten_debt")
    script.arrive(script.orders()[-1], "one")
    script.wires["one"].drop = 0.0
    script.wait(60)
    assert script.outcome(leave) == ("FILLED", "unspecified")
    assert script.protection(enter) == ("CLOSED", "unspecified")
    assert script.position == 0


@pytest.mark.parametrize("has_brackets", [True, False])
def test_what_a_withdrawn_trade_opened_stays_guarded(has_brackets: bool) -> None:
    script = Script(has_brackets=has_brackets, slowness=3.0, parts=1.0, late_fills=1.0)
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "4", **GUARDS))
    while not script.position:
        script.wait(0.0005)
    script.withdraw(one, enter)
    script.wait(20)
    assert script.protection(enter) == ("PROTECTED", "unspecified")
    assert len(script.orders()) <= 5
    one.loop.kill()
    script.start("one")
    script.wait(20)
    assert script.protection(enter) == ("PROTECTED", "unspecified")
    assert len(script.orders()) <= 5


@pytest.mark.rule("H.stop", "D4.orphans")
@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_filled_after_its_end_is_guarded(restarts: bool) -> None:
    script = Script(late_fills=1.0)
    one = script.start("one")
    # Bought at 90 while the price is 100: the target is still far away.
    guards = {"take_profit": pb.Protection(percent="20"), "stop_loss": pb.Protection(percent="5")}
    script.submit(one, enter := script.trade("buy", "5", entry=LIMIT, **guards))
    while script.outcome(enter)[0] != "CANCELED":
        script.wait(0.0005)
    if restarts:
        one.loop.kill()
        one = script.start("one")
        script.submit(one, script.trade("cancel"))
    script.wait(10)
    assert script.position == 5
    assert script.protection(enter) == ("PROTECTED", "unspecified")
    script.venue.habits.late_fills = 0.0
    one.loop.kill()
    one = script.start("one")
    script.submit(one, script.trade("exit"))
    script.wait(10)
    assert script.protection(enter) == ("CLOSED", "unspecified")
    assert (script.position, script.working()) == (0, [])


def test_a_stop_in_doubt_leaves_no_other_entry_bare_without_a_word() -> None:
    script = Script(refuses_repeats=False, horizon=0.5)
    one = script.start("one")
    script.submit(one, first := script.trade("buy", "3", **GUARDS))
    while not script.position:
        script.wait(0.0005)
    wire = script.wires["one"]
    wire.drop = wire.silent = 1.0
    script.wait(0.05)
    # Its stop is lost on the way, which is not known yet.
    wire.drop = wire.silent = 0.0
    script.submit(one, second := script.trade("buy", "1", allow_add=True, **GUARDS))
    script.wait(1)
    assert script.position == 4
    script.submit(one, script.trade("exit", ""))
    script.wait(10)
    assert script.position == 3
    told = {script.protection(first), script.protection(second)}
    assert told == {("UNPROTECTED", "not_provable")}


def test_of_what_closes_a_bare_position_and_is_not_found_a_person_is_told() -> None:
    script = Script(has_stops=False, refuses_repeats=False, horizon=0.5)
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "5", **GUARDS))
    script.wait(0.3)
    script.venue.habits.wanders = script.venue.habits.refusals = 1.0
    while len(script.venue.arrivals) < 2:
        script.wait(0.0001)
    # What was watched is refused; what is to close the position instead is lost on the way.
    script.venue.habits.wanders = script.venue.habits.refusals = 0.0
    script.wires["one"].drop = 1.0
    script.wait(5)
    assert script.origins()[-1] == "flatten"
    assert script.protection(enter) == ("UNPROTECTED", "not_provable")
    script.submit(one, leave := script.trade("exit"))
    script.wait(5)
    assert script.outcome(leave) == ("BLOCKED", "flatten_debt")
    assert script.alarms() == ["stop_refused", "guard_not_provable"]
