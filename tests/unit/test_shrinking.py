"""Exits that rest while somebody else makes the position smaller."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from execution.brokers.base import NewOrder, NotSent
from execution.domain.reports import Report
from execution.domain.trades import Style, Trade
from execution.domain.words import ExecType, OrdType
from tests.unit.lane_kit import Desk, held, said, sell_by_hand

pytestmark = pytest.mark.rule("D4.outside", "D2.quantity")

AT_110: dict[str, Any] = {"exit": Style(OrdType.LIMIT, Decimal(110))}


def desk_with(*shares: tuple[int, str]) -> Desk:
    desk = Desk()
    for subscription, quantity in shares:
        desk.enter(subscription, "buy", quantity)
    desk.steps.run()
    desk.fill_all()
    return desk


def rest(desk: Desk, subscription: int, quantity: str | None, **fields: Any) -> Trade:
    """An exit that rests at the broker."""
    trade = desk.enter(subscription, "exit", quantity, **(AT_110 | fields))
    desk.steps.run()
    return trade


async def refuse(order: NewOrder) -> Report:
    """It did not reach the broker."""
    raise NotSent(f"{order.cl_ord_id} is too soon", retry_after_seconds=1.0)


def cancel(desk: Desk) -> None:
    """What was asked to go goes."""
    names, desk.broker.canceled = desk.broker.canceled, []
    for name in names:
        desk.engine.hear(said(desk.broker.orders.pop(name), ExecType.CANCELED), heard=True)
    desk.steps.run()


def resting(desk: Desk) -> list[tuple[Decimal, Decimal | None]]:
    return [(order.order_qty, order.limit_price) for order in desk.broker.orders.values()]


def outcome(desk: Desk, trade: Trade) -> tuple[str, str]:
    said = desk.account.runs[trade.trade_id].said
    assert said is not None
    return said[0].value, said[1]


@pytest.mark.parametrize("asked", [None, "4"])
def test_an_exit_larger_than_what_is_left_gives_way_to_one_that_fits(asked: str | None) -> None:
    desk = desk_with((1, "5"))
    trade = rest(desk, 1, asked)
    sell_by_hand(desk, "3")
    cancel(desk)
    assert resting(desk) == [(Decimal(2), Decimal(110))]
    desk.fill_all()
    assert held(desk) == 0 and outcome(desk, trade) == ("FILLED", "")


def test_an_exit_that_fits_still_is_left_alone() -> None:
    desk = desk_with((1, "5"))
    rest(desk, 1, "2")
    sell_by_hand(desk, "3")
    assert desk.broker.canceled == [] and resting(desk) == [(Decimal(2), Decimal(110))]


def test_an_exit_of_which_nothing_is_left_to_close_is_over() -> None:
    desk = desk_with((1, "5"))
    trade = rest(desk, 1, None)
    sell_by_hand(desk, "5")
    cancel(desk)
    assert resting(desk) == [] and outcome(desk, trade) == ("CANCELED", "no_position")


@pytest.mark.parametrize("asked", [None, "4"])
def test_what_is_not_sent_yet_goes_in_the_size_that_is_left(asked: str | None) -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, "exit", asked)
    # Written down, and not yet said to be: the socket comes after that.
    sell_by_hand(desk, "3")
    assert [order.order_qty for order in desk.broker.orders.values()] == [Decimal(2)]
    desk.fill_all()
    assert held(desk) == 0 and outcome(desk, trade) == ("FILLED", "")


def test_what_is_not_sent_yet_is_over_once_nothing_is_left_to_close() -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, "exit", None)
    sell_by_hand(desk, "5")
    assert not desk.broker.orders and outcome(desk, trade) == ("CANCELED", "no_position")


def test_what_is_not_sent_yet_of_a_withdrawn_trade_is_sent_in_no_size() -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, "exit", None)
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    sell_by_hand(desk, "3")
    assert not desk.broker.orders and held(desk) == 2
    assert outcome(desk, trade) == ("CANCELED", "canceled_by_member")


def test_a_flip_whose_exit_was_not_sent_for_nothing_was_left_enters() -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, "sell", "7", allow_swap=True)
    sell_by_hand(desk, "5")
    desk.fill_all()
    assert held(desk) == -7 and outcome(desk, trade) == ("FILLED", "")


@pytest.mark.parametrize(
    ("action", "asked", "fields"),
    [
        ("sell", "7", {}),
        ("sell", "3", {"allow_swap": True}),
        ("sell", "5", {"allow_swap": True, "subtract_exit": True}),
        ("reverse", None, {"allow_swap": True}),
    ],
)
def test_what_would_have_closed_only_is_over_once_nothing_is_left(
    action: str, asked: str | None, fields: dict[str, Any]
) -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, action, asked, **fields)
    sell_by_hand(desk, "5")
    assert not desk.broker.orders and outcome(desk, trade) == ("CANCELED", "no_position")


def test_a_flip_that_a_newer_signal_ended_enters_nothing() -> None:
    desk = desk_with((1, "5"))
    trade = desk.enter(1, "sell", "7", allow_swap=True)
    desk.enter(1, "exit", None)
    sell_by_hand(desk, "5")
    desk.fill_all()
    assert held(desk) == 0 and outcome(desk, trade) == ("CANCELED", "no_position")


def test_what_it_filled_before_counts() -> None:
    desk = desk_with((1, "5"))
    trade = rest(desk, 1, None)
    [order] = desk.broker.orders.values()
    desk.engine.hear(said(order, ExecType.FILL, Decimal(1)), heard=True)
    desk.steps.run()
    sell_by_hand(desk, "4")
    cancel(desk)
    assert held(desk) == 0 and outcome(desk, trade) == ("PARTIALLY_FILLED", "no_position")


def test_exits_of_several_shares_never_close_more_than_the_account_holds() -> None:
    desk = desk_with((1, "5"), (2, "5"))
    rest(desk, 1, None)
    rest(desk, 2, None)
    sell_by_hand(desk, "6")
    cancel(desk)
    assert held(desk) == 4 and sum(size for size, _ in resting(desk)) == 4


def test_a_fill_that_is_taken_back_makes_them_smaller_too() -> None:
    desk = Desk()
    desk.enter(1, "buy", "5")
    desk.steps.run()
    [entry] = desk.broker.orders.values()
    desk.fill_all()
    rest(desk, 1, None)
    bust = said(entry, ExecType.TRADE_CANCEL, Decimal(5))
    desk.engine.hear(replace(bust, exec_id="y", ref_exec_id="x"), heard=True)
    desk.steps.run()
    cancel(desk)
    assert held(desk) == 0 and resting(desk) == []


def long_5_beside_a_canceled_short(desk: Desk, quantity: str) -> Report:
    """And what the broker says of the short after all."""
    short = desk.enter(1, "sell", quantity, entry=Style(OrdType.LIMIT, Decimal(100)))
    desk.steps.run()
    [order] = desk.broker.orders.values()
    desk.engine.withdraw(desk.account, short.trade_id, "canceled_by_member")
    desk.steps.run()
    cancel(desk)
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.fill_all()
    return said(order, ExecType.FILL, Decimal(quantity))


def test_a_fill_behind_a_cancel_makes_an_exit_smaller_too() -> None:
    desk = Desk()
    late = long_5_beside_a_canceled_short(desk, "3")
    trade = rest(desk, 1, None)
    desk.engine.hear(late, heard=True)
    desk.steps.run()
    cancel(desk)
    assert resting(desk) == [(Decimal(2), Decimal(110))]
    desk.fill_all()
    assert held(desk) == 0 and outcome(desk, trade) == ("FILLED", "")


def test_so_does_one_that_is_heard_while_the_exit_is_on_its_way() -> None:
    desk = Desk()
    late = long_5_beside_a_canceled_short(desk, "3")
    take = desk.broker.submit

    async def take_late(order: NewOrder) -> Report:
        desk.engine.hear(late, heard=True)
        return await take(order)

    desk.broker.submit = take_late  # type: ignore[method-assign]
    rest(desk, 1, None)
    desk.broker.submit = take  # type: ignore[method-assign]
    cancel(desk)
    assert resting(desk) == [(Decimal(2), Decimal(110))]


def test_an_exit_of_what_an_entry_closed_goes() -> None:
    desk = Desk()
    desk.enter(1, "sell", "1")
    desk.steps.run()
    desk.fill_all()
    rest(desk, 1, None, exit=Style(OrdType.LIMIT, Decimal(90)))
    [exiting] = desk.broker.orders
    # Others make the account long: nothing is there to be bought back before an entry.
    desk.enter(2, "buy", "4")
    fill_newest(desk)
    desk.enter(1, "buy", "4", allow_add=True)
    fill_newest(desk)
    assert held(desk) == 7 and desk.broker.canceled == [exiting]


def test_what_others_hold_on_the_other_side_makes_none_smaller() -> None:
    desk = desk_with((1, "5"))
    rest(desk, 1, None)
    [exiting] = desk.broker.orders.values()
    desk.enter(2, "sell", "5")
    fill_newest(desk)
    desk.engine.hear(said(exiting, ExecType.FILL, Decimal(1)), heard=True)
    desk.enter(1, "buy", "1", allow_add=True)
    fill_newest(desk)
    sell_by_hand(desk, "1")
    assert held(desk) == -1 and desk.broker.canceled == []


def test_one_that_gave_way_goes_on_beside_another_of_the_same_size() -> None:
    desk = Desk()
    late = long_5_beside_a_canceled_short(desk, "1")
    rest(desk, 1, "3")
    [first] = desk.broker.orders.values()
    rest(desk, 1, "2", exit=Style(OrdType.LIMIT, Decimal(120)))
    desk.engine.hear(said(first, ExecType.FILL, Decimal(1)), heard=True)
    desk.engine.hear(late, heard=True)
    desk.steps.run()
    cancel(desk)
    # Of the first, 2 are left.
    assert resting(desk) == [(Decimal(3), Decimal(110)), (Decimal(1), Decimal(120))]


def test_who_closes_what_is_anothers_makes_its_exit_smaller() -> None:
    desk = desk_with((1, "3"))
    trade = rest(desk, 1, None)
    [exiting] = desk.broker.orders.values()
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    desk.steps.run()
    cancel(desk)
    desk.enter(1, "exit", None)
    fill_newest(desk)
    desk.enter(2, "buy", "4")
    fill_newest(desk)
    rest(desk, 2, None)
    # The first one trades all that the account holds, so its late fill closes of the second's.
    desk.engine.hear(said(exiting, ExecType.FILL, Decimal(3)), heard=True)
    desk.steps.run()
    cancel(desk)
    assert held(desk) == 1 and resting(desk) == [(Decimal(1), Decimal(110))]


def test_an_urgent_exit_takes_the_place_of_one_that_is_giving_way() -> None:
    desk = Desk()
    late = long_5_beside_a_canceled_short(desk, "1")
    rest(desk, 1, None)
    desk.engine.hear(late, heard=True)
    desk.steps.run()
    trade = desk.enter(1, "exit", None)
    desk.steps.run()
    while desk.broker.canceled:
        cancel(desk)
    assert resting(desk) == [(Decimal(4), None)]
    desk.fill_all()
    assert held(desk) == 0 and outcome(desk, trade) == ("FILLED", "")


def fill_newest(desk: Desk) -> None:
    """What was sent last fills."""
    desk.steps.run()
    _, order = desk.broker.orders.popitem()
    desk.engine.hear(said(order, ExecType.FILL, order.order_qty), heard=True)
    desk.steps.run()


def test_it_does_not_grow_old_while_it_rests() -> None:
    desk = desk_with((1, "5"))
    rest(desk, 1, None)
    desk.steps.at = desk.steps.at.replace(hour=20)
    sell_by_hand(desk, "3")
    names, desk.broker.canceled = desk.broker.canceled, []
    [order] = [desk.broker.orders.pop(name) for name in names]
    gone = replace(said(order, ExecType.CANCELED), time=desk.steps.at)
    desk.engine.hear(gone, heard=True)
    desk.steps.run()
    assert resting(desk) == [(Decimal(2), Decimal(110))]


def test_an_exit_that_is_tried_again_can_be_withdrawn() -> None:
    desk = desk_with((1, "5"))
    take, desk.broker.submit = desk.broker.submit, refuse  # type: ignore[method-assign]
    trade = desk.enter(1, "exit", None)
    desk.steps.run()
    desk.broker.submit = take  # type: ignore[method-assign]
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    desk.steps.wait(3.0)
    assert not desk.broker.orders and held(desk) == 5
    assert outcome(desk, trade) == ("SKIPPED", "superseded")
