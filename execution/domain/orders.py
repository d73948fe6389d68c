"""An order is its terms plus the set of reports about it; its status is worked out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from execution.domain.reports import Report
from execution.domain.words import DECLARED, ExecType, Leg, OrdStatus, OrdType, Origin, Side

ZERO = Decimal(0)
# An exit that was not sent: what it was to close is gone, or less by now.
OUTGROWN = "no_position"
# Kept with an order that waited here for its price.
WATCHED = "watched"
_ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.REJECTED: OrdStatus.REJECTED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
}
# What ends an order that was filled, once some of that is taken back: it is not worked again.
_AMENDED = OrdStatus.CANCELED


class Terms(msgspec.Struct, frozen=True):
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
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    # What the terms were decided from.
    decided_from: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def is_watched(self) -> bool:
        """True for a stop entry that the venue does not hold: it goes once its price has come."""
        return WATCHED in self.decided_from


class Overfilled(Exception):
    """More was filled than asked. The fill is recorded: the money moved."""

    def __init__(self, order: "Order") -> None:
        super().__init__(order.terms.cl_ord_id)
        self.order = order


@dataclass(slots=True)
class Order:
    """The same set of reports, in any order and however often, is the same order.

    What is worked out from the set is kept until the next report: it is asked for often.
    """

    terms: Terms
    reports: dict[str, Report] = field(default_factory=dict)
    cum_qty: Decimal = field(init=False, default=ZERO)
    # True once the broker itself spoke about the order.
    is_acknowledged: bool = field(init=False, default=False)
    # The report that ended the order short of its quantity. Our own finding that it was
    # never sent yields to anything the broker says, and what a person said of it to what the
    # broker says later.
    end: Report | None = field(init=False, default=None)
    # True while more may be filled.
    is_open: bool = field(init=False, default=True)
    # The reports that moved money, as they stand: corrected, and without those that were
    # taken back.
    fills: Sequence[Report] = field(init=False, default=())

    def __post_init__(self) -> None:
        if self.reports:
            self._work_out()

    def add(self, report: Report) -> bool:
        """Add a report; False when it was known.

        Raises Overfilled, after adding, when the fills pass the order's quantity.
        """
        if report.report_id in self.reports:
            return False
        self.reports[report.report_id] = report
        self._work_out()
        if report.exec_type.moves and self.cum_qty > self.terms.order_qty:
            raise Overfilled(self)
        return True

    @property
    def avg_px(self) -> Decimal | None:
        """Average price of the fills; None before the first."""
        fills = self.fills
        if not self.cum_qty:
            return None
        if len(fills) == 1:
            return fills[0].last_px
        cost = sum(((r.last_qty or ZERO) * (r.last_px or ZERO) for r in fills), ZERO)
        return cost / self.cum_qty

    @property
    def is_filled(self) -> bool:
        """True when all of it is filled."""
        return self.cum_qty >= self.terms.order_qty

    @property
    def ord_status(self) -> OrdStatus:
        """FIX OrdStatus."""
        if self.is_filled:
            return OrdStatus.FILLED
        if self.end is not None:
            if self.end.exec_type.amends:
                return _AMENDED
            return _ENDS.get(self.end.exec_type, OrdStatus.EXPIRED)
        if self.cum_qty:
            return OrdStatus.PARTIALLY_FILLED
        return OrdStatus.NEW if self.reports else OrdStatus.PENDING_NEW

    @property
    def leaves_qty(self) -> Decimal:
        """What may still be filled."""
        return self.terms.order_qty - self.cum_qty if self.is_open else ZERO

    @property
    def is_outgrown(self) -> bool:
        """True for an exit that was not sent, for it would have closed more than was left."""
        end = self.end
        return end is not None and (end.exec_type, end.text) == (ExecType.NOT_SENT, OUTGROWN)

    @property
    def was_given_up(self) -> bool:
        """True for what was taken for never sent, or a person said was not to be waited for."""
        said = self.reports.values()
        return any(r.exec_type is ExecType.NOT_SENT or r.text in DECLARED for r in said)

    @property
    def is_back(self) -> bool:
        """True for what is open although it was given up: the broker showed it since."""
        return self.is_open and self.was_given_up

    @property
    def broker_order_id(self) -> str:
        """The broker's own id, once told."""
        return next((r.broker_order_id for r in self.reports.values() if r.broker_order_id), "")

    @property
    def last_fill_at(self) -> datetime | None:
        """When the newest fill happened."""
        return max((r.time for r in self.fills), default=None)

    def _work_out(self) -> None:
        said = self.reports.values()
        fills: list[Report] = []
        ends: list[Report] = []
        amends: list[Report] = []
        for report in said:
            kind = report.exec_type
            if kind is ExecType.FILL:
                fills.append(report)
            elif kind in _ENDS:
                ends.append(report)
            elif kind.amends:
                amends.append(report)
        if amends:
            fills = [now for fill in fills if (now := _as_it_stands(fill, said)) is not None]
        self.fills = fills
        self.cum_qty = sum([r.last_qty or ZERO for r in fills], ZERO)
        self.is_acknowledged = any(r.exec_type is not ExecType.NOT_SENT for r in said)
        if not ends and not self.is_acknowledged:
            ends = list(said)
        ends = [end for end in ends if end.text not in DECLARED] or [
            end for end in ends if not _is_outspoken(end, said)
        ]
        if amends and not ends and not self.is_filled and _gross(said) >= self.terms.order_qty:
            ends = amends
        self.end = max(ends, key=lambda r: (r.time, r.report_id), default=None)
        self.is_open = not self.is_filled and self.end is None


def finding(
    terms: Terms, account: str, report_id: str, what: ExecType, text: str, now: datetime
) -> Report:
    """A report of our own finding; the broker's own word, if one comes, outweighs that it was
    never sent."""
    return Report(
        account=account,
        report_id=report_id,
        sequence=0,
        cl_ord_id=terms.cl_ord_id,
        broker_order_id="",
        exec_type=what,
        ord_status=_ENDS.get(what, OrdStatus.EXPIRED),
        instrument=terms.instrument,
        side=terms.side,
        exec_id="",
        last_qty=None,
        last_px=None,
        fee=None,
        text=text,
        time=now,
        venue_time=None,
    )


def _is_outspoken(word: Report, said: Iterable[Report]) -> bool:
    """True for what a person said of an order, where the broker spoke of it since."""
    return any(r.text not in DECLARED and r.time > word.time for r in said)


def _gross(said: Iterable[Report]) -> Decimal:
    """All that was ever filled."""
    return sum((r.last_qty or ZERO for r in said if r.exec_type is ExecType.FILL), ZERO)


def _as_it_stands(fill: Report, said: Collection[Report]) -> Report | None:
    """A fill after all that was said of it, the newest word last; None for one taken back. What
    amends may name the fill, or what amended it before."""
    names, found = {fill.exec_id}, fill
    for word in sorted(said, key=lambda r: (r.time, r.sequence, r.report_id)):
        if not word.exec_type.amends or word.ref_exec_id not in names:
            continue
        if word.exec_type is ExecType.TRADE_CANCEL:
            return None
        names.add(word.exec_id)
        found = replace(found, last_qty=word.last_qty, last_px=word.last_px)
    return found
