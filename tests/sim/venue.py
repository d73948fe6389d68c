"""The broker, in memory: what it was asked, what it did about it, and what it says.

It knows nothing of trades. Its arrival log is the truth that the checker goes by.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct

from execution.brokers.base import Capabilities, NewOrder, RateLimited, Rejected, Report
from execution.domain.ratelimit import Kind, Limit, Scope, Shape
from execution.domain.words import ExecType, OrdStatus, OrdType, Side
from tests.sim.habits import Habits
from tests.sim.world import World

ZERO = Decimal(0)
PRICE = Decimal(100)
# Within this whoever holds an account asks what became of all that rests there.
ASKED_SECONDS = 65.0
# Where the price may wander.
PRICES = (Decimal(90), Decimal(96), Decimal(104), Decimal(110))
_WITHOUT_STOPS = frozenset({OrdType.MARKET, OrdType.LIMIT})
_STATUS = {
    ExecType.NEW: OrdStatus.NEW,
    ExecType.CANCELED: OrdStatus.CANCELED,
    ExecType.REJECTED: OrdStatus.REJECTED,
    ExecType.EXPIRED: OrdStatus.EXPIRED,
}


class Arrival(Struct, frozen=True):
    """A new order that reached the broker: written by whom and when, and what it met."""

    account: str
    cl_ord_id: str
    author: str
    written: float
    arrived: float
    result: str


@dataclass(slots=True, eq=False)
class Order:
    """An order that the broker took in."""

    order_id: str
    terms: NewOrder
    visible_at: float
    parent: "Order | None" = None
    cum_qty: Decimal = ZERO
    is_open: bool = True
    reports: list[Report] = field(default_factory=list)
    guards: list["Order"] = field(default_factory=list)

    @property
    def leaves(self) -> Decimal:
        """What may still be filled."""
        return self.terms.order_qty - self.cum_qty if self.is_open else ZERO


class Crossing(Struct, frozen=True):
    """A fill, and the position of its instrument before it."""

    at: float
    cl_ord_id: str
    side: Side
    quantity: Decimal
    position: Decimal
    by_hand: bool
    # It came after the order's end.
    is_late: bool = False


@dataclass(eq=False)
class Account:
    """An account, with the numbered log of all that was said about its orders."""

    name: str
    positions: dict[str, Decimal] = field(default_factory=dict)
    # Without what was traded by hand.
    own_positions: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, list[Order]] = field(default_factory=dict)
    log: list[Report] = field(default_factory=list)
    touched_by_hand: set[str] = field(default_factory=set)
    # What was filled after its end: nobody could know when exits were sized.
    touched_late: set[str] = field(default_factory=set)
    # When requests came that its limit counts.
    requests: deque[int] = field(default_factory=deque)


class Venue:
    """The broker's side of the wire."""

    def __init__(self, world: World, habits: Habits) -> None:
        self.world = world
        self.habits = habits
        self.accounts: dict[str, Account] = {}
        self.arrivals: list[Arrival] = []
        # Requests beyond the limit: of which account, and by whom.
        self.too_many: list[tuple[str, str]] = []
        self.crossings: list[Crossing] = []
        # Things that will still happen by themselves.
        self.busy = 0
        self.last_act = 0.0
        self.on_report: Callable[[Account], None] = lambda _account: None

    def capabilities(self) -> Capabilities:
        """What it says of itself."""
        habits, costs = self.habits, {Kind.ORDER: 1, Kind.CANCEL: 1}
        limit = Limit("all", Scope.ACCOUNT, Shape.ROLLING, habits.most, habits.window, costs)
        return Capabilities(
            limits=(limit,) if habits.most else (),
            ord_types=frozenset(OrdType) if habits.has_stops else _WITHOUT_STOPS,
            visibility_horizon_seconds=self.habits.horizon,
            refuses_repeats=self.habits.refuses_repeats,
            looks_up_by_cl_ord_id=self.habits.looks_up,
            quantity_step=Decimal(1),
            times_in_force=frozenset({"day", "gtc"}),
            has_brackets=self.habits.has_brackets,
            keeps_exchange_hours=False,
        )

    def account(self, name: str) -> Account:
        """An account; opened when first named."""
        return self.accounts.setdefault(name, Account(name))

    def price(self) -> Decimal:
        """What a look finds."""
        wanders, dice = self.habits.wanders, self.world.dice
        return dice.choice(PRICES) if wanders and dice.random() < wanders else PRICE

    # -- what is asked of it

    def take(self, terms: NewOrder, author: str, written: float, hidden: float) -> Order | None:
        """A new order arrives; None for a repeat. Raises Rejected and RateLimited."""
        account = self.account(terms.account)
        self._count(account, author)
        same = account.orders.get(terms.cl_ord_id)
        if same and self.habits.refuses_repeats:
            self._arrive(account, terms, author, written, "duplicate")
            return None
        if self.world.dice.random() < self.habits.refusals:
            self._arrive(account, terms, author, written, "rejected")
            if self.habits.reports_refusals:
                order = self._enter(account, terms, hidden)
                self._end(account, order, ExecType.REJECTED)
            raise Rejected("not today")
        self._arrive(account, terms, author, written, "accepted")
        order = self._enter(account, terms, hidden)
        self._report(account, order, ExecType.NEW)
        for guard in terms.guards:
            waiting = self._enter(account, guard, hidden)
            waiting.parent = order
            order.guards.append(waiting)
            self._report(account, waiting, ExecType.NEW)
        self._work(account, order)
        return order

    def cancel(self, name: str, cl_ord_id: str, author: str) -> bool:
        """Cancel what is open of an order; False when there is nothing. Raises RateLimited."""
        account = self.account(name)
        self._count(account, author)
        done = False
        for order in account.orders.get(cl_ord_id, ()):
            if order.is_open:
                self._cancel_one(account, order)
                done = True
        return done

    def _count(self, account: Account, author: str) -> None:
        """Take a request in, unless it is one too many."""
        if not self.habits.most:
            return
        now, counted = self.world.now_us, account.requests
        while counted and counted[0] <= now - self.habits.window:
            counted.popleft()
        if len(counted) >= self.habits.most:
            self.too_many.append((account.name, author))
            self.world.trace("too many", author)
            raise RateLimited("one too many")
        counted.append(now)

    def _cancel_one(self, account: Account, order: Order) -> None:
        dice, left = self.world.dice, order.leaves
        self._end(account, order, ExecType.CANCELED)
        is_alone = order.parent is None and not order.guards
        if is_alone and dice.random() < self.habits.late_fills:
            account.touched_late.add(order.terms.instrument)
            self.busy += 1
            after = dice.choice((0.05, dice.uniform(0.0, 8.0)))
            self.world.after(after, self._fill_late, account, order, left)

    def _fill_late(self, account: Account, order: Order, quantity: Decimal) -> None:
        self.busy -= 1
        self.last_act = self.world.seconds
        self._fill(account, order, quantity, is_late=True)

    def find(self, name: str, cl_ord_ids: list[str]) -> dict[str, list[Report]]:
        """What it has said so far of those orders that look-ups can see, if any can."""
        if not self.habits.looks_up:
            return {}
        orders = self.account(name).orders
        found: dict[str, list[Report]] = {}
        for cl_ord_id in cl_ord_ids:
            for order in orders.get(cl_ord_id, ()):
                if order.visible_at <= self.world.seconds:
                    found.setdefault(cl_ord_id, []).extend(order.reports)
        return found

    def family(self, account: Account, number: int) -> str:
        """The entry that a report is about, itself or through a guard of it."""
        cl_ord_id = account.log[number].cl_ord_id
        same = account.orders.get(cl_ord_id)
        parent = same[0].parent if same else None
        return cl_ord_id if parent is None else parent.terms.cl_ord_id

    def trade_by_hand(self, name: str, instrument: str, quantity: Decimal) -> None:
        """The account's owner trades without us."""
        account = self.account(name)
        account.touched_by_hand.add(instrument)
        account.positions[instrument] = account.positions.get(instrument, ZERO) + quantity
        side = Side.BUY if quantity > 0 else Side.SELL
        terms = NewOrder(
            name, f"hand-{len(account.log)}", instrument, side, OrdType.MARKET, abs(quantity),
            None, "day", None,
        )  # fmt: skip
        order = Order(terms.cl_ord_id, terms, self.world.seconds, is_open=False)
        self._report(account, order, ExecType.FILL, abs(quantity))

    # -- what it does by itself

    def _work(self, account: Account, order: Order) -> None:
        """Have an order filled, or rest."""
        dice, terms = self.world.dice, order.terms
        if terms.ord_type is OrdType.MARKET:
            whole = dice.uniform(0.0, self.habits.slowness)
        elif dice.random() < self.habits.met:
            whole = dice.choice((0.0, dice.uniform(0.0, 0.1), dice.uniform(0.0, 6.0)))
        else:
            self._end_unsaid_later(account, order)
            return
        quantity, parts = terms.order_qty, 1
        if quantity > 1 and dice.random() < self.habits.parts:
            parts = 2 + (quantity > 2 and dice.random() < 0.4)
        share = quantity // parts
        for number in range(parts):
            piece = share if number < parts - 1 else quantity - share * (parts - 1)
            self._later(whole * (number + 1) / parts, account, order, piece)

    def _later(self, seconds: float, account: Account, order: Order, piece: Decimal) -> None:
        self.busy += 1
        self.world.after(seconds, self._piece, account, order, piece)

    def _piece(self, account: Account, order: Order, piece: Decimal) -> None:
        self.busy -= 1
        self.last_act = self.world.seconds
        if order.is_open:
            self._fill(account, order, min(piece, order.leaves))

    def _fill(
        self, account: Account, order: Order, quantity: Decimal, *, is_late: bool = False
    ) -> None:
        terms = order.terms
        held = account.positions.get(terms.instrument, ZERO)
        by_hand = terms.instrument in account.touched_by_hand | account.touched_late
        self.crossings.append(
            Crossing(
                self.world.seconds, terms.cl_ord_id, terms.side, quantity, held, by_hand, is_late
            )
        )
        signed = terms.side.sign * quantity
        account.positions[terms.instrument] = held + signed
        own = account.own_positions.get(terms.instrument, ZERO)
        account.own_positions[terms.instrument] = own + signed
        order.cum_qty += quantity
        order.is_open = order.is_open and order.cum_qty < terms.order_qty
        self._report(account, order, ExecType.FILL, quantity)
        if order.parent is not None:
            self._twins_end(account, order)
        elif not order.is_open and not is_late:
            self._guard(account, order)

    def _end_unsaid_later(self, account: Account, order: Order) -> None:
        dice, often = self.world.dice, self.habits.unsaid_ends
        if often and not order.terms.guards and dice.random() < often:
            self.busy += 1
            self.world.after(dice.uniform(0.0, 8.0), self._end_unsaid, account, order)

    def _end_unsaid(self, account: Account, order: Order) -> None:
        """Nothing happens by itself any more once somebody had to ask."""
        if order.is_open:
            order.is_open = False
            self._report(account, order, ExecType.CANCELED, is_unsaid=True)
            self.world.after(ASKED_SECONDS, self._done_unsaid)
        else:
            self.busy -= 1

    def _done_unsaid(self) -> None:
        self.busy -= 1
        self.last_act = self.world.seconds

    def _end(self, account: Account, order: Order, how: ExecType) -> None:
        order.is_open = False
        self._report(account, order, how)
        if order.parent is None and order.guards:
            if order.cum_qty:
                self._guard(account, order)
            else:
                self._end_all(account, order.guards)

    def _guard(self, account: Account, entry: Order) -> None:
        """What is filled is guarded from now on; the price may come to a guard."""
        dice = self.world.dice
        for guard in entry.guards:
            if guard.is_open and dice.random() < self.habits.guards_met:
                self._later(dice.uniform(0.05, 8.0), account, guard, entry.cum_qty)
            else:
                self._end_unsaid_later(account, guard)

    def _twins_end(self, account: Account, guard: Order) -> None:
        """One guard was met: the others end, and it closes no more than what was opened."""
        assert guard.parent is not None
        self._end_all(account, [g for g in guard.parent.guards if g is not guard])
        if guard.is_open and guard.cum_qty >= guard.parent.cum_qty:
            self._end(account, guard, ExecType.CANCELED)

    def _end_all(self, account: Account, orders: list[Order]) -> None:
        for order in orders:
            if order.is_open:
                self._end(account, order, ExecType.CANCELED)

    # -- what it writes down

    def _enter(self, account: Account, terms: NewOrder, hidden: float) -> Order:
        same = account.orders.setdefault(terms.cl_ord_id, [])
        order_id = f"{terms.cl_ord_id}-{len(same) + 1}"
        order = Order(order_id, terms, self.world.seconds + hidden)
        same.append(order)
        return order

    def _arrive(
        self, account: Account, terms: NewOrder, author: str, written: float, result: str
    ) -> None:
        now = self.world.seconds
        for each in (terms, *terms.guards):
            arrival = Arrival(account.name, each.cl_ord_id, author, written, now, result)
            self.arrivals.append(arrival)
        self.world.trace("arrived", author, terms.cl_ord_id, result)

    def _report(
        self,
        account: Account,
        order: Order,
        what: ExecType,
        quantity: Decimal | None = None,
        *,
        is_unsaid: bool = False,
    ) -> None:
        number = len(account.log) + 1
        status = _STATUS.get(what, OrdStatus.PARTIALLY_FILLED)
        if what is ExecType.FILL and not order.is_open:
            status = OrdStatus.FILLED
        terms, now = order.terms, self.world.at()
        report = Report(
            account=account.name,
            report_id=f"{order.order_id}-{'unsaid' if is_unsaid else number}",
            sequence=number if self.habits.numbers_reports else 0,
            cl_ord_id=terms.cl_ord_id,
            broker_order_id=order.order_id,
            exec_type=what,
            ord_status=status,
            instrument=terms.instrument,
            side=terms.side,
            exec_id=f"x{number}" if what is ExecType.FILL else "",
            last_qty=quantity,
            last_px=PRICE if quantity is not None else None,
            fee=ZERO if quantity is not None else None,
            text="",
            time=now,
            venue_time=now,
        )
        order.reports.append(report)
        if is_unsaid:
            self.world.trace("unsaid", account.name, terms.cl_ord_id, what.value)
            return
        account.log.append(report)
        self.world.trace("said", account.name, number, terms.cl_ord_id, what.value, quantity or "")
        self.on_report(account)
