"""What a position cost, after the broker took a fill back or changed it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.brokers.base import NewOrder
from execution.domain import positions
from execution.domain.positions import FLAT, Position
from execution.domain.reports import Report
from execution.domain.words import ExecType, Side
from tests.unit.lane_kit import Desk, said

pytestmark = pytest.mark.rule("I.bust")


def fill(desk: Desk, action: str, quantity: str, price: str, **fields: object) -> Report:
    """A trade that is filled at a price."""
    desk.enter(1, action, quantity, allow_add=True, **fields)
    desk.steps.run()
    [order] = desk.broker.orders.values()
    desk.broker.orders.clear()
    filled = replace(
        said(order, ExecType.FILL, Decimal(quantity)),
        last_px=Decimal(price), exec_id=order.cl_ord_id, sequence=desk.count,
    )  # fmt: skip
    desk.engine.hear(filled, heard=True)
    desk.steps.run()
    return filled


def amend(desk: Desk, of: Report, what: ExecType, quantity: str, price: str) -> Position:
    """The broker says something else of a fill; the position after it."""
    order = NewOrder("acme", of.cl_ord_id, "AAPL", of.side, None, None, None, "day", None)  # type: ignore[arg-type]
    report = replace(
        said(order, what, Decimal(quantity)), last_px=Decimal(price), exec_id="now",
        ref_exec_id=of.exec_id,
    )  # fmt: skip
    desk.engine.hear(report, heard=True)
    desk.steps.run()
    book = desk.account.lane("AAPL").book("AAPL")
    [own] = book.own.values()
    assert own == book.whole
    return book.whole


def two() -> tuple[Desk, Report]:
    desk = Desk()
    fill(desk, "buy", "5", "100")
    return desk, fill(desk, "buy", "5", "110")


def test_what_is_taken_back_leaves_the_price_of_the_others() -> None:
    desk, second = two()
    left = amend(desk, second, ExecType.TRADE_CANCEL, "5", "110")
    assert left == Position(Decimal(5), Decimal(100))


def test_a_price_that_was_another_one_changes_the_average_alone() -> None:
    desk, second = two()
    left = amend(desk, second, ExecType.TRADE_CORRECT, "5", "120")
    assert left == Position(Decimal(10), Decimal(110))


def test_a_sale_that_never_was_leaves_what_was_paid() -> None:
    desk = Desk()
    fill(desk, "buy", "5", "100")
    sold = fill(desk, "exit", "5", "150")
    left = amend(desk, sold, ExecType.TRADE_CANCEL, "5", "150")
    assert left == Position(Decimal(5), Decimal(100))


def test_fills_that_are_not_all_known_price_nothing() -> None:
    desk, second = two()
    first = next(iter(desk.account.runs))
    del desk.account.runs[first]
    left = amend(desk, second, ExecType.TRADE_CANCEL, "5", "110")
    assert left == Position(Decimal(5), Decimal(105))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.integers(1, 9).map(Decimal),
            st.integers(1, 200).map(Decimal),
        ),
        max_size=6,
    )
)
def test_fills_replayed_give_the_position_that_they_made(
    fills: list[tuple[Side, Decimal, Decimal]],
) -> None:
    made = FLAT
    for one in fills:
        made = made.after(*one)
    assert positions.replayed(made, fills) == made
    other = Position(made.quantity + 1, Decimal(7))
    assert positions.replayed(other, fills) == other
