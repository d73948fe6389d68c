"""What a run sees of its lane: what is held, what may change it, and doubt."""

from typing import TYPE_CHECKING

from execution.domain.decisions import Lot, OpenOrder, Scope
from execution.domain.orders import ZERO
from execution.domain.positions import Attribution
from execution.domain.trades import Trade
from execution.domain.words import Action, Leg, Side
from execution.lanes.books import ends, taken_by
from execution.lanes.opened import concerning

if TYPE_CHECKING:
    from execution.lanes.lanes import Lane, Run
    from execution.lanes.tickets import Ticket


def scope(lane: "Lane", run: "Run") -> Scope:
    """Its position, the orders that may change it, and doubt."""
    trade, subscription = run.trade, run.trade.subscription_id
    attribution = lane.attribution_of(subscription)
    entries: list[OpenOrder] = []
    protection: list[OpenOrder] = []
    closing: list[OpenOrder] = []
    others: list[OpenOrder] = []
    others_guards: list[OpenOrder] = []
    in_doubt = False
    is_even = trade.action is Action.BREAKEVEN
    # A stop of ours beside others' guards must fit as well, also while those are too large.
    for ticket in concerning(lane, subscription, Attribution.ACCOUNT if is_even else attribution):
        if trade.sees_only not in ("", ticket.order.terms.instrument) or ticket.waits_to_guard:
            continue
        if not trade.reaches(ticket.run.trade):
            continue
        is_own = ticket.order.terms.subscription_id == subscription
        if not is_own and attribution is Attribution.OWN:
            if ticket.order.terms.leg.reduces and (is_even or ticket.order.terms.leg is Leg.EXIT):
                others.append(_seen(ticket, trade))
            continue
        in_doubt = in_doubt or ticket.in_doubt
        if ticket.order.terms.leg.is_protection:
            (protection if is_own else others_guards).append(_seen(ticket, trade))
        elif ticket.order.terms.leg is Leg.EXIT:
            closing.append(_seen(ticket, trade, is_own=is_own))
        elif is_own and ticket.run is not run:
            entries.append(_seen(ticket, trade))
    lots = _lots(lane, run, attribution)
    for lot in lots if others else ():
        if taken := taken_by(others, lot, abs(lane.books[lot.instrument].whole.quantity)):
            closing.append(taken)
            in_doubt = in_doubt or taken.in_doubt
    return Scope(
        sum((lot.quantity for lot in lots), ZERO),
        tuple(entries),
        tuple(closing),
        in_doubt,
        avg_price=lots[0].avg_price if len(lots) == 1 else None,
        protection=tuple(protection),
        others_guards=tuple(others_guards),
        lots=lots,
        ledger=lane.ledger(subscription),
    )


def _lots(lane: "Lane", run: "Run", attribution: Attribution) -> tuple[Lot, ...]:
    """What the run sees of each contract that still trades, in the trade's own signs."""
    trade, lots = run.trade, []
    at = max(trade.released_at, run.planned_at or trade.released_at)
    for symbol, book in sorted(lane.books.items(), key=ends):
        is_over = book.instrument is not None and book.instrument.is_expired(at)
        if is_over or trade.sees_only not in ("", symbol):
            continue
        held = book.position(trade.subscription_id, attribution)
        if held.quantity:
            sign = trade.order_side(symbol, Side.BUY).sign
            lots.append(Lot(symbol, held.quantity * sign, held.avg_price))
    return tuple(lots)


def _seen(ticket: "Ticket", trade: Trade, *, is_own: bool = True) -> OpenOrder:
    order, symbol = ticket.order, ticket.order.terms.instrument
    return OpenOrder(
        cl_ord_id=order.terms.cl_ord_id,
        instrument=symbol,
        side=trade.order_side(symbol, order.terms.side),
        leaves=order.leaves_qty,
        ord_type=order.terms.ord_type,
        in_doubt=ticket.may_not_exist,
        cancel_asked=ticket.cancel_asked,
        tag=ticket.run.trade.client_tag if is_own else "",
        bracket=_bracket(ticket),
        is_others=not is_own,
    )


def _bracket(ticket: "Ticket") -> str:
    """What shares its quantity with a protective order: its twin, where the venue links them."""
    terms = ticket.order.terms
    if not terms.leg.is_protection:
        return ""
    return terms.trade_id.hex if ticket.is_guard else terms.cl_ord_id
