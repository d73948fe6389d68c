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
from execution.domain.positions import FLAT, Attribution
from execution.domain.words import Leg, OrdType, Side
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket

Cancel = Callable[[Account, Run, Sequence[Ticket]], None]


def give_way(account: Account, lane: Lane, cancel: Cancel) -> None:
    """Have the resting exits of a lane canceled that are too large by now, for whose they are or
    for the whole account, the newest first."""
    working = _working(lane.open.exits())
    found: dict[str, Ticket] = {}
    for owner in {t.order.terms.subscription_id for t in working}:
        found |= _beyond_share(lane, owner)
    left = [t for t in working if t.order.terms.cl_ord_id not in found]
    for symbol, side in _closed(left):
        book, exits = lane.book(symbol), [t for t in left if _closes(t, symbol, side)]
        shares = sum((_held(share.quantity, side) for share in book.own.values()), ZERO)
        found |= _beyond(exits, max(shares, _held(book.whole.quantity, side)))
    _withdraw(account, found, cancel)


def after_report(account: Account, ticket: Ticket, shares: Iterable[UUID], cancel: Cancel) -> None:
    """Have those canceled that are too large for whose they are: after a fill those of the
    shares that it changed, and what rests since it filled, as it was on its way."""
    if ticket.run.lane.open.has_exits:
        for owner in sorted({ticket.order.terms.subscription_id, *shares}):
            _withdraw(account, _beyond_share(ticket.run.lane, owner), cancel)


def _withdraw(account: Account, found: Mapping[str, Ticket], cancel: Cancel) -> None:
    for ticket in found.values():
        ticket.run.outgrown.add(ticket.order.terms.cl_ord_id)
        ticket.cancel_asked = True
        cancel(account, ticket.run, [ticket])


def _beyond_share(lane: Lane, owner: UUID) -> dict[str, Ticket]:
    """Those of a subscription that close more than its share, whatever others hold beside it;
    or than the account holds, where that is all its own."""
    found: dict[str, Ticket] = {}
    working = _working(lane.open.of(owner))
    for symbol, side in _closed(working):
        book, exits = lane.book(symbol), [t for t in working if _closes(t, symbol, side)]
        held = _held(book.own.get(owner, FLAT).quantity, side)
        if lane.attribution_of(owner) is Attribution.ACCOUNT:
            held = max(held, _held(book.whole.quantity, side))
        found |= _beyond(exits, held)
    return found


def _working(tickets: Iterable[Ticket]) -> list[Ticket]:
    return [t for t in tickets if t.order.terms.leg is Leg.EXIT and not t.cancel_asked]


def _closed(exits: Iterable[Ticket]) -> list[tuple[str, Side]]:
    return sorted({(t.order.terms.instrument, t.order.terms.side) for t in exits})


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
    is_there = order.is_acknowledged and not ticket.run.is_done
    return is_there and order.terms.ord_type is not OrdType.MARKET


def _held(quantity: Decimal, side: Side) -> Decimal:
    return max(-quantity * side.sign, ZERO)


def _closes(ticket: Ticket, symbol: str, side: Side) -> bool:
    terms = ticket.order.terms
    return terms.instrument == symbol and terms.side is side
