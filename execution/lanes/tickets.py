"""A ticket is one order of a run, and what was done about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from execution.domain.orders import Order
from execution.domain.words import DECLARED, DECLARED_PRESENT, Leg, OrdType, Origin

if TYPE_CHECKING:
    from execution.lanes.lanes import Run

# The second waits for the first: a market order at most this long.
MARKET_BOUND = timedelta(seconds=10)


@dataclass(slots=True, eq=False)
class Ticket:
    """One order of a run, and what was done about it."""

    order: Order
    run: "Run"
    sends: int = 0
    # After this nobody sent it; None while it is not known, for another instance may have.
    last_send_at: datetime | None = None
    # How often it went out again, after its absence was proven.
    resends: int = 0
    in_doubt: bool = False
    # The broker can neither show it nor prove that it is absent.
    is_unprovable: bool = False
    # The broker could not be reached; it is tried again.
    is_held_back: bool = False
    # It waits for its turn under the broker's limits.
    is_limited: bool = False
    cancel_asked: bool = False
    has_check_timer: bool = False
    # Read back: whether its cancel was asked for is not written down.
    is_inherited: bool = False

    @property
    def is_guard(self) -> bool:
        """True for a target or stop that goes with an entry."""
        terms = self.order.terms
        return terms.leg.is_protection and not terms.revision and self.run.entry is not None

    @property
    def is_upkeep(self) -> bool:
        """True for what keeps a position protected, however old its trade is."""
        terms = self.order.terms
        again = terms.leg.is_protection and terms.revision > 0
        flattens = terms.leg is Leg.EXIT and terms.origin is Origin.FLATTEN
        return self.run.cover is not None and (again or flattens)

    @property
    def keeps_guard(self) -> bool:
        """True for what guards or closes what a trade opened, whatever becomes of the trade."""
        return self.is_guard or self.is_upkeep

    @property
    def guards(self) -> list["Ticket"]:
        """What goes with this order, when it is an entry."""
        is_entry = self.order.terms.leg is Leg.ENTRY
        return [t for t in self.run.tickets if t.is_guard] if is_entry else []

    @property
    def may_not_exist(self) -> bool:
        """True while it is in doubt, itself or through its entry."""
        entry = self.run.entry if self.is_guard else None
        with_entry = entry is not None and entry.in_doubt and not self.order.is_acknowledged
        return self.in_doubt or with_entry

    @property
    def waits_here(self) -> bool:
        """True for an entry that is sent once its price has come, and for what goes with it."""
        if self.run.fired_at is not None or not self.order.is_open:
            return False
        entry = self if self.order.terms.leg is Leg.ENTRY else self.run.entry
        is_part = entry is self or self.is_guard
        return is_part and entry is not None and entry.order.terms.is_watched

    @property
    def waits_to_guard(self) -> bool:
        """True while its entry was not sent: there is nothing to guard, nor to cancel."""
        if not self.is_guard or (entry := self.run.entry) is None:
            return False
        return not (entry.sends or entry.in_doubt or entry.order.is_acknowledged)

    @property
    def is_unanswered(self) -> bool:
        """True for what may be at a broker that never spoke of it."""
        return self.order.is_open and not (self.order.is_acknowledged or self.waits_here)

    @property
    def words(self) -> list[str]:
        """What people said of it so far and was believed, the oldest first."""
        said = [r for r in self.order.reports.values() if r.text in DECLARED]
        return [r.text for r in sorted(said, key=lambda r: r.time)]

    @property
    def doubt(self) -> str:
        """The name of its doubt, by which a person is asked and answers: each has its own."""
        name, before = self.order.terms.cl_ord_id, len(self.words)
        return f"{name}.{before}" if before else name

    @property
    def declared(self) -> str:
        """What a person said of its doubt; empty for nothing."""
        return self.run.declared.get(self.doubt, "")

    @property
    def is_by_hand(self) -> bool:
        """True for what is over here, as a person looks after it at the broker."""
        order = self.order
        return not order.is_open and order.end is not None and order.end.text == DECLARED_PRESENT

    @property
    def may_reappear(self) -> bool:
        """True for what is left alone where the broker shows it again after its end: it goes with
        an entry, or a person looks after it, and what it guards is not closed by now."""
        kept = self.run.cover
        is_left_over = self.is_upkeep and kept is not None and kept.is_over
        is_wanted = self.words[-1:] == [DECLARED_PRESENT] and not is_left_over
        return self.is_guard or is_wanted

    @property
    def may_return(self) -> bool:
        """True while its entry may bring it to the broker once more."""
        return self.run.entry is not None and self.run.entry.order.is_open

    @property
    def may_rest(self) -> bool:
        """True when its acknowledgement alone lets others go on. A watched stop whose price
        has come fills at once."""
        is_fired = self.order.terms.is_watched and self.run.fired_at is not None
        at_once = OrdType.STOP if is_fired else OrdType.MARKET
        return self.order.terms.ord_type is not at_once

    @property
    def is_resting(self) -> bool:
        """True while it waits for its price, at the broker or here."""
        return self.may_rest and (self.order.is_acknowledged or self.waits_here)

    def is_settled(self, now: datetime) -> bool:
        """True when the next trade need not wait for this order."""
        is_late = now - self.order.terms.created_at >= MARKET_BOUND
        return not self.order.is_open or self.is_resting or is_late
