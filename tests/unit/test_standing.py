"""What an instance does while others may have taken what it holds."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from execution.accounts.accounts import Account
from execution.accounts.standing import Standing
from execution.brokers.base import InDoubt, NewOrder
from execution.domain.reports import Report
from execution.domain.trades import Style
from execution.domain.words import OrdType
from execution.lanes.tickets import Ticket
from tests.unit.lane_kit import REF, Desk
from tests.unit.planning_kit import NOON, VENUE

pytestmark = pytest.mark.rule("G3.paused")

AGO, YET = timedelta(seconds=-1), timedelta(minutes=1)


def stand(desk: Desk, by: timedelta) -> None:
    """The last heartbeat counts until then."""
    desk.engine.standing.hold(desk.steps.at + by)


def test_an_exit_waits_until_it_is_known_whose_it_is() -> None:
    desk = Desk()
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.fill_all()
    stand(desk, AGO)
    desk.enter(1, "exit", None)
    desk.steps.run()
    desk.steps.wait(3.0)
    assert not desk.broker.orders
    stand(desk, YET)
    desk.steps.wait(0.1)
    assert [order.order_qty for order in desk.broker.orders.values()] == [Decimal(5)]


def test_nothing_is_canceled_that_may_be_anothers() -> None:
    desk = Desk()
    trade = desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    stand(desk, AGO)
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    desk.steps.run()
    desk.steps.wait(3.0)
    assert desk.broker.orders and not desk.broker.canceled
    stand(desk, YET)
    desk.steps.wait(1.0)
    assert desk.broker.canceled == list(desk.broker.orders)


def test_what_was_taken_meanwhile_is_never_sent() -> None:
    desk = Desk()
    stand(desk, AGO)
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.engine.forget(desk.account)
    stand(desk, YET)
    desk.steps.wait(1.0)
    assert not desk.broker.orders


def test_what_waits_until_it_is_proven_absent_once_more_is_sent_once() -> None:
    desk = Desk()
    sent: list[str] = []

    async def never_arrives(order: NewOrder) -> Report:
        sent.append(order.cl_ord_id)
        raise InDoubt("no answer")

    desk.broker.submit = never_arrives  # type: ignore[method-assign]
    desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    desk.steps.wait(1.0)
    stand(desk, AGO)
    desk.steps.wait(90.0)
    told = [fact.kind for entry in desk.journal.entries for fact in entry.facts]
    assert told.count("resent") == 2 and len(sent) == 1
    stand(desk, YET)
    desk.steps.wait(1.0)
    assert len(sent) == 2


def slow_to_log_in(desk: Desk) -> None:
    """By the time it is let in, others may have taken the account."""

    async def admit(_account: str, _connection_id: str) -> None:
        stand(desk, AGO)

    desk.broker.admit = admit  # type: ignore[method-assign]


def quick_to_log_in(desk: Desk) -> None:
    del desk.broker.admit
    stand(desk, YET)


def test_nothing_is_sent_after_a_login_that_took_too_long() -> None:
    desk = Desk()
    slow_to_log_in(desk)
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.steps.wait(1.0)
    assert not desk.broker.orders
    quick_to_log_in(desk)
    desk.steps.wait(1.0)
    assert len(desk.broker.orders) == 1


def test_nothing_is_canceled_after_a_login_that_took_too_long() -> None:
    desk = Desk()
    trade = desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    slow_to_log_in(desk)
    desk.engine.withdraw(desk.account, trade.trade_id, "canceled_by_member")
    desk.steps.run()
    desk.steps.wait(1.0)
    assert not desk.broker.canceled
    quick_to_log_in(desk)
    desk.steps.wait(1.0)
    assert desk.broker.canceled == list(desk.broker.orders)


def test_what_is_over_by_the_time_it_is_let_in_is_not_sent() -> None:
    desk = Desk()

    async def admit(_account: str, _connection_id: str) -> None:
        desk.engine.forget(desk.account)

    desk.broker.admit = admit  # type: ignore[method-assign]
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.steps.wait(1.0)
    assert not desk.broker.orders


def test_a_clock_that_is_set_makes_nobody_surer() -> None:
    standing = Standing()
    standing.hold(NOON)
    back = timedelta(minutes=-1)
    standing.step(back)
    assert not standing.is_sure(NOON + back)
    standing.step(-back)
    assert not standing.is_sure(NOON)


def test_an_answer_for_who_lost_the_account_meanwhile_ends_nothing() -> None:
    desk = Desk()

    async def never_arrives(order: NewOrder) -> Report:
        raise InDoubt("no answer")

    async def find(_account: str, _names: Sequence[str]) -> dict[str, list[Report]]:
        if desk.steps.at < NOON + timedelta(seconds=35):
            return {}
        # Lost, and taken once more: by then another may have sent it again.
        desk.engine.forget(desk.account)
        [run] = desk.account.runs.values()
        for ticket in run.tickets:
            desk.engine.remember(again, Ticket(ticket.order, run))
        return {}

    again = Account(
        desk.account.account_id, REF, desk.account.message, desk.account.adapter,
        desk.account.session, VENUE,
    )  # fmt: skip
    desk.broker.submit = never_arrives  # type: ignore[method-assign]
    desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    desk.broker.find_orders = find  # type: ignore[assignment,method-assign]
    desk.steps.wait(34.0)
    [run] = desk.account.runs.values()
    run.is_superseded = True
    desk.steps.wait(20.0)
    assert desk.account.is_lost
    assert all(ticket.order.is_open for ticket in run.tickets)
