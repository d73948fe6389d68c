"""A stop that the broker can neither show nor prove absent, and what a person says of it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.brokers.base import InDoubt, NewOrder
from execution.domain.protecting import Protection
from execution.domain.trades import Distance, Rung, StopLoss, Style, Trade
from execution.domain.words import DECLARED_ABSENT, DECLARED_PRESENT, By, ExecType, OrdType, Side
from execution.lanes.covers import Kept
from execution.messages.alarms import of_protection
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.lane_kit import Desk, said, sell_by_hand
from tests.unit.planning_kit import NOON, VENUE

STOP = StopLoss(OrdType.STOP, Distance(By.PERCENT, Decimal(5)))


def lose_stops(order: NewOrder) -> InDoubt | None:
    """The broker's answers to stops are lost."""
    return InDoubt("no answer") if order.ord_type is OrdType.STOP else None


def desk_in_doubt() -> tuple[Desk, Trade]:
    """Five that were bought, and a stop of which nobody can say where it is."""
    desk = bare_desk()
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


@pytest.mark.rule("G1.declare")
def test_a_word_holds_for_the_orders_that_it_was_said_of() -> None:
    desk, trade = desk_in_doubt()
    desk.broker.says = lose_stops
    desk.declare(trade, DECLARED_ABSENT)
    desk.steps.wait(120.0)
    # The next one is in doubt as well; the store is read again, and has the word of before.
    run = desk.account.runs[trade.trade_id]
    desk.engine.believe(desk.account, run, dict(run.declared))
    desk.steps.run()
    assert cover_of(desk, trade).reason == "not_provable"
    [stop] = [t for t in run.tickets if t.in_doubt]
    assert stop.order.terms.revision == 2
    assert alarms(desk).count("ALARM_KIND_GUARD_NOT_PROVABLE") == 2


def ten_in_parts(lost: str) -> tuple[Desk, Trade]:
    """Four of ten that a stop guards, and six of whose stop nobody can say where it is."""
    desk = bare_desk()
    entry = Style(OrdType.LIMIT, Decimal(100))
    trade = desk.enter(1, "buy", "10", stop_loss=STOP, entry=entry)
    desk.steps.run()
    [name] = desk.broker.orders
    fill(desk, name, 4)
    desk.steps.wait(3.0)
    desk.broker.says = lose_stops
    fill(desk, name, 6)
    desk.broker.orders.pop(name)
    desk.steps.wait(120.0)
    desk.broker.says = lambda _order: None
    assert cover_of(desk, trade).reason == "not_provable"
    desk.declare(trade, lost)
    desk.steps.wait(5.0)
    return desk, trade


def test_what_a_person_looks_after_leaves_the_other_guards_alone() -> None:
    desk, trade = ten_in_parts(DECLARED_PRESENT)
    kept = cover_of(desk, trade)
    assert (sent(desk), desk.broker.canceled) == ([(Side.SELL, OrdType.STOP, "4")], [])
    assert (kept.state, kept.reason) == (Protection.UNPROTECTED, DECLARED_PRESENT)


def test_one_that_vanishes_after_a_word_on_another_is_asked_about_anew() -> None:
    desk, trade = ten_in_parts(DECLARED_ABSENT)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "4"), (Side.SELL, OrdType.STOP, "6")]
    first = next(iter(desk.broker.orders))
    desk.steps.wait(86_400.0)
    desk.broker.orders.pop(first)
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"
    assert last_told(desk).numbers["doubted"] == first


def test_a_target_that_a_person_looks_after_leaves_the_stop_of_the_rest() -> None:
    desk = bare_desk()
    desk.broker.price = Decimal(100)
    far = Distance(By.PERCENT, Decimal(10))
    ladder = (Rung(Distance(By.PERCENT, Decimal(5)), quantity=Decimal(3)), Rung(far))
    trade = desk.enter(1, "buy", "10", stop_loss=STOP, ladder=ladder)
    desk.steps.run()
    desk.fill_all()
    desk.broker.says = lambda order: InDoubt("lost") if order.ord_type is OrdType.LIMIT else None
    desk.broker.price = Decimal(106)
    wait_and_cancel(desk, 120)
    assert cover_of(desk, trade).reason == "not_provable"
    desk.broker.says = lambda _order: None
    desk.declare(trade, DECLARED_PRESENT)
    wait_and_cancel(desk, 6)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "7")]


def test_a_vanished_stop_of_breakeven_that_a_person_looks_after_is_not_sent_beside_it() -> None:
    desk = bare_desk()
    desk.enter(1, "buy", "5", stop_loss=STOP)
    desk.steps.run()
    desk.fill_all()
    desk.broker.price = Decimal(110)
    trade = desk.enter(1, "breakeven", None)
    wait_and_cancel(desk, 10)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    desk.declare(trade, DECLARED_PRESENT)
    wait_and_cancel(desk, 6)
    assert sent(desk) == []


def test_a_linked_stop_that_a_person_looks_after_keeps_its_target() -> None:
    desk = Desk()
    desk.broker.refuses_repeats = False
    target = Distance(By.PERCENT, Decimal(5))
    trade = desk.enter(1, "buy", "5", stop_loss=STOP, take_profit=target)
    desk.steps.run()
    for name, order in list(desk.broker.orders.items()):
        desk.engine.hear(said(order, ExecType.NEW), heard=True)
        if order.ord_type is OrdType.MARKET:
            fill(desk, name, 5)
            desk.broker.orders.pop(name)
        elif order.ord_type is OrdType.STOP:
            desk.broker.orders.pop(name)
    # As after a takeover.
    desk.engine.resume(desk.account, desk.account.runs[trade.trade_id].tickets)
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"
    desk.declare(trade, DECLARED_PRESENT)
    wait_and_cancel(desk, 6)
    assert (sent(desk), desk.broker.canceled) == ([(Side.SELL, OrdType.LIMIT, "5")], [])


def hear(desk: Desk, name: str, order: NewOrder, what: ExecType) -> None:
    """The broker says something of an order that it had lost."""
    at = desk.steps.now()
    report = replace(said(order, what), report_id=f"{name}:{what}:{at}", time=at)
    desk.engine.hear(report, heard=True)
    desk.steps.run()


@pytest.mark.parametrize("ends", [ExecType.CANCELED, ExecType.EXPIRED])
def test_what_ends_at_the_broker_is_nobodys_to_look_after_any_more(ends: ExecType) -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, DECLARED_PRESENT)
    desk.steps.wait(5.0)
    hear(desk, name, order, ends)
    wait_and_cancel(desk, 6)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
    assert cover_of(desk, trade).state is Protection.PROTECTED


def test_its_end_at_the_broker_counts_though_it_was_before_the_word() -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, DECLARED_PRESENT)
    late = replace(said(order, ExecType.CANCELED), report_id="late", time=NOON)
    desk.engine.hear(late, heard=True)
    desk.steps.run()
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")] and name not in desk.broker.orders


@pytest.mark.parametrize("word", [DECLARED_ABSENT, DECLARED_PRESENT])
def test_one_that_comes_back_when_its_position_is_closed_is_canceled(word: str) -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, word)
    sell_by_hand(desk, "5")
    wait_and_cancel(desk, 6)
    assert cover_of(desk, trade).is_over
    desk.broker.orders[name] = order
    hear(desk, name, order, ExecType.NEW)
    wait_and_cancel(desk, 6)
    assert sent(desk) == []


def test_what_came_back_is_ours_to_make_smaller() -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, DECLARED_PRESENT)
    desk.broker.orders[name] = order
    desk.steps.wait(5.0)
    hear(desk, name, order, ExecType.NEW)
    assert cover_of(desk, trade).state is Protection.PROTECTED
    desk.enter(1, "exit", "2")
    wait_and_cancel(desk, 6)
    [leave] = [o for o in desk.broker.orders.values() if o.ord_type is OrdType.MARKET]
    fill(desk, leave.cl_ord_id, 2)
    desk.broker.orders.pop(leave.cl_ord_id)
    wait_and_cancel(desk, 6)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "3")]


@pytest.mark.parametrize("first", [DECLARED_ABSENT, DECLARED_PRESENT])
@pytest.mark.parametrize("second", [DECLARED_ABSENT, DECLARED_PRESENT])
def test_of_another_doubt_of_the_same_order_somebody_is_asked_again(
    first: str, second: str
) -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, first)
    desk.steps.wait(5.0)
    hear(desk, name, order, ExecType.NEW)
    desk.steps.wait(300.0)
    assert last_told(desk).numbers["doubted"] == f"{name}.1"
    desk.declare(trade, second)
    wait_and_cancel(desk, 6)
    assert "doubted" not in last_told(desk).numbers
    stops = [] if second == DECLARED_PRESENT else ["5"]
    assert [q for _, kind, q in sent(desk) if kind is OrdType.STOP] == stops


@pytest.mark.parametrize("word", [DECLARED_ABSENT, DECLARED_PRESENT])
def test_what_the_broker_says_later_outweighs_the_word(word: str) -> None:
    desk, trade, name, order = vanished()
    desk.declare(trade, word)
    desk.steps.wait(5.0)
    desk.broker.orders[name] = order
    late = replace(said(order, ExecType.NEW), report_id="late", time=desk.steps.now())
    desk.engine.hear(late, heard=True)
    wait_and_cancel(desk, 6)
    # One of them is left.
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
    assert (name in desk.broker.orders) == (word == DECLARED_PRESENT)


def test_it_is_sent_as_often_as_somebody_says_that_it_never_came() -> None:
    desk, trade, _, _ = vanished()
    for _ in range(4):
        desk.declare(trade, DECLARED_ABSENT)
        assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]
        desk.broker.orders.clear()
        desk.steps.wait(240.0)
        assert cover_of(desk, trade).reason == "not_provable"


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
    desk, trade, _, _ = vanished()
    assert cover_of(desk, trade).state is Protection.UNPROTECTED
    desk.declare(trade, DECLARED_ABSENT)
    assert sent(desk) == [(Side.SELL, OrdType.STOP, "5")]


def test_an_alarm_of_before_stands_while_the_position_is_bare() -> None:
    desk, trade = desk_in_doubt()
    run, kept = desk.account.runs[trade.trade_id], cover_of(desk, trade)
    kept.is_overdue, kept.reason = True, ""
    bare, guarded = Protection.UNPROTECTED, Protection.PROTECTED

    def raised(state: Protection, *doubted: str) -> str:
        alarm = of_protection(run, state, "5", "0", doubted)
        return alarm.kind if alarm is not None else ""

    assert [raised(bare, "s"), raised(bare), raised(bare, "s")] == ["", "", "guard_not_provable"]
    assert [raised(guarded, "s"), raised(bare, "s"), raised(bare)] == ["", "", "unprotected"]


def bare_desk() -> Desk:
    desk = Desk()
    desk.account.rules = replace(VENUE, has_brackets=False)
    desk.broker.refuses_repeats = False
    return desk


def vanished() -> tuple[Desk, Trade, str, NewOrder]:
    """Five whose stop rested, and is not at the broker any more."""
    desk = bare_desk()
    trade = desk.enter(1, "buy", "5", stop_loss=STOP)
    desk.steps.run()
    desk.fill_all()
    [(name, order)] = desk.broker.orders.items()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"
    return desk, trade, name, order


def fill(desk: Desk, name: str, quantity: int) -> None:
    report = said(desk.broker.orders[name], ExecType.FILL, Decimal(quantity))
    ids = f"{name}:{quantity}"
    desk.engine.hear(replace(report, report_id=ids, exec_id=ids), heard=True)
    desk.steps.run()


def wait_and_cancel(desk: Desk, seconds: int) -> None:
    """Time passes; what is asked to go goes."""
    for _ in range(seconds):
        desk.steps.wait(1.0)
        names, desk.broker.canceled = desk.broker.canceled, []
        for name in names:
            if order := desk.broker.orders.pop(name, None):
                gone = replace(said(order, ExecType.CANCELED), time=desk.steps.now())
                desk.engine.hear(gone, heard=True)
        desk.steps.run()


@pytest.mark.parametrize(
    ("word", "state"), [(DECLARED_ABSENT, "SKIPPED"), (DECLARED_PRESENT, "DONE")]
)
def test_an_entry_that_vanished_ends_as_somebody_says(word: str, state: str) -> None:
    desk = bare_desk()
    trade = desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    run = desk.account.runs[trade.trade_id]
    assert run.said is not None and run.said[:2] == ("NEEDS_ATTENTION", "not_provable")
    desk.declare(trade, word)
    assert run.said[:2] == (state, word)
