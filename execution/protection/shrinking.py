"""Exits that rest at the broker while something else makes the position smaller: what would close
more than is left gives way, and its trade sends what there still is to close.

Durable fact: which orders give way, with the trade, before their cancel is asked for. If we die
right after, whoever takes the account asks again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from execution.accounts.accounts import Account
from execution.domain.orders import ZERO
from execution.domain.words import Leg, OrdType, Side
from execution.lanes.lanes import Lane, Run, Ticket

Cancel = Callable[[Account, Run, Sequence[Ticket]], None]


def give_way(account: Account, lane: Lane, cancel: Cancel) -> None:
    """Have the resting exits of a lane canceled that are too large by now, for whose they are or
    for the whole account, the newest first."""
    working = _working(lane.open.exits())
    found: dict[str, Ticket] = {}
    for owner in {t.order.terms.subscription_id for t in working}:
        found |= _beyond_own(lane, owner)
    left = [t for t in working if t.order.terms.cl_ord_id not in found]
    for symbol, side in _closed(left):
        exits = [t for t in left if _closes(t, symbol, side)]
        found |= _beyond(exits, _held(lane.book(symbol).whole.quantity, side))
    _withdraw(account, found, cancel)


def after_news(account: Account, heard: Ticket, cancel: Cancel) -> None:
    """Have those of a subscription canceled that are too large for what it holds, after a fill
    of one of its orders; or once they rest, if it filled while they were on their way."""
    lane = heard.run.lane
    if lane.open.has_exits:
        _withdraw(account, _beyond_own(lane, heard.order.terms.subscription_id), cancel)


def _withdraw(account: Account, found: Mapping[str, Ticket], cancel: Cancel) -> None:
    for ticket in found.values():
        ticket.run.outgrown.add(ticket.order.terms.cl_ord_id)
        ticket.cancel_asked = True
        cancel(account, ticket.run, [ticket])


def _beyond_own(lane: Lane, owner: UUID) -> dict[str, Ticket]:
    found: dict[str, Ticket] = {}
    working = _working(lane.open.of(owner))
    for symbol, side in _closed(working):
        exits = [t for t in working if _closes(t, symbol, side)]
        found |= _beyond(exits, _held(lane.held(owner, symbol), side))
    return found


def _working(tickets: Iterable[Ticket]) -> list[Ticket]:
    return [t for t in tickets if t.order.terms.leg is Leg.EXIT and not t.cancel_asked]


def _closed(exits: Iterable[Ticket]) -> set[tuple[str, Side]]:
    return {(t.order.terms.instrument, t.order.terms.side) for t in exits}


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
