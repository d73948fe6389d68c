"""An order whose trade is over, given up or declared absent, that the broker shows after all."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from execution.accounts.accounts import Arrival
from execution.brokers.base import NewOrder
from execution.domain.options import OptionType
from execution.domain.orders import Order
from execution.domain.positions import Position
from execution.domain.reports import Report
from execution.domain.trades import OptionWish, Style, Trade
from execution.domain.words import (
    DECLARED_ABSENT,
    DECLARED_PRESENT,
    AssetClass,
    ExecType,
    Leg,
    OrdType,
)
from execution.lanes.lanes import Run
from tests.unit.lane_kit import Desk, said
from tests.unit.planning_kit import BUY, a_trade, an_order
from tests.unit.test_doubted_guards import bare_desk, facts, hear, wait_and_cancel
from tests.unit.test_rebuild import rebuilt

LIMIT = Style(OrdType.LIMIT, Decimal(90))
CALL, PUT = "AAPL270115C00230000", "AAPL270115P00230000"
SUBSCRIPTION = UUID(int=1_000_001)
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
    assert (run.said[:2], run.is_lingering) == (("CANCELED", "appeared_late"), False)


@pytest.mark.parametrize("word", WORDS)
def test_shown_it_works_and_can_be_withdrawn(word: str) -> None:
    desk, trade, name, order = declared(word)
    desk.broker.orders[name] = order
    hear(desk, name, order, ExecType.NEW)
    run = run_of(desk, trade)
    assert run.said is not None and run.said[0] == "WORKING"
    assert last_numbers(desk)["over"] == "yes"
    desk.broker.canceled = []
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    desk.steps.run()
    assert desk.broker.canceled == [name]
    wait_and_cancel(desk, 2)
    assert run.said[:2] == ("CANCELED", "canceled_by_member")


def last_numbers(desk: Desk) -> dict[str, str]:
    told = [fact.trade_outcome for fact in facts(desk) if fact.HasField("trade_outcome")]
    return dict(told[-1].numbers)


def a_straddle() -> tuple[Desk, Trade, NewOrder]:
    """A call and a put; the order that was to close the call vanished and was declared absent."""
    desk = bare_desk()
    desk.broker.price = Decimal(100)
    option_trade(desk, "buy", CALL, "5")
    desk.fill_all()
    put, held = desk.account.lane("options AAPL").book(PUT), Position(Decimal(5), Decimal(3))
    put.whole = put.own[SUBSCRIPTION] = held
    both, limit = OptionWish(OptionType("both")), Style(OrdType.LIMIT, Decimal(110))
    trade = option_trade(desk, "exit", "AAPL", None, exit=limit, option=both)
    [(name, order)] = desk.broker.orders.items()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    desk.declare(trade, DECLARED_ABSENT)
    desk.steps.wait(5.0)
    hear(desk, name, order, ExecType.NEW)
    return desk, trade, order


def option_trade(
    desk: Desk, action: str, ticker: str, quantity: str | None, **fields: Any
) -> Trade:
    desk.count += 1
    trade = a_trade(
        action,
        quantity,
        trade_id=UUID(int=10_000 + desk.count),
        subscription_id=SUBSCRIPTION,
        ticker=ticker,
        asset_class=AssetClass.OPTIONS,
        **fields,
    )
    desk.engine.enter(desk.account, Arrival(desk.count, trade))
    desk.steps.run()
    return trade


@pytest.mark.parametrize("vanishes", [False, True])
def test_nothing_is_sent_for_a_trade_that_is_over_though_its_exit_fills(vanishes: bool) -> None:
    desk, trade, order = a_straddle()
    if vanishes:
        desk.steps.wait(240.0)
    late = replace(said(order, ExecType.FILL, Decimal(5)), report_id="late")
    desk.engine.hear(late, heard=True)
    desk.steps.wait(60.0)
    run = run_of(desk, trade)
    assert (desk.broker.orders, run.is_lingering, closes(desk)[-1]) == ({}, False, True)
    assert run.said is not None and run.said[0] == "FILLED"


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
