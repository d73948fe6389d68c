"""One order as a broker has it and as it was heard: what it must then be, said a second time."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st

from execution.domain.orders import Order, Overfilled, Terms
from execution.domain.positions import Attribution
from execution.domain.reports import Report
from execution.domain.words import ExecType, Leg, OrdStatus, Side

Picked = TypeVar("Picked")
ZERO = Decimal(0)
ENDS = {
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.REJECTED: OrdStatus.REJECTED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
}
OVER = {OrdStatus.FILLED, *ENDS.values()}
BUST = ExecType.TRADE_CANCEL


@dataclass(eq=False)
class Sent:
    """An order as the broker has it, what of that was heard, and what follows from it."""

    terms: Terms
    has_arrived: bool = False
    filled: Decimal = ZERO
    # Of that, taken back.
    busted: Decimal = ZERO
    end: ExecType | None = None
    said: list[Report] = field(default_factory=list)
    heard: dict[str, Report] = field(default_factory=dict)
    in_doubt: bool = False

    @property
    def is_working(self) -> bool:
        """The broker has it, and goes on with it."""
        return self.has_arrived and self.end is None and self.left > 0

    @property
    def may_fill(self) -> bool:
        """Also after its end: what was traded meanwhile counts."""
        return self.has_arrived and self.end is not ExecType.REJECTED and self.left > 0

    @property
    def left(self) -> Decimal:
        return self.terms.order_qty - self.filled

    @property
    def unheard(self) -> list[Report]:
        return [each for each in self.said if each.report_id not in self.heard]

    @property
    def standing(self) -> list[Report]:
        """Fills that the broker did not take back."""
        busted = {r.ref_exec_id for r in self.said if r.exec_type is BUST}
        return [r for r in self.said if r.exec_type is ExecType.FILL and r.exec_id not in busted]

    @property
    def gross(self) -> Decimal:
        """All fills that were heard, also those taken back."""
        fills = (r for r in self.heard.values() if r.exec_type is ExecType.FILL)
        return sum((each.last_qty or ZERO for each in fills), ZERO)

    @property
    def cum(self) -> Decimal:
        busted = {r.ref_exec_id for r in self.heard.values() if r.exec_type is BUST}
        fills = (r for r in self.heard.values() if r.exec_type is ExecType.FILL)
        return sum((f.last_qty or ZERO for f in fills if f.exec_id not in busted), ZERO)

    @property
    def is_amended(self) -> bool:
        return any(r.exec_type is BUST for r in self.heard.values())

    @property
    def signed(self) -> Decimal:
        return self.terms.side.sign * self.cum

    @property
    def is_known(self) -> bool:
        """More was heard than our own finding that it was never sent."""
        return any(r.exec_type is not ExecType.NOT_SENT for r in self.heard.values())

    @property
    def is_doubtful(self) -> bool:
        return self.in_doubt and not self.is_known

    @property
    def status(self) -> OrdStatus:
        ends = [r for r in self.heard.values() if r.exec_type in ENDS]
        if self.cum >= self.terms.order_qty:
            return OrdStatus.FILLED
        if self.is_amended and not ends and self.gross >= self.terms.order_qty:
            return OrdStatus.CANCELED
        if ends:
            return ENDS[max(ends, key=lambda r: r.time).exec_type]
        if self.heard and not self.is_known:
            return OrdStatus.EXPIRED
        if self.cum:
            return OrdStatus.PARTIALLY_FILLED
        return OrdStatus.NEW if self.is_known else OrdStatus.PENDING_NEW

    @property
    def leaves(self) -> Decimal:
        return ZERO if self.status in OVER else self.terms.order_qty - self.cum


def shares(
    fills: list[tuple[Sent, Report]], attribution: dict[UUID, Attribution]
) -> dict[UUID, Decimal]:
    """Whose the position is after these fills. What closes that of the whole account closes the
    closer's share first, then the largest of the others', and then nobody's."""
    held: dict[UUID, Decimal] = {}
    told: dict[tuple[str, str], Decimal] = {}
    for sent, said in fills:
        owner, sign = sent.terms.subscription_id, sent.terms.side.sign
        if said.exec_type is BUST:
            # What it closed of others stays theirs no more: it comes back to whoever closed.
            back = told.pop((sent.terms.cl_ord_id, said.ref_exec_id), ZERO)
            told[sent.terms.cl_ord_id, said.ref_exec_id] = ZERO
            held[owner] = held.get(owner, ZERO) - sign * back
            continue
        fill = (sent.terms.cl_ord_id, said.exec_id)
        if fill in told:
            continue
        told[fill] = said.last_qty or ZERO
        beyond, left = said.last_qty or ZERO, ZERO
        if sent.terms.leg is not Leg.ENTRY and attribution[owner] is Attribution.ACCOUNT:
            left = max(min(beyond, -sign * sum(held.values(), ZERO)), ZERO)
            beyond -= left
        for who in sorted(held, key=lambda each: (each != owner, sign * held[each])):
            part = max(min(left, -sign * held[who]), ZERO)
            held[who] += sign * part
            left -= part
        assert not left, "nobody but ours trades here"
        held[owner] = held.get(owner, ZERO) + sign * beyond
    return held


def folded(terms: Terms, reports: list[Report]) -> Order:
    """The order of which this was heard, in this order."""
    order = Order(terms)
    for report in reports:
        with contextlib.suppress(Overfilled):
            order.add(report)
    return order


def closing(side: Side, some: list[Sent]) -> Decimal:
    """What exits on a side may still close."""
    ours = (s for s in some if s.terms.leg is Leg.EXIT and s.terms.side is side)
    return sum((sent.leaves for sent in ours), ZERO)


def name(report: Report | None) -> str:
    """What tells a report from others; empty for none."""
    return "" if report is None else report.report_id


def pick(data: st.DataObject, some: Sequence[Picked]) -> Picked:
    """One of them, drawn by its place: quicker than to draw what prints long."""
    return some[data.draw(st.integers(0, len(some) - 1))]
