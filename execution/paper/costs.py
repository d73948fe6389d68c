"""What a fill costs beyond its price, and how it comes about: parts, slippage, fees. Pure.

A plain account fills at once and whole, at the price, for nothing.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import msgspec

from execution.domain.instruments import Instrument
from execution.paper import quotes
from execution.paper.matching import Refused
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

ZERO, ONE = Decimal(0), Decimal(1)
MOST_PARTS = 20
_TEN_THOUSAND = Decimal(10_000)
_CENT_PART = Decimal("0.000001")
# A part is so much of what is left.
_LEAST_PERCENT, _MOST_PERCENT = 20, 60


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an account trades."""

    fill_parts: int = 1
    slippage_bps: Decimal = ZERO
    slippage_ticks: int = 0
    fee_per_order: Decimal = ZERO
    fee_per_unit: Decimal = ZERO
    fee_bps: Decimal = ZERO
    # None: no limit on what is held.
    leverage: Decimal | None = None
    # "signal", "recorded" or "account"; empty for the venue's own quotes.
    feed: str = ""
    # With "account": whose quotes.
    followed: str = ""


FEEDS = {
    pb.FEED_UNSPECIFIED: "",
    pb.FEED_SIGNAL: "signal",
    pb.FEED_RECORDED: "recorded",
    pb.FEED_ACCOUNT: "account",
}
_FEEDS_BACK = {word: number for number, word in FEEDS.items()}
PLAIN = Model()


def read(options: pb.Options) -> Model:
    """The model that a client asks for. Raises Refused."""
    if not 0 <= options.fill_parts <= MOST_PARTS:
        raise Refused(f"fill_parts is 0 to {MOST_PARTS}")
    if not 0 <= options.slippage_ticks <= 1000:
        raise Refused("slippage_ticks is 0 to 1000")
    leverage = _number("leverage", options.leverage, most=100)
    if leverage is not None and leverage < 1:
        raise Refused("leverage is 1 to 100")
    if options.feed not in FEEDS:
        raise Refused("feed is not known")
    return Model(
        fill_parts=max(options.fill_parts, 1),
        slippage_bps=_number("slippage_bps", options.slippage_bps, most=1000) or ZERO,
        slippage_ticks=options.slippage_ticks,
        fee_per_order=_number("fee_per_order", options.fee_per_order, most=1000) or ZERO,
        fee_per_unit=_number("fee_per_unit", options.fee_per_unit, most=1000) or ZERO,
        fee_bps=_number("fee_bps", options.fee_bps, most=1000) or ZERO,
        leverage=leverage,
        feed=FEEDS[options.feed],
        followed=options.feed_account if options.feed == pb.FEED_ACCOUNT else "",
    )


def write(model: Model, options: pb.Options) -> None:
    """The model in the words of the contract."""
    options.fill_parts = model.fill_parts
    options.slippage_bps = wire.to_text(model.slippage_bps)
    options.slippage_ticks = model.slippage_ticks
    options.fee_per_order = wire.to_text(model.fee_per_order)
    options.fee_per_unit = wire.to_text(model.fee_per_unit)
    options.fee_bps = wire.to_text(model.fee_bps)
    options.leverage = wire.to_text(model.leverage)
    options.feed = _FEEDS_BACK[model.feed]
    options.feed_account = model.followed


def slipped(
    model: Model, instrument: Instrument, side: pb.Side, px: Decimal, limit: Decimal | None
) -> Decimal:
    """A price, as much worse as the model says, on a tick; never beyond a limit."""
    if not model.slippage_bps and not model.slippage_ticks:
        return px
    tick = instrument.tick_at(px)
    by = px * model.slippage_bps / _TEN_THOUSAND + tick * model.slippage_ticks
    if side == pb.SIDE_BUY:
        worse = ((px + by) / tick).to_integral_value(ROUND_CEILING) * tick
        return worse if limit is None else min(worse, limit)
    worse = max(((px - by) / tick).to_integral_value(ROUND_FLOOR) * tick, tick)
    return worse if limit is None else max(worse, limit)


def fee(
    model: Model, instrument: Instrument, qty: Decimal, px: Decimal, rate: Decimal, *, first: bool
) -> Decimal:
    """What a fill is charged, in the account's currency; `rate` is what one of the
    instrument's currency is worth in it."""
    worth = qty * px * instrument.point_value * rate
    charged = model.fee_per_unit * qty + worth * model.fee_bps / _TEN_THOUSAND
    if first:
        charged += model.fee_per_order
    return charged.quantize(_CENT_PART, ROUND_HALF_EVEN).normalize() + 0


def part(order_id: str, parts_left: int, leaves: Decimal, lot: Decimal) -> Decimal:
    """How much of what is left fills now, whole units of a whole quantity; all of it with
    the last part."""
    if parts_left <= 1:
        return leaves
    lot = lot if leaves % 1 else max(lot, ONE)
    drawn = quotes.draw(parts_left, order_id, "part") % (_MOST_PERCENT - _LEAST_PERCENT + 1)
    wanted = leaves * (_LEAST_PERCENT + drawn) / 100
    return min(max((wanted / lot).to_integral_value(ROUND_FLOOR) * lot, lot), leaves)


def _number(name: str, text: str, *, most: int) -> Decimal | None:
    try:
        value = wire.to_decimal(text)
    except ValueError:
        raise Refused(f"{name} is not a number") from None
    if value is not None and not 0 <= value <= most:
        raise Refused(f"{name} is 0 to {most}")
    return value
