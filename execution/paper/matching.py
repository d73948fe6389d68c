"""What the venue does with an order, and what a fill does to an account. Pure.

A market order fills at the price. A limit order fills at the price when that is as good
as its limit; else it rests, and fills at its limit when the feed comes to it.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

NAME_LENGTH = 128
RESTING_TIMES = frozenset({"", "day", "gtc"})
IMMEDIATE_TIMES = frozenset({"ioc", "fok"})
_LARGEST = Decimal(10) ** 15
_SMALLEST_EXPONENT = -12
_AVERAGE_STEP = Decimal("0.000000000001")


class Refused(Exception):
    """The order's terms are not acceptable; `text` says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Terms:
    """An order as its client asked for it, checked."""

    account: str
    cl_ord_id: str
    instrument: str
    side: pb.Side
    ord_type: pb.OrdType
    time_in_force: str
    order_qty: Decimal
    limit_price: Decimal | None
    reference_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: negative is short; no average price when flat."""

    quantity: Decimal
    avg_price: Decimal | None
    # The price that a client named last: what the feed swings around for this account.
    seen_px: Decimal | None = None


FLAT = Holding(Decimal(0), None)


def is_name(text: str) -> bool:
    """Whether the venue takes this as the name of an account, order or instrument."""
    return 0 < len(text) <= NAME_LENGTH and text.isprintable()


def read_terms(order: pb.NewOrder) -> Terms:
    """Check the terms of an order. Raises Refused."""
    for what, name in (
        ("account", order.account),
        ("ClOrdID", order.cl_ord_id),
        ("instrument", order.instrument),
    ):
        if not is_name(name):
            raise Refused(f"{what} is missing or not printable")
    if order.side not in (pb.SIDE_BUY, pb.SIDE_SELL):
        raise Refused("side must be buy or sell")
    if order.ord_type not in (pb.ORD_TYPE_MARKET, pb.ORD_TYPE_LIMIT):
        raise Refused("order type must be market or limit")
    time_in_force = order.time_in_force.lower()
    if time_in_force not in RESTING_TIMES | IMMEDIATE_TIMES:
        raise Refused(f"time in force {time_in_force!r} is not supported")
    return Terms(
        account=order.account,
        cl_ord_id=order.cl_ord_id,
        instrument=order.instrument,
        side=order.side,
        ord_type=order.ord_type,
        time_in_force=time_in_force,
        order_qty=_positive("quantity", order.order_qty),
        limit_price=_limit_price(order),
        reference_price=read_price(order.reference_price),
    )


def read_price(text: str) -> Decimal | None:
    """A price that the client saw, if it names one. Raises Refused."""
    return _positive("reference price", text) if text else None


def fill_price(terms: Terms, price: Decimal) -> Decimal | None:
    """Where an arriving order fills; None when it does not fill at once."""
    if terms.limit_price is None or is_reached(terms.side, terms.limit_price, price):
        return price
    return None


def is_reached(side: pb.Side, limit_price: Decimal, price: Decimal) -> bool:
    """Whether a price is as good as a limit, or better."""
    return price <= limit_price if side == pb.SIDE_BUY else price >= limit_price


def add_fill(
    holding: Holding, side: pb.Side, qty: Decimal, px: Decimal, seen_px: Decimal | None = None
) -> Holding:
    """The position after a fill.

    Adding averages the price, reducing keeps it, crossing zero starts anew at the fill's.
    """
    signed = _signed(side, qty)
    quantity = holding.quantity + signed
    seen = seen_px if seen_px is not None else holding.seen_px
    if quantity == 0:
        return FLAT
    if holding.avg_price is None or holding.quantity * quantity < 0:
        return Holding(quantity, px, seen)
    if holding.quantity * signed < 0:
        return Holding(quantity, holding.avg_price, seen)
    paid = holding.quantity * holding.avg_price + signed * px
    average = (paid / quantity).quantize(_AVERAGE_STEP, ROUND_HALF_EVEN)
    return Holding(quantity, average, seen)


def cash_moved(
    instrument: Instrument, held: Holding, side: pb.Side, qty: Decimal, px: Decimal
) -> Decimal:
    """What a fill adds to the cash, in the instrument's currency; the venue charges no fee.

    Futures cost nothing to hold: closing them pays their profit or loss. All else is paid for.
    """
    signed = _signed(side, qty)
    if instrument.asset_class is not AssetClass.FUTURES:
        return -signed * px * instrument.point_value
    if held.avg_price is None or held.quantity * signed >= 0:
        return Decimal(0)
    closed = min(qty, abs(held.quantity)).copy_sign(held.quantity)
    return closed * (px - held.avg_price) * instrument.point_value


def profit(instrument: Instrument, held: Holding, px: Decimal) -> Decimal:
    """What is won or lost on an open position, in the instrument's currency."""
    if held.avg_price is None:
        return Decimal(0)
    return held.quantity * (px - held.avg_price) * instrument.point_value


def worth(instrument: Instrument, held: Holding, px: Decimal) -> Decimal:
    """What a position adds to the account's cash, in the instrument's currency."""
    if instrument.asset_class is AssetClass.FUTURES:
        return profit(instrument, held, px)
    return held.quantity * px * instrument.point_value


def _signed(side: pb.Side, qty: Decimal) -> Decimal:
    return qty if side == pb.SIDE_BUY else -qty


def _limit_price(order: pb.NewOrder) -> Decimal | None:
    if order.ord_type == pb.ORD_TYPE_MARKET:
        return None
    return _positive("limit price", order.limit_price)


def _positive(what: str, text: str) -> Decimal:
    try:
        value = wire.to_decimal(text)
    except ValueError:
        raise Refused(f"{what} is not a number") from None
    if value is None or value <= 0:
        raise Refused(f"{what} must be above zero")
    exponent = value.as_tuple().exponent
    if value > _LARGEST or not isinstance(exponent, int) or exponent < _SMALLEST_EXPONENT:
        raise Refused(f"{what} is out of range")
    return value
