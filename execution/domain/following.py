"""Outcomes of orders that were sent: what a trade is while and after they work."""

from decimal import Decimal

from execution.domain import table
from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    OpenOrder,
    Progress,
    Scope,
    Wait,
    text,
)
from execution.domain.orders import OUTGROWN, ZERO, Order
from execution.domain.trades import Trade
from execution.domain.words import (
    DECLARED,
    DECLARED_ABSENT,
    DECLARED_PRESENT,
    ExecType,
    OrdStatus,
    Side,
    TradeState,
)

# Why an order of ours never reached the broker, and what its trade is then.
_NOT_SENT = {
    "superseded": TradeState.SKIPPED,
    "signal_stale": TradeState.EXPIRED,
    "broker_auth": TradeState.REJECTED,
    "halted": TradeState.HALTED,
    "rate_limited": TradeState.SKIPPED,
    OUTGROWN: TradeState.CANCELED,
    DECLARED_ABSENT: TradeState.SKIPPED,
    DECLARED_PRESENT: TradeState.DONE,
}


def entry(trade: Trade, progress: Progress, order: Order) -> Decision:
    """The entry was sent; with exits before it this is the second half of a flip."""
    if order.is_open and progress.is_watching:
        terms = order.terms
        told = {"ord_type": terms.ord_type.value, "trigger": text(terms.stop_price)}
        return Wait(TradeState.WORKING, "entry_watched", told)
    if order.is_open:
        return _waiting(progress)
    if order.is_filled:
        return End(TradeState.FILLED)
    half_done = any(exit.cum_qty for exit in progress.exits)
    return _short_of_its_quantity(trade, progress, order, half_done=half_done)


def breakeven(trade: Trade, progress: Progress, order: Order) -> Decision:
    """Done once the stop rests, or did its work at once; that it is canceled later, for less or
    nothing is left to guard, takes nothing back."""
    is_canceled = order.ord_status is OrdStatus.CANCELED
    if order.is_acknowledged and (order.is_open or order.cum_qty or is_canceled):
        return End(TradeState.DONE, "", {"stop": text(order.terms.stop_price)})
    if order.is_open:
        return _waiting(progress)
    return _short_of_its_quantity(trade, progress, order, half_done=False)


def exits(trade: Trade, progress: Progress, *, flips: bool) -> Decision | None:
    """What becomes of the exits that were sent; None once all are filled, but for those that
    gave way to smaller ones."""
    if any(o.is_open for o in progress.exits):
        return _open_exit(progress, flips=flips)
    gave_way = _gave_way(progress)
    if any(not (o.is_filled or o.terms.cl_ord_id in gave_way) for o in progress.exits):
        return _ended_exit(trade, progress)
    return None


def _gave_way(progress: Progress) -> frozenset[str]:
    """The exits that smaller ones follow; of a trade that was withdrawn none follows the last."""
    last = progress.exits[-1].terms.cl_ord_id
    return progress.outgrown - {last} if progress.withdrawn else progress.outgrown


def sent_none(trade: Trade, progress: Progress) -> bool:
    """True for a flip whose exit was never sent, for what it was to close was gone by then: it
    enters as if it had met nothing."""
    if trade.direction is None or trade.wanted is not None or progress.entry_dropped:
        return False
    asked, met = progress.asked, progress.exits[0].terms.decided_from.get("position")
    flips = asked is None or (not table.subtracts(trade) and asked >= abs(Decimal(met or 0)))
    return flips and all(order.is_outgrown for order in progress.exits)


def closed(progress: Progress) -> End:
    """Nothing is left to be closed: by its own exits, or because others took the rest."""
    if progress.exits[-1].is_filled:
        return End(TradeState.FILLED)
    filled = sum((o.cum_qty for o in progress.exits), ZERO)
    state = TradeState.PARTIALLY_FILLED if filled else TradeState.CANCELED
    return End(state, "no_position", {"filled": text(filled)})


def _open_exit(progress: Progress, *, flips: bool) -> Decision:
    """The exit works; a flip whose wait ran out says so."""
    if flips and progress.entry_dropped == "flip_timeout" and not progress.own_order_in_doubt:
        return Wait(TradeState.WORKING, "flip_timeout", progress.dropped_numbers)
    return _waiting(progress)


def _ended_exit(trade: Trade, progress: Progress) -> Decision:
    """An exit ended short of its quantity: no entry follows."""
    gave_way = _gave_way(progress)
    short = (o for o in progress.exits if not o.is_filled)
    order = next(o for o in short if o.terms.cl_ord_id not in gave_way)
    half_done = any(o.cum_qty for o in progress.exits)
    return _short_of_its_quantity(trade, progress, order, half_done=half_done)


def why_no_entry(trade: Trade, progress: Progress, side: Side, asked: Decimal | None) -> str:
    """What is to be said of an exit on this side that nothing follows."""
    wanted_more = asked is not None and asked > progress.exited
    toward = table.enters_toward(trade, side)
    if toward and table.subtracts(trade) and asked == progress.exited:
        return "subtracted_flat"
    return "swap_off" if wanted_more and toward and trade.allows(side) else ""


def cancel(trade: Trade, scope: Scope, progress: Progress) -> Decision:
    """`cancel`: remove own open orders, and say whether one filled first."""
    wanted = trade.cancel_ord_type
    protection = () if trade.keep_protection else scope.protection
    candidates = (*scope.entries, *protection)
    if trade.client_tag:
        # By its name any order is meant, exits too.
        every = (*scope.entries, *scope.protection, *scope.closing)
        candidates = tuple(o for o in every if o.tag == trade.client_tag)
    ours = [o for o in candidates if wanted in (None, o.ord_type)]
    if to_cancel := [o.cl_ord_id for o in ours if not o.cancel_asked]:
        return CancelFirst(tuple(to_cancel))
    if any(o.in_doubt for o in ours):
        return Wait(TradeState.BLOCKED, "in_doubt")
    if ours:
        return Wait(TradeState.WORKING, "")
    superseded = progress.superseded_waiting + trade.superseded_waiting
    counts = {"canceled": str(progress.canceled_first), "superseded": str(superseded)}
    if progress.raced:
        return End(TradeState.DONE, "raced_fill", {**counts, "filled": text(progress.raced)})
    if progress.unprotected and scope.position:
        return End(TradeState.DONE, "now_unprotected", counts)
    if progress.halved:
        halves = {"halved": str(progress.halved), "instrument": trade.instrument}
        return End(TradeState.DONE, "flip_halved", {**counts, **halves})
    if progress.canceled_first or superseded:
        return End(TradeState.DONE, "", counts)
    # A name that nothing has is what senders expect, not a mistake.
    state = TradeState.DONE if trade.client_tag else TradeState.SKIPPED
    return End(state, "nothing_to_cancel", counts)


def _waiting(progress: Progress) -> Wait:
    if progress.unprovable:
        return Wait(TradeState.NEEDS_ATTENTION, "not_provable")
    if progress.own_order_in_doubt:
        return Wait(TradeState.BLOCKED, "in_doubt")
    return Wait(TradeState.WORKING, "")


def _short_of_its_quantity(
    trade: Trade, progress: Progress, order: Order, *, half_done: bool
) -> End:
    end = order.end
    numbers = {"filled": text(order.cum_qty), "of": text(order.terms.order_qty)}
    if end is not None and end.text:
        numbers["text"] = end.text
    reason, state = _reason(trade, progress, order), TradeState(order.ord_status.value)
    if end is not None and (end.exec_type is ExecType.NOT_SENT or end.text in DECLARED):
        reason = progress.withdrawn if order.is_outgrown else end.text
        state = _NOT_SENT[end.text]
        # Of the switch that stopped it.
        numbers |= trade.refusal_numbers if reason == trade.entry_refused else {}
    if half_done or order.cum_qty:
        state = TradeState.PARTIALLY_FILLED
    return End(state, reason, numbers)


def _reason(trade: Trade, progress: Progress, order: Order) -> str:
    if order.end is not None and order.end.exec_type.amends:
        return "busted"
    match order.ord_status:
        case OrdStatus.REJECTED:
            return "broker_rejected"
        case OrdStatus.CANCELED if progress.withdrawn:
            return progress.withdrawn
        case OrdStatus.CANCELED if order.was_given_up:
            return "appeared_late"
        case OrdStatus.CANCELED:
            return "canceled_in_time" if _ran_out(trade, order) else "canceled_by_signal"
        case _:
            return ""


def _ran_out(trade: Trade, order: Order) -> bool:
    """True when the order was canceled because it worked for as long as it might."""
    after = trade.style(order.terms.leg).cancel_after
    ended = order.end.time if order.end is not None else None
    return after is not None and ended is not None and ended - order.terms.created_at >= after


def replaced(trade: Trade, scope: Scope, side: Side) -> tuple[str, ...] | None:
    """Open entries that go before one on this side: those of the other side, and those that the
    setting wants gone; None for no such."""
    ours = [e for e in scope.entries if e.side is not side or _gives_place(trade, scope, e)]
    return tuple(e.cl_ord_id for e in ours if not e.cancel_asked) if ours else None


def _gives_place(trade: Trade, scope: Scope, entry: OpenOrder) -> bool:
    if not trade.cancel_by_setting or trade.cancel_first is False or scope.position:
        return False
    return trade.cancel_ord_type in (None, entry.ord_type)


def asked_to_cancel(trade: Trade, scope: Scope) -> tuple[str, ...]:
    """Orders that the signal itself wants gone before it is judged."""
    wanted = trade.cancel_ord_type
    return tuple(
        order.cl_ord_id
        for order in scope.entries
        if not order.cancel_asked and wanted in (None, order.ord_type)
    )
