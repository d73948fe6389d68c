"""A trade: one subscription's answer to one signal, resolved and ready to plan."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, field

from execution.domain import options
from execution.domain.instruments import Instrument
from execution.domain.options import OptionType, Right
from execution.domain.sync import Target
from execution.domain.words import (
    Action,
    AssetClass,
    By,
    Leg,
    OrdType,
    Origin,
    PriceType,
    Sentiment,
    Side,
    Sides,
    SizeType,
)

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
# How long a flip's entry waits for its exit, unless the settings say otherwise.
FLIP_WAIT = timedelta(seconds=120)
CANCEL_WAIT = timedelta(seconds=120)
_SIDES_OF = {
    Side.BUY: (Sides.BOTH, Sides.BULLISH),
    Side.SELL: (Sides.BOTH, Sides.BEARISH),
}
_ONLY = {Side.BUY: Sides.BULLISH, Side.SELL: Sides.BEARISH}


class AccountRef(Struct, frozen=True):
    """A broker account, unique across the installation."""

    broker: str
    environment: str
    account: str


class Style(Struct, frozen=True):
    """How the order of a leg is to be worked."""

    ord_type: OrdType = OrdType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: str = "day"
    extended_hours: bool = False
    # Canceled when it still works after so long.
    cancel_after: timedelta | None = None
    spread_filter: Decimal | None = None
    spread_filter_percent: Decimal | None = None


class Distance(Struct, frozen=True):
    """Where a target or a stop is, as it was said."""

    by: By
    value: Decimal


class Rung(Struct, frozen=True):
    """One target of a ladder, and how much it closes: units, a percent of the entry, or what
    the others leave."""

    at: Distance
    quantity: Decimal | None = None
    percent: Decimal | None = None


class StopLoss(Struct, frozen=True):
    """The stop asked for an entry: a place, or a trail."""

    ord_type: OrdType
    at: Distance | None = None
    # With stop_limit.
    limit_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


class Retry(Struct, frozen=True):
    """How often a question is asked again, and after how long."""

    times: int
    delay: timedelta
    multiplier: Decimal
    longest_delay: timedelta

    def pauses(self) -> Iterator[timedelta]:
        """The pause before each repeat."""
        pause = self.delay
        for _ in range(self.times):
            yield min(pause, self.longest_delay)
            pause = min(pause * float(self.multiplier), self.longest_delay)


class OptionWish(Struct, frozen=True):
    """Which option of an underlying is meant."""

    option_type: OptionType = OptionType.BOTH
    inverts_puts: bool = False
    in_the_money: bool = False
    # A date, or a distance such as `+2 weeks`; empty for the nearest.
    expiration: str = ""
    strikes_away: int = 0
    # How much of the chain is asked for first.
    strike_count: int = 0
    strike: Decimal | None = None


class Trade(Struct, frozen=True, omit_defaults=True):
    """What one subscription wants, with the settings that bind it."""

    trade_id: UUID
    tenant_id: str
    strategy_id: UUID
    subscription_id: UUID
    connection_id: str
    account: AccountRef
    account_id: UUID
    accepted_at: datetime
    released_at: datetime
    action: Action
    sentiment: Sentiment | None
    instrument: str
    quantity: Decimal | None
    quantity_from_signal: bool
    signal_price: Decimal | None
    sides: Sides
    allow_add: bool
    allow_swap: bool
    asset_class: AssetClass = AssetClass.STOCKS
    # As the signal wrote the instrument; `instrument` is its canonical symbol once known.
    ticker: str = ""
    # What it is planned in a row with: the root, the underlying, the pair.
    lane: str = ""
    # What an entry is in; None where a chain has yet to be asked.
    opens: Instrument | None = None
    # The ticker names one contract, not whichever is meant today.
    is_named: bool = False
    # What an option was chosen by.
    chosen_from: Mapping[str, str] = field(default_factory=dict)
    # Why the ticker means nothing.
    unknown: str = ""
    unknown_numbers: Mapping[str, str] = field(default_factory=dict)
    option: OptionWish | None = None
    # What the sender saw the underlying at; `signal_price` is that of the option.
    underlying_price: Decimal | None = None
    size_type: SizeType = SizeType.FIXED_QUANTITY
    # Of sizes that the signal names.
    multiplier: Decimal = Decimal(1)
    is_fractional: bool = False
    entry: Style = Style()
    exit: Style = Style()
    price_type: PriceType = PriceType.MARK
    take_profit: Distance | None = None
    # In place of the one target: several, each for a part.
    ladder: tuple[Rung, ...] = ()
    stop_loss: StopLoss | None = None
    sides_isolated: bool = False
    subtract_exit: bool = False
    ignore_exits: bool = False
    # What the signal said of canceling first; the setting, where it said nothing.
    cancel_first: bool | None = None
    cancel_by_setting: bool = False
    cancel_ord_type: OrdType | None = None
    # `cancel` leaves targets and stops alone.
    keep_protection: bool = False
    # Trades that a `cancel` ended before they came here.
    superseded_waiting: int = 0
    # A stop refused after the fill: leave the position and say so, instead of closing it.
    keeps_unprotected: bool = False
    breakeven_offset: Decimal = Decimal(0)
    flip_wait: timedelta = FLIP_WAIT
    # How long an entry waits for what it cancels first.
    cancel_wait: timedelta = CANCEL_WAIT
    # Of questions to the broker, before an order may exist.
    retry: Retry | None = None
    # Nothing is begun after this.
    reject_at: datetime | None = None
    # Where the reference product does something unsafe, do as it does.
    is_parity: bool = False
    short_options: bool = False
    # A limit order without any price becomes a market order: parity, never by default.
    market_without_price: bool = False
    # What the signal asked for before a cap lowered it: caps bind entries only.
    uncapped: Decimal | None = None
    # The position that the sender has; its quantity then says nothing.
    target: Target | None = None
    # The sender's name for its order; of `cancel`, the only orders that are meant.
    client_tag: str = ""
    # What is opposite is closed whole; the quantity is the entry's.
    reverses: bool = False
    # When set, an entry is refused with this reason; what closes goes on.
    entry_refused: str = ""
    refusal_numbers: Mapping[str, str] = field(default_factory=dict)
    # Why there is a trade without a signal.
    origin: Origin = Origin.SIGNAL
    asked_by: str = ""
    # It was given back to a person, who let it go: it is begun anew.
    revives: bool = False
    # What an order of it is filled for beyond what it asked is taken back.
    corrects_overfills: bool = False

    @property
    def canonical(self) -> str:
        """What the facts of it as a whole are known by: its id, and when it was begun anew."""
        since = f":{self.released_at:%Y%m%dT%H%M%S.%f}" if self.revives else ""
        return self.trade_id.hex + since

    @property
    def is_crypto(self) -> bool:
        """Spot: it cannot be sold short, and nothing is ever 1 by default."""
        return self.asset_class is AssetClass.CRYPTO

    @property
    def signal_quantity(self) -> Decimal | None:
        """The quantity that may size an exit: the signal's own, never a setting."""
        asked = self.quantity if self.uncapped is None else self.uncapped
        return asked if self.quantity_from_signal and not self.reverses else None

    @property
    def wanted(self) -> Target | None:
        """The position to be reached; one that is flat is asked for by an exit."""
        return self.target if self.direction is not None else None

    @property
    def direction(self) -> Side | None:
        """The side of buy and sell; the other actions have none of their own."""
        if self.action is Action.BUY:
            return Side.BUY
        return Side.SELL if self.action is Action.SELL else None

    @property
    def sees_only(self) -> str:
        """The one contract that an exit which names it may close; empty for all of a lane."""
        is_one = self.is_named and self.action is Action.EXIT and self.opens is not None
        return self.instrument if is_one else ""

    def order_side(self, symbol: str, side: Side) -> Side:
        """The side of an order in a contract that moves the position toward `side`, and back:
        unless puts themselves are traded, bought puts are bearish."""
        wish = self.option
        if wish is None or self.is_named:
            return side
        if wish.option_type is OptionType.PUT and not wish.inverts_puts:
            return side
        contract = options.read(symbol)
        is_put = contract is not None and contract.right is Right.PUT
        return side.opposite if is_put else side

    def entry_side(self, side: Side) -> Side:
        """The side of the order that enters toward `side`."""
        wish = self.option
        if wish is None or self.is_named:
            return side
        return options.leg(wish.option_type, side, inverts_puts=wish.inverts_puts)[1]

    def style(self, leg: Leg) -> Style:
        """How an order of a leg is worked."""
        return self.entry if leg is Leg.ENTRY else self.exit

    def allows(self, side: Side) -> bool:
        """True when the subscription may open this side; `reverse` ignores Sides."""
        return self.action is Action.REVERSE or self.sides in _SIDES_OF[side]

    def swaps_to(self, side: Side) -> bool:
        """True when an entry on this side may follow the exit of the other one."""
        if self.action is Action.REVERSE:
            return True
        return self.allows(side) and (self.allow_swap or self.sides is _ONLY[side])

    def leaves_alone(self, side: Side) -> bool:
        """True when positions that an order of `side` would close are none of its business."""
        return self.sides_isolated and self.sides is _ONLY[side]

    def reaches(self, other: "Trade") -> bool:
        """False for `cancel` and what was asked for after it: a delay may come between."""
        return self.action is not Action.CANCEL or other.accepted_at <= self.accepted_at

    def supersedes(self, earlier: "Trade") -> bool:
        """True when this newer trade ends the waiting entries of `earlier`."""
        if not self.reaches(earlier):
            return False
        if self.action is Action.CANCEL and self.client_tag:
            return self.client_tag == earlier.client_tag
        if self.target is not None:
            return True
        if self.action in (Action.EXIT, Action.CANCEL, Action.REVERSE):
            return True
        # To be flat is an exit, whichever side says it.
        if self.sentiment is Sentiment.FLAT:
            return True
        mine, theirs = self.direction, earlier.direction
        return mine is not None and theirs is not None and mine is not theirs


def age_limit(leg: Leg) -> timedelta:
    """How old a leg may be when it reaches the socket."""
    return ENTRY_AGE if leg is Leg.ENTRY else EXIT_AGE


def flattens(trade: Trade) -> bool:
    """True for a full exit: it wants nothing left, and names no quantity."""
    wants_flat = trade.action is Action.EXIT or trade.sentiment is Sentiment.FLAT
    return wants_flat and not (trade.quantity_from_signal and trade.quantity is not None)
