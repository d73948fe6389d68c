"""The legs that guard a position: which of them a venue keeps, when the price has come to one
that is watched, and how they are written down with the order that opened the position."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from execution.domain.decisions import Guard, Refusal, VenueRules, text
from execution.domain.market import Market, Quote
from execution.domain.prices import trail_start
from execution.domain.words import AssetClass, Leg, OrdType, Side

# A trail that has moved by less than this part of itself is not written down.
_WORTH_TELLING = 10


def is_native(
    guards: Sequence[Guard], quantity: Decimal, venue: VenueRules, asset_class: AssetClass
) -> bool:
    """True when the venue takes these with their entry: one target at most, and no fractions
    of shares."""
    is_whole = asset_class is not AssetClass.STOCKS or quantity == quantity.to_integral_value()
    one_of_each = len({g.leg for g in guards}) == len(guards)
    whole_legs = all(g.quantity is None for g in guards)
    takes = all(g.ord_type in venue.ord_types for g in guards)
    return venue.has_brackets and is_whole and one_of_each and whole_legs and takes


def rests(stop: Guard | None, venue: VenueRules) -> bool:
    """True when the venue holds a stop of this kind by itself."""
    return stop is None or stop.ord_type in venue.ord_types


def unsupported(
    guards: Sequence[Guard], venue: VenueRules, market: Market | None
) -> Refusal | None:
    """Why these can exist neither at the venue nor here, as far as is known: without a quote
    nothing is watched, and what is watched is sent once its price has come."""
    is_quoted = market is None or market.quote is not None
    has_stop = any(guard.leg is Leg.STOP for guard in guards)
    for guard in guards:
        is_stop = guard.leg is Leg.STOP
        is_watched = guard.ord_type not in venue.ord_types or (not is_stop and has_stop)
        sent_as = fired_stop(guard).ord_type if is_stop else guard.ord_type
        if is_watched and not (is_quoted and sent_as in venue.ord_types):
            reason = "stop_unsupported" if is_stop else "target_unsupported"
            return Refusal(reason, {"ord_type": guard.ord_type.value})
    return None


def is_reached(guard: Guard, quote: Quote) -> bool:
    """True when the price has come to a watched leg."""
    price = price_for(guard.side, quote)
    level = guard.limit_price if guard.leg is Leg.TAKE_PROFIT else guard.stop_price
    if price is None or level is None:
        return False
    toward = 1 if guard.leg is Leg.TAKE_PROFIT else -1
    return (level - price) * guard.side.sign * toward >= 0


def trailed(stop: Guard, quote: Quote) -> Guard:
    """A watched trailing stop after a look at the price: it follows, and never goes back."""
    price = price_for(stop.side, quote)
    moved = trail_start(price, stop.side, stop.trail_amount, stop.trail_percent)
    if moved is None or stop.stop_price is None:
        return stop
    is_closer = (moved - stop.stop_price) * stop.side.sign < 0
    return replace(stop, stop_price=moved) if is_closer else stop


def has_trailed(stop: Guard, told: Decimal | None) -> bool:
    """True when a trail moved far enough for a restart to have to know."""
    if told is None or stop.stop_price is None:
        return True
    trail = stop.trail_amount
    if stop.trail_percent is not None:
        trail = stop.stop_price * stop.trail_percent / 100
    return trail is None or abs(stop.stop_price - told) * _WORTH_TELLING >= trail


def fired_stop(stop: Guard) -> Guard:
    """A watched stop whose price has come."""
    if stop.ord_type is OrdType.STOP_LIMIT:
        return replace(stop, ord_type=OrdType.LIMIT, stop_price=None)
    return Guard(Leg.STOP, stop.side, OrdType.MARKET)


def written(guards: Sequence[Guard], *, is_native: bool) -> dict[str, str]:
    """What guards a position, as it is kept with the order that opened it."""
    told = {"guarded": "native" if is_native else "synthetic"} if guards else {}
    targets = [guard for guard in guards if guard.leg is Leg.TAKE_PROFIT]
    told["target"] = " ".join(_rung(guard) for guard in targets)
    for guard in guards:
        if guard.leg is Leg.STOP:
            told |= {
                "stop": text(guard.stop_price),
                "stop_type": guard.ord_type.value,
                "stop_limit": text(guard.limit_price),
                "stop_trail": text(guard.trail_amount),
                "stop_trail_percent": text(guard.trail_percent),
            }
    return {name: value for name, value in told.items() if value}


def read(side: Side, kept: Mapping[str, str]) -> tuple[Guard, ...]:
    """The guards that were written; `side` is the closing one."""

    def number(name: str) -> Decimal | None:
        return Decimal(kept[name]) if name in kept else None

    found = [_read_rung(side, rung) for rung in kept.get("target", "").split()]
    if "stop_type" in kept:
        found.append(
            Guard(
                Leg.STOP,
                side,
                OrdType(kept["stop_type"]),
                limit_price=number("stop_limit"),
                stop_price=number("stop"),
                trail_amount=number("stop_trail"),
                trail_percent=number("stop_trail_percent"),
            )
        )
    return tuple(found)


def _rung(guard: Guard) -> str:
    """A target: its price, and how much it closes where that is said."""
    price = text(guard.limit_price)
    return price if guard.quantity is None else f"{price}x{text(guard.quantity)}"


def _read_rung(side: Side, word: str) -> Guard:
    price, _, quantity = word.partition("x")
    return Guard(
        Leg.TAKE_PROFIT,
        side,
        OrdType.LIMIT,
        limit_price=Decimal(price),
        quantity=Decimal(quantity) if quantity else None,
    )


def price_for(side: Side, quote: Quote) -> Decimal | None:
    """What an order of a side would trade at."""
    price = quote.bid if side is Side.SELL else quote.ask
    return quote.last if price is None else price
