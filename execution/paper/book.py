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

from execution.paper import costs, matching, telling
from execution.paper.costs import PLAIN, Model
from execution.paper.counting import Counter
from execution.paper.feeds import Feed
from execution.paper.market import Market
from execution.paper.matching import FLAT, Holding, Terms
from execution.paper.misdeeds import Plan, Struck
from execution.paper.quotes import Quote
from protos import ids, wire
from protos.paper.v1 import paper_pb2 as pb

STARTING_CASH = Decimal(100_000)
ZERO = Decimal(0)
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
    # Of a guard: what there is to close. It follows the fills of its entry and its twin.
    may_fill: Decimal | None = None
    # In so many parts the rest fills.
    parts_left: int = 1

    @property
    def leaves(self) -> Decimal:
        """What may fill now."""
        left = self.terms.order_qty - self.cum_qty
        return left if self.may_fill is None else min(left, self.may_fill)

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
    model: Model = PLAIN
    plan: Plan | None = None
    # Asked before the venue's own quotes; None for those alone.
    feed: Feed | None = None
    report_seq: int = 0
    # Whether its row is as it stands, but for cash, number and plan.
    is_stored: bool = False
    holdings: dict[str, Holding] = field(default_factory=dict)
    open: dict[str, Order] = field(default_factory=dict)
    counter: Counter = field(default_factory=Counter)
    # Fills that something was said of since; forgotten by a restart.
    busted: set[str] = field(default_factory=set)
    # How many orders have used a ClOrdID.
    used: dict[str, int] = field(default_factory=dict)

    def order_id(self, cl_ord_id: str) -> str | None:
        """The latest order with this ClOrdID."""
        count = self.used.get(cl_ord_id, 0)
        return _order_id(self.name, cl_ord_id, count) if count else None

    def quote(self, symbol: str, at: datetime, market: Market, named: Decimal | None) -> Quote:
        """What it can trade an instrument at, by its feed; `named` is what its client saw."""
        seen = named or self.seen_price(symbol)
        quote = self.feed.quote(symbol, at, seen, market) if self.feed is not None else None
        return quote or market.quote(symbol, at, seen)

    def seen_price(self, instrument: str) -> Decimal | None:
        """The price that its client named last for something it holds."""
        return self.holdings.get(instrument, FLAT).seen_px


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of the arrival log."""

    account: str
    cl_ord_id: str
    arrived_at: datetime
    result: str


@dataclass(frozen=True, slots=True)
class Misdeed:
    """One thing that the fault plan did."""

    account: str
    cl_ord_id: str
    kind: str
    delay_ms: int
    at: datetime


@dataclass(slots=True)
class Changes:
    """What one transaction stores."""

    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    reports: list[pb.Report] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    misdeeds: list[Misdeed] = field(default_factory=list)
    recordings: list[tuple[str, datetime, bytes]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.orders or self.arrivals)

    def arrive(self, order: pb.NewOrder, moment: Moment, result: str) -> None:
        """Note an arrival."""
        self.arrivals.append(Arrival(order.account, order.cl_ord_id, moment.at, result))

    def misbehave(self, account: Account, cl_ord_id: str, struck: Struck, moment: Moment) -> None:
        """Note what the plan did, and that it has counted."""
        kind = pb.FaultKind.Name(struck.kind).removeprefix("FAULT_KIND_").lower()
        self.accounts[account.name] = account
        self.misdeeds.append(Misdeed(account.name, cl_ord_id, kind, struck.delay_ms, moment.at))


def take(
    account: Account,
    terms: Terms,
    moment: Moment,
    market: Market,
    changes: Changes,
    guards: Sequence[Terms] = (),
    *,
    parts: int = 1,
) -> Order:
    """Take in an order that the market has checked, with what guards it; it fills at once,
    in parts, rests, or ends."""
    order = _enter(account, terms, moment)
    if terms.time_in_force != "fok":
        order.parts_left = max(parts, account.model.fill_parts)
    report(account, order, pb.EXEC_TYPE_NEW, moment, changes)
    for guard in guards:
        waiting = _enter(account, guard, moment)
        waiting.may_fill, waiting.parts_left = ZERO, account.model.fill_parts
        report(account, waiting, pb.EXEC_TYPE_NEW, moment, changes)
        account.open[waiting.order_id] = waiting
    price = terms.reference_price
    if price is None or account.feed is not None:
        price = _market_price(account, terms, moment, market)
    at = _reached(order, price, changes, arriving=True)
    if at is not None:
        _fill(account, order, at, moment, market, changes)
    if order.ord_status not in OPEN_STATUSES:
        return order
    if terms.time_in_force in matching.IMMEDIATE_TIMES:
        cancel(account, order, moment, changes)
    else:
        account.open[order.order_id] = order
    return order


def pretend(
    account: Account, terms: Terms, moment: Moment, changes: Changes, guards: Sequence[Terms]
) -> Order:
    """Report orders as taken, and know nothing of them from then on."""
    # Number 0 uses up no ClOrdID: what was forgotten may be sent again.
    forgotten = [
        Order(_order_id(account.name, each.cl_ord_id, 0), each, moment.at, pb.ORD_STATUS_NEW)
        for each in (terms, *guards)
    ]
    for order in forgotten:
        report(account, order, pb.EXEC_TYPE_NEW, moment, changes)
        del changes.orders[order.order_id]
    return forgotten[0]


def refuse(account: Account, terms: Terms, moment: Moment, text: str, changes: Changes) -> Order:
    """Refuse an order whose terms are fine."""
    order = _enter(account, terms, moment)
    order.text = text
    _end(account, order, pb.ORD_STATUS_REJECTED, pb.EXEC_TYPE_REJECTED, moment, changes)
    return order


def cancel(account: Account, order: Order, moment: Moment, changes: Changes) -> None:
    """Cancel an open order."""
    _end(account, order, pb.ORD_STATUS_CANCELED, pb.EXEC_TYPE_CANCELED, moment, changes)


def rematch(account: Account, moment: Moment, market: Market, changes: Changes) -> None:
    """Fill the resting orders whose price the feed has reached."""
    for order in list(account.open.values()):
        if order.order_id not in account.open or not order.leaves:
            continue
        terms = order.terms
        if account.exchange_hours and not market.is_open(terms.instrument, moment.at):
            continue
        price = _market_price(account, terms, moment, market)
        at = _reached(order, price, changes, arriving=False)
        if at is not None:
            _fill(account, order, at, moment, market, changes)


def _reached(order: Order, price: Decimal, changes: Changes, *, arriving: bool) -> Decimal | None:
    """Where the order fills at this price; what a stop learns from it is noted."""
    terms = order.terms
    if terms.ord_type not in matching.STOPS:
        at = matching.fill_price(terms, price)
        return at if arriving or at is None else terms.limit_price or at
    if order.is_triggered:
        at = matching.fill_price(terms, price)
        return None if at is None else terms.limit_price or at
    best = matching.better(terms, order.best_price, price)
    triggered = matching.is_triggered(terms, best, price)
    if best != order.best_price or triggered:
        order.best_price, order.is_triggered = best, triggered
        changes.orders[order.order_id] = order
    return matching.fill_price(terms, price) if triggered else None


def _market_price(account: Account, terms: Terms, moment: Moment, market: Market) -> Decimal:
    """What the feed asks of a buyer, or bids to a seller."""
    quote = account.quote(terms.instrument, moment.at, market, terms.reference_price)
    return quote.ask if terms.side == pb.SIDE_BUY else quote.bid


def _enter(account: Account, terms: Terms, moment: Moment) -> Order:
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
    terms, model = order.terms, account.model
    qty, fee = order.leaves, ZERO
    held = account.holdings.get(terms.instrument, FLAT)
    instrument = market.instrument(terms.instrument)
    rate = market.to_dollars(instrument.currency, moment.at)
    if order.parts_left > 1:
        qty = costs.part(order.order_id, order.parts_left, qty, instrument.lot)
        order.parts_left -= 1
    if model is not PLAIN:
        px = costs.slipped(model, instrument, terms.side, px, terms.limit_price)
        fee = costs.fee(model, instrument, qty, px, rate, first=not order.cum_qty)
    account.cash += matching.cash_moved(instrument, held, terms.side, qty, px) * rate - fee
    holding = matching.add_fill(held, terms.side, qty, px, terms.reference_price)
    account.holdings[terms.instrument] = holding
    changes.holdings[account.name, terms.instrument] = holding
    order.avg_px = matching.average(order.avg_px, order.cum_qty, px, qty)
    order.cum_qty += qty
    order.ord_status = pb.ORD_STATUS_PARTIALLY_FILLED
    if order.cum_qty == terms.order_qty:
        order.ord_status = pb.ORD_STATUS_FILLED
        account.open.pop(order.order_id, None)
    report(account, order, pb.EXEC_TYPE_FILL, moment, changes, last=(qty, px, fee))
    tend_guards(account, order, qty, moment, changes)


def _end(
    account: Account,
    order: Order,
    status: pb.OrdStatus,
    exec_type: pb.ExecType,
    moment: Moment,
    changes: Changes,
) -> None:
    order.ord_status = status
    account.open.pop(order.order_id, None)
    report(account, order, exec_type, moment, changes)
    tend_guards(account, order, ZERO, moment, changes)


def tend_guards(
    account: Account, order: Order, filled: Decimal, moment: Moment, changes: Changes
) -> None:
    """Guards may close what their entry opened, less what one of them closed; they end
    when that is nothing and their entry is over."""
    if not account.open:
        return
    is_entry = not order.terms.parent
    entry = order.terms.parent or order.terms.cl_ord_id
    family = [guard for guard in account.open.values() if guard.terms.parent == entry]
    if not is_entry:
        _allow(order, -filled, changes)
    for guard in family:
        if guard is not order:
            _allow(guard, filled if is_entry else -filled, changes)
    if account.order_id(entry) in account.open:
        return
    for guard in family:
        if not guard.may_fill and guard.order_id in account.open:
            guard.text = "its entry or its twin ended"
            cancel(account, guard, moment, changes)


def _allow(guard: Order, more: Decimal, changes: Changes) -> None:
    if more and guard.may_fill is not None:
        guard.may_fill = max(guard.may_fill + more, ZERO)
        changes.orders[guard.order_id] = guard


def report(
    account: Account,
    order: Order,
    exec_type: pb.ExecType,
    moment: Moment,
    changes: Changes,
    *,
    last: tuple[Decimal, Decimal, Decimal] | None = None,
    ref_exec_id: str = "",
) -> None:
    """Say something of an order, under the account's next number."""
    changes.accounts[account.name] = account
    changes.orders[order.order_id] = order
    account.report_seq += 1
    said = telling.report(account, order, exec_type, moment, last)
    said.ref_exec_id = ref_exec_id
    changes.reports.append(said)


def _order_id(account: str, cl_ord_id: str, count: int) -> str:
    return ids.derive("paper", account, cl_ord_id, count).hex
