"""What the journal said of positions and orders, fact by fact."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.record import OPEN, ZERO, Fact, Lane, Record, Row


class Book:
    """What the journal said up to a fact: positions, and orders that may still fill."""

    def __init__(self) -> None:
        self.whole: dict[Lane, Decimal] = defaultdict(Decimal)
        # Whose it is.
        self.own: dict[Lane, dict[UUID, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        self.open: dict[str, Row] = {}
        # Of every order, also of those that are over.
        self.leaves: dict[str, Decimal] = {}

    def add(self, fact: Fact, record: Record) -> None:
        if fact.kind == "sending":
            row = record.rows.get(fact.message.order_sending.order.cl_ord_id)
            if row is not None:
                self.open[row.cl_ord_id], self.leaves[row.cl_ord_id] = row, row.quantity
            return
        if fact.kind == "external":
            self._move(fact)
            return
        if fact.kind != "report":
            return
        said = fact.message.execution_report
        row = record.rows.get(said.cl_ord_id)
        if row is None:
            return
        if said.exec_type == pb.EXEC_TYPE_FILL:
            self._share_out(row, Decimal(said.last_qty), sees_all=record.sees_all(row))
            self.whole[row.account_id, row.instrument] = Decimal(said.position_qty)
        self.leaves[row.cl_ord_id] = row.quantity - Decimal(said.cum_qty)
        if said.ord_status not in OPEN:
            self.open.pop(row.cl_ord_id, None)

    def _move(self, fact: Fact) -> None:
        """Somebody else moved the position: shares only shrink, and come to no more than it."""
        told = fact.message
        is_report = told.HasField("external_report")
        change = told.external_report.change if is_report else told.position_change
        symbol = change.position.instrument
        if not symbol:
            return
        lane = (fact.account_id, symbol)
        self.whole[lane] += Decimal(change.change_qty)
        for owner, quantity in change.position.own.items():
            self.own[lane][ids.from_hex(owner)] = Decimal(quantity)

    def _share_out(self, row: Row, quantity: Decimal, *, sees_all: bool) -> None:
        """What closes the position of a whole account closes the closer's share, then the
        largest of the others'. Beyond those it closes nobody's, and beyond the position it is
        the closer's again."""
        lane = (row.account_id, row.instrument)
        own, left = self.own[lane], ZERO
        if sees_all and row.leg != "entry":
            left = min(quantity, max(-row.sign * self.whole[lane], ZERO))
        beyond = quantity - left
        if left:
            held = {who: -row.sign * q for who, q in own.items()}
            for who in sorted(held, key=lambda who: (who != row.subscription, -held[who], who)):
                part = min(left, max(held[who], ZERO))
                own[who] += row.sign * part
                left -= part
        own[row.subscription] += row.sign * beyond

    def filled(self, row: Row) -> Decimal:
        """How much of an order was filled."""
        return row.quantity - self.leaves[row.cl_ord_id] if row.cl_ord_id in self.leaves else ZERO


def walk(record: Record) -> Iterator[tuple[Row, Book]]:
    """Each order as it is written down, with the book as it was before."""
    book = Book()
    for fact in record.facts:
        if fact.kind == "sending":
            row = record.rows.get(fact.message.order_sending.order.cl_ord_id)
            if row is not None:
                yield row, book
        book.add(fact, record)
