"""What the venue does with an order, and what a fill does to an account. Pure.

A market order fills at the price. A limit order fills at the price when that is as good
as its limit; else it rests, and fills at its limit when the feed comes to it. A stop waits
for the price to reach it, and then is a market order, or with a limit a limit order; a
trailing one follows the best price since it came in.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

NAME_LENGTH = 128
RESTING_TIMES = frozenset({"", "day", "gtc"})
STOPS = (pb.ORD_TYPE_STOP, pb.ORD_TYPE_STOP_LIMIT, pb.ORD_TYPE_TRAILING_STOP)
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
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    # Of a target or a stop: the ClOrdID of the entry whose fill it waits for.
    parent: str = ""


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


def read_terms(order: pb.NewOrder, parent: str = "") -> Terms:
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
    if order.ord_type not in (pb.ORD_TYPE_MARKET, pb.ORD_TYPE_LIMIT, *STOPS):
        raise Refused("order type is not known")
    time_in_force = order.time_in_force.lower()
    times = RESTING_TIMES if order.ord_type in STOPS else RESTING_TIMES | IMMEDIATE_TIMES
    if time_in_force not in times:
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
        stop_price=_positive("stop price", order.stop_price) if order.ord_type in STOPS else None,
        trail_amount=_trail(order, "trail amount", order.trail_amount),
        trail_percent=_trail(order, "trail percent", order.trail_percent),
        parent=parent,
    )


def read_guards(order: pb.NewOrder) -> list[Terms]:
    """Check the target and the stop that wait for an order's fill. Raises Refused."""
    if len(order.guards) > 2:
        raise Refused("an order takes at most one target and one stop")
    found: list[Terms] = []
    for guard in order.guards:
        terms = read_terms(guard, order.cl_ord_id)
        same = (terms.account, terms.instrument) == (order.account, order.instrument)
        if not same or terms.side == order.side or terms.ord_type == pb.ORD_TYPE_MARKET:
            raise Refused("a target or stop closes what its entry opens")
        found.append(terms)
    return found


def check_kind(order: pb.NewOrder, *, brackets: bool, stops: bool) -> None:
    """Whether an account takes this kind of order. Raises Refused."""
    if order.guards and not brackets:
        raise Refused("this account takes no targets and stops together with an entry")
    if not stops and any(each.ord_type in STOPS for each in (order, *order.guards)):
        raise Refused("this account takes no stops")


def stop_level(terms: Terms, best: Decimal) -> Decimal:
    """Where a stop is, given the best price since it came in."""
    start = terms.stop_price or best
    trail = terms.trail_amount
    if terms.trail_percent is not None:
        trail = best * terms.trail_percent / 100
    if trail is None:
        return start
    if terms.side == pb.SIDE_SELL:
        return max(start, best - trail)
    return min(start, best + trail)


def better(terms: Terms, best: Decimal | None, price: Decimal) -> Decimal:
    """The best price so far: the highest for a sell, the lowest for a buy."""
    if best is None:
        return price
    return max(best, price) if terms.side == pb.SIDE_SELL else min(best, price)


def is_triggered(terms: Terms, best: Decimal, price: Decimal) -> bool:
    """Whether the price has come to a stop."""
    level = stop_level(terms, best)
    return price <= level if terms.side == pb.SIDE_SELL else price >= level


def read_price(text: str) -> Decimal | None:
    """A price that the client saw, if it names one. Raises Refused."""
    return _positive("reference price", text) if text else None


def read_quantity(text: str) -> Decimal:
    """A quantity above zero. Raises Refused."""
    return _positive("quantity", text)


def fill_price(terms: Terms, price: Decimal) -> Decimal | None:
    """Where an order that has arrived, or was triggered, fills; None when it rests."""
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


def average(before: Decimal | None, cum: Decimal, px: Decimal, qty: Decimal) -> Decimal:
    """The average price of an order after one more fill."""
    if before is None:
        return px
    return ((before * cum + px * qty) / (cum + qty)).quantize(_AVERAGE_STEP, ROUND_HALF_EVEN)


def cash_moved(
    instrument: Instrument, held: Holding, side: pb.Side, qty: Decimal, px: Decimal
) -> Decimal:
    """What a fill adds to the cash before fees, in the instrument's currency.

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
    if order.ord_type not in (pb.ORD_TYPE_LIMIT, pb.ORD_TYPE_STOP_LIMIT):
        return None
    return _positive("limit price", order.limit_price)


def _trail(order: pb.NewOrder, what: str, text: str) -> Decimal | None:
    if order.ord_type != pb.ORD_TYPE_TRAILING_STOP:
        return None
    if bool(order.trail_amount) == bool(order.trail_percent):
        raise Refused("a trailing stop needs an amount or a percentage")
    return _positive(what, text) if text else None


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
