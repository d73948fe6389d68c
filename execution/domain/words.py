"""The words of an order, as FIX spells them, and the states of a trade."""

from enum import StrEnum


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    EXIT = "exit"
    ADD = "add"
    CANCEL = "cancel"
    REVERSE = "reverse"
    BREAKEVEN = "breakeven"


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
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class AssetClass(StrEnum):
    STOCKS = "stocks"
    OPTIONS = "options"
    FUTURES = "futures"
    CRYPTO = "crypto"


class SizeType(StrEnum):
    FIXED_QUANTITY = "fixed_quantity"
    DOLLAR_AMOUNT = "dollar_amount"
    RISK_DOLLAR_AMOUNT = "risk_dollar_amount"
    RISK_PERCENT = "risk_percent"
    PERCENT_OF_EQUITY = "percent_of_equity"
    PERCENT_OF_POSITION = "percent_of_position"
    # Of the quote currency that is free; money of it.
    PERCENT_OF_BALANCE = "percent_of_balance"
    NOTIONAL = "notional"


class PriceType(StrEnum):
    """Which of a quote's prices plans the trade."""

    MARK = "mark"
    ASK_BID = "ask_bid"
    ASK = "ask"
    BID = "bid"
    LAST = "last"


class By(StrEnum):
    """How the place of a target or stop is said."""

    PRICE = "price"
    PERCENT = "percent"
    AMOUNT = "amount"
    PNL_AMOUNT = "pnl_amount"


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
    # A fill is taken back, or was another one: told after it, also long after.
    TRADE_CANCEL = "TRADE_CANCEL"
    TRADE_CORRECT = "TRADE_CORRECT"

    @property
    def moves(self) -> bool:
        """True for what changes how much is filled."""
        return self is ExecType.FILL or self.amends

    @property
    def amends(self) -> bool:
        """True for what is said of an earlier fill."""
        return self is ExecType.TRADE_CANCEL or self is ExecType.TRADE_CORRECT


class Leg(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    TAKE_PROFIT = "take_profit"
    STOP = "stop"

    @property
    def is_protection(self) -> bool:
        """True for the legs that guard a position after its entry."""
        return self is Leg.STOP or self is Leg.TAKE_PROFIT

    @property
    def reduces(self) -> bool:
        """True for the legs that may only close."""
        return self is not Leg.ENTRY


class Origin(StrEnum):
    SIGNAL = "signal"
    APPROVAL = "approval"
    PROTECTION = "protection"
    FLATTEN = "flatten"
    KILL_SWITCH = "kill_switch"
    MANUAL = "manual"
    CORRECTION = "correction"
    # Placed at the broker, by somebody else.
    EXTERNAL = "external"

    @property
    def is_of_a_signal(self) -> bool:
        """True where a signal is behind it, whoever let it go."""
        return self is Origin.SIGNAL or self is Origin.APPROVAL


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


# What is over as far as we go; a later fill may still amend it. What waits for approval was
# given back to whoever asks for it.
TERMINAL = frozenset(TradeState) - {
    TradeState.PENDING,
    TradeState.DELAYED,
    TradeState.QUEUED,
    TradeState.WORKING,
    TradeState.BLOCKED,
    # Told to a person, and still asked about.
    TradeState.NEEDS_ATTENTION,
}


# What a person says of an order that nobody can prove anything of.
DECLARED_ABSENT = "declared_absent"
DECLARED_PRESENT = "declared_present"
DECLARED = frozenset({DECLARED_ABSENT, DECLARED_PRESENT})
