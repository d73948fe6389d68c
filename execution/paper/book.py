"""The venue's accounts and open orders in memory, and what events do to them.

Nothing here is true before it is stored: each verb notes what it touched in a `Changes`,
which the writer stores in one transaction. When that fails, the book is dropped and
loaded again from the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp

from execution.paper import matching
from execution.paper.counting import Counter
from execution.paper.market import Market
from execution.paper.matching import FLAT, Holding, Terms
from protos import ids, wire
from protos.paper.v1 import paper_pb2 as pb

STARTING_CASH = Decimal(100_000)
OPEN_STATUSES = (pb.ORD_STATUS_NEW, pb.ORD_STATUS_PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, in the forms that the book needs."""

    at: datetime
    stamp: Timestamp

    @staticmethod
    def of(at: datetime) -> "Moment":
        """The moment of a time."""
        return Moment(at, wire.to_timestamp(at))


@dataclass(slots=True)
class Order:
    """An order that the venue has taken in, or refused."""

    order_id: str
    terms: Terms
    arrived_at: datetime
    ord_status: pb.OrdStatus
    cum_qty: Decimal = Decimal(0)
    avg_px: Decimal | None = None
    text: str = ""
    # The best price since a stop came in, and whether the price has come to it.
    best_price: Decimal | None = None
    is_triggered: bool = False

    def to_message(self) -> pb.Order:
        """The order as it stands, for the wire."""
        terms = self.terms
        return pb.Order(
            account=terms.account,
            cl_ord_id=terms.cl_ord_id,
            order_id=self.order_id,
            instrument=terms.instrument,
            side=terms.side,
            ord_type=terms.ord_type,
            order_qty=wire.to_text(terms.order_qty),
            limit_price=wire.to_text(terms.limit_price),
            ord_status=self.ord_status,
            cum_qty=wire.to_text(self.cum_qty),
            avg_px=wire.to_text(self.avg_px),
            arrived_time=wire.to_timestamp(self.arrived_at),
            text=self.text,
            stop_price=wire.to_text(terms.stop_price),
        )


@dataclass(slots=True)
class Account:
    """An account with what it holds, and how it behaves."""

    name: str
    visibility_seconds: float
    currency: str = "USD"
    cash: Decimal = STARTING_CASH
    refuses_repeats: bool = True
    exchange_hours: bool = False
    no_brackets: bool = False
    no_stops: bool = False
    faults: list[pb.Fault] = field(default_factory=list)
    faults_counted: int = 0
    report_seq: int = 0
    is_stored: bool = False
    holdings: dict[str, Holding] = field(default_factory=dict)
    open: dict[str, Order] = field(default_factory=dict)
    counter: Counter = field(default_factory=Counter)
    # How many orders have used a ClOrdID.
    used: dict[str, int] = field(default_factory=dict)

    def order_id(self, cl_ord_id: str) -> str | None:
        """The latest order with this ClOrdID."""
        count = self.used.get(cl_ord_id, 0)
        return _order_id(self.name, cl_ord_id, count) if count else None

    def seen_price(self, instrument: str) -> Decimal | None:
        """The price that its client named last for something it holds."""
        return self.holdings.get(instrument, FLAT).seen_px

    def next_fault(self) -> pb.Fault | None:
        """Count one more new order; the fault that the plan has for it."""
        if not self.faults:
            return None
        self.faults_counted += 1
        for fault in self.faults:
            if fault.nth in (0, self.faults_counted):
                return fault
        return None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of the arrival log."""

    account: str
    cl_ord_id: str
    arrived_at: datetime
    result: str


@dataclass(slots=True)
class Changes:
    """What one transaction stores."""

    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    reports: list[pb.Report] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.orders or self.arrivals)

    def arrive(self, order: pb.NewOrder, moment: Moment, result: str) -> None:
        """Note an arrival."""
        self.arrivals.append(Arrival(order.account, order.cl_ord_id, moment.at, result))


def take(
    account: Account,
    terms: Terms,
    moment: Moment,
    market: Market,
    changes: Changes,
    guards: Sequence[Terms] = (),
) -> Order:
    """Take in an order that the market has checked, with what guards it; it fills at once,
    rests, or ends."""
    order = _enter(account, terms, moment, changes)
    _report(account, order, pb.EXEC_TYPE_NEW, moment, changes)
    for guard in guards:
        waiting = _enter(account, guard, moment, changes)
        _report(account, waiting, pb.EXEC_TYPE_NEW, moment, changes)
        account.open[waiting.order_id] = waiting
    price = terms.reference_price
    if price is None:
        price = _market_price(account, terms, moment, market)
    at = _reached(order, price, changes, arriving=True)
    if at is not None:
        _fill(account, order, at, moment, market, changes)
    elif terms.time_in_force in matching.IMMEDIATE_TIMES:
        _end(account, order, pb.ORD_STATUS_CANCELED, pb.EXEC_TYPE_CANCELED, moment, changes)
    else:
        account.open[order.order_id] = order
    return order


def refuse(account: Account, terms: Terms, moment: Moment, text: str, changes: Changes) -> Order:
    """Refuse an order whose terms are fine."""
    order = _enter(account, terms, moment, changes)
    order.text = text
    _end(account, order, pb.ORD_STATUS_REJECTED, pb.EXEC_TYPE_REJECTED, moment, changes)
    return order


def cancel(account: Account, order: Order, moment: Moment, changes: Changes) -> None:
    """Cancel an open order."""
    _end(account, order, pb.ORD_STATUS_CANCELED, pb.EXEC_TYPE_CANCELED, moment, changes)


def rematch(account: Account, moment: Moment, market: Market, changes: Changes) -> None:
    """Fill the resting orders whose price the feed has reached."""
    for order in list(account.open.values()):
        if order.order_id not in account.open or _waits_for_its_entry(account, order):
            continue
        terms = order.terms
        if account.exchange_hours and not market.is_open(terms.instrument, moment.at):
            continue
        price = _market_price(account, terms, moment, market)
        at = _reached(order, price, changes, arriving=False)
        if at is not None:
            _fill(account, order, at, moment, market, changes)


def _waits_for_its_entry(account: Account, order: Order) -> bool:
    parent = account.order_id(order.terms.parent) if order.terms.parent else None
    return parent in account.open


def _reached(order: Order, price: Decimal, changes: Changes, *, arriving: bool) -> Decimal | None:
    """Where the order fills at this price; what a stop learns from it is noted."""
    terms = order.terms
    if terms.ord_type not in matching.STOPS:
        at = matching.fill_price(terms, price)
        return at if arriving or at is None else terms.limit_price
    if order.is_triggered:
        at = matching.fill_price(terms, price)
        return None if at is None else terms.limit_price
    best = matching.better(terms, order.best_price, price)
    triggered = matching.is_triggered(terms, best, price)
    if best != order.best_price or triggered:
        order.best_price, order.is_triggered = best, triggered
        changes.orders[order.order_id] = order
    return matching.fill_price(terms, price) if triggered else None


def _market_price(account: Account, terms: Terms, moment: Moment, market: Market) -> Decimal:
    """What the feed asks of a buyer, or bids to a seller."""
    seen = terms.reference_price or account.seen_price(terms.instrument)
    quote = market.quote(terms.instrument, moment.at, seen)
    return quote.ask if terms.side == pb.SIDE_BUY else quote.bid


def _enter(account: Account, terms: Terms, moment: Moment, changes: Changes) -> Order:
    count = account.used.get(terms.cl_ord_id, 0) + 1
    account.used[terms.cl_ord_id] = count
    order_id = _order_id(account.name, terms.cl_ord_id, count)
    return Order(order_id, terms, moment.at, pb.ORD_STATUS_NEW)


def _fill(
    account: Account,
    order: Order,
    px: Decimal,
    moment: Moment,
    market: Market,
    changes: Changes,
) -> None:
    terms = order.terms
    qty = terms.order_qty - order.cum_qty
    held = account.holdings.get(terms.instrument, FLAT)
    instrument = market.instrument(terms.instrument)
    moved = matching.cash_moved(instrument, held, terms.side, qty, px)
    account.cash += moved * market.to_dollars(instrument.currency, moment.at)
    holding = matching.add_fill(held, terms.side, qty, px, terms.reference_price)
    account.holdings[terms.instrument] = holding
    changes.holdings[account.name, terms.instrument] = holding
    order.cum_qty, order.avg_px = terms.order_qty, px
    _end(account, order, pb.ORD_STATUS_FILLED, pb.EXEC_TYPE_FILL, moment, changes, last=(qty, px))


def _end(
    account: Account,
    order: Order,
    status: pb.OrdStatus,
    exec_type: pb.ExecType,
    moment: Moment,
    changes: Changes,
    *,
    last: tuple[Decimal, Decimal] | None = None,
) -> None:
    order.ord_status = status
    account.open.pop(order.order_id, None)
    _report(account, order, exec_type, moment, changes, last=last)
    for other in list(account.open.values()):
        if _ends_with(other, order):
            other.text = "its entry or its twin ended"
            _end(account, other, pb.ORD_STATUS_CANCELED, pb.EXEC_TYPE_CANCELED, moment, changes)


def _ends_with(other: Order, ended: Order) -> bool:
    """A guard ends with an entry that ended unfilled, and with its twin's fill."""
    parent = other.terms.parent
    if not parent:
        return False
    filled = ended.ord_status == pb.ORD_STATUS_FILLED
    if ended.terms.cl_ord_id == parent:
        return not filled
    return filled and ended.terms.parent == parent


def _report(
    account: Account,
    order: Order,
    exec_type: pb.ExecType,
    moment: Moment,
    changes: Changes,
    *,
    last: tuple[Decimal, Decimal] | None = None,
) -> None:
    account.report_seq += 1
    last_qty, last_px = last or (None, None)
    changes.accounts[account.name] = account
    changes.orders[order.order_id] = order
    changes.reports.append(
        pb.Report(
            account=account.name,
            report_seq=account.report_seq,
            cl_ord_id=order.terms.cl_ord_id,
            order_id=order.order_id,
            exec_id=f"{order.order_id}-{account.report_seq}",
            exec_type=exec_type,
            ord_status=order.ord_status,
            instrument=order.terms.instrument,
            side=order.terms.side,
            last_qty=wire.to_text(last_qty),
            last_px=wire.to_text(last_px),
            fee="0" if last else "",
            cum_qty=wire.to_text(order.cum_qty),
            avg_px=wire.to_text(order.avg_px),
            text=order.text,
            time=moment.stamp,
            arrived_time=wire.to_timestamp(order.arrived_at),
        )
    )


def _order_id(account: str, cl_ord_id: str, count: int) -> str:
    return ids.derive("paper", account, cl_ord_id, count).hex
