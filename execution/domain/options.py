"""Option contracts: the ways they are written, and which side and right a signal means.

Written out, a contract is the compact OCC symbol: underlying, yymmdd, C or P, and the
strike in thousandths with eight digits.
"""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from execution.domain.words import Side

MULTIPLIER = Decimal(100)
_THOUSAND = Decimal(1000)
_LARGEST_STRIKE = Decimal(100_000)
_SPELLING = re.compile(
    r"(?P<underlying>[A-Z][A-Z.]{0,5})"
    r"(?:\s*(?P<ymd>\d{6})|_(?P<mdy>\d{6}))"
    r"(?P<right>[CP])?"
    r"(?P<strike>\d{1,8}(?:\.\d{1,3})?)"
)


class Right(StrEnum):
    CALL = "call"
    PUT = "put"


class OptionType(StrEnum):
    """What a strategy trades: calls for bullish and puts for bearish, or one kind only."""

    BOTH = "both"
    CALL = "call"
    PUT = "put"


class OptionContract(Struct, frozen=True):
    """One option; `right` is None where the symbol leaves it to settings."""

    underlying: str
    expiration: date
    strike: Decimal
    right: Right | None

    @property
    def symbol(self) -> str:
        """The compact OCC symbol; of a contract whose right is known."""
        if self.right is None:
            raise ValueError("a contract without a right has no symbol")
        letter = "C" if self.right is Right.CALL else "P"
        thousandths = int(self.strike * _THOUSAND)
        return f"{self.underlying}{self.expiration:%y%m%d}{letter}{thousandths:08d}"


def read(text: str) -> OptionContract | None:
    """A contract from any of its spellings, upper case; None when it is none."""
    found = _SPELLING.fullmatch(text)
    if found is None:
        return None
    expiration = _read_date(found)
    strike = _read_strike(found["strike"])
    if expiration is None or not 0 < strike < _LARGEST_STRIKE:
        return None
    right = {"C": Right.CALL, "P": Right.PUT, None: None}[found["right"]]
    return OptionContract(found["underlying"], expiration, strike, right)


def leg(option_type: OptionType, side: Side, *, inverts_puts: bool = False) -> tuple[Right, Side]:
    """Which right a buy or sell signal means, and the side of the order that enters."""
    buys = side is Side.BUY
    match option_type:
        case OptionType.BOTH:
            return (Right.CALL if buys else Right.PUT), Side.BUY
        case OptionType.CALL:
            return Right.CALL, side
        case OptionType.PUT:
            return Right.PUT, side.opposite if inverts_puts else side


def opens_short(side: Side, position: Decimal, quantity: Decimal) -> bool:
    """Whether an order leaves a short option: refused as `short_options_off` unless the
    subscription allows it."""
    return side is Side.SELL and quantity > max(position, Decimal(0))


def _read_date(found: re.Match[str]) -> date | None:
    """After an underscore the month comes first, unless that is no date."""
    digits = found["ymd"] or found["mdy"]
    first, second, third = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    spellings = [(third, first, second)] if found["mdy"] else []
    for year, month, day in (*spellings, (first, second, third)):
        try:
            return date(2000 + year, month, day)
        except ValueError:
            continue
    return None


def _read_strike(text: str) -> Decimal:
    """Eight digits are thousandths, anything else is the price itself."""
    return Decimal(text) / _THOUSAND if len(text) == 8 and text.isdigit() else Decimal(text)
