"""Kill switches: what each lets through, on both sides of the wire."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain import judging, switches
from execution.domain.decisions import CancelFirst, End, OpenOrder, Progress, Scope, Send
from execution.domain.judging import Seen
from execution.domain.switches import FREE, Binding, Mode, Switch
from execution.domain.switches import Scope as Where
from execution.domain.words import Leg, OrdType, Side, TradeState
from tests.unit.planning_kit import NOON, NOTHING, VENUE, a_trade, held, working
from web.switches import rules
from web.switches.rules import On

ON = tuple(mode for mode in Mode if mode is not Mode.OFF)
LONG = held("5")


def seen(scope: Scope, binding: Binding = FREE) -> Seen:
    return Seen(scope, Progress(), VENUE, NOTHING, NOON, binding=binding)


def under(mode: Mode) -> Binding:
    return Binding(Switch(Where.TENANT, mode))


@pytest.mark.rule("I.halted")
@pytest.mark.parametrize("mode", ON)
def test_no_mode_lets_an_entry_pass(mode: Mode) -> None:
    end = judging.judge(a_trade("buy", "5"), seen(Scope(), under(mode)))
    assert isinstance(end, End)
    assert (end.state, end.reason) == (TradeState.HALTED, "halted")
    assert end.numbers["mode"] == mode.value.replace("_", " ")


@pytest.mark.rule("I.finish")
@pytest.mark.parametrize("mode", [Mode.STOP_ENTRIES, Mode.FLATTEN])
def test_what_closes_passes_unless_all_is_stopped(mode: Mode) -> None:
    step = judging.judge(a_trade("exit"), seen(LONG, under(mode)))
    assert isinstance(step, Send)
    assert step.leg is Leg.EXIT


@pytest.mark.rule("I.all")
def test_stop_all_takes_no_guard_away() -> None:
    stop = OpenOrder("guard", Side.SELL, LONG.position, OrdType.STOP)
    guarded = replace(LONG, protection=(stop,))
    leaving = a_trade("exit")
    assert isinstance(judging.judge(leaving, seen(guarded)), CancelFirst)
    end = judging.judge(leaving, seen(guarded, under(Mode.STOP_ALL)))
    assert isinstance(end, End)
    assert end.state is TradeState.HALTED


def test_a_cancel_passes_every_switch() -> None:
    scope = Scope(entries=(working(Side.BUY, "5"),))
    step = judging.judge(a_trade("cancel"), seen(scope, under(Mode.STOP_ALL)))
    assert step == CancelFirst(("w1",))


@given(st.permutations([Switch(where, mode) for where in Where for mode in ON]))
def test_of_several_the_strictest_holds(on: list[Switch]) -> None:
    found = switches.strictest(on)
    assert found is not None
    assert found.mode is Mode.STOP_ALL


def test_both_programs_choose_the_same_switch() -> None:
    ids = {scope: uuid4() for scope in rules.SCOPES} | {"platform": rules.PLATFORM}
    for modes in ((m, n) for m in rules.MODES[1:] for n in rules.MODES[1:]):
        at = datetime(2026, 11, 20, tzinfo=UTC)
        pair = list(zip(("tenant", "connection"), modes, strict=True))
        theirs = [On(scope, ids[scope], mode, at, "", "") for scope, mode in pair]
        ours = [Switch(Where(scope), Mode(mode)) for scope, mode in pair]
        bound = rules.binding(
            theirs,
            broker=ids["broker"],
            tenant=ids["tenant"],
            strategy=ids["strategy"],
            connection=ids["connection"],
        )
        chosen = switches.strictest(ours)
        assert bound is not None
        assert chosen is not None
        assert (bound.scope, bound.numbers) == (chosen.scope.value, chosen.numbers)


def test_a_switch_of_others_binds_nobody_here() -> None:
    on = On("connection", uuid4(), rules.STOP_ALL, datetime(2026, 11, 20, tzinfo=UTC), "", "")
    bound = rules.binding(
        [on], broker=uuid4(), tenant=uuid4(), strategy=uuid4(), connection=uuid4()
    )
    assert bound is None
