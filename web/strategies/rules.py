"""The terms of a connector: what Crypto-Arsenal messages leave to it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

ONE = Decimal(1)
MAX_LEVERAGE = 200
# The URL that all connectors share.
SHARED_PATH = "/trading-signal/webhook"
TERMS = ("instrument", "market", "mode", "leverage_convention", "leverage", "reserve_percent")

_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9 ._!/=^&-]{0,39}")
_Word = TypeVar("_Word", bound=StrEnum)


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


class BadConnector(Exception):
    """A field of a connector cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


def market_of(asset_class: str) -> Market:
    """What a strategy of this class trades, where nobody says otherwise."""
    return {"futures": Market.FUTURES, "crypto": Market.SPOT}.get(asset_class, Market.ANY)


def read_terms(raw: Mapping[str, str], asset_class: str) -> Connector:
    """The terms as a person or a program wrote them.

    Raises BadConnector.
    """
    return Connector(
        _instrument(raw.get("instrument", "")),
        _word("market", raw.get("market") or market_of(asset_class), Market),
        _word("mode", raw.get("mode") or Mode.PLAIN, Mode),
        _word("leverage_convention", raw.get("leverage_convention", ""), Convention),
        _number("leverage", raw.get("leverage") or "1", least=1, most=MAX_LEVERAGE),
        _number("reserve_percent", raw.get("reserve_percent") or "1", least=0, most=99),
    )


def _instrument(raw: str) -> str:
    symbol = raw.strip().upper().rpartition(":")[2]
    if not _INSTRUMENT.fullmatch(symbol):
        fix = "Name the one symbol that this strategy trades, for example BTCUSDT."
        raise BadConnector("instrument", "There is no such symbol.", fix)
    return symbol


def _word(field: str, raw: str, words: type[_Word]) -> _Word:
    try:
        return words(raw)
    except ValueError:
        message = f"`{raw[:40]}` is not one of its values." if raw else "This must be chosen."
        raise BadConnector(field, message, f"Use one of: {', '.join(words)}.") from None


def _number(field: str, raw: str, *, least: int, most: int) -> Decimal:
    try:
        value = Decimal(raw.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not least <= value <= most:
        message = f"`{raw[:40]}` is not a number from {least} to {most}."
        raise BadConnector(field, message, f"Send a number from {least} to {most}.")
    return value
