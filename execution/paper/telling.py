"""What the venue says of its orders, in the words of the contract."""

from decimal import Decimal
from typing import TYPE_CHECKING

from protos import wire
from protos.paper.v1 import paper_pb2 as pb

if TYPE_CHECKING:
    from execution.paper.book import Account, Moment, Order

# The first that is said of an order also tells what was asked for.
_FIRST = (pb.EXEC_TYPE_NEW, pb.EXEC_TYPE_REJECTED)


def report(
    account: "Account",
    order: "Order",
    exec_type: pb.ExecType,
    moment: "Moment",
    last: tuple[Decimal, Decimal, Decimal] | None,
) -> pb.Report:
    """A report under the account's newest number; `last` is quantity, price and fee of a fill."""
    last_qty, last_px, fee = last or (None, None, None)
    terms = order.terms
    said = pb.Report(
        account=account.name,
        report_seq=account.report_seq,
        cl_ord_id=terms.cl_ord_id,
        order_id=order.order_id,
        exec_id=f"{order.order_id}-{account.report_seq}",
        exec_type=exec_type,
        ord_status=order.ord_status,
        instrument=terms.instrument,
        side=terms.side,
        last_qty=wire.to_text(last_qty),
        last_px=wire.to_text(last_px),
        fee=wire.to_text(fee),
        cum_qty=wire.to_text(order.cum_qty),
        avg_px=wire.to_text(order.avg_px),
        text=order.text,
        time=moment.stamp,
        arrived_time=wire.to_timestamp(order.arrived_at),
    )
    if exec_type in _FIRST:
        said.order_qty = wire.to_text(terms.order_qty)
        said.ord_type = terms.ord_type
        said.limit_price = wire.to_text(terms.limit_price)
        said.stop_price = wire.to_text(terms.stop_price)
    return said
