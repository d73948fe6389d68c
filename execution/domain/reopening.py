"""An entry that waited for the open, held against the price that the market opened at. Pure.

It was decided for the price of its signal. What the open left behind is not what was wanted:
a stop that was jumped over, a limit that was to be met at once and is not, a stop or a target
that an entry at this price would be beyond.
"""

from decimal import Decimal

from execution.domain import guarding
from execution.domain.decisions import Refusal, Send, text
from execution.domain.market import Quote
from execution.domain.trades import Trade
from execution.domain.words import Leg, OrdType, Side

_STOPS = (OrdType.STOP, OrdType.STOP_LIMIT)


def refusal(trade: Trade, send: Send, quote: Quote | None) -> Refusal | None:
    """Why the entry is not sent at this open; without a price nothing is known."""
    price = None if quote is None else guarding.price_for(send.side, quote)
    if price is None:
        return None
    return _jumped(trade, send, price) or _ran_away(trade, send, price) or _guards(send, price)


def _jumped(trade: Trade, send: Send, price: Decimal) -> Refusal | None:
    """Its stop was passed while nobody could trade."""
    stop = send.stop_price if send.ord_type in _STOPS and trade.entry.stop_price else None
    if stop is None or not _is_beyond(send.side, price, stop):
        return None
    was = trade.signal_price
    if was is not None and _is_beyond(send.side, was, stop):
        return None
    return _beyond("stop", stop, price)


def _ran_away(trade: Trade, send: Send, price: Decimal) -> Refusal | None:
    """Its limit was to be met at once, and is not any more."""
    limit = send.limit_price if send.ord_type is OrdType.LIMIT and trade.entry.limit_price else None
    was = trade.signal_price
    if limit is None or was is None or (was - limit) * send.side.sign > 0:
        return None
    return _beyond("limit", limit, price) if (price - limit) * send.side.sign > 0 else None


def _guards(send: Send, price: Decimal) -> Refusal | None:
    """A limit that is met at a better price fills there, and its legs must fit that."""
    limit, sign = send.limit_price, send.side.sign
    if send.ord_type is not OrdType.LIMIT or limit is None or (price - limit) * sign > 0:
        return None
    for guard in send.guards:
        stop, target = guard.stop_price, guard.limit_price
        if guard.leg is Leg.STOP and stop is not None and (stop - price) * sign >= 0:
            return Refusal("stop_wrong_side", {"stop": text(stop), "price": text(price)})
        if guard.leg is Leg.TAKE_PROFIT and target is not None and (target - price) * sign <= 0:
            return Refusal("target_wrong_side", {"target": text(target), "price": text(price)})
    return None


def _beyond(what: str, level: Decimal, price: Decimal) -> Refusal:
    return Refusal("opened_beyond", {"what": what, "level": text(level), "price": text(price)})


def _is_beyond(side: Side, price: Decimal, level: Decimal) -> bool:
    return (price - level) * side.sign >= 0
