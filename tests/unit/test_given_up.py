"""An order whose trade is over, given up or declared absent, that the broker shows after all."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.brokers.base import NewOrder
from execution.domain.orders import Order
from execution.domain.reports import Report
from execution.domain.trades import Style, Trade
from execution.domain.words import DECLARED_ABSENT, DECLARED_PRESENT, ExecType, Leg, OrdType
from execution.lanes.lanes import Run
from tests.unit.lane_kit import Desk, said
from tests.unit.planning_kit import BUY, an_order
from tests.unit.test_doubted_guards import bare_desk, hear, wait_and_cancel
from tests.unit.test_rebuild import rebuilt

LIMIT = Style(OrdType.LIMIT, Decimal(90))
WORDS = [DECLARED_ABSENT, DECLARED_PRESENT]


def run_of(desk: Desk, trade: Trade) -> Run:
    return desk.account.runs[trade.trade_id]


def declared(word: str) -> tuple[Desk, Trade, str, NewOrder]:
    """An entry that rested and vanished, over by a word, where five are held of another trade."""
    desk = bare_desk()
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.fill_all()
    trade = desk.enter(2, "buy", "5", entry=LIMIT)
    desk.steps.run()
    [(name, order)] = desk.broker.orders.items()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    desk.declare(trade, word)
    assert run_of(desk, trade).is_done
    desk.steps.wait(5.0)
    return desk, trade, name, order


def closes(desk: Desk) -> list[bool]:
    """What was written of whether trades are over, the oldest first."""
    return [over for entry in desk.journal.entries for over in entry.done.values()]


@pytest.mark.rule("G1.declare")
@pytest.mark.parametrize("first", WORDS)
@pytest.mark.parametrize("second", WORDS)
def test_of_its_second_doubt_somebody_is_asked_again(first: str, second: str) -> None:
    desk, trade, name, order = declared(first)
    hear(desk, name, order, ExecType.NEW)
    assert closes(desk)[-1] is False
    desk.broker.orders.clear()
    desk.steps.wait(400.0)
    run = run_of(desk, trade)
    assert run.said is not None
    assert run.said[:3] == ("NEEDS_ATTENTION", "not_provable", f"{name}.1")
    now = desk.steps.now()
    out = desk.enter(2, "exit", None, accepted_at=now, released_at=now)
    desk.declare(trade, second)
    assert (run.said[:2], run.is_lingering, closes(desk)[-1]) == (
        ("SKIPPED" if second == DECLARED_ABSENT else "DONE", second),
        False,
        True,
    )
    desk.steps.wait(60.0)
    assert run_of(desk, out).is_done


def test_shown_once_more_before_anybody_said_so_it_works_until_it_is_canceled() -> None:
    desk, trade, name, order = declared(DECLARED_ABSENT)
    hear(desk, name, order, ExecType.NEW)
    desk.broker.orders.clear()
    desk.steps.wait(400.0)
    desk.broker.orders[name] = order
    again = replace(said(order, ExecType.NEW), report_id="again", time=desk.steps.now())
    desk.engine.hear(again, heard=True)
    run = run_of(desk, trade)
    assert run.said is not None and run.said[0] == "WORKING"
    desk.broker.orders[name] = order
    wait_and_cancel(desk, 90)
    assert (run.said[0], run.is_lingering) == ("CANCELED", False)


def given_up() -> tuple[Order, Report]:
    """Never answered, too old to be sent again, and shown since; what shows it."""
    order = an_order(Leg.ENTRY, BUY, "5", (ExecType.NOT_SENT, ""))
    [found] = order.reports.values()
    later = found.time + timedelta(seconds=60)
    shown = replace(found, report_id="shown", exec_type=ExecType.NEW, time=later)
    order.add(shown)
    return order, shown


def test_whoever_takes_the_account_over_cancels_it_again() -> None:
    desk, (order, shown) = Desk(), given_up()
    run = rebuilt(desk.account, said=("EXPIRED", "signal_stale"), order=order)
    desk.engine.prepare(desk.account, run.tickets)
    desk.engine.resume(desk.account, run.tickets)
    desk.steps.run()
    assert desk.broker.canceled == ["c1"]
    gone = replace(shown, report_id="gone", exec_type=ExecType.CANCELED)
    desk.engine.hear(gone, heard=True)
    desk.steps.run()
    assert run.said is not None and (run.said[0], closes(desk)) == ("CANCELED", [True])
