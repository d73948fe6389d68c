"""A trade: one subscription's answer to one signal, resolved and ready to plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from execution.domain.words import Action, Leg, OrdType, Sentiment, Side, Sides

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
_SIDES_OF = {
    Side.BUY: (Sides.BOTH, Sides.BULLISH),
    Side.SELL: (Sides.BOTH, Sides.BEARISH),
}
_ONLY = {Side.BUY: Sides.BULLISH, Side.SELL: Sides.BEARISH}


@dataclass(frozen=True, slots=True)
class AccountRef:
    """A broker account, unique across the installation."""

    broker: str
    environment: str
    account: str


@dataclass(frozen=True, slots=True)
class Trade:
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
    ord_type: OrdType
    limit_price: Decimal | None
    signal_price: Decimal | None
    sides: Sides
    allow_add: bool
    allow_swap: bool
    is_crypto: bool
    # When set, an entry is refused with this reason; what closes goes on.
    entry_refused: str = ""
    refusal_numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def signal_quantity(self) -> Decimal | None:
        """The quantity that may size an exit: the signal's own, never a setting."""
        return self.quantity if self.quantity_from_signal else None

    @property
    def direction(self) -> Side | None:
        """The side of buy and sell; the other actions have none of their own."""
        match self.action:
            case Action.BUY:
                return Side.BUY
            case Action.SELL:
                return Side.SELL
            case Action.EXIT | Action.ADD | Action.CANCEL:
                return None

    def allows(self, side: Side) -> bool:
        """True when the subscription may open this side."""
        return self.sides in _SIDES_OF[side]

    def swaps_to(self, side: Side) -> bool:
        """True when an entry on this side may follow the exit of the other one."""
        return self.allows(side) and (self.allow_swap or self.sides is _ONLY[side])

    def supersedes(self, earlier: "Trade") -> bool:
        """True when this newer trade ends the waiting entries of `earlier`."""
        if self.action in (Action.EXIT, Action.CANCEL):
            return True
        mine, theirs = self.direction, earlier.direction
        return mine is not None and theirs is not None and mine is not theirs


def age_limit(leg: Leg) -> timedelta:
    """How old a leg may be when it reaches the socket."""
    return EXIT_AGE if leg is Leg.EXIT else ENTRY_AGE
