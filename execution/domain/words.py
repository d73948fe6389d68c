"""The words of an order, as FIX spells them, and the states of a trade."""

from enum import StrEnum


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    EXIT = "exit"
    ADD = "add"
    CANCEL = "cancel"


class Sentiment(StrEnum):
    BULLISH = "bullish"
    BEARISH = "bearish"
    FLAT = "flat"


class Sides(StrEnum):
    BOTH = "both"
    BULLISH = "bullish"
    BEARISH = "bearish"
    NONE = "none"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The closing side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrdType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class AssetClass(StrEnum):
    STOCKS = "stocks"
    OPTIONS = "options"
    FUTURES = "futures"
    CRYPTO = "crypto"


class OrdStatus(StrEnum):
    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class ExecType(StrEnum):
    NEW = "NEW"
    FILL = "FILL"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    NOT_SENT = "NOT_SENT"


class Leg(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"


class Origin(StrEnum):
    SIGNAL = "signal"
    APPROVAL = "approval"
    PROTECTION = "protection"
    FLATTEN = "flatten"
    KILL_SWITCH = "kill_switch"
    MANUAL = "manual"
    CORRECTION = "correction"


class TradeState(StrEnum):
    PENDING = "PENDING"
    WAITING_APPROVAL = "WAITING_APPROVAL"
    DELAYED = "DELAYED"
    QUEUED = "QUEUED"
    WORKING = "WORKING"
    BLOCKED = "BLOCKED"
    FILLED = "FILLED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    DONE = "DONE"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SKIPPED = "SKIPPED"
    HALTED = "HALTED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"
