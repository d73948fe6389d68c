"""What keeps an exit from going, asked before anything is taken away for it."""

from decimal import Decimal

from execution.domain import ordering, sizing
from execution.domain.decisions import Look, Lot, Refusal, Scope, VenueRules, Wait, text
from execution.domain.market import Market
from execution.domain.trades import Trade
from execution.domain.words import Leg, OrdType, Side, TradeState


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
    if market is None and ordering.needs_the_market(trade, Leg.EXIT):
        return Look(lot.instrument or trade.instrument)
    if held_back := ordering.exit_spread(trade, market):
        return Wait(TradeState.BLOCKED, held_back.reason, held_back.numbers)
    terms = ordering.exit_terms(trade, side, venue, market)
    return terms if isinstance(terms, Refusal) else None


def less_urgent(trade: Trade, scope: Scope, side: Side) -> tuple[str, ...] | None:
    """Resting exits that a market order takes the place of; None for no such. Behind doubt
    nothing is replaced: what is free is closed, and the rest stays owed."""
    if scope.in_doubt or trade.exit.ord_type is not OrdType.MARKET:
        return None
    resting = [o for o in scope.closing if o.side is side and o.ord_type is not OrdType.MARKET]
    return tuple(o.cl_ord_id for o in resting if not o.cancel_asked) if resting else None
