"""From a ticker to the instrument that is meant, with what it takes to price and count it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from msgspec import structs

from execution.domain import futures, options, pairs, sessions
from execution.domain.futures import Root
from execution.domain.options import OptionContract, Right
from execution.domain.sessions import ALWAYS, US_STOCKS, Days
from execution.domain.words import AssetClass

ONE = Decimal(1)
CENT = Decimal("0.01")
SMALLEST = Decimal("0.00000001")
_STOCK = re.compile(r"[A-Z0-9][A-Z0-9]{0,7}(?:[.\-/][A-Z0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that can be traded, under its canonical symbol."""

    symbol: str
    asset_class: AssetClass
    # What lanes are made of: the root, the underlying, the pair, or the symbol itself.
    root: str
    tick: Decimal
    lot: Decimal
    calendar: str
    # Money for one point of price and one unit: the multiplier.
    point_value: Decimal = ONE
    currency: str = "USD"
    # Where prices below 1 have finer steps.
    small_tick: Decimal | None = None
    expiry: date | None = None
    base: str = ""
    quote: str = ""
    right: Right | None = None
    strike: Decimal | None = None
    # From this day on the ticker that was resolved means the next contract.
    rolls: date | None = field(default=None, compare=False)
    # What the reader of a trade should know about how the symbol was understood.
    warning: str = field(default="", compare=False)

    def tick_at(self, price: Decimal) -> Decimal:
        """The step of prices around a price."""
        return self.small_tick if self.small_tick is not None and price < 1 else self.tick

    @property
    def lane(self) -> str:
        """What it is planned in a row with. Roots of different classes may be spelled alike."""
        is_derived = self.asset_class in (AssetClass.FUTURES, AssetClass.OPTIONS)
        return f"{self.asset_class.value} {self.root}" if is_derived else self.root

    def is_expired(self, at: datetime) -> bool:
        """Whether its last day, in the exchange's zone, is over."""
        return self.expiry is not None and _today(self.calendar, at) > self.expiry


class Unresolved(Exception):
    """No instrument can be meant: a reason of the catalogue, and its numbers."""

    def __init__(self, reason: str, **numbers: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.numbers = numbers


@dataclass(frozen=True, slots=True)
class Reference:
    """The data that instruments are resolved with."""

    roots: Mapping[str, Root]
    days: Days


def resolve(
    ticker: str,
    asset_class: AssetClass,
    at: datetime,
    reference: Reference,
    *,
    default_quote: str = "USD",
    right: Right | None = None,
) -> Instrument:
    """The instrument that a ticker means at an instant. Raises Unresolved.

    An option ticker that names no contract gives the underlying: its chain decides. One that
    names neither call nor put takes `right`.
    """
    text = without_exchange(ticker)
    match asset_class:
        case AssetClass.STOCKS:
            return _stock(text)
        case AssetClass.OPTIONS:
            return _option(text, at, right)
        case AssetClass.FUTURES:
            return _future(text, at, reference)
        case AssetClass.CRYPTO:
            return _pair(text, default_quote)


def of_symbol(symbol: str, reference: Reference) -> Instrument:
    """The instrument of a canonical symbol, told apart by its form, expired or not.

    Raises Unresolved.
    """
    contract = options.read(symbol)
    if contract is not None and contract.right is not None and contract.symbol == symbol:
        return option(contract, contract.right)
    written = futures.read(symbol, reference.roots)
    if written is not None and len(written.year) == 4:
        return _contract(
            reference.roots[written.root],
            futures.Contract(written.root, int(written.year), written.month),
            reference,
        )
    pair = pairs.read(symbol)
    is_pair = pair is not None and pair.is_quoted_in_dollars and symbol != pair.base
    if pair is not None and is_pair and (pair.base in pairs.COINS or len(symbol) > 5):
        return _pair(symbol, pair.quote)
    return _stock(symbol)


def without_exchange(ticker: str) -> str:
    """The ticker in upper case, without an exchange in front."""
    return ticker.strip().upper().rpartition(":")[2].strip()


def option(contract: OptionContract, right: Right) -> Instrument:
    """The instrument of an option contract, with the right that it names or is given."""
    contract = structs.replace(contract, right=right)
    return Instrument(
        symbol=contract.symbol,
        asset_class=AssetClass.OPTIONS,
        root=contract.underlying,
        tick=CENT,
        lot=ONE,
        calendar=US_STOCKS,
        point_value=options.MULTIPLIER,
        expiry=contract.expiration,
        right=right,
        strike=contract.strike,
    )


def _stock(text: str) -> Instrument:
    if not _STOCK.fullmatch(text):
        raise Unresolved("instrument_unknown", instrument=text)
    return stock(text)


@lru_cache(maxsize=10_000)
def stock(symbol: str) -> Instrument:
    """A stock, and whatever else is counted in units and priced in dollars."""
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.STOCKS,
        root=symbol,
        tick=CENT,
        lot=SMALLEST,
        calendar=US_STOCKS,
        small_tick=Decimal("0.0001"),
    )


def _option(text: str, at: datetime, right: Right | None) -> Instrument:
    contract = options.read(text)
    if contract is None:
        return _stock(text)
    meant = contract.right or right
    if meant is None:
        raise Unresolved("instrument_unknown", instrument=text)
    found = option(contract, meant)
    if found.is_expired(at):
        raise Unresolved("contract_expired", instrument=found.symbol)
    return found


def _pair(text: str, default_quote: str) -> Instrument:
    pair = pairs.read(text, default_quote)
    if pair is None:
        raise Unresolved("instrument_unknown", instrument=text)
    if not pair.is_quoted_in_dollars:
        raise Unresolved("crypto_quote_unsupported", instrument=pair.symbol, quote=pair.quote)
    return Instrument(
        symbol=pair.symbol,
        asset_class=AssetClass.CRYPTO,
        root=pair.symbol,
        tick=CENT,
        lot=SMALLEST,
        calendar=ALWAYS,
        currency=pair.quote,
        small_tick=SMALLEST,
        base=pair.base,
        quote=pair.quote,
    )


def _future(text: str, at: datetime, reference: Reference) -> Instrument:
    written = futures.read(text, reference.roots)
    if written is None:
        raise Unresolved("instrument_unknown", instrument=text)
    root = reference.roots[written.root]
    today = _today(root.calendar, at)

    def is_business_day(day: date) -> bool:
        return sessions.is_business_day(root.calendar, day, reference.days)

    if written.is_continuous:
        contract = futures.in_front(root, today, is_business_day, written.nth)
        front = futures.in_front(root, today, is_business_day)
        rolls = futures.expires(root, front, is_business_day) - futures.ROLL
        warning = f"{text} is {contract.symbol} until it rolls."
        return replace(_contract(root, contract, reference, warning), rolls=rolls)
    if not futures.lists(root, written.month):
        raise Unresolved("instrument_unknown", instrument=text)
    found = futures.named(root, written, today, is_business_day)
    if found is None:
        is_ahead = len(written.year) == 4 and int(written.year) > today.year
        reason = "instrument_unknown" if is_ahead else "contract_expired"
        raise Unresolved(reason, instrument=text)
    short = f"{text} was taken as {found.symbol}." if len(written.year) < 4 else ""
    return _contract(root, found, reference, short)


def _contract(
    root: Root, contract: futures.Contract, reference: Reference, warning: str = ""
) -> Instrument:
    def is_business_day(day: date) -> bool:
        return sessions.is_business_day(root.calendar, day, reference.days)

    return Instrument(
        symbol=contract.symbol,
        asset_class=AssetClass.FUTURES,
        root=root.root,
        tick=root.tick,
        lot=ONE,
        calendar=root.calendar,
        point_value=root.point_value,
        currency=root.currency,
        expiry=futures.expires(root, contract, is_business_day),
        warning=warning,
    )


def _today(calendar: str, at: datetime) -> date:
    return at.astimezone(sessions.zone_of(calendar)).date()
