"""What keeps an exit from going, asked before anything is taken away for it."""

from decimal import Decimal

from execution.domain import ordering, sizing
from execution.domain.decisions import (
    Look,
    Lot,
    OpenOrder,
    Progress,
    Refusal,
    Scope,
    VenueRules,
    Wait,
    text,
)
from execution.domain.market import Market
from execution.domain.orders import ZERO
from execution.domain.trades import Trade
from execution.domain.words import (
    Action,
    Leg,
    OrdType,
    Sentiment,
    Side,
    SizeType,
    TradeState,
)


def obstacle(
    trade: Trade,
    side: Side,
    lot: Lot,
    left: Decimal,
    venue: VenueRules,
    market: Market | None,
    *,
    step: Decimal,
) -> Look | Wait | Refusal | None:
    """Why an exit of what is `left` to be closed of a lot cannot go now, or at all. `side` and
    the market are those of its orders."""
    held = abs(lot.quantity)
    if left < held and sizing.down(left, step) <= 0:
        return Refusal("quantity_zero", {"quantity": text(left)})
    if left >= held and (held < venue.smallest_quantity or sizing.is_dust(trade, lot)):
        return Refusal("no_position", {"dust": text(held)})
    if market is None and ordering.needs_the_market(trade, Leg.EXIT, venue):
        return Look(lot.instrument or trade.instrument)
    if held_back := ordering.exit_spread(trade, market):
        return Wait(TradeState.BLOCKED, held_back.reason, held_back.numbers)
    terms = ordering.exit_terms(trade, side, venue, market)
    return terms if isinstance(terms, Refusal) else None


def made_whole(trade: Trade, asked: Decimal | None, held: Decimal) -> dict[str, str]:
    """The numbers of a multiplier by which an exit of a part closes everything; none where it
    does not."""
    scaled = trade.size_type is not SizeType.PERCENT_OF_POSITION and trade.multiplier != 1
    flat = trade.sentiment is Sentiment.FLAT or trade.action is Action.REVERSE
    if asked is None or flat or not scaled or not asked / trade.multiplier < held <= asked:
        return {}
    return {"made_whole_by": text(trade.multiplier), "signal_quantity": text(trade.quantity)}


def is_repeated(trade: Trade, progress: Progress, scope: Scope, side: Side, size: Decimal) -> bool:
    """True for an exit of the same size as what works, or as one exit that does: it asks for
    what is on its way. Behind doubt none is: it is owed; nor what follows one that gave way."""
    works = [o for o in _works(scope, side) if not (o.cancel_asked or o.is_others)]
    closes = sum((o.leaves for o in works), ZERO)
    same = works if closes == size else [o for o in works if o.leaves == size]
    is_owed = scope.in_doubt or progress.outgrown
    return not is_owed and any(not _is_overtaken(trade, o) for o in same)


def already(scope: Scope, side: Side, size: Decimal) -> Refusal:
    """What an exit is told that adds nothing to what works."""
    closes = sum((o.leaves for o in scope.closing if o.side is side), ZERO)
    return Refusal("already_closing", {"asked": text(size), "closing": text(closes)})


def displaced(
    trade: Trade, scope: Scope, side: Side, size: Decimal, *, takes_all: bool
) -> tuple[str, ...] | None:
    """Resting exits that one of this size takes the place of, for it is wider than all that
    works, or as wide and more urgent; None for no such. What goes at once fills, and is not
    displaced. Behind doubt nothing is: what is free is closed, and the rest stays owed."""
    works = [o for o in _works(scope, side) if takes_all or not o.is_others]
    resting = [o for o in works if o.ord_type is not OrdType.MARKET]
    closes = sum((o.leaves for o in works), ZERO)
    # What closes all that is held works for more than that only until it has given way.
    if size <= closes if takes_all else size == closes and len(resting) == len(works):
        found = [o for o in resting if o.cancel_asked or _is_overtaken(trade, o)]
    else:
        found = resting if size > closes else []
    if scope.in_doubt or not found:
        return None
    return tuple(o.cl_ord_id for o in found if not o.cancel_asked)


def _works(scope: Scope, side: Side) -> list[OpenOrder]:
    """The exits that work; what others take of an own share has no name here."""
    return [o for o in scope.closing if o.side is side and o.cl_ord_id]


def _is_overtaken(trade: Trade, order: OpenOrder) -> bool:
    """True when this trade's exit is more urgent: a market order, where that one rests."""
    return trade.exit.ord_type is OrdType.MARKET and order.ord_type is not OrdType.MARKET
