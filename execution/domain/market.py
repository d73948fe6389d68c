"""What planning knows of the world outside the account's own orders."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from execution.domain import options
from execution.domain.instruments import CENT, ONE, SMALLEST, Instrument
from execution.domain.orders import ZERO
from execution.domain.words import AssetClass, PriceType, Side


class Quote(Struct, frozen=True):
    """What an instrument could be traded at; what is not known is None."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None

    @classmethod
    def heard(
        cls, *, bid: Decimal | None, ask: Decimal | None, last: Decimal | None
    ) -> "Quote | None":
        """What a broker told: brokers say zero where there is no price. None for no quote."""
        known = [price if price is not None and price > 0 else None for price in (bid, ask, last)]
        return cls(*known) if any(known) else None

    @property
    def mid(self) -> Decimal | None:
        """Halfway between bid and ask."""
        if self.bid is None or self.ask is None:
            return None
        return (self.bid + self.ask) / 2

    def price(self, price_type: PriceType, side: Side) -> Decimal | None:
        """The price of a kind; where the quote has none of that kind, another of its own."""
        wanted = {
            PriceType.MARK: self.mid,
            PriceType.ASK_BID: self.ask if side is Side.BUY else self.bid,
            PriceType.ASK: self.ask,
            PriceType.BID: self.bid,
            PriceType.LAST: self.last,
        }[price_type]
        if wanted is not None:
            return wanted
        return next((p for p in (self.mid, self.last, self.ask, self.bid) if p is not None), None)


class Figures(Struct, frozen=True):
    """An account's money, in its currency."""

    # Portfolio value without unrealised profit or loss.
    equity: Decimal
    # What of the quote currency is free.
    balance: Decimal
    # None where the broker reports none: then it is not compared.
    buying_power: Decimal | None = None
    # Worth of entries that the buying power may not tell of yet.
    promised: Decimal = ZERO
    # Cash that entries take and the balance does not tell: working ones, and newest fills.
    bound: Decimal = ZERO

    @property
    def free_balance(self) -> Decimal:
        """What of the balance nothing takes yet."""
        return max(self.balance - self.bound, ZERO)


class Market(Struct, frozen=True):
    """The quote and the figures, as fresh as the engine keeps them; None is not known."""

    quote: Quote | None = None
    figures: Figures | None = None
    # What the quote is of; empty for the trade's own.
    instrument: str = ""
    # What one of the instrument's currency is worth in the account's.
    rate: Decimal | None = None
    # When the broker was asked for the figures.
    asked_at: datetime | None = None


class Contract(Struct, frozen=True):
    """How an instrument is priced and counted."""

    tick: Decimal
    # Money for one whole unit of price and one of quantity.
    point_value: Decimal = ONE
    # Quantities are multiples of this, whatever the venue could do.
    lot: Decimal = SMALLEST


def contract_in(instrument: Instrument, price: Decimal | None, rate: Decimal = ONE) -> Contract:
    """How a known instrument is priced around a price; a point's value at a rate."""
    tick = instrument.tick if price is None else instrument.tick_at(price)
    return Contract(tick, instrument.point_value * rate, instrument.lot)


def contract_of(asset_class: AssetClass, price: Decimal | None) -> Contract:
    """The contract of an instrument about which no more is known than its class."""
    is_cheap = price is not None and price < 1
    match asset_class:
        case AssetClass.OPTIONS:
            return Contract(CENT, options.MULTIPLIER, ONE)
        case AssetClass.FUTURES:
            return Contract(CENT, lot=ONE)
        case AssetClass.CRYPTO:
            return Contract(SMALLEST if is_cheap else CENT)
        case AssetClass.STOCKS:
            return Contract(Decimal("0.0001") if is_cheap else CENT)
