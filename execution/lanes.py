"""Lanes: everything on one underlying of one broker account, planned one after another.

A run is a trade on its way; a ticket is one of its orders. Runs of one subscription form
a track: they start in the order of acceptance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from execution.domain import judging, positions
from execution.domain.decisions import OpenOrder, Progress, Scope
from execution.domain.market import Market
from execution.domain.orders import ZERO, Order
from execution.domain.positions import FLAT, Attribution, Position
from execution.domain.reports import Report
from execution.domain.sync import NO_LEDGER, Ledger
from execution.domain.trades import Trade, age_limit
from execution.domain.words import Action, Leg, OrdType, Side, TradeState

# The second waits for the first: a market order at most this long.
MARKET_BOUND = timedelta(seconds=10)


@dataclass(slots=True, eq=False)
class Ticket:
    """One order of a run, and what was done about it."""

    order: Order
    run: "Run"
    sends: int = 0
    last_send_at: datetime | None = None
    in_doubt: bool = False
    # The broker could not be reached; it is tried again.
    is_held_back: bool = False
    cancel_asked: bool = False

    @property
    def is_guard(self) -> bool:
        """True for a target or stop that goes with an entry."""
        return self.order.terms.leg.is_protection and self.run.entry is not None

    @property
    def guards(self) -> list["Ticket"]:
        """What goes with this order, when it is an entry."""
        if self.order.terms.leg is not Leg.ENTRY:
            return []
        return [t for t in self.run.tickets if t.is_guard]

    @property
    def may_not_exist(self) -> bool:
        """True while it is in doubt, itself or through its entry."""
        entry = self.run.entry if self.is_guard else None
        with_entry = entry is not None and entry.in_doubt and not self.order.is_acknowledged
        return self.in_doubt or with_entry

    @property
    def may_return(self) -> bool:
        """True while its entry may bring it to the broker once more."""
        return self.run.entry is not None and self.run.entry.order.is_open

    @property
    def is_resting(self) -> bool:
        """True once the broker has it, and it waits for its price."""
        rests = self.order.terms.ord_type is not OrdType.MARKET
        return rests and self.order.is_acknowledged

    def is_settled(self, now: datetime) -> bool:
        """True when the next trade need not wait for this order."""
        terms = self.order.terms
        if not self.order.is_open:
            return True
        return self.is_resting or now - terms.created_at >= MARKET_BOUND


@dataclass(slots=True, eq=False)
class Run:
    """A trade on its way."""

    trade: Trade
    lane: "Lane"
    instruction_id: int
    tickets: list[Ticket] = field(default_factory=list)
    # Orders of earlier trades that this one canceled.
    canceled: list[Ticket] = field(default_factory=list)
    canceled_before: int = 0
    superseded_waiting: int = 0
    exposure: Decimal | None = None
    # What it saw of the market, and when; while it looks, nothing is decided.
    market: Market | None = None
    looked_at: datetime | None = None
    is_looking: bool = False
    planned_at: datetime | None = None
    entry_dropped: str = ""
    dropped_numbers: dict[str, str] = field(default_factory=dict)
    withdrawn: str = ""
    # A newer trade must not see this one's entry (re)sent.
    is_superseded: bool = False
    in_debt: bool = False
    unprovable: bool = False
    is_done: bool = False
    # Over, but its target or stop still works.
    is_guarding: bool = False
    is_recorded: bool = False
    has_flip_timer: bool = False
    has_bound_timer: bool = False
    has_age_timer: bool = False
    has_spread_timer: bool = False
    outcomes: int = 0
    said: tuple[TradeState, str, str, str] | None = None

    @property
    def entry(self) -> Ticket | None:
        """The order of the entry leg, once written down."""
        return next((t for t in self.tickets if t.order.terms.leg is Leg.ENTRY), None)

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

    def withdraw(self, reason: str) -> None:
        """Nothing of it is to be sent any more."""
        self.withdrawn = reason
        self.entry_dropped = self.entry_dropped or reason
        self.is_superseded = True

    def record(self) -> None:
        """The outcome is durable."""
        self.is_recorded = True

    @property
    def asked(self) -> Decimal | None:
        """The signal's quantity in units, kept with the first order."""
        kept = (t.order.terms.decided_from.get("asked") for t in self.tickets)
        found = next((asked for asked in kept if asked), None)
        return None if found is None else Decimal(found)

    @property
    def unprotected_before(self) -> int:
        """Protection that was canceled before the first order, as kept with it."""
        kept = (t.order.terms.decided_from.get("unprotected") for t in self.tickets)
        return max((int(count) for count in kept if count), default=0)

    def progress(self) -> Progress:
        """How far it has come, for planning."""
        entry, stop = self.entry, self.stop
        ended = [t for t in self.canceled if not t.order.is_open]
        guards = [t for t in ended if t.order.terms.leg.is_protection and not t.order.is_filled]
        ended = [t for t in ended if not t.order.terms.leg.is_protection]
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
            has_canceled=bool(self.canceled),
            raced=sum((t.order.cum_qty for t in ended if t.order.is_filled), ZERO),
            unprotected=max(len(guards), self.unprotected_before),
            entry_dropped=self.entry_dropped,
            dropped_numbers=self.dropped_numbers,
            withdrawn=self.withdrawn,
            own_order_in_doubt=any(t.in_doubt and t.order.is_open for t in self.tickets),
            unprovable=self.unprovable,
            in_debt=self.in_debt,
        )

    def flip_seconds_left(self, now: datetime) -> float:
        """How long the entry of a flip still waits for the exit; a restart grants no more."""
        since = self.exits[0].order.terms.created_at
        return max((self.trade.flip_wait - (now - since)).total_seconds(), 0.0)

    def is_busy(self, now: datetime) -> bool:
        """True while the next trade of the subscription has to wait for this one. Doubt is
        not busyness: behind it exits pass, and entries find themselves blocked."""
        if self.is_done:
            return False
        if self.is_looking:
            return True
        open_orders = [t for t in (*self.tickets, *self.canceled) if t.order.is_open]
        mine = [t for t in open_orders if not t.in_doubt]
        return any(t.run is not self or not t.is_settled(now) for t in mine)

    def age(self, leg: Leg, now: datetime) -> timedelta:
        """Since release; of a flip's entry since its exit filled."""
        return judging.age_of(self.trade, [t.order for t in self.exits], leg, now)

    def is_stale(self, leg: Leg, now: datetime) -> bool:
        """True when the leg is too old to be sent."""
        return self.age(leg, now) > age_limit(leg)


@dataclass(slots=True, eq=False)
class Lane:
    """One underlying of one account."""

    instrument: str
    whole: Position = FLAT
    own: dict[UUID, Position] = field(default_factory=dict)
    attribution: dict[UUID, Attribution] = field(default_factory=dict)
    # What targets need to know of the past.
    ledgers: dict[UUID, Ledger] = field(default_factory=dict)
    tracks: dict[UUID, list[Run]] = field(default_factory=dict)
    # More was filled than asked: entries stop until a person looked, or a restart.
    is_overfilled: bool = False
    # Orders that may still fill.
    open: dict[str, Ticket] = field(default_factory=dict)

    def scope(self, run: Run) -> Scope:
        """What a run sees: its position, the orders that may change it, and doubt."""
        subscription = run.trade.subscription_id
        attribution = self.attribution_of(subscription)
        entries: list[OpenOrder] = []
        protection: list[OpenOrder] = []
        closing: list[OpenOrder] = []
        others: list[OpenOrder] = []
        others_guards: list[Ticket] = []
        in_doubt = False
        for ticket in self.open.values():
            is_own = ticket.order.terms.subscription_id == subscription
            if not is_own and attribution is Attribution.OWN:
                if ticket.order.terms.leg is Leg.EXIT:
                    others.append(_seen(ticket))
                continue
            in_doubt = in_doubt or ticket.in_doubt
            if ticket.order.terms.leg.is_protection:
                if is_own:
                    protection.append(_seen(ticket))
                else:
                    others_guards.append(ticket)
            elif ticket.order.terms.leg is Leg.EXIT:
                closing.append(_seen(ticket, is_own=is_own))
            elif is_own and ticket.run is not run:
                entries.append(_seen(ticket))
        own = self.own.get(subscription, FLAT)
        position = self._in_scope(subscription)
        held = self.whole if attribution is Attribution.ACCOUNT else own
        if taken := _taken_by(others, position, self.whole.quantity):
            closing.append(taken)
            in_doubt = in_doubt or taken.in_doubt
        return Scope(
            position,
            tuple(entries),
            tuple(closing),
            in_doubt,
            avg_price=held.avg_price,
            protection=tuple(protection),
            others_guards=tuple(_seen(ticket) for ticket in others_guards),
            guarded=_guarded_by(others_guards),
            ledger=self.ledger(subscription),
        )

    def move(self, ticket: Ticket, report: Report) -> None:
        """Positions after a fill: the whole account's and the subscription's own."""
        quantity, price = report.last_qty or ZERO, report.last_px or ZERO
        side, subscription = ticket.order.terms.side, ticket.order.terms.subscription_id
        self.whole = self.whole.after(side, quantity, price)
        self.own[subscription] = self.own.get(subscription, FLAT).after(side, quantity, price)
        if (target := ticket.run.trade.target) is not None:
            self.ledgers[subscription] = replace(self.ledger(subscription), followed=target.now)

    def ledger(self, subscription: UUID) -> Ledger:
        """What is remembered for a subscription's targets."""
        return self.ledgers.get(subscription, NO_LEDGER)

    def hear_of_sender(self, run: Run) -> None:
        """A sender that is flat is in step from now on."""
        trade = run.trade
        if trade.target is not None and not trade.target.now:
            known = self.ledger(trade.subscription_id)
            self.ledgers[trade.subscription_id] = replace(known, in_step=True, followed=ZERO)

    def see_balance(self, run: Run) -> None:
        """Remember the balance that a target saw."""
        trade, figures = run.trade, run.market.figures if run.market else None
        if trade.wanted is None or figures is None:
            return
        is_flat = not self.scope(run).position and not any(t.order.is_open for t in run.tickets)
        known = self.ledger(trade.subscription_id)
        balance = max(figures.balance, ZERO)
        self.ledgers[trade.subscription_id] = known.after_balance(balance, is_flat=is_flat)

    def orphans(self) -> list[Ticket]:
        """Protection of subscriptions that hold nothing here any more, whoever closed it."""
        return [
            t
            for t in self.open.values()
            if t.order.terms.leg.is_protection
            and not t.cancel_asked
            and not (t.run.entry is not None and t.run.entry.order.is_open)
            and not self._in_scope(t.order.terms.subscription_id)
        ]

    def _in_scope(self, subscription: UUID) -> Decimal:
        own = self.own.get(subscription, FLAT).quantity
        attribution = self.attribution_of(subscription)
        return positions.in_scope(attribution, own=own, whole=self.whole.quantity)

    def attribution_of(self, subscription: UUID) -> Attribution:
        """As decided at the subscription's first trade here; until then as it would be."""
        decided = self.attribution.get(subscription)
        if decided is not None:
            return decided
        others = any(other != subscription for other in (*self.own, *self.tracks))
        own = self.own.get(subscription, FLAT).quantity
        return positions.attribute(others_trade_here=others, whole=self.whole.quantity, own=own)

    def track(self, subscription: UUID) -> list[Run]:
        """The runs of a subscription, in order of acceptance."""
        return self.tracks.setdefault(subscription, [])

    def runs(self) -> Iterator[Run]:
        """All runs that are not over."""
        for track in self.tracks.values():
            yield from track


def _taken_by(others: list[OpenOrder], position: Decimal, whole: Decimal) -> OpenOrder | None:
    """What exits of other subscriptions, which may close the whole account, take of this
    position: as one order on the closing side, for it must not be closed twice."""
    side = Side.SELL if position > 0 else Side.BUY
    closing = [order for order in others if order.side is side]
    left = max(abs(whole) - sum((o.leaves for o in closing), ZERO), ZERO)
    taken = abs(position) - left
    if not closing or taken <= 0:
        return None
    return OpenOrder("", side, taken, in_doubt=any(o.in_doubt for o in closing))


def _guarded_by(guards: list[Ticket]) -> Decimal:
    """How much they can close: of a target and its stop only one fills."""
    most: dict[UUID, Decimal] = {}
    for ticket in guards:
        trade_id = ticket.order.terms.trade_id
        most[trade_id] = max(most.get(trade_id, ZERO), ticket.order.leaves_qty)
    return sum(most.values(), ZERO)


def _seen(ticket: Ticket, *, is_own: bool = True) -> OpenOrder:
    order = ticket.order
    return OpenOrder(
        cl_ord_id=order.terms.cl_ord_id,
        side=order.terms.side,
        leaves=order.leaves_qty,
        ord_type=order.terms.ord_type,
        in_doubt=ticket.may_not_exist,
        cancel_asked=ticket.cancel_asked,
        tag=ticket.run.trade.client_tag if is_own else "",
    )
