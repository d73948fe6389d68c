"""A stop that the broker can neither show nor prove absent, and what a person says of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.brokers.base import InDoubt, NewOrder
from execution.domain.protecting import Protection
from execution.domain.trades import Distance, StopLoss, Trade
from execution.domain.words import DECLARED_ABSENT, DECLARED_PRESENT, By, ExecType, OrdType, Side
from execution.lanes.covers import Kept
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk, said
from tests.unit.planning_kit import VENUE

pytestmark = pytest.mark.rule("G1.declare")

STOP = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))


def lose_stops(order: NewOrder) -> InDoubt | None:
    """The broker's answers to stops are lost."""
    return InDoubt("no answer") if order.ord_type is OrdType.STOP else None


def desk_in_doubt() -> tuple[Desk, Trade]:
    """Five that were bought, and a stop of which nobody can say where it is."""
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    desk.broker.refuses_repeats = False
    desk.broker.says = lose_stops
    trade = desk.enter(1, "buy", "5", stop_loss=STOP)
    desk.steps.run()
    desk.fill_all()
    desk.steps.wait(120.0)
    kept = cover_of(desk, trade)
    assert (kept.state, kept.reason) == (Protection.UNPROTECTED, "not_provable")
    assert kept.alarmed == "guard_not_provable unprotected"
    desk.broker.says = lambda _order: None
    return desk, trade


def cover_of(desk: Desk, trade: Trade) -> Kept:
    kept = desk.account.runs[trade.trade_id].cover
    assert kept is not None
    return kept


def sent(desk: Desk) -> list[tuple[Side, OrdType, str]]:
    return [(o.side, o.ord_type, f"{o.order_qty}") for o in desk.broker.orders.values()]


def facts(desk: Desk) -> list[pb.Fact]:
    return [pb.Fact.FromString(f.fact) for entry in desk.journal.entries for f in entry.facts]


def last_told(desk: Desk) -> pb.TradeProtection:
    return [f for f in facts(desk) if f.HasField("trade_protection")][-1].trade_protection


def alarms(desk: Desk) -> list[str]:
    return [pb.AlarmKind.Name(f.alarm.kind) for f in facts(desk) if f.HasField("alarm")]


def test_the_fact_names_the_order_that_is_in_doubt() -> None:
    desk, trade = desk_in_doubt()
    [stop] = [t for t in desk.account.runs[trade.trade_id].tickets if t.in_doubt]
    assert last_told(desk).numbers["doubted"] == stop.order.terms.cl_ord_id
    desk.declare(trade, DECLARED_ABSENT)
    assert "doubted" not in last_told(desk).numbers


def test_declared_absent_another_one_is_sent_and_no_alarm_raised_again() -> None:
    desk, trade = desk_in_doubt()
    raised = len(alarms(desk))
    desk.declare(trade, DECLARED_ABSENT)
    assert alarms(desk)[raised:] == []
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
    assert cover_of(desk, trade).state is Protection.PROTECTED


def test_declared_present_it_is_left_to_whoever_said_so() -> None:
    desk, trade = desk_in_doubt()
    desk.declare(trade, DECLARED_PRESENT)
    kept = cover_of(desk, trade)
    assert sent(desk) == []
    assert (kept.state, kept.reason) == (Protection.UNPROTECTED, DECLARED_PRESENT)


@pytest.mark.parametrize("word", [DECLARED_ABSENT, DECLARED_PRESENT])
def test_an_exit_that_waits_behind_it_goes_once_somebody_said_what_it_is(word: str) -> None:
    desk, trade = desk_in_doubt()
    out = desk.enter(1, "exit", None)
    desk.steps.wait(5.0)
    assert sent(desk) == []
    desk.declare(trade, word)
    desk.steps.wait(5.0)
    assert (Side.SELL, OrdType.MARKET, "5") in sent(desk)
    assert desk.account.runs[out.trade_id].exits


def test_a_word_holds_for_orders_of_before_only() -> None:
    desk, trade = desk_in_doubt()
    desk.broker.says = lose_stops
    told_at = desk.steps.now() - timedelta(seconds=1)
    desk.declare(trade, DECLARED_ABSENT)
    desk.steps.wait(120.0)
    # The next one is in doubt as well; the store is read again, and has the word of before.
    desk.engine.withdraw(desk.account, trade.trade_id, DECLARED_ABSENT, told_at)
    desk.steps.run()
    assert cover_of(desk, trade).reason == "not_provable"
    [stop] = [t for t in desk.account.runs[trade.trade_id].tickets if t.in_doubt]
    assert stop.order.terms.revision == 2
    assert alarms(desk).count("ALARM_KIND_GUARD_NOT_PROVABLE") == 2


def test_one_that_appears_after_it_was_declared_absent_is_canceled() -> None:
    desk, trade = desk_in_doubt()
    [stop] = [t for t in desk.account.runs[trade.trade_id].tickets if t.in_doubt]
    desk.declare(trade, DECLARED_ABSENT)
    [other] = desk.broker.orders.values()
    late = replace(said(other, ExecType.NEW), cl_ord_id=stop.order.terms.cl_ord_id, report_id="l")
    desk.engine.hear(late, heard=True)
    desk.steps.run()
    assert desk.broker.canceled == [stop.order.terms.cl_ord_id]


def test_one_that_vanished_is_over_once_it_was_declared_absent() -> None:
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    desk.broker.refuses_repeats = False
    trade = desk.enter(1, "buy", "5", stop_loss=STOP)
    desk.steps.run()
    desk.fill_all()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"
    desk.declare(trade, DECLARED_ABSENT)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
