"""Option contracts as senders write them into `ticker`. Pure.

Six spellings are known: SPY 270520C582.5, SPY270520C582.5, SPY270520C00582500 (OCC),
SPY 270520582.5, SPY270520582.5, and SPY_052027582.5 with the month first; where that is no
date, the year is.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_CONTRACT = re.compile(
    r"(?P<root>[A-Z][A-Z./]{0,5})(?P<gap>[ _]*)(?P<day>\d{6})(?P<kind>[CP]?)"
    r"(?P<strike>\d{1,8}(?:\.\d{1,4})?)"
)
_TYPES = {"C": "call", "P": "put"}


@dataclass(frozen=True)
class Contract:
    """One option contract. The type is None where the spelling leaves it out."""

    underlying: str
    # None: six digits that are no date.
    expiration: date | None
    strike_price: Decimal
    option_type: str | None


def parse(instrument: str) -> Contract | None:
    """The contract that this symbol spells; None if it is not a contract."""
    found = _CONTRACT.fullmatch(instrument)
    if found is None:
        return None
    kind, strike = found["kind"], Decimal(found["strike"])
    # OCC writes strikes in thousandths, always with eight digits.
    if kind and len(found["strike"]) == 8:
        strike = strike / 1000
    if strike <= 0:
        return None
    return Contract(
        underlying=found["root"],
        expiration=_day(found["day"], month_first="_" in found["gap"]),
        strike_price=strike.normalize() if strike != strike.to_integral() else Decimal(int(strike)),
        option_type=_TYPES.get(kind),
    )


def _day(digits: str, *, month_first: bool) -> date | None:
    first, second, third = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    spellings = [(third, first, second)] if month_first else []
    for year, month, day in (*spellings, (first, second, third)):
        try:
            return date(2000 + year, month, day)
        except ValueError:
            continue
    return None
