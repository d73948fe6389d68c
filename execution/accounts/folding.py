"""A report changes its order, its lane and what its account has used."""

from decimal import Decimal
from uuid import UUID

import structlog
from msgspec.structs import replace

from execution.accounts.accounts import Account
from execution.domain import positions
from execution.domain.orders import ZERO, Overfilled, Terms
from execution.domain.positions import Fill
from execution.domain.reports import Report
from execution.lanes import covers, overfills
from execution.lanes.tickets import Ticket

log = structlog.get_logger()


def fold(account: Account, ticket: Ticket, report: Report) -> set[UUID]:
    """Fold a report that was not heard before into all that it changes; whose shares of the
    position changed."""
    lane, before = ticket.run.lane, ticket.order.cum_qty
    try:
        ticket.order.add(report)
    except Overfilled:
        log.error("order_overfilled", cl_ord_id=report.cl_ord_id)
        if (filled := ticket.order.cum_qty) > before:
            overfill_id = overfills.id_of(ticket, report)
            lane.overfills.add(overfill_id, ticket.order.terms.order_id, filled)
    if ticket.order.is_acknowledged or not ticket.order.is_open:
        ticket.in_doubt = ticket.is_unprovable = False
    shares: set[UUID] = set()
    if report.exec_type.moves:
        book = lane.book(ticket.order.terms.instrument)
        moved = ticket.order.cum_qty - before
        if moved > 0:
            said = report if moved == report.last_qty else replace(report, last_qty=moved)
            account.usage.book(book.whole, said, book.point_value)
            shares = lane.move(ticket, said)
        elif moved:
            log.warning("fill_taken_back", cl_ord_id=report.cl_ord_id, exec_id=report.ref_exec_id)
            shares = take_back(ticket, -moved, report.last_px or ZERO)
        if report.exec_type.amends:
            shares |= _price_anew(account, ticket)
        book.note(report.sequence)
        # What an entry goes by is looked at again after its exit.
        ticket.run.looked_at = None
        covers.revive(ticket.run)
    if ticket.order.is_open:
        lane.open[report.cl_ord_id] = ticket
    else:
        lane.open.pop(report.cl_ord_id, None)
    return shares


def take_back(ticket: Ticket, quantity: Decimal, price: Decimal) -> set[UUID]:
    """Positions after a part of what was filled never was; whose shares changed."""
    terms = ticket.order.terms
    book, side = ticket.run.lane.book(terms.instrument), terms.side.opposite
    return book.fill(terms.subscription_id, side, quantity, price, closes_all=False)


def _price_anew(account: Account, ticket: Ticket) -> set[UUID]:
    """Averages after a fill became none, or another one: from all the fills that are known, where
    those are all that made the position. Whose share was so priced."""
    lane, symbol = ticket.run.lane, ticket.order.terms.instrument
    orders = [
        other.order
        for run in account.runs.values()
        for other in (run.tickets if run.lane is lane else ())
        if other.order.terms.instrument == symbol
    ]
    fills = [(said, order.terms) for order in orders for said in order.fills]
    fills.sort(key=lambda fill: (fill[0].time, fill[0].sequence))
    book = lane.book(symbol)
    book.whole = positions.replayed(book.whole, [_fill(said, of) for said, of in fills])
    for owner, before in book.own.items():
        mine = [_fill(said, of) for said, of in fills if of.subscription_id == owner]
        book.own[owner] = positions.replayed(before, mine)
    return {ticket.order.terms.subscription_id}


def _fill(said: Report, terms: Terms) -> Fill:
    return terms.side, said.last_qty or ZERO, said.last_px or ZERO
