"""What people hear of, told step by step: raised once, with the fact that caused it."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.__main__ import quiet_logs
from tests.sim.instance import Instance
from tests.sim.script import Script

FAR = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="900")
STOP: dict[str, Any] = {"stop_loss": pb.Protection(percent="5")}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the core logs of faults is no news here."""
    kept = structlog.get_config()
    quiet_logs(for_good=False)
    yield
    structlog.configure(**kept)


def restarted(script: Script, one: Instance, **faults: float) -> Instance:
    one.loop.kill()
    return script.start("one", **faults)


@pytest.mark.rule("E1.alarm", "E1.bound", "E1.exit", "K.words.timeout")
def test_a_flip_whose_exit_does_not_fill_raises_an_alarm_once_and_keeps_the_exit() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    turn = script.trade("sell", "5", allow_swap=True, exit=FAR, flip_wait_seconds=60)
    script.submit(one, turn)
    script.wait(59)
    assert script.alarms() == []
    script.wait(2)
    assert script.outcome(turn) == ("WORKING", "flip_timeout")
    assert script.alarms() == ["flip_timeout"]
    restarted(script, one)
    script.wait(60)
    assert (script.alarms(), len(script.working())) == (["flip_timeout"], 1)


@pytest.mark.rule("G1.unprovable")
def test_an_order_that_nobody_can_prove_anything_of_raises_an_alarm() -> None:
    script = Script(refuses_repeats=False, horizon=0.5)
    one = script.start("one", drop=1.0)
    script.submit(one, enter := script.trade("buy", "5"))
    script.wait(5)
    assert script.outcome(enter) == ("NEEDS_ATTENTION", "not_provable")
    script.wait(30)
    assert script.alarms() == ["not_provable"]
    # Whoever takes the account asks first, and says it once more.
    restarted(script, one)
    script.wait(30)
    assert script.alarms() == ["not_provable"] * 2


@pytest.mark.rule("K.futures.alarm")
@pytest.mark.parametrize(("action", "alarms"), [("exit", ["exit_refused_by_age"]), ("buy", [])])
def test_a_sender_that_wants_its_exit_no_more_raises_an_alarm(
    action: str, alarms: list[str]
) -> None:
    script = Script()
    one = script.start("one")
    if action == "exit":
        script.submit(one, script.trade("buy", "5"))
        script.wait(1)
    until = wire.to_timestamp(script.world.at())
    script.wait(2)
    quantity = "5" if action == "buy" else ""
    script.submit(one, late := script.trade(action, quantity, reject_after_time=until))
    script.wait(1)
    assert (script.outcome(late), script.alarms()) == (("EXPIRED", "signal_stale"), alarms)


@pytest.mark.rule("H.unprotected")
def test_a_stop_that_the_login_stops_raises_an_alarm_and_goes_when_the_login_is_back() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "5", **STOP))
    while not script.position:
        script.wait(0.0005)
    script.wires["one"].refuse_login = 1.0
    script.wait(20)
    assert script.protection(enter) == ("UNPROTECTED", "broker_auth")
    assert script.alarms() == ["unprotected"]
    one = restarted(script, one)
    script.wires["one"].refuse_login = 1.0
    script.wait(20)
    assert script.alarms() == ["unprotected"]
    script.wires["one"].refuse_login = 0.0
    script.wait(60)
    assert script.protection(enter) == ("PROTECTED", "unspecified")
    assert (script.working(), script.alarms()) == (script.orders()[-1:], ["unprotected"])
    # Each time it waits for longer.
    assert len(script.orders()) < 12


@pytest.mark.rule("H.unprotected")
def test_a_gap_that_lasts_raises_an_alarm_and_one_that_a_cancel_takes_does_not() -> None:
    script = Script(has_brackets=True, most=4, window=20_000_000)
    one = script.start("one")
    target = {"take_profit": pb.Protection(percent="5")}
    script.submit(one, enter := script.trade("buy", "5", **STOP, **target))
    script.wait(1)
    script.submit(one, script.trade("exit", "2"))
    script.wait(3)
    assert script.protection(enter)[0] == "UNPROTECTED"
    assert script.alarms() == []
    script.wait(5)
    assert script.alarms() == ["unprotected"]
    script.wait(40)
    assert (script.protection(enter)[0], script.alarms()) == ("PROTECTED", ["unprotected"])


@pytest.mark.rule("D7.unprotected")
def test_what_a_cancel_left_unprotected_raises_nothing_however_long_it_lasts() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, enter := script.trade("buy", "5", **STOP))
    script.wait(1)
    script.submit(one, script.trade("cancel"))
    script.wait(30)
    assert script.protection(enter) == ("UNPROTECTED", "now_unprotected")
    assert script.alarms() == []


@pytest.mark.rule("D6.late", "D6.click")
def test_a_full_exit_that_comes_too_late_is_given_back_and_goes_when_it_is_let_go() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    one = restarted(script, one, look_fails=1.0)
    script.submit(one, late := script.trade("exit"))
    script.wait(901)
    script.wires["one"].look_fails = 0.0
    script.wait(10)
    assert script.outcome(late) == ("WAITING_APPROVAL", "late_exit")
    assert (script.alarms(), script.position) == (["late_exit"], 5)
    # It is nobody's concern here until then, also not after a restart.
    one = restarted(script, one)
    script.wait(20)
    assert script.outcome(late) == ("WAITING_APPROVAL", "late_exit")

    late.released_time.CopyFrom(wire.to_timestamp(script.world.at()))
    late.revives = True
    script.submit(one, late)
    script.submit(one, late)
    script.wait(2)
    assert (script.outcome(late), script.position) == (("FILLED", "unspecified"), 0)
    # Said again, also by others, it is what is known.
    one = restarted(script, one)
    script.submit(one, late)
    script.wait(5)
    assert script.written() == ["entry", "exit"]
    assert [row["seq"] for row in script.database.tables.facts] == list(
        range(1, len(script.database.tables.facts) + 1)
    )


@pytest.mark.rule("D6.late")
def test_an_exit_that_is_let_go_too_late_again_is_given_back_again_by_whoever_has_it() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    late = script.trade("exit")
    for times in (1, 2):
        one = restarted(script, one, look_fails=1.0)
        script.submit(one, late)
        script.wait(901)
        script.wires["one"].look_fails = 0.0
        script.wait(10)
        assert script.outcome(late) == ("WAITING_APPROVAL", "late_exit")
        assert script.alarms() == ["late_exit"] * times
        late.released_time.CopyFrom(wire.to_timestamp(script.world.at()))
        late.revives = True
    script.submit(one, late)
    script.wait(2)
    assert (script.outcome(late)[0], script.position) == ("FILLED", 0)


@pytest.mark.rule("D6.late")
def test_a_partial_exit_that_comes_too_late_is_over() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    one = restarted(script, one, look_fails=1.0)
    script.submit(one, late := script.trade("exit", "2"))
    script.wait(901)
    script.wires["one"].look_fails = 0.0
    script.wait(10)
    assert script.outcome(late) == ("EXPIRED", "signal_stale")
    late.released_time.CopyFrom(wire.to_timestamp(script.world.at()))
    script.submit(one, late)
    script.wait(2)
    assert (script.outcome(late)[0], script.position) == ("EXPIRED", 5)


@pytest.mark.rule("D6.spread", "D6.alarm", "K.words.spread")
def test_an_exit_that_its_own_spread_filter_holds_is_told_and_later_given_back() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    narrow = pb.OrderStyle(ord_type=pb.ORD_TYPE_MARKET, spread_filter="0.001")
    script.submit(one, leave := script.trade("exit", exit=narrow))
    script.wait(800)
    assert script.outcome(leave) == ("BLOCKED", "spread_too_wide")
    assert script.alarms() == ["exit_spread_too_wide"]
    script.wait(200)
    assert script.outcome(leave) == ("WAITING_APPROVAL", "late_exit")
    assert script.alarms() == ["exit_spread_too_wide", "late_exit"]
    assert script.position == 5


@pytest.mark.rule("D6.late")
def test_a_full_exit_that_was_written_down_and_could_not_be_sent_raises_an_alarm() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    script.wires["one"].throttled_until = script.world.seconds + 1000
    script.submit(one, leave := script.trade("exit"))
    script.wait(1100)
    assert script.outcome(leave) == ("EXPIRED", "signal_stale")
    assert (script.alarms(), script.position) == (["exit_too_late"], 5)


@pytest.mark.rule("G5.recorded", "G5.alarm", "G5.stop")
@pytest.mark.parametrize("dies", [False, True])
def test_what_is_filled_too_much_is_told_and_stops_entries_and_no_exit(dies: bool) -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    script.overfill(script.orders()[0], "2")
    script.wait(5)
    assert (script.alarms(), script.position, script.written()) == (["overfilled"], 7, ["entry"])
    if dies:
        one = restarted(script, one)
    script.submit(one, more := script.trade("buy", "1", allow_add=True))
    script.wait(1)
    assert script.outcome(more) == ("SKIPPED", "overfilled")
    script.submit(one, leave := script.trade("exit"))
    script.wait(2)
    assert (script.outcome(leave)[0], script.position) == ("FILLED", 0)


@pytest.mark.rule("G5.correction")
@pytest.mark.parametrize("dies", [False, True])
def test_what_is_filled_too_much_is_closed_again_once_where_the_setting_says_so(dies: bool) -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5", correct_overfills=True))
    script.wait(1)
    script.overfill(script.orders()[0], "2")
    script.wait(0.1)
    if dies:
        one = restarted(script, one)
    script.wait(5)
    restarted(script, one)
    script.wait(5)
    assert (script.alarms(), script.position) == (["overfilled"], 5)
    assert script.written() == ["entry", "exit"]
    assert script.origins() == ["signal", "correction"]


@pytest.mark.rule("G5.correction")
def test_an_exit_that_is_filled_too_much_opens_nothing_for_long() -> None:
    script = Script()
    one = script.start("one")
    script.submit(one, script.trade("buy", "5"))
    script.wait(1)
    script.submit(one, script.trade("exit", correct_overfills=True))
    script.wait(1)
    script.overfill(script.orders()[1], "3")
    script.wait(5)
    assert (script.alarms(), script.position) == (["overfilled"], 0)
