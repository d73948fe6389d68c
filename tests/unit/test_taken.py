"""What a broker took without a word that acknowledges it."""

from decimal import Decimal

import pytest

from execution.brokers.base import NewOrder
from execution.domain.reports import Report
from execution.domain.trades import Style
from execution.domain.words import OrdType
from tests.unit.lane_kit import Desk

pytestmark = pytest.mark.rule("G1.horizon", "G1.resent")


def test_an_order_that_was_taken_and_never_shows_is_proven_absent_and_sent_again() -> None:
    desk = Desk()
    taken: list[str] = []
    take = desk.broker.submit

    async def forget_the_first(order: NewOrder) -> Report | None:
        taken.append(order.cl_ord_id)
        return None if len(taken) == 1 else await take(order)

    desk.broker.submit = forget_the_first  # type: ignore[method-assign, assignment]
    trade = desk.enter(1, "buy", "5", entry=Style(OrdType.LIMIT, Decimal(90)))
    desk.steps.run()
    [ticket] = desk.account.runs[trade.trade_id].tickets
    desk.steps.wait(30.0)
    # It may still show.
    assert not ticket.in_doubt and len(taken) == 1
    desk.steps.wait(50.0)
    assert taken == [ticket.order.terms.cl_ord_id] * 2
    assert ticket.order.is_acknowledged and not ticket.in_doubt
