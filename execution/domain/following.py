"""Outcomes of orders that were sent: what a trade is while and after they work."""

from execution.domain.decisions import CancelFirst, Decision, End, Progress, Scope, Wait
from execution.domain.orders import Order
from execution.domain.words import ExecType, OrdStatus, TradeState

# Why an order of ours never reached the broker, and what its trade is then.
_NOT_SENT = {
    "superseded": TradeState.SKIPPED,
    "signal_stale": TradeState.EXPIRED,
    "broker_auth": TradeState.REJECTED,
}


def entry(progress: Progress, order: Order) -> Decision:
    """The entry was sent; with exits before it this is the second half of a flip."""
    if order.is_open:
        return _waiting(progress)
    if order.is_filled:
        return End(TradeState.FILLED)
    return _short_of_its_quantity(order, half_done=bool(progress.exits))


def open_exit(progress: Progress, *, flips: bool) -> Decision:
    """The exit works; a flip whose wait ran out says so."""
    if flips and progress.entry_dropped == "flip_timeout" and not progress.own_order_in_doubt:
        return Wait(TradeState.WORKING, "flip_timeout")
    return _waiting(progress)


def ended_exit(progress: Progress) -> Decision:
    """An exit ended short of its quantity: no entry follows."""
    order = next(o for o in progress.exits if not o.is_filled)
    return _short_of_its_quantity(order, half_done=any(o.cum_qty for o in progress.exits))


def cancel(scope: Scope, progress: Progress) -> Decision:
    """`cancel`: remove own open entries, and say whether one filled first."""
    if to_cancel := [e.cl_ord_id for e in scope.entries if not e.cancel_asked]:
        return CancelFirst(tuple(to_cancel))
    if any(e.in_doubt for e in scope.entries):
        return Wait(TradeState.BLOCKED, "in_doubt")
    if scope.entries:
        return Wait(TradeState.WORKING, "")
    counts = {
        "canceled": str(progress.canceled_first),
        "superseded": str(progress.superseded_waiting),
    }
    if progress.raced:
        return End(TradeState.DONE, "raced_fill", {**counts, "filled": format(progress.raced, "f")})
    if progress.canceled_first or progress.superseded_waiting:
        return End(TradeState.DONE, "", counts)
    return End(TradeState.SKIPPED, "nothing_to_cancel", counts)


def _waiting(progress: Progress) -> Wait:
    if progress.unprovable:
        return Wait(TradeState.NEEDS_ATTENTION, "not_provable")
    if progress.own_order_in_doubt:
        return Wait(TradeState.BLOCKED, "in_doubt")
    return Wait(TradeState.WORKING, "")


def _short_of_its_quantity(order: Order, *, half_done: bool) -> End:
    end = order.end
    numbers = {"filled": format(order.cum_qty, "f"), "of": format(order.terms.order_qty, "f")}
    if end is not None and end.text:
        numbers["text"] = end.text
    reason, state = _reason(order), TradeState(order.ord_status.value)
    if end is not None and end.exec_type is ExecType.NOT_SENT:
        reason = end.text
        state = _NOT_SENT[end.text]
    if half_done or order.cum_qty:
        state = TradeState.PARTIALLY_FILLED
    return End(state, reason, numbers)


def _reason(order: Order) -> str:
    match order.ord_status:
        case OrdStatus.REJECTED:
            return "broker_rejected"
        case OrdStatus.CANCELED:
            return "canceled_by_signal"
        case _:
            return ""
