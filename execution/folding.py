"""A report changes its order, its lane and what its account has used."""

from uuid import UUID

import structlog

from execution import covers
from execution.accounts import Account
from execution.domain.orders import Overfilled
from execution.domain.reports import Report
from execution.domain.words import ExecType
from execution.lanes import Ticket

log = structlog.get_logger()


def fold(account: Account, ticket: Ticket, report: Report) -> set[UUID]:
    """Fold a report that was not heard before into all that it changes; whose shares of the
    position changed."""
    lane = ticket.run.lane
    try:
        ticket.order.add(report)
    except Overfilled:
        log.error("order_overfilled", cl_ord_id=report.cl_ord_id)
        lane.is_overfilled = True
    if ticket.order.is_acknowledged:
        ticket.in_doubt = False
        ticket.run.unprovable = False
    shares: set[UUID] = set()
    if report.exec_type is ExecType.FILL:
        book = lane.book(ticket.order.terms.instrument)
        account.usage.book(book.whole, ticket.order, report, book.point_value)
        shares = lane.move(ticket, report)
        # What an entry goes by is looked at again after its exit.
        ticket.run.looked_at = None
        covers.revive(ticket.run)
    if ticket.order.is_open:
        lane.open[report.cl_ord_id] = ticket
    else:
        lane.open.pop(report.cl_ord_id, None)
    return shares
