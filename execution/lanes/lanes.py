"""Lanes: everything on one underlying of one broker account, planned one after another.

A run is a trade on its way; a ticket is one of its orders. Runs of one subscription form
a track: they start in the order of acceptance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from uuid import UUID

from execution.domain import judging, positions
from execution.domain.decisions import Progress, Scope
from execution.domain.market import Market
from execution.domain.opening import Intent
from execution.domain.orders import ZERO
from execution.domain.positions import FLAT, Attribution
from execution.domain.reports import Report
from execution.domain.sync import NO_LEDGER, Ledger
from execution.domain.trades import Trade, age_limit
from execution.domain.words import TERMINAL, Action, Leg, TradeState
from execution.lanes import known, scoping
from execution.lanes.books import Book
from execution.lanes.covers import Kept
from execution.lanes.opened import OpenTickets, gave_way
from execution.lanes.overfills import Overfills
from execution.lanes.tickets import Ticket


@dataclass(slots=True, eq=False)
class Run:
    """A trade on its way."""

    trade: Trade
    lane: "Lane"
    instruction_id: int
    tickets: list[Ticket] = field(default_factory=list)
    # Orders of earlier trades that this one canceled, and how much of them was filled then.
    canceled: list[Ticket] = field(default_factory=list)
    filled_before: dict[str, Decimal] = field(default_factory=dict)
    canceled_before: int = 0
    superseded_waiting: int = 0
    # Reversals of which it dropped the second half.
    halved: int = 0
    # Its exits that were canceled because somebody else left less to be closed.
    outgrown: set[str] = field(default_factory=set)
    exposure: Decimal | None = None
    # What it saw of the market, and when; while it looks, nothing is decided.
    market: Market | None = None
    looked_at: datetime | None = None
    is_looking: bool = False
    # What it was to send was stopped by a switch or a limit that is not known here yet.
    awaits_controls: bool = False
    # What its ticker means is written down.
    is_resolved: bool = False
    # Its market was closed until then.
    opens_at: datetime | None = None
    # When the price came that its entry waited for, and what it was.
    fired_at: datetime | None = None
    fired_price: Decimal | None = None
    has_open_timer: bool = False
    queued_as: Intent | None = None
    planned_at: datetime | None = None
    entry_dropped: str = ""
    dropped_numbers: dict[str, str] = field(default_factory=dict)
    withdrawn: str = ""
    # It waits for an order to go that somebody else canceled.
    is_waiting: bool = False
    # What the broker's limit compared, once it held an order back.
    limited: Mapping[str, str] = field(default_factory=dict)
    # A newer trade must not see this one's entry (re)sent.
    is_superseded: bool = False
    in_debt: bool = False
    # What a person said of its orders, by the names of their doubts.
    declared: Mapping[str, str] = field(default_factory=dict)
    is_done: bool = False
    # What guards the position that it opened.
    cover: Kept | None = None
    # Its end was told, and something of it may still be at the broker: it is to be found again.
    is_lingering: bool = False
    is_recorded: bool = False
    has_flip_timer: bool = False
    has_bound_timer: bool = False
    has_age_timer: bool = False
    has_retry_timer: bool = False
    outcomes: int = 0
    said: tuple[TradeState, str, str, str] | None = None
    # The alarm that it raised by standing where it stands.
    alarmed: str = ""
    # What each fact of it begins with, once there is one.
    fact_head: bytes = b""

    @property
    def entry(self) -> Ticket | None:
        """The order of the entry leg, once written down."""
        for ticket in self.tickets:
            if ticket.order.terms.leg is Leg.ENTRY:
                return ticket
        return None

    @property
    def exits(self) -> list[Ticket]:
        """The orders of the exit leg."""
        return [t for t in self.tickets if t.order.terms.leg is Leg.EXIT]

    @property
    def stop(self) -> Ticket | None:
        """The stop that a `breakeven` placed."""
        if self.trade.action is not Action.BREAKEVEN:
            return None
        return next((t for t in self.tickets if t.order.terms.leg is Leg.STOP), None)

    @property
    def was_told_over(self) -> bool:
        """True where the last that was told of it is an end."""
        return self.said is not None and self.said[0] in TERMINAL

    @property
    def leaves_something(self) -> bool:
        """True while what it opened is guarded, or an order of it is open."""
        if self.cover is not None and not self.cover.is_over:
            return True
        return any(t.order.is_open for t in self.tickets)

    def reopen(self) -> bool:
        """True for a trade that was over, of which something is at the broker after all: an order
        that was given up, or what a late fill opened."""
        if not self.is_done or self.is_lingering or not self.leaves_something:
            return False
        self.is_lingering = True
        return True

    def begin_to_cancel(self, cl_ord_ids: Sequence[str]) -> list[Ticket]:
        """The open orders of earlier trades that go first."""
        targets = [self.lane.open[cl_ord_id] for cl_ord_id in cl_ord_ids]
        self.canceled += [ticket for ticket in targets if ticket not in self.canceled]
        for ticket in targets:
            ticket.cancel_asked = True
            self.filled_before.setdefault(ticket.order.terms.cl_ord_id, ticket.order.cum_qty)
        return targets

    def withdraw(self, reason: str) -> None:
        """Nothing of it is to be sent any more."""
        self.withdrawn = reason
        self.entry_dropped = self.entry_dropped or reason
        self.is_superseded = True

    @property
    def asked(self) -> Decimal | None:
        """The signal's quantity in units, kept with the first order."""
        kept = [t.order.terms.decided_from.get("asked") for t in self.tickets]
        return next((Decimal(asked) for asked in kept if asked), None)

    def progress(self) -> Progress:
        """How far it has come, for planning."""
        entry, stop = self.entry, self.stop
        gone = [t for t in self.canceled if not t.order.is_open]
        guards = [t for t in gone if t.order.terms.leg.is_protection and not t.order.is_filled]
        ended = [t for t in gone if not t.order.terms.leg.is_protection]
        return Progress(
            exits=tuple(t.order for t in self.exits),
            entry=entry.order if entry is not None else None,
            stop=stop.order if stop is not None else None,
            exposure=self.exposure,
            asked=self.asked,
            canceled_first=max(
                sum(t.order.is_acknowledged and not t.order.is_filled for t in ended),
                self.canceled_before,
            ),
            superseded_waiting=self.superseded_waiting,
            halved=self.halved,
            has_canceled=bool(self.canceled),
            raced=sum((t.order.cum_qty for t in ended if t.order.is_filled), ZERO),
            displaced_filled=self._displaced_filled(),
            unprotected=len(guards),
            entry_dropped=self.entry_dropped,
            dropped_numbers=self.dropped_numbers,
            withdrawn=self.withdrawn,
            own_order_in_doubt=any(t.in_doubt and t.order.is_open for t in self.tickets),
            is_watching=any(t.waits_here for t in self.tickets),
            unprovable=any(t.is_unprovable for t in self.tickets),
            in_debt=self.in_debt,
            outgrown=gave_way(self),
        )

    def _displaced_filled(self) -> Decimal:
        """What exits filled that it asked to go."""
        exits = (t.order for t in self.canceled if t.order.terms.leg is Leg.EXIT)
        return sum((o.cum_qty - self.filled_before[o.terms.cl_ord_id] for o in exits), ZERO)

    def is_busy(self, now: datetime) -> bool:
        """True while the next trade of the subscription has to wait for this one. Doubt is
        not busyness, nor is an entry's waiting for a limit: behind it exits pass, and entries
        find themselves blocked."""
        if self.is_done:
            return False
        is_waiting = self.is_waiting and not any(t.order.is_open for t in self.tickets)
        if self.is_looking or self.awaits_controls or is_waiting:
            return True
        open_orders = [t for t in (*self.tickets, *self.canceled) if t.order.is_open]
        mine = [t for t in open_orders if not (t.may_not_exist or t.is_limited)]
        return any(t.run is not self or not t.is_settled(now) for t in mine)

    def age(self, leg: Leg, now: datetime) -> timedelta:
        """Since release; of a flip's entry since its exit filled, of a watched one since its
        price came."""
        if leg is Leg.ENTRY and self.fired_at is not None:
            return now - self.fired_at
        return judging.age_of(self.trade, [t.order for t in self.exits], leg, now, self.opens_at)

    def is_stale(self, leg: Leg, now: datetime) -> bool:
        """True when the leg is too old to be sent."""
        return self.age(leg, now) > age_limit(leg)


@dataclass(slots=True, eq=False)
class Lane:
    """One underlying of one account, with all its contracts."""

    name: str
    # By canonical symbol.
    books: dict[str, Book] = field(default_factory=dict)
    attribution: dict[UUID, Attribution] = field(default_factory=dict)
    # What targets need to know of the past.
    ledgers: dict[UUID, Ledger] = field(default_factory=dict)
    tracks: dict[UUID, list[Run]] = field(default_factory=dict)
    # More was filled than asked, so nothing is opened.
    overfills: Overfills = field(default_factory=Overfills)
    # Runs whose position is guarded.
    covered: list[Run] = field(default_factory=list)
    # Orders that may still fill.
    open: OpenTickets = field(default_factory=OpenTickets)
    # Subscriptions with a trade that waits for others' orders; those to which all is their own.
    watching: dict[UUID, None] = field(default_factory=dict)
    watching_all: dict[UUID, None] = field(default_factory=dict)

    def book(self, symbol: str) -> Book:
        """The book of an instrument of this lane."""
        book = self.books.get(symbol)
        if book is None:
            book = self.books[symbol] = Book(known.find(symbol))
        return book

    def scope(self, run: Run) -> Scope:
        """What a run sees: its position, the orders that may change it, and doubt."""
        return scoping.scope(self, run)

    def move(self, ticket: Ticket, report: Report) -> set[UUID]:
        """Positions after a fill, the whole account's and the subscriptions' shares; whose
        shares changed."""
        quantity, price = report.last_qty or ZERO, report.last_px or ZERO
        terms = ticket.order.terms
        book, subscription = self.book(terms.instrument), terms.subscription_id
        is_account = self.attribution_of(subscription) is Attribution.ACCOUNT
        changed = book.fill(
            subscription, terms.side, quantity, price, closes_all=is_account and terms.leg.reduces
        )
        if (target := ticket.run.trade.target) is not None:
            self.ledgers[subscription] = self.ledger(subscription).after_fill(target.now)
        return changed

    def ledger(self, subscription: UUID) -> Ledger:
        """What is remembered for a subscription's targets."""
        return self.ledgers.get(subscription, NO_LEDGER)

    def hear_of_sender(self, run: Run) -> None:
        """A sender that is flat is in step from now on."""
        trade = run.trade
        if trade.target is not None and not trade.target.now:
            before = self.ledger(trade.subscription_id)
            self.ledgers[trade.subscription_id] = before.in_step_again()

    def see_balance(self, run: Run) -> None:
        """Remember the balance that a target saw."""
        trade, figures = run.trade, run.market.figures if run.market else None
        if trade.wanted is None or figures is None:
            return
        is_flat = not self.scope(run).position and not any(t.order.is_open for t in run.tickets)
        before = self.ledger(trade.subscription_id)
        free = figures.free_balance
        self.ledgers[trade.subscription_id] = before.after_balance(free, is_flat=is_flat)

    def held(self, subscription: UUID, symbol: str) -> Decimal:
        """What a subscription's trades see of an instrument."""
        return self.book(symbol).position(subscription, self.attribution_of(subscription)).quantity

    def attribution_of(self, subscription: UUID) -> Attribution:
        """As decided at the subscription's first trade here; until then as it would be."""
        decided = self.attribution.get(subscription)
        if decided is not None:
            return decided
        there = (owner for book in self.books.values() for owner in book.own)
        others = any(other != subscription for other in chain(self.tracks, there))
        whole = [book.whole.quantity for book in self.books.values()]
        own = [book.own.get(subscription, FLAT).quantity for book in self.books.values()]
        return positions.attribute(others_trade_here=others, is_all_own=whole == own)

    def track(self, subscription: UUID) -> list[Run]:
        """The runs of a subscription, in order of acceptance."""
        return self.tracks.setdefault(subscription, [])

    def runs(self) -> Iterator[Run]:
        """All runs that are not over."""
        return chain.from_iterable(self.tracks.values())
