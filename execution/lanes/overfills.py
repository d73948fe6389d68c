"""Where more was filled than an order asked: nothing is opened on that lane until somebody has
seen it, or what was too much is taken back.

Durable is a fact of each, and of each that was taken back; that somebody saw it is a row
beside the kill switches. Whoever takes the account finds the lane as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from execution.domain.words import Origin, TradeState
from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from execution.accounts.accounts import Account
    from execution.domain.reports import Report
    from execution.lanes.lanes import Run
    from execution.lanes.tickets import Ticket

# What an order was filled for when somebody looked, by the order.
Seen = Mapping[UUID, Decimal]


@dataclass(slots=True, eq=False)
class Overfills:
    """Those of a lane that still stop it."""

    _open: dict[UUID, tuple[UUID, Decimal]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, overfill_id: UUID, order_id: UUID, filled: Decimal) -> None:
        """An order is filled for so much, which is more than it asked."""
        self._open[overfill_id] = order_id, filled

    def __contains__(self, overfill_id: UUID) -> bool:
        return overfill_id in self._open

    def end(self, overfill_id: UUID) -> bool:
        """It was taken back; False for one that stops nothing any more."""
        return self._open.pop(overfill_id, None) is not None

    def see(self, seen: Seen) -> None:
        """Somebody looked at orders, as they were filled then."""
        for overfill_id, (order_id, filled) in tuple(self._open.items()):
            if filled <= seen.get(order_id, Decimal(0)):
                del self._open[overfill_id]


def id_of(ticket: "Ticket", said: "Report") -> UUID:
    """Of what a report filled too much; the trade that takes it back has the same."""
    return ids.derive("correction", ticket.order.terms.order_id, said.report_id)


def begun(ticket: "Ticket", said: "Report") -> pb.LaneStop | None:
    """What is to be found again of a report that filled too much; None for any other."""
    overfill_id, filled = id_of(ticket, said), wire.to_text(ticket.order.cum_qty)
    if overfill_id not in ticket.run.lane.overfills:
        return None
    return pb.LaneStop(lane=ticket.run.lane.name, overfill_id=overfill_id.hex, filled=filled)


def ended(run: "Run", state: TradeState, reason: str) -> pb.LaneStop | None:
    """The same of a trade that took something back, or found nothing left to be taken back."""
    trade = run.trade
    if trade.origin is not Origin.CORRECTION:
        return None
    is_back = state is TradeState.FILLED or reason == "no_position"
    if not is_back or not run.lane.overfills.end(trade.trade_id):
        return None
    return pb.LaneStop(lane=run.lane.name, overfill_id=trade.trade_id.hex, over=True)


def recall(account: "Account", stops: Iterable[tuple[UUID | None, pb.LaneStop]]) -> None:
    """Put back what still stops lanes, by the order, from what is stored."""
    for order_id, stop in stops:
        overfills, overfill_id = account.lane(stop.lane).overfills, UUID(hex=stop.overfill_id)
        if stop.over or order_id is None:
            overfills.end(overfill_id)
        else:
            overfills.add(overfill_id, order_id, Decimal(stop.filled))


def see(accounts: Iterable["Account"], seen: Seen) -> None:
    """Somebody looked: what stops lanes for it does so no more."""
    for account in accounts if seen else ():
        for lane in account.lanes.values():
            lane.overfills.see(seen)
