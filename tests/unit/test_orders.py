"""An order is its terms plus the set of its reports."""

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain.orders import Order, Overfilled, Terms
from execution.domain.reports import Report
from execution.domain.words import ExecType, Leg, OrdStatus, OrdType, Origin, Side

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TERMS = Terms(
    order_id=UUID(int=1),
    cl_ord_id="one",
    trade_id=UUID(int=2),
    subscription_id=UUID(int=3),
    leg=Leg.ENTRY,
    revision=0,
    origin=Origin.SIGNAL,
    instrument="AAPL",
    side=Side.BUY,
    ord_type=OrdType.MARKET,
    time_in_force="day",
    order_qty=Decimal(10),
    limit_price=None,
    reference_price=None,
    created_at=NOON,
)


def a_report(number: int, exec_type: ExecType, quantity: str = "0") -> Report:
    is_fill = exec_type is ExecType.FILL
    return Report(
        account="acme",
        report_id=f"acme:{number}",
        sequence=number,
        cl_ord_id="one",
        broker_order_id="b1",
        exec_type=exec_type,
        ord_status=OrdStatus.NEW,
        instrument="AAPL",
        side=Side.BUY,
        exec_id=str(number) if is_fill else "",
        last_qty=Decimal(quantity) if is_fill else None,
        last_px=Decimal(100 + number) if is_fill else None,
        fee=None,
        text="",
        time=NOON + timedelta(seconds=number),
        venue_time=None,
    )


def folded(*reports: Report) -> Order:
    order = Order(TERMS)
    for report in reports:
        with contextlib.suppress(Overfilled):
            order.add(report)
    return order


REPORTS = st.lists(
    st.builds(
        a_report,
        st.integers(1, 12),
        st.sampled_from(ExecType),
        st.sampled_from(["1", "2.5", "4", "10"]),
    ),
    max_size=8,
    unique_by=lambda report: report.report_id,
)


@given(st.data(), REPORTS)
def test_any_order_of_reports_with_repeats_gives_the_same_order(
    data: st.DataObject, reports: list[Report]
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(reports))) if reports else []
    shuffled = data.draw(st.permutations([*reports, *repeats]))
    one, other = folded(*reports), folded(*shuffled)
    assert one.ord_status is other.ord_status
    assert (one.cum_qty, one.leaves_qty, one.is_open) == (
        other.cum_qty,
        other.leaves_qty,
        other.is_open,
    )
    assert (one.avg_px is None) == (other.avg_px is None)
    assert one.end == other.end


def test_a_fill_after_cancel_still_counts() -> None:
    order = folded(a_report(1, ExecType.CANCELED), a_report(2, ExecType.FILL, "4"))
    assert order.cum_qty == 4
    assert order.ord_status is OrdStatus.CANCELED
    assert folded(a_report(1, ExecType.CANCELED), a_report(2, ExecType.FILL, "10")).is_filled


@pytest.mark.rule("G5.recorded")
def test_an_overfill_is_raised_and_recorded() -> None:
    order = folded(a_report(1, ExecType.FILL, "10"))
    with pytest.raises(Overfilled):
        order.add(a_report(2, ExecType.FILL, "1"))
    assert order.cum_qty == 11


@pytest.mark.rule("G4.replaced")
def test_what_the_broker_says_outweighs_our_own_not_sent() -> None:
    order = folded(a_report(1, ExecType.NOT_SENT))
    assert not order.is_open
    order.add(a_report(2, ExecType.NEW))
    assert order.is_open
    assert order.ord_status is OrdStatus.NEW


def test_the_average_price_weighs_by_quantity() -> None:
    order = folded(a_report(1, ExecType.FILL, "1"), a_report(3, ExecType.FILL, "3"))
    assert order.avg_px == Decimal("102.5")
    assert order.ord_status is OrdStatus.PARTIALLY_FILLED
    assert order.leaves_qty == 6


def test_a_repeated_report_is_said_to_be_known() -> None:
    order = folded(a_report(1, ExecType.FILL, "1"))
    assert not order.add(replace(a_report(1, ExecType.FILL, "1")))


def amended(number: int, of: Report, quantity: str = "", price: str = "") -> Report:
    """What the broker says of an earlier fill: corrected, or without a quantity taken back."""
    exec_type = ExecType.TRADE_CORRECT if quantity else ExecType.TRADE_CANCEL
    return replace(
        a_report(number, exec_type),
        exec_id=str(number),
        ref_exec_id=of.exec_id,
        last_qty=Decimal(quantity) if quantity else of.last_qty,
        last_px=Decimal(price) if price else of.last_px,
    )


@pytest.mark.rule("I.bust")
def test_a_fill_that_is_taken_back_leaves_the_rest_and_ends_the_order() -> None:
    first, second = a_report(2, ExecType.FILL, "4"), a_report(3, ExecType.FILL, "6")
    order = folded(a_report(1, ExecType.NEW), first, second, amended(9, second))
    assert (order.ord_status, order.cum_qty) == (OrdStatus.CANCELED, Decimal(4))
    assert (order.is_open, order.leaves_qty, order.avg_px) == (False, Decimal(0), first.last_px)


@pytest.mark.rule("I.bust")
def test_a_working_order_goes_on_after_a_fill_was_taken_back() -> None:
    first = a_report(2, ExecType.FILL, "4")
    order = folded(a_report(1, ExecType.NEW), first, amended(3, first))
    assert (order.ord_status, order.leaves_qty) == (OrdStatus.NEW, Decimal(10))


@pytest.mark.rule("I.bust")
def test_the_last_correction_of_a_fill_holds_whatever_it_names() -> None:
    fill = a_report(2, ExecType.FILL, "10")
    once = amended(3, fill, "8", "90")
    again = amended(4, once, "7", "95")
    for heard in ((fill, once, again), (again, once, fill), (once, fill, again)):
        order = folded(a_report(1, ExecType.NEW), *heard)
        assert (order.cum_qty, order.avg_px) == (Decimal(7), Decimal(95))
        assert order.ord_status is OrdStatus.CANCELED
    order = folded(a_report(1, ExecType.NEW), fill, once, again, amended(5, again))
    assert order.cum_qty == 0


@pytest.mark.rule("I.bust")
def test_a_price_that_is_corrected_leaves_the_order_filled() -> None:
    fill = a_report(2, ExecType.FILL, "10")
    order = folded(a_report(1, ExecType.NEW), fill, amended(3, fill, "10", "99"))
    assert (order.ord_status, order.avg_px) == (OrdStatus.FILLED, Decimal(99))
