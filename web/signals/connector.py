"""A connector: what a Crypto-Arsenal message leaves to the place it is sent to. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ONE = Decimal(1)


class Market(StrEnum):
    """Which actions make sense: buy and sell, or openLong and its like."""

    SPOT = "spot"
    FUTURES = "futures"
    ANY = "any"


class Mode(StrEnum):
    """How messages are meant: as orders, or as the position that is wanted."""

    PLAIN = "plain"
    REVERSE = "reverse"
    SIDE_SYNC = "side_sync"
    SIZE_SYNC = "size_sync"
    MULTICHARTS = "multicharts"
    PERCENT = "percent"
    SYNC = "sync"


class Convention(StrEnum):
    """Does the sender leave the leverage to us, or has it counted it already?"""

    APPLY = "apply"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Connector:
    """The terms under which messages are read."""

    instrument: str
    market: Market = Market.ANY
    mode: Mode = Mode.PLAIN
    convention: Convention = Convention.IGNORE
    leverage: Decimal = ONE
    reserve_percent: Decimal = ONE

    @property
    def multiplier(self) -> Decimal:
        """What sizes of opening orders are multiplied by."""
        return self.leverage if self.convention is Convention.APPLY else ONE


# For reading a message without knowing where it will be sent, as a check of its form does.
UNKNOWN = Connector(instrument="")
