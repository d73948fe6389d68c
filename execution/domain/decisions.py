"""The values that planning reads and answers with."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from execution.domain.orders import ZERO, Order
from execution.domain.sync import NO_LEDGER, Ledger
from execution.domain.trades import Trade
from execution.domain.words import Leg, OrdType, Side, TradeState


class OpenOrder(Struct, frozen=True):
    """An order that may still fill, as the scope sees it."""

    cl_ord_id: str
    side: Side
    leaves: Decimal
    ord_type: OrdType = OrdType.MARKET
    in_doubt: bool = False
    cancel_asked: bool = False
    instrument: str = ""
    # The sender's name for it; only of own orders.
    tag: str = ""
    # Of a target and its stop, which share it, only one fills.
    bracket: str = ""
    # An exit of another subscription, where the account's whole position is this one's.
    is_others: bool = False

    @property
    def may_stay(self) -> bool:
        """True when its cancel was asked for and may come to nothing."""
        return self.in_doubt and self.cancel_asked


class Lot(Struct, frozen=True):
    """What is held of one instrument of a lane."""

    instrument: str
    quantity: Decimal
    avg_price: Decimal | None = None


class Scope(Struct, frozen=True):
    """What a subscription's trade sees of its lane: `entries` and `protection` are its own.

    Signs and sides are the trade's: where a put counts as bearish, a bought one is negative.
    """

    position: Decimal = ZERO
    entries: tuple[OpenOrder, ...] = ()
    closing: tuple[OpenOrder, ...] = ()
    in_doubt: bool = False
    avg_price: Decimal | None = None
    protection: tuple[OpenOrder, ...] = ()
    # What guards other subscriptions' parts of a position that is closed as a whole.
    others_guards: tuple[OpenOrder, ...] = ()
    # The position by instrument; none is a position in the trade's own.
    lots: tuple[Lot, ...] = ()
    ledger: Ledger = NO_LEDGER

    def against(self, side: Side) -> tuple[Lot, ...]:
        """What orders of a side would close, the first to end first."""
        lots = self.lots or (Lot("", self.position, self.avg_price),)
        return tuple(lot for lot in lots if lot.quantity * side.sign < 0)

    def next_to_close(self, side: Side, want: Decimal | None = None) -> tuple[Lot, "Scope"]:
        """The first lot that orders of a side may still close something of, and what concerns
        it; `want` as in `free`."""
        found, seen = Lot("", ZERO), self
        for lot in self.against(side):
            found, seen = lot, self._of(lot)
            if seen.free(side, want) > 0:
                break
        return found, seen

    def free(self, side: Side, want: Decimal | None = None) -> Decimal:
        """What orders of a side may close: all that is held, less what may close it already. To
        close as much as `want` (None for all), whatever guards the position makes room; where
        something stays, so does what guards the parts of others."""
        held = max(-self.position * side.sign, ZERO)
        takes_all = want is None or want >= held
        working = sum((o.leaves for o in self.closing if o.side is side), ZERO)
        others = [o for o in self.others_guards if o.may_stay or not takes_all]
        return held - working - most([o for o in self.protection if o.may_stay]) - most(others)

    @property
    def taken_by_others(self) -> Decimal:
        """What may be closed by exits, and by what guards the parts of others."""
        return sum((o.leaves for o in self.closing), ZERO) + most(self.others_guards)

    def _of(self, lot: Lot) -> "Scope":
        """What concerns one lot, and the entries, which are canceled wherever they are."""

        def here(orders: tuple[OpenOrder, ...]) -> tuple[OpenOrder, ...]:
            return tuple(o for o in orders if o.instrument in ("", lot.instrument))

        if not self.lots:
            return self
        return replace(
            self,
            position=lot.quantity,
            avg_price=lot.avg_price,
            closing=here(self.closing),
            protection=here(self.protection),
            others_guards=here(self.others_guards),
            lots=(lot,),
        )

    @property
    def exposure(self) -> Decimal:
        """Position and own entries that are working or in doubt."""
        return self.position + sum((e.side.sign * e.leaves for e in self.entries), ZERO)

    def is_reduced_by(self, cl_ord_ids: Iterable[str]) -> bool:
        """True when some of these orders guard the position, or close it."""
        reduce = {o.cl_ord_id for o in (*self.protection, *self.others_guards, *self.closing)}
        return not reduce.isdisjoint(cl_ord_ids)


class Progress(Struct, frozen=True):
    """How far a trade has come."""

    exits: tuple[Order, ...] = ()
    entry: Order | None = None
    # The stop that `breakeven` placed.
    stop: Order | None = None
    # Exposure when the trade was first planned.
    exposure: Decimal | None = None
    # The signal's quantity in units, as it was worked out for the first order.
    asked: Decimal | None = None
    # Entries of earlier trades that this one canceled, and waiting ones it ended.
    canceled_first: int = 0
    superseded_waiting: int = 0
    # Reversals of which it dropped the second half.
    halved: int = 0
    # It asked for cancels, whatever became of them.
    has_canceled: bool = False
    # Fills that came although a cancel was asked.
    raced: Decimal = ZERO
    # What exits filled that it takes the place of, since it asked them to go.
    displaced_filled: Decimal = ZERO
    # Protection that a `cancel` took away.
    unprotected: int = 0
    # Why the entry must not be sent any more.
    entry_dropped: str = ""
    dropped_numbers: Mapping[str, str] = field(default_factory=dict)
    withdrawn: str = ""
    own_order_in_doubt: bool = False
    # Its entry waits here for its price.
    is_watching: bool = False
    unprovable: bool = False
    # It met a doubt on its way: it goes on closing until that is resolved.
    in_debt: bool = False
    # Exits of it that were canceled, or not sent, because somebody else left less to be closed.
    outgrown: frozenset[str] = frozenset()
    is_over: bool = False

    @property
    def exited(self) -> Decimal:
        """Closed by this trade, open exits counted in full."""
        return sum(
            (o.terms.order_qty if o.is_open else o.cum_qty for o in self.exits),
            ZERO,
        )

    @property
    def has_begun(self) -> bool:
        """True when its entry or stop was sent, or something was canceled for it."""
        return self.entry is not None or self.stop is not None or self.has_canceled

    def over(self, dropped: str) -> "Progress":
        """Once its trade has ended: nothing more is sent for it, whatever fills."""
        return replace(self, in_debt=False, is_over=True, entry_dropped=dropped)

    @property
    def has_orders(self) -> bool:
        """True once something was written down to be sent."""
        return self.entry is not None or self.stop is not None or bool(self.exits)


class VenueRules(Struct, frozen=True):
    """What planning must know of the broker."""

    ord_types: frozenset[OrdType]
    quantity_step: Decimal
    # Less than this is dust: it cannot be sold.
    smallest_quantity: Decimal = ZERO
    times_in_force: frozenset[str] = frozenset({"day"})
    # Takes an entry together with its target and stop, and links them.
    has_brackets: bool = False
    # Refuses orders while the exchange is closed.
    keeps_hours: bool = False

    @property
    def lasting(self) -> str:
        """How long what guards a position is asked to stay: as long as may be."""
        return "gtc" if "gtc" in self.times_in_force else "day"


class Guard(Struct, frozen=True):
    """A protective leg, as it will be sent with its entry."""

    leg: Leg
    side: Side
    ord_type: OrdType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    # Of a target: how much it closes; None for all that the others leave.
    quantity: Decimal | None = None


class Send(Struct, frozen=True):
    """Write down this order, then send it."""

    leg: Leg
    revision: int
    side: Side
    quantity: Decimal
    ord_type: OrdType
    limit_price: Decimal | None
    reference_price: Decimal | None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: str = "day"
    cancel_after: timedelta | None = None
    guards: tuple[Guard, ...] = ()
    # The guards come after the fill, each for itself, and are linked by us.
    is_synthetic: bool = False
    # It waits for its price here, and goes once that has come.
    is_watched: bool = False
    # The canonical symbol.
    instrument: str = ""
    # What it was decided from: kept with the order.
    numbers: Mapping[str, str] = field(default_factory=dict)


class CancelFirst(Struct, frozen=True):
    """Cancel these, and ask again; `judged_after`: the cell is chosen once they are gone."""

    cl_ord_ids: tuple[str, ...]
    judged_after: bool = False


class Look(Struct, frozen=True):
    """The quote of an instrument and the account's figures are needed; or first the contract
    that an entry toward a side is in. Ask again with them."""

    instrument: str = ""
    chooses: Side | None = None


# Told of a trade whose end was told before, while something of it works after all.
OVER = "over"


class Wait(Struct, frozen=True):
    """Nothing to do until something changes."""

    state: TradeState
    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)


class End(Struct, frozen=True):
    """The trade's outcome."""

    state: TradeState
    reason: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)


Decision = Send | CancelFirst | Look | Wait | End

_ENDS = {"signal_stale": TradeState.EXPIRED, "halted": TradeState.HALTED}


class Refusal(Struct, frozen=True):
    """A rule that says no, with the numbers it compared."""

    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)


def refuse(
    trade: Trade, scope: Scope, reason: str, numbers: Mapping[str, str] | None = None
) -> End:
    """SKIPPED, with the numbers that the rule compared. Staleness is EXPIRED, and what a kill
    switch stops is HALTED."""
    side = trade.direction
    told = {
        "instrument": trade.instrument,
        "position": text(scope.position),
        "exposure": text(scope.exposure),
        "side": "long" if scope.position > 0 else "short",
        "sides": trade.sides.value,
        "action": trade.action.value,
        "sentiment": trade.sentiment.value if trade.sentiment else "none",
        "quantity": "" if trade.quantity is None else text(trade.quantity),
        **(numbers or {}),
    }
    if side is None:
        told.pop("sentiment")
    return End(_ENDS.get(reason, TradeState.SKIPPED), reason, told)


def most(orders: Iterable[OpenOrder]) -> Decimal:
    """How much orders can close: of those that the venue links only one is filled."""
    found: dict[str, Decimal] = {}
    for order in orders:
        name = order.bracket or order.cl_ord_id
        found[name] = max(found.get(name, ZERO), order.leaves)
    return sum(found.values(), ZERO)


def text(number: Decimal | None) -> str:
    """A number as people and journals read it; empty for None."""
    return "" if number is None else format(number, "f")
