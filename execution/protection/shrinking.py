"""Exits that rest at the broker while somebody else makes the position smaller: what would close
more than is left gives way, and its trade sends what there still is to close.

Durable fact: which orders give way, with the trade, before their cancel is asked for. If we die
right after, whoever takes the account asks again.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from execution.accounts.accounts import Account
from execution.domain.orders import ZERO
from execution.domain.words import OrdType, Side
from execution.lanes.lanes import Lane, Run, Ticket


def give_way(
    account: Account, lane: Lane, cancel: Callable[[Account, Run, Sequence[Ticket]], None]
) -> None:
    """Have the resting exits of a lane canceled that are too large by now, the newest first."""
    found: dict[str, Ticket] = {}
    working = [t for t in lane.open.exits() if not t.cancel_asked]
    for symbol, side in {(t.order.terms.instrument, t.order.terms.side) for t in working}:
        exits = [t for t in working if _closes(t, symbol, side)]
        for owner in {t.order.terms.subscription_id for t in exits}:
            mine = [t for t in exits if t.order.terms.subscription_id == owner]
            found |= _beyond(mine, _held(lane.held(owner, symbol), side))
        left = [t for t in exits if t.order.terms.cl_ord_id not in found]
        found |= _beyond(left, _held(lane.book(symbol).whole.quantity, side))
    for ticket in found.values():
        ticket.run.outgrown.add(ticket.order.terms.cl_ord_id)
        cancel(account, ticket.run, [ticket])


def _beyond(exits: Iterable[Ticket], held: Decimal) -> dict[str, Ticket]:
    """Those that rest, of exits that would together close more than is held."""
    exits = list(exits)
    most, found = sum((t.order.leaves_qty for t in exits), ZERO), {}
    for ticket in reversed(exits):
        if most > held and _rests(ticket):
            found[ticket.order.terms.cl_ord_id] = ticket
            most -= ticket.order.leaves_qty
    return found


def _rests(ticket: Ticket) -> bool:
    order = ticket.order
    is_there = order.is_acknowledged and not ticket.in_doubt and not ticket.run.is_done
    return is_there and order.terms.ord_type is not OrdType.MARKET


def _held(quantity: Decimal, side: Side) -> Decimal:
    return max(-quantity * side.sign, ZERO)


def _closes(ticket: Ticket, symbol: str, side: Side) -> bool:
    terms = ticket.order.terms
    return terms.instrument == symbol and terms.side is side
