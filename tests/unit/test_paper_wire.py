"""The venue's words and ours."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from execution.brokers import paper_wire
from execution.brokers.base import (
    AuthFailed,
    NewOrder,
    PositionMove,
    RateLimited,
    Rejected,
    RulesChanged,
)
from execution.domain.words import ExecType, OrdStatus, OrdType, Side
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

AT = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)


def report(**changed: object) -> pb.Report:
    message = pb.Report(
        account="a",
        report_seq=7,
        cl_ord_id="c",
        order_id="o",
        exec_id="o-7",
        exec_type=pb.EXEC_TYPE_FILL,
        ord_status=pb.ORD_STATUS_FILLED,
        instrument="AAPL",
        side=pb.SIDE_BUY,
        last_qty="5",
        last_px="228.40",
        fee="0",
        time=wire.to_timestamp(AT),
    )
    message.MergeFrom(pb.Report(**changed))  # type: ignore[arg-type]
    return message


def spoken(values: Iterable[int]) -> set[int]:
    """Every value but UNSPECIFIED."""
    return set(values) - {0}


def test_every_word_of_the_venue_has_one_of_ours() -> None:
    assert set(paper_wire.SIDES) == spoken(pb.Side.values())
    assert set(paper_wire.ORD_TYPES) == spoken(pb.OrdType.values())
    assert set(paper_wire.ORD_STATUSES) == spoken(pb.OrdStatus.values())
    exec_types = {*paper_wire.EXEC_TYPES, *paper_wire.CAUSES, pb.EXEC_TYPE_CONFIGURED}
    assert exec_types == spoken(pb.ExecType.values())
    assert set(paper_wire.SIDES.values()) == set(Side)
    assert set(paper_wire.ORD_TYPES.values()) == set(OrdType)


@pytest.mark.parametrize("status", sorted(spoken(pb.OrdStatus.values())))
@pytest.mark.parametrize("exec_type", sorted(paper_wire.EXEC_TYPES))
def test_every_agreed_report_is_read(status: int, exec_type: int) -> None:
    read = paper_wire.read_report(report(ord_status=status, exec_type=exec_type))
    assert isinstance(read.ord_status, OrdStatus)
    assert isinstance(read.exec_type, ExecType)


@pytest.mark.parametrize("field", ["ord_status", "exec_type", "side"])
@pytest.mark.parametrize("value", [0, 99])
def test_a_word_never_agreed_on_stops_the_report(field: str, value: int) -> None:
    message = report()
    setattr(message, field, value)
    with pytest.raises(paper_wire.UnknownWord) as stopped:
        paper_wire.read_report(message)
    assert (stopped.value.field, stopped.value.value) == (field, value)


@pytest.mark.parametrize(("side", "quantity"), [(pb.SIDE_BUY, 5), (pb.SIDE_SELL, -5)])
@pytest.mark.parametrize("exec_type", sorted(paper_wire.CAUSES))
def test_a_move_without_a_fill_is_read_with_its_sign(
    exec_type: int, side: pb.Side, quantity: int
) -> None:
    read = paper_wire.read_said(report(exec_type=exec_type, side=side, cash="-12.5"))
    assert isinstance(read, PositionMove)
    assert read.cause in ("expiry", "reset")
    assert read.instrument == "AAPL"
    assert (read.quantity, read.cash) == (Decimal(quantity), Decimal("-12.5"))
    assert read.report_id == "a:7"


@pytest.mark.rule("G4.ids")
def test_a_report_keeps_its_numbers_exactly_and_its_canonical_id() -> None:
    read = paper_wire.read_report(report())
    assert (read.report_id, read.sequence) == ("a:7", 7)
    assert (read.last_qty, str(read.last_px), read.fee) == (Decimal(5), "228.40", Decimal(0))
    assert (read.time, read.venue_time) == (AT, None)


def test_a_number_that_is_none_stops_the_report() -> None:
    with pytest.raises(paper_wire.UnknownWord):
        paper_wire.read_report(report(last_px="cheap"))


@pytest.mark.rule("G2.proof", "G2.otherwise")
@pytest.mark.parametrize("status", pb.ReplyStatus.values())
def test_every_reply_to_a_submit_is_taken_refused_or_stopped(status: pb.ReplyStatus) -> None:
    reply = pb.OrderReply(status=status, text="no")
    match status:
        case pb.REPLY_STATUS_ACCEPTED:
            assert paper_wire.read_submit_reply(reply)
        case pb.REPLY_STATUS_DUPLICATE_CL_ORD_ID:
            assert not paper_wire.read_submit_reply(reply)
        case pb.REPLY_STATUS_REJECTED:
            with pytest.raises(Rejected, match="no"):
                paper_wire.read_submit_reply(reply)
        case pb.REPLY_STATUS_TOO_MANY_REQUESTS:
            with pytest.raises(RateLimited, match="no"):
                paper_wire.read_submit_reply(reply)
        case pb.REPLY_STATUS_NOT_LOGGED_IN:
            with pytest.raises(AuthFailed, match="no"):
                paper_wire.read_submit_reply(reply)
        case _:
            with pytest.raises(paper_wire.UnknownWord):
                paper_wire.read_submit_reply(reply)


@pytest.mark.parametrize("status", pb.ReplyStatus.values())
def test_every_reply_to_a_cancel_is_yes_no_or_stopped(status: pb.ReplyStatus) -> None:
    reply = pb.OrderReply(status=status, cancel=True)
    match status:
        case pb.REPLY_STATUS_ACCEPTED:
            assert paper_wire.read_cancel_reply(reply)
        case pb.REPLY_STATUS_UNKNOWN_ORDER | pb.REPLY_STATUS_TOO_LATE:
            assert not paper_wire.read_cancel_reply(reply)
        case pb.REPLY_STATUS_TOO_MANY_REQUESTS:
            with pytest.raises(RateLimited):
                paper_wire.read_cancel_reply(reply)
        case pb.REPLY_STATUS_NOT_LOGGED_IN:
            with pytest.raises(AuthFailed):
                paper_wire.read_cancel_reply(reply)
        case _:
            with pytest.raises(paper_wire.UnknownWord):
                paper_wire.read_cancel_reply(reply)


def test_a_repeated_id_of_a_rejected_order_is_that_rejection() -> None:
    order = pb.Order(ord_status=pb.ORD_STATUS_REJECTED, text="not allowed")
    reply = pb.OrderReply(status=pb.REPLY_STATUS_DUPLICATE_CL_ORD_ID, order=order)
    with pytest.raises(Rejected, match="not allowed"):
        paper_wire.read_submit_reply(reply)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("ord_type", OrdType)
def test_our_order_is_said_without_exponents(side: Side, ord_type: OrdType) -> None:
    order = NewOrder(
        account="a",
        cl_ord_id="c",
        instrument="BTC/USD",
        side=side,
        ord_type=ord_type,
        order_qty=Decimal("1E+2"),
        limit_price=Decimal("1E-7"),
        time_in_force="gtc",
        reference_price=None,
    )
    said = paper_wire.to_new_order(order)
    assert paper_wire.SIDES[said.side] is side
    assert paper_wire.ORD_TYPES[said.ord_type] is ord_type
    numbers = (said.order_qty, said.limit_price, said.reference_price)
    assert numbers == ("100", "0.0000001", "")


def test_other_hours_are_told_as_changed_rules() -> None:
    report = pb.Report(account="acme", report_seq=7, exec_type=pb.EXEC_TYPE_CONFIGURED)
    assert paper_wire.read_said(report) == RulesChanged("acme", "acme:7", 7)
