"""What the broker took and then knows nothing of is noticed, whoever sent it and however."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.brokers.base import NewOrder
from execution.domain.orders import Order
from execution.domain.protecting import Protection
from execution.domain.trades import Distance, Style, Trade
from execution.domain.words import (
    DECLARED_ABSENT,
    DECLARED_PRESENT,
    By,
    ExecType,
    Leg,
    OrdType,
    Side,
)
from tests.unit.lane_kit import Desk, said
from tests.unit.planning_kit import BUY, an_order
from tests.unit.test_doubted_guards import STOP, bare_desk, cover_of, desk_in_doubt, hear
from tests.unit.test_rebuild import rebuilt


def resting(name: str, side: Side, ord_type: OrdType) -> NewOrder:
    return NewOrder("acme", name, "AAPL", side, ord_type, Decimal(5), None, "day", None)


@pytest.mark.parametrize("lost", [OrdType.STOP, OrdType.LIMIT])
def test_a_guard_that_the_broker_linked_to_its_entry(lost: OrdType) -> None:
    desk = Desk()
    desk.broker.refuses_repeats = False
    target = Distance(By.PERCENT, Decimal(5))
    trade = desk.enter(1, "buy", "5", stop_loss=STOP, take_profit=target)
    desk.steps.run()
    for name, order in tuple(desk.broker.orders.items()):
        filled = order.ord_type is OrdType.MARKET
        what, quantity = (ExecType.FILL, Decimal(5)) if filled else (ExecType.NEW, None)
        desk.engine.hear(said(order, what, quantity), heard=True)
        if filled or order.ord_type is lost:
            del desk.broker.orders[name]
    desk.steps.run()
    assert cover_of(desk, trade).state is Protection.PROTECTED
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"


def test_a_guard_that_is_found_again_though_nothing_is_said_of_it_is_in_no_doubt() -> None:
    desk = Desk()
    desk.broker.refuses_repeats = False
    trade = guarded(desk, 1)
    guards = dict(desk.broker.orders)
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    assert cover_of(desk, trade).reason == "not_provable"
    desk.broker.orders |= guards
    desk.steps.wait(60.0)
    kept = cover_of(desk, trade)
    assert (kept.state, kept.reason) == (Protection.PROTECTED, "")


@pytest.mark.parametrize("is_over", [False, True])
def test_an_entry_that_is_found_again_works_and_no_word_ends_it(is_over: bool) -> None:
    desk = bare_desk()
    trade = desk.enter(2, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    [(name, order)] = desk.broker.orders.items()
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    if is_over:
        desk.declare(trade, DECLARED_PRESENT)
        desk.steps.wait(5.0)
        hear(desk, name, order, ExecType.NEW)
        desk.steps.wait(400.0)
    run = desk.account.runs[trade.trade_id]
    assert run.said is not None and run.said[0] == "NEEDS_ATTENTION"
    desk.broker.orders[name] = order
    desk.steps.wait(60.0)
    assert run.said[0] == "WORKING"
    doubt = run.tickets[0].doubt
    desk.engine.believe(desk.account, run, {doubt: DECLARED_ABSENT})
    assert run.tickets[0].order.is_open


def test_all_that_rests_is_asked_about_in_one_go() -> None:
    desk = Desk()
    for subscription in range(20):
        guarded(desk, subscription)
        desk.steps.wait(1.0)
    desk.broker.asked.clear()
    desk.steps.wait(60.0)
    assert [len(names) for names in desk.broker.asked] == [20]


def guarded(desk: Desk, subscription: int) -> Trade:
    """Five, with a stop that the broker links to them."""
    now, before = desk.steps.now(), set(desk.broker.orders)
    trade = desk.enter(subscription, "buy", "5", stop_loss=STOP, accepted_at=now, released_at=now)
    desk.steps.run()
    for name in set(desk.broker.orders) - before:
        order = desk.broker.orders[name]
        filled = order.ord_type is OrdType.MARKET
        what, quantity = (ExecType.FILL, Decimal(5)) if filled else (ExecType.NEW, None)
        desk.engine.hear(said(order, what, quantity), heard=True)
        if filled:
            del desk.broker.orders[name]
    desk.steps.run()
    return trade


def test_one_that_rested_when_the_account_was_taken_over() -> None:
    desk = bare_desk()
    taken = an_order(Leg.ENTRY, BUY, "5", (ExecType.NEW, ""))
    terms = replace(taken.terms, ord_type=OrdType.LIMIT, limit_price=Decimal(90))
    order = Order(terms, taken.reports)
    run = rebuilt(desk.account, said=("WORKING", ""), order=order)
    desk.broker.orders["c1"] = resting("c1", Side.BUY, OrdType.LIMIT)
    desk.engine.prepare(desk.account, run.tickets)
    desk.engine.resume(desk.account, run.tickets)
    desk.steps.wait(5.0)
    assert not run.tickets[0].in_doubt
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    assert run.said is not None and run.said[:2] == ("NEEDS_ATTENTION", "not_provable")


def test_one_that_came_back_and_was_to_go() -> None:
    desk, trade = desk_in_doubt()
    desk.declare(trade, DECLARED_PRESENT)
    [stop] = [t for t in desk.account.runs[trade.trade_id].tickets if t.is_by_hand]
    desk.enter(1, "exit", None)
    desk.steps.run()
    desk.fill_all()
    desk.steps.wait(300.0)
    name = stop.order.terms.cl_ord_id
    hear(desk, name, resting(name, Side.SELL, OrdType.STOP), ExecType.NEW)
    assert desk.broker.canceled == [name]
    desk.broker.orders.clear()
    desk.steps.wait(240.0)
    assert stop.is_unprovable


def test_nothing_that_rests_where_the_broker_cannot_look_up_by_our_names() -> None:
    desk = bare_desk()
    desk.broker.looks_up = False
    trade = desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    desk.steps.wait(600.0)
    run = desk.account.runs[trade.trade_id]
    assert run.said is not None and run.said[0] == "WORKING"
    assert not run.tickets[0].in_doubt


def test_what_should_have_filled_at_once_there_is_in_doubt() -> None:
    desk = bare_desk()
    desk.broker.looks_up = False
    trade = desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.steps.wait(600.0)
    run = desk.account.runs[trade.trade_id]
    assert run.said is not None and run.said[:2] == ("NEEDS_ATTENTION", "not_provable")
