"""Entries of a subscription that wait for the broker's limit go in the order of acceptance."""

from decimal import Decimal

import pytest

from execution.brokers.base import BrokerError, InDoubt, NewOrder, NotSent
from execution.domain.trades import Style, Trade
from execution.domain.words import OrdType
from tests.unit.lane_kit import Desk

LIMIT = Style(OrdType.LIMIT, Decimal(110))


@pytest.mark.rule("B2.doubt")
def test_one_that_is_written_down_waits_while_an_earlier_one_is_in_doubt() -> None:
    desk, asked = Desk(), dict[Decimal, int]()

    def answer(order: NewOrder) -> BrokerError | None:
        """Too many requests at first; then the reply to the one for two is lost."""
        asked[order.order_qty] = number = asked.get(order.order_qty, 0) + 1
        if order.ord_type is OrdType.LIMIT or number > 2:
            return None
        if number == 1:
            return NotSent("too many", retry_after_seconds=float(order.order_qty))
        return InDoubt("no answer") if order.order_qty == 2 else None

    desk.enter(1, "buy", "3")
    desk.steps.run()
    desk.fill_all()
    desk.broker.says = answer
    # The last one is of the other side than this, so it does not keep its place behind the second.
    desk.enter(1, "sell", "3", exit=LIMIT)
    desk.steps.run()
    earlier = desk.enter(1, "add", "2", allow_add=True)
    desk.steps.run()
    # As where it waits for our own count of requests.
    [held_back] = desk.account.runs[earlier.trade_id].tickets
    held_back.is_limited = True
    newer = desk.enter(1, "buy", "5", allow_add=True)
    desk.steps.run()
    desk.steps.wait(10.0)
    assert is_in_doubt(desk, earlier) and (asked[Decimal(2)], asked[Decimal(5)]) == (2, 1)
    desk.steps.wait(40.0)
    assert not is_in_doubt(desk, earlier)
    bought = [o.order_qty for o in desk.broker.orders.values() if o.ord_type is OrdType.MARKET]
    assert bought == [Decimal(2), Decimal(5)]
    assert desk.account.runs[newer.trade_id].entry is not None


def is_in_doubt(desk: Desk, trade: Trade) -> bool:
    entry = desk.account.runs[trade.trade_id].entry
    return entry is not None and entry.in_doubt
