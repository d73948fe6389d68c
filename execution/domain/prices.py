"""Prices: what a trade is planned at, the prices its orders carry, and their ticks.

Sells round up and buys round down, so that no order is more aggressive than what was asked.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from msgspec import Struct

from execution.domain.decisions import Refusal, text
from execution.domain.market import Contract, Quote
from execution.domain.trades import Style
from execution.domain.words import OrdType, PriceType, Side

HUNDRED = Decimal(100)
DIGITS = 50


class Seen(Struct, frozen=True):
    """What a price can be made of."""

    quote: Quote | None
    signal_price: Decimal | None
    price_type: PriceType
    contract: Contract

    def price(self, side: Side) -> Decimal | None:
        """The quote's price, else the sender's; None when neither is known."""
        quoted = self.quote.price(self.price_type, side) if self.quote else None
        return quoted if quoted is not None else self.signal_price


class Priced(Struct, frozen=True):
    """The prices of one order; `planning` is what sizes and brackets are worked out from."""

    ord_type: OrdType
    planning: Decimal | None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


def to_tick(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """The price on its tick: a sell's rounded up, a buy's down."""
    with localcontext() as context:
        context.prec = DIGITS
        steps = (price / tick).to_integral_value(
            ROUND_CEILING if side is Side.SELL else ROUND_FLOOR
        )
        return steps * tick


def price_order(
    style: Style, side: Side, seen: Seen, *, market_without_price: bool = False
) -> Priced | Refusal:
    """The prices of an order of a style; a price that is missing and needed refuses it."""
    market = seen.price(side)
    tick = seen.contract.tick
    match style.ord_type:
        case OrdType.MARKET:
            return Priced(OrdType.MARKET, market)
        case OrdType.LIMIT:
            limit = style.limit_price or market
            if limit is None and market_without_price:
                return Priced(OrdType.MARKET, None)
            return _limit(limit, tick, side)
        case OrdType.STOP:
            return _stop(style.stop_price or market, tick, side)
        case OrdType.STOP_LIMIT:
            return _stop_limit(style, market, tick, side)
        case OrdType.TRAILING_STOP:
            return _trailing(style, market, tick, side)


def _limit(limit: Decimal | None, tick: Decimal, side: Side) -> Priced | Refusal:
    if limit is None:
        return Refusal("no_price")
    limit = to_tick(limit, tick, side)
    return _sound(Priced(OrdType.LIMIT, limit, limit_price=limit), limit)


def _stop(stop: Decimal | None, tick: Decimal, side: Side) -> Priced | Refusal:
    if stop is None:
        return Refusal("no_price")
    stop = to_tick(stop, tick, side)
    return _sound(Priced(OrdType.STOP, stop, stop_price=stop), stop)


def _stop_limit(
    style: Style, market: Decimal | None, tick: Decimal, side: Side
) -> Priced | Refusal:
    stop = style.stop_price or market
    limit = style.limit_price or stop
    if stop is None or limit is None:
        return Refusal("no_price")
    stop, limit = to_tick(stop, tick, side), to_tick(limit, tick, side)
    priced = Priced(OrdType.STOP_LIMIT, limit, limit_price=limit, stop_price=stop)
    return _sound(priced, min(stop, limit))


def _trailing(style: Style, market: Decimal | None, tick: Decimal, side: Side) -> Priced | Refusal:
    start = trail_start(market, side, style.trail_amount, style.trail_percent)
    if market is None or start is None:
        return Refusal("no_price")
    start = to_tick(start, tick, side)
    priced = Priced(
        OrdType.TRAILING_STOP,
        market,
        stop_price=start,
        trail_amount=style.trail_amount,
        trail_percent=style.trail_percent,
    )
    return _sound(priced, start)


def trail_start(
    price: Decimal | None, side: Side, amount: Decimal | None, percent: Decimal | None
) -> Decimal | None:
    """Where a trailing stop begins: below the price for a sell, above it for a buy."""
    if price is None:
        return None
    if amount is not None:
        return price + side.sign * amount
    if percent is not None:
        return price + side.sign * price * percent / HUNDRED
    return None


def _sound(priced: Priced, lowest: Decimal) -> Priced | Refusal:
    """A price that rounded away, or fell below zero, is none."""
    return priced if lowest > 0 else Refusal("no_price")


def spread_refusal(style: Style, quote: Quote | None) -> Refusal | None:
    """Whether the spread is wider than the order's filter; without a quote it is not asked."""
    if quote is None or quote.bid is None or quote.ask is None or quote.mid is None:
        return None
    spread = abs(quote.ask - quote.bid)
    if style.spread_filter is not None and spread > style.spread_filter:
        return Refusal(
            "spread_too_wide", {"spread": text(spread), "limit": text(style.spread_filter)}
        )
    base = quote.mid or quote.last
    if style.spread_filter_percent is not None and base:
        percent = spread / base * HUNDRED
        if percent > style.spread_filter_percent:
            limit = text(style.spread_filter_percent)
            return Refusal("spread_too_wide", {"spread": f"{percent:.4f}%", "limit": f"{limit}%"})
    return None
