"""Futures symbols: how a contract is written, when it expires, and which one is in front."""

import re
from collections.abc import Container, Iterator
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

from execution.domain.expiries import IsBusinessDay, Rule, expiry

MONTH_CODES = "FGHJKMNQUVXZ"
# The continuous symbol moves on so long before expiry, at the start of the exchange's day.
ROLL = timedelta(days=2)
# Nobody lists contracts further ahead.
_FURTHEST_YEARS = 11
_CONTRACT = re.compile(rf"([A-Z0-9]+?)([{MONTH_CODES}])(20\d{{2}}|\d{{2}}|\d)")
_CONTINUOUS = re.compile(r"([A-Z0-9]+?)(?:([12])!)?")


class Root(Struct, frozen=True):
    """A line of the table: what all contracts of a future have in common."""

    root: str
    name: str
    exchange: str
    calendar: str
    currency: str
    tick: Decimal
    # Money for one point of price and one contract.
    point_value: Decimal
    # The months of the continuous symbol.
    months: str
    # Other months are listed as well.
    has_serial_months: bool
    rule: Rule
    # A plausible price, where the paper venue starts from.
    around: Decimal


class Contract(Struct, frozen=True):
    """One contract of a root."""

    root: str
    year: int
    month: int

    @property
    def symbol(self) -> str:
        """Root, month code and four-digit year."""
        return f"{self.root}{MONTH_CODES[self.month - 1]}{self.year:04d}"


class Written(Struct, frozen=True):
    """A futures symbol as written: a contract, or the n-th of the continuous series."""

    root: str
    month: int = 0
    # As many digits as were written.
    year: str = ""
    nth: int = 1

    @property
    def is_continuous(self) -> bool:
        """True when no contract is named."""
        return not self.month


def read(text: str, roots: Container[str]) -> Written | None:
    """A futures symbol, upper case and without an exchange; None when it is none."""
    contract = _CONTRACT.fullmatch(text)
    if contract and contract[1] in roots:
        return Written(contract[1], MONTH_CODES.index(contract[2]) + 1, contract[3])
    continuous = _CONTINUOUS.fullmatch(text)
    if continuous and continuous[1] in roots:
        return Written(continuous[1], nth=int(continuous[2] or 1))
    return None


def expires(root: Root, contract: Contract, is_business_day: IsBusinessDay) -> date:
    """The last trading day of a contract."""
    return expiry(root.rule, contract.year, contract.month, is_business_day)


def lists(root: Root, month: int) -> bool:
    """Whether the root has contracts of a month."""
    return root.has_serial_months or MONTH_CODES[month - 1] in root.months


def named(
    root: Root, written: Written, today: date, is_business_day: IsBusinessDay
) -> Contract | None:
    """The contract that a symbol names. A short year is its nearest future match; None when
    there is no such month, or it expired."""
    if not lists(root, written.month):
        return None
    for year in _years(written.year, today.year):
        contract = Contract(root.root, year, written.month)
        if expires(root, contract, is_business_day) >= today:
            return contract
    return None


def in_front(root: Root, today: date, is_business_day: IsBusinessDay, nth: int = 1) -> Contract:
    """The n-th contract of the continuous series on a day of the exchange."""
    left = nth
    for contract in _series(root, today):
        if today < expires(root, contract, is_business_day) - ROLL:
            left -= 1
            if not left:
                return contract
    raise AssertionError("the series has no end")


def _years(written: str, this_year: int) -> Iterator[int]:
    match len(written):
        case 4:
            if int(written) <= this_year + _FURTHEST_YEARS:
                yield int(written)
        case 2:
            century = this_year // 100 * 100
            for year in (century + int(written), century + 100 + int(written)):
                if this_year - 1 <= year <= this_year + _FURTHEST_YEARS:
                    yield year
        case _:
            # Last year's is tried too: some contracts outlive the year in their name.
            start = this_year - 1
            yield from (y for y in range(start, start + 12) if y % 10 == int(written))


def _series(root: Root, today: date) -> Iterator[Contract]:
    """The contracts of the cycle, from one that is surely over."""
    year = today.year - 1
    while True:
        for code in root.months:
            yield Contract(root.root, year, MONTH_CODES.index(code) + 1)
        year += 1
