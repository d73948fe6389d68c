"""The orders of a lane that may still fill, found by whose they are: a lane may have thousands."""

from collections.abc import Iterable, Iterator, MutableMapping, ValuesView
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from execution.domain.orders import ZERO
from execution.domain.positions import FLAT, Attribution
from execution.domain.words import DECLARED_ABSENT, Leg, Side

if TYPE_CHECKING:
    from execution.lanes.lanes import Lane, Run
    from execution.lanes.tickets import Ticket


class OpenTickets(MutableMapping[str, "Ticket"]):
    """By ClOrdID, in the order they were written down. Put in again after each report."""

    def __init__(self) -> None:
        self._all: dict[str, Ticket] = {}
        self._of: dict[UUID, dict[str, Ticket]] = {}
        self._exits: dict[str, tuple[Ticket, Decimal]] = {}
        # What exits may still close of an instrument.
        self._closing: dict[tuple[str, Side], Decimal] = {}

    def __getitem__(self, cl_ord_id: str) -> "Ticket":
        return self._all[cl_ord_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __setitem__(self, cl_ord_id: str, ticket: "Ticket") -> None:
        terms = ticket.order.terms
        if self._all.get(cl_ord_id) is not ticket:
            self._all[cl_ord_id] = ticket
            self._of.setdefault(terms.subscription_id, {})[cl_ord_id] = ticket
        if terms.leg is Leg.EXIT:
            self._count(cl_ord_id, ticket, ticket.order.leaves_qty)
            self._exits[cl_ord_id] = ticket, ticket.order.leaves_qty

    def __delitem__(self, cl_ord_id: str) -> None:
        ticket = self._all.pop(cl_ord_id)
        subscription = ticket.order.terms.subscription_id
        own = self._of[subscription]
        del own[cl_ord_id]
        if not own:
            del self._of[subscription]
        if cl_ord_id in self._exits:
            self._count(cl_ord_id, ticket, ZERO)
            del self._exits[cl_ord_id]

    def values(self) -> ValuesView["Ticket"]:
        """All of them."""
        return self._all.values()

    def of(self, subscription: UUID) -> Iterable["Ticket"]:
        """A subscription's own."""
        return self._of.get(subscription, {}).values()

    def exits(self) -> Iterable["Ticket"]:
        """Everybody's exits."""
        return (ticket for ticket, _ in self._exits.values())

    @property
    def has_exits(self) -> bool:
        """True while anybody closes something."""
        return bool(self._exits)

    def closing(self, symbol: str, side: Side) -> Decimal:
        """How much exits on a side may close of an instrument together."""
        return self._closing.get((symbol, side), ZERO)

    def _count(self, cl_ord_id: str, ticket: "Ticket", leaves: Decimal) -> None:
        terms = ticket.order.terms
        key = (terms.instrument, terms.side)
        before = self._exits[cl_ord_id][1] if cl_ord_id in self._exits else ZERO
        self._closing[key] = self._closing.get(key, ZERO) + leaves - before


def concerning(lane: "Lane", subscription: UUID, attribution: Attribution) -> Iterable["Ticket"]:
    """The open orders that may matter to a subscription: all of them where the account's whole
    position is its own; else its own ones, and others' exits where these could take of it."""
    if attribution is Attribution.ACCOUNT:
        return lane.open.values()
    own = lane.open.of(subscription)
    if not lane.open.has_exits or not any(
        _is_scarce(lane, symbol, subscription) for symbol in lane.books
    ):
        return own
    others = (t for t in lane.open.exits() if t.order.terms.subscription_id != subscription)
    return [*own, *others]


def watch(lane: "Lane", subscription: UUID) -> None:
    """Remember whether news of others may let a subscription's trades go on."""
    if lane.watching:
        lane.watching.pop(subscription, None)
        lane.watching_all.pop(subscription, None)
    if any(_waits_for_others(run) for run in lane.track(subscription)):
        lane.watching[subscription] = None
        if lane.attribution_of(subscription) is Attribution.ACCOUNT:
            lane.watching_all[subscription] = None


def is_behind_doubt(run: "Run") -> bool:
    """True while nobody knows of an earlier entry of its subscription whether it arrived: it may be
    sent again."""
    for earlier in run.lane.track(run.trade.subscription_id):
        entry = earlier.entry
        if earlier is run:
            return False
        if entry is not None and entry.in_doubt and not earlier.is_superseded:
            return True
    return False


def resting(lanes: Iterable["Lane"]) -> list["Ticket"]:
    """The orders that wait for their price at the broker."""
    tickets = [ticket for lane in lanes for ticket in lane.open.values()]
    return [t for t in tickets if t.order.is_acknowledged and t.is_resting]


def to_go(run: "Run") -> list["Ticket"]:
    """What it was to take the place of, and whoever held the account before us may have died
    before they asked for it."""
    return [t for t in run.canceled if t.order.is_open and not (run.is_done or t.cancel_asked)]


def gave_way(run: "Run") -> frozenset[str]:
    """A run's exits that were canceled, or not sent, because less was left to be closed."""
    unsent = (t.order.terms.cl_ord_id for t in run.exits if t.order.is_outgrown)
    return frozenset(run.outgrown.union(unsent))


def bare_exits(run: "Run", side: Side) -> list["Ticket"]:
    """A run's exits that close on this side what it opened, for no guard could be had."""
    return [t for t in run.exits if t.is_upkeep and t.order.terms.side is side]


def doubted(run: "Run") -> list[str]:
    """The doubts of orders that guard, or that close what none could guard, of which the broker
    can neither show one nor prove that it is absent."""
    kept = (t for t in run.tickets if t.order.terms.leg.is_protection or t.is_upkeep)
    return [t.doubt for t in kept if t.is_unprovable]


def is_last_try(closing: "Ticket") -> bool:
    """True for what closes a bare position, behind which nothing more is sent to close it."""
    order = closing.order
    return not (order.cum_qty or order.is_outgrown or DECLARED_ABSENT in closing.words)


def closes_bare(run: "Run", reason: str) -> bool:
    """True where what cannot be guarded for this reason is closed, as its settings say."""
    return reason == "stop_refused" and not run.trade.keeps_unprotected


def gave_back(ticket: "Ticket") -> bool:
    """True for an exit that ended without closing all that it could have."""
    order = ticket.order
    return order.terms.leg is Leg.EXIT and not (order.is_open or order.is_filled)


def is_too_large(exiting: "Ticket") -> bool:
    """True for an exit that would close more than its subscription sees, or than is there."""
    terms, lane = exiting.order.terms, exiting.run.lane
    seen = lane.held(terms.subscription_id, terms.instrument)
    there = lane.book(terms.instrument).whole.quantity
    return any(-held * terms.side.sign < exiting.order.leaves_qty for held in (seen, there))


def concerned(run: "Run", *, frees: bool) -> list[UUID]:
    """Whose trades may go on after news of a run: its own subscription's first, then whose is
    all that the account holds. `frees`: everybody's, for they may have waited for its exit."""
    lane, own = run.lane, run.trade.subscription_id
    others = lane.watching if frees else lane.watching_all
    return [own, *(other for other in others if other != own)]


def _waits_for_others(run: "Run") -> bool:
    """True while no order of its own says what it does next."""
    if run.is_done or run.entry is not None or run.stop is not None:
        return False
    return not any(t.order.is_open for t in run.tickets)


def _is_scarce(lane: "Lane", symbol: str, subscription: UUID) -> bool:
    """True when what others close may leave less in the account than the subscription holds."""
    book = lane.books[symbol]
    held = book.own.get(subscription, FLAT).quantity
    if not held:
        return False
    side = Side.SELL if held > 0 else Side.BUY
    mine = sum(
        (
            t.order.leaves_qty
            for t in lane.open.of(subscription)
            if (t.order.terms.leg, t.order.terms.side) == (Leg.EXIT, side)
            and t.order.terms.instrument == symbol
        ),
        ZERO,
    )
    others = lane.open.closing(symbol, side) - mine
    return others > 0 and abs(book.whole.quantity) - others < abs(held)
