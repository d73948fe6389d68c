"""A lane with many subscriptions: what each trade costs does not grow with how many there are.

Counted are calls of functions, not seconds."""

import sys
from collections.abc import Callable
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest

from execution.domain.trades import Distance, StopLoss
from execution.domain.words import By, ExecType, OrdType
from tests.unit.lane_kit import Desk, held, said
from tests.unit.planning_kit import a_style

FEW, MANY = 30, 120
# A few calls belong to no trade; a cost that grows with the lane would come out at four.
GROWTH = 1.25


def calls(work: Callable[[], None]) -> int:
    """How many functions of ours are called."""
    count = 0

    def note(frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event == "call" and "execution" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def enter_all(desk: Desk, subscriptions: int, **fields: Any) -> None:
    for each in range(subscriptions):
        desk.enter(each, "buy", "5", **fields)
    desk.steps.run()


def entries(subscriptions: int) -> int:
    desk = Desk()

    def work() -> None:
        enter_all(desk, subscriptions)
        desk.fill_all()

    total = calls(work)
    assert held(desk) == 5 * subscriptions
    return total


def entries_with_guards(subscriptions: int) -> int:
    """What guards them is looked at once for all that came together."""
    desk, percent = Desk(), Distance(By.PERCENT, Decimal(5))
    bracket = {"take_profit": percent, "stop_loss": StopLoss(OrdType.STOP, percent)}

    def work() -> None:
        enter_all(desk, subscriptions, entry=a_style("limit", limit_price="100"), **bracket)
        desk.fill_at_once()

    total = calls(work)
    assert held(desk) == 5 * subscriptions
    return total


def exits(subscriptions: int) -> int:
    desk = Desk()
    enter_all(desk, subscriptions)
    desk.fill_all()

    def work() -> None:
        # The first one was alone there: all that the account holds is its own.
        for each in range(1, subscriptions):
            desk.enter(each, "exit", None)
        desk.steps.run()
        desk.fill_all()

    total = calls(work)
    assert held(desk) == 5
    return total


def exits_of_resting_entries(subscriptions: int) -> int:
    """Each cancels its own entry first, and waits until that is confirmed."""
    desk = Desk()
    enter_all(desk, subscriptions, entry=a_style("limit", limit_price="90"))

    def work() -> None:
        for each in range(1, subscriptions):
            desk.enter(each, "exit", None)
        desk.steps.run()
        for name in desk.broker.canceled:
            order = desk.broker.orders[name]
            desk.engine.hear(said(order, ExecType.CANCELED), heard=True)
            desk.steps.run()

    total = calls(work)
    assert len(desk.broker.canceled) == subscriptions - 1
    assert held(desk) == Decimal(0)
    return total


@pytest.mark.parametrize("cost", [entries, entries_with_guards, exits, exits_of_resting_entries])
def test_a_trade_costs_the_same_among_few_and_among_many(cost: Callable[[int], int]) -> None:
    few, many = cost(FEW) / FEW, cost(MANY) / MANY
    assert many < GROWTH * few, (few, many)
