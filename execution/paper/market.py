"""The venue's market: what it lists, what that costs now, and when it trades."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from execution.domain import expiries, instruments, sessions
from execution.domain.instruments import Instrument, Reference, Unresolved
from execution.domain.options import OptionContract, Right
from execution.domain.words import AssetClass
from execution.paper import premiums, quotes
from execution.paper.matching import Refused
from execution.paper.quotes import Quote

ACCOUNT_CURRENCY = "USD"
_DOLLARS = frozenset({"USD", "USDT", "USDC", "DAI"})
# Lists of expirations: so many Fridays, and third Fridays of so many months.
_WEEKLIES, _MONTHLIES = 8, 12
# A chain holds so many expirations, and never more strikes on each side.
_EXPIRATIONS, _MOST_STRIKES = 2, 100
_STRIKE_STEPS = (
    (Decimal(20), Decimal("0.5")),
    (Decimal(200), Decimal(1)),
    (Decimal(1000), Decimal("2.5")),
    (Decimal(10_000), Decimal(10)),
)
_LARGEST_STRIKE_STEP = Decimal(100)
_YEAR = Decimal(365 * 24 * 3600)
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    """An option of a chain, with its quote."""

    contract: OptionContract
    quote: Quote


@dataclass(slots=True)
class Market:
    """Everything it says depends on the seed and the moment only."""

    seed: int
    reference: Reference
    _known: dict[str, Instrument | None] = field(default_factory=dict)

    def find(self, symbol: str) -> Instrument | None:
        """What a symbol names, expired or not; None when it is not listed."""
        if symbol not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            try:
                self._known[symbol] = instruments.of_symbol(symbol, self.reference)
            except Unresolved:
                self._known[symbol] = None
        return self._known[symbol]

    def instrument(self, symbol: str) -> Instrument:
        """What a position or an order is in; once taken in, it is not lost with its listing."""
        return self.find(symbol) or instruments.stock(symbol)

    def check(self, symbol: str, quantity: Decimal, at: datetime, *, by_hours: bool) -> None:
        """Whether an order can be taken in now. Raises Refused."""
        instrument = self.find(symbol)
        if instrument is None:
            raise Refused(f"{symbol!r} is not listed here")
        if quantity % instrument.lot:
            raise Refused(f"{symbol} trades in multiples of {instrument.lot:f}")
        if instrument.is_expired(at):
            raise Refused(f"{symbol} expired on {instrument.expiry}")
        if by_hours and not self.is_open(symbol, at):
            opens = sessions.next_open(instrument.calendar, at, self.reference.days)
            raise Refused(f"the market is closed until {opens:%Y-%m-%d %H:%M} UTC")

    def is_open(self, symbol: str, at: datetime) -> bool:
        """Whether the instrument's exchange trades."""
        return sessions.is_open(self.instrument(symbol).calendar, at, self.reference.days)

    def session_end(self, symbol: str, at: datetime) -> datetime | None:
        """When the session at an instant ends, or the next; None where trading never stops."""
        return sessions.session_end(self.instrument(symbol).calendar, at, self.reference.days)

    def quote(self, symbol: str, at: datetime, seen: Decimal | None = None) -> Quote:
        """The feed's quote; it swings around the price last seen, if there is one."""
        instrument = self.instrument(symbol)
        step = int(at.timestamp())
        return quotes.around(self.seed, instrument, step, self._price(instrument, at, seen))

    def quote_at(self, symbol: str, at: datetime, price: Decimal) -> Quote:
        """The quote whose last price is this one."""
        instrument = self.instrument(symbol)
        return quotes.around(self.seed, instrument, int(at.timestamp()), price)

    def settlement(self, contract: Instrument, closed: datetime, seen: Decimal | None) -> Decimal:
        """What an expired contract is settled at: an option at what it was worth at once, a
        future at its last price."""
        if contract.right is None or contract.strike is None:
            return self.quote(contract.symbol, closed, seen).last
        spot = self.quote(contract.root, closed).last
        beyond = spot - contract.strike
        return max(beyond if contract.right is Right.CALL else -beyond, Decimal(0))

    def to_dollars(self, currency: str, at: datetime) -> Decimal:
        """What one of a currency is worth in the currency of accounts."""
        if currency in _DOLLARS:
            return Decimal(1)
        middle = quotes.base_price(self.seed, currency)
        now = quotes.price(self.seed, currency, int(at.timestamp()), middle)
        return now.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)

    def rates(self, at: datetime) -> dict[str, Decimal]:
        """The same, for every currency that something listed is priced in."""
        foreign = {root.currency for root in self.reference.roots.values()} - _DOLLARS
        return {currency: self.to_dollars(currency, at) for currency in sorted(foreign)}

    def expirations(self, at: datetime) -> list[date]:
        """The days on which listed options end, soonest first."""
        today = at.astimezone(sessions.zone_of(sessions.US_STOCKS)).date()
        friday = today + timedelta(days=(4 - today.weekday()) % 7)
        listed = {friday + timedelta(weeks=week) for week in range(_WEEKLIES)}
        for months in range(_MONTHLIES):
            first = expiries.shifted(today.year, today.month, months)
            listed.add(expiries.nth_weekday(first, 4, "3"))
        return sorted(day for day in map(self._moved, listed) if day >= today)

    def chain(
        self,
        underlying: str,
        at: datetime,
        earliest: date,
        strikes: int,
        seen: Decimal | None = None,
    ) -> tuple[Quote, list[Listed]]:
        """The underlying's quote, and its options of the first expirations that are not before
        a day: so many strikes below and above the money. In no order, as brokers send them.
        """
        stock = self.instrument(underlying)
        spot = quotes.around(
            self.seed,
            stock,
            int(at.timestamp()),
            self._price(stock, at, None) if seen is None else seen,
        )
        left = [day for day in self.expirations(at) if day >= earliest][:_EXPIRATIONS]
        contracts = [
            OptionContract(underlying, expiration, strike, right)
            for expiration in left
            for strike in _strikes(spot.last, min(max(strikes, 1), _MOST_STRIKES))
            for right in Right
        ]
        contracts.sort(key=lambda contract: quotes.draw(self.seed, contract.symbol, "order"))
        return spot, [
            Listed(contract, self._option_quote(contract, at, spot.last)) for contract in contracts
        ]

    def _price(self, instrument: Instrument, at: datetime, seen: Decimal | None) -> Decimal:
        step = int(at.timestamp())
        if seen is not None:
            return quotes.price(self.seed, instrument.root, step, seen)
        match instrument.asset_class:
            case AssetClass.OPTIONS:
                return self._premium(instrument, at, self._price_of(instrument.root, step))
            case AssetClass.FUTURES:
                middle = self._future_middle(instrument)
                return quotes.price(self.seed, instrument.root, step, middle)
            case AssetClass.CRYPTO:
                return self._price_of(instrument.base, step)
            case AssetClass.STOCKS:
                return self._price_of(instrument.root, step)

    def _price_of(self, name: str, step: int) -> Decimal:
        return quotes.price(self.seed, name, step, quotes.base_price(self.seed, name))

    def _future_middle(self, instrument: Instrument) -> Decimal:
        """Each contract lies up to half a percent beside the price of its root."""
        beside = Decimal(quotes.draw(self.seed, instrument.symbol, "basis") % 1001 - 500) / 100_000
        return self.reference.roots[instrument.root].around * (1 + beside)

    def _option_quote(self, contract: OptionContract, at: datetime, spot: Decimal) -> Quote:
        instrument = self.instrument(contract.symbol)
        premium = self._premium(instrument, at, spot)
        return quotes.around(self.seed, instrument, int(at.timestamp()), premium)

    def _premium(self, option: Instrument, at: datetime, spot: Decimal) -> Decimal:
        if option.right is None or option.strike is None or option.expiry is None:
            raise ValueError(f"{option.symbol} is no option")
        zone = sessions.zone_of(option.calendar)
        ends = datetime.combine(option.expiry, time(16), zone).astimezone(UTC)
        volatility = Decimal(18 + quotes.draw(self.seed, option.root, "volatility") % 43) / 100
        return premiums.premium(
            option.right,
            spot=spot,
            strike=option.strike,
            years=Decimal(int((ends - at).total_seconds())) / _YEAR,
            volatility=volatility,
        )

    def _moved(self, day: date) -> date:
        """An expiration that is a holiday is on the day before."""
        while not sessions.is_business_day(sessions.US_STOCKS, day, self.reference.days):
            day -= timedelta(days=1)
        return day


def _strikes(spot: Decimal, count: int) -> list[Decimal]:
    """So many strikes below and above a price, in steps that suit it."""
    step = next((step for below, step in _STRIKE_STEPS if spot < below), _LARGEST_STRIKE_STEP)
    lowest = spot // step - count + 1
    return [strike for number in range(2 * count) if (strike := (lowest + number) * step) > 0]
