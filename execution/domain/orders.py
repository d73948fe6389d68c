"""An order is its terms plus the set of reports about it; its status is worked out."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from execution.domain.reports import Report
from execution.domain.words import ExecType, Leg, OrdStatus, OrdType, Origin, Side

ZERO = Decimal(0)
_ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.REJECTED: OrdStatus.REJECTED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What was written down before the socket was touched; never changed."""

    order_id: UUID
    cl_ord_id: str
    trade_id: UUID
    subscription_id: UUID
    leg: Leg
    revision: int
    origin: Origin
    instrument: str
    side: Side
    ord_type: OrdType
    time_in_force: str
    order_qty: Decimal
    limit_price: Decimal | None
    reference_price: Decimal | None
    created_at: datetime


class Overfilled(Exception):
    """More was filled than asked. The fill is recorded: the money moved."""

    def __init__(self, order: "Order") -> None:
        super().__init__(order.terms.cl_ord_id)
        self.order = order


@dataclass(slots=True)
class Order:
    """The same set of reports, in any order and however often, is the same order."""

    terms: Terms
    reports: dict[str, Report] = field(default_factory=dict)

    def add(self, report: Report) -> bool:
        """Add a report; False when it was known.

        Raises Overfilled, after adding, when the fills pass the order's quantity.
        """
        if report.report_id in self.reports:
            return False
        self.reports[report.report_id] = report
        if report.exec_type is ExecType.FILL and self.cum_qty > self.terms.order_qty:
            raise Overfilled(self)
        return True

    @property
    def fills(self) -> list[Report]:
        """The reports that moved money."""
        return [r for r in self.reports.values() if r.exec_type is ExecType.FILL]

    @property
    def cum_qty(self) -> Decimal:
        """Filled so far."""
        return sum((r.last_qty or ZERO for r in self.fills), ZERO)

    @property
    def avg_px(self) -> Decimal | None:
        """Average price of the fills; None before the first."""
        cum = self.cum_qty
        if not cum:
            return None
        return sum(((r.last_qty or ZERO) * (r.last_px or ZERO) for r in self.fills), ZERO) / cum

    @property
    def end(self) -> Report | None:
        """The report that ended the order short of its quantity. Our own finding that it
        was never sent yields to anything the broker says."""
        real = [r for r in self.reports.values() if r.exec_type in _ENDS]
        if real:
            return max(real, key=lambda r: (r.time, r.report_id))
        if self.is_acknowledged:
            return None
        return next(iter(self.reports.values()), None)

    @property
    def is_acknowledged(self) -> bool:
        """True once the broker itself spoke about the order."""
        return any(r.exec_type is not ExecType.NOT_SENT for r in self.reports.values())

    @property
    def is_filled(self) -> bool:
        """True when all of it is filled."""
        return self.cum_qty >= self.terms.order_qty

    @property
    def ord_status(self) -> OrdStatus:
        """FIX OrdStatus."""
        if self.is_filled:
            return OrdStatus.FILLED
        if (end := self.end) is not None:
            return _ENDS.get(end.exec_type, OrdStatus.EXPIRED)
        if self.cum_qty:
            return OrdStatus.PARTIALLY_FILLED
        return OrdStatus.NEW if self.reports else OrdStatus.PENDING_NEW

    @property
    def is_open(self) -> bool:
        """True while more may be filled."""
        return not self.is_filled and self.end is None

    @property
    def leaves_qty(self) -> Decimal:
        """What may still be filled."""
        return self.terms.order_qty - self.cum_qty if self.is_open else ZERO

    @property
    def broker_order_id(self) -> str:
        """The broker's own id, once told."""
        return next((r.broker_order_id for r in self.reports.values() if r.broker_order_id), "")

    @property
    def last_fill_at(self) -> datetime | None:
        """When the newest fill happened."""
        return max((r.time for r in self.fills), default=None)
