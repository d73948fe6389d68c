"""What an account is worth, what its positions and orders bind, and what it may still buy.

Its leverage says how often the equity may be held: stocks, coins and futures bind their
worth divided by it. Bought options are paid in full; written ones bind their premium and a
fifth of their strike. What closes a position binds nothing. Without a leverage nothing is
limited, and nothing here is worked out for an order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass
from execution.paper import matching
from execution.paper.book import ZERO, Account
from execution.paper.market import Market
from execution.paper.matching import Holding, Refused, Terms
from protos.paper.v1 import paper_pb2 as pb

CENT = Decimal("0.01")
_WRITTEN = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Valued:
    """A position at the market, in the account's currency but for the price."""

    symbol: str
    held: Holding
    price: Decimal
    worth: Decimal
    unrealised: Decimal
    # What could be released by closing it; divided by leverage where that counts.
    binds: Decimal


@dataclass(slots=True)
class _Bound:
    """Adds up what orders bind, in the order they came."""

    market: Market
    leverage: Decimal
    at: datetime
    # What positions leave to be closed.
    left: dict[str, Decimal]
    total: Decimal = ZERO

    def add(self, terms: Terms, quantity: Decimal, price: Decimal) -> None:
        signed = quantity if terms.side == pb.SIDE_BUY else -quantity
        held = self.left.get(terms.instrument, ZERO)
        closes = min(abs(held), quantity) if held * signed < 0 else ZERO
        if closes:
            self.left[terms.instrument] = held + closes.copy_sign(signed)
        instrument = self.market.instrument(terms.instrument)
        opens = (quantity - closes).copy_sign(signed)
        rate = self.market.to_dollars(instrument.currency, self.at)
        self.total += _binds(instrument, opens, price, self.leverage) * rate


def value(account: Account, at: datetime, market: Market) -> list[Valued]:
    """The positions at the market, by symbol."""
    leverage = account.model.leverage or Decimal(1)
    found: list[Valued] = []
    for symbol, held in sorted(account.holdings.items()):
        if held.quantity:
            instrument = market.instrument(symbol)
            price = account.quote(symbol, at, market, None).last
            rate = market.to_dollars(instrument.currency, at)
            found.append(
                Valued(
                    symbol,
                    held,
                    price,
                    worth=matching.worth(instrument, held, price) * rate,
                    unrealised=matching.profit(instrument, held, price) * rate,
                    binds=_binds(instrument, held.quantity, price, leverage) * rate,
                )
            )
    return found


def equity(account: Account, valued: Iterable[Valued]) -> Decimal:
    """Cash and what the positions are worth."""
    return account.cash + sum((each.worth for each in valued), ZERO)


def buying_power(
    account: Account, valued: Iterable[Valued], at: datetime, market: Market
) -> Decimal | None:
    """The worth of what could be bought; None where nothing limits it."""
    leverage = account.model.leverage
    if leverage is None:
        return None
    free = _free(account, list(valued), at, market, leverage)[0]
    return (max(free, ZERO) * leverage).quantize(CENT, ROUND_DOWN)


def check(account: Account, terms: Terms, at: datetime, market: Market) -> None:
    """Whether the account can pay for what an order may open. Raises Refused."""
    leverage = account.model.leverage
    if leverage is None:
        return
    free, bound = _free(account, value(account, at, market), at, market, leverage)
    before = bound.total
    bound.add(terms, terms.order_qty, _price(account, terms, at, market))
    needs = bound.total - before
    if needs > free:
        needed, there = needs.quantize(CENT), max(free, ZERO).quantize(CENT, ROUND_DOWN)
        raise Refused(f"buying power: it binds {needed:f} USD, and {there:f} is free")


def _free(
    account: Account, valued: list[Valued], at: datetime, market: Market, leverage: Decimal
) -> tuple[Decimal, _Bound]:
    bound = _Bound(market, leverage, at, {each.symbol: each.held.quantity for each in valued})
    for order in account.open.values():
        if not order.terms.parent:
            bound.add(order.terms, order.leaves, _price(account, order.terms, at, market))
    held = sum((each.binds for each in valued), ZERO)
    return equity(account, valued) - held - bound.total, bound


def _price(account: Account, terms: Terms, at: datetime, market: Market) -> Decimal:
    """What an order is reckoned at before it fills."""
    named = terms.limit_price or terms.stop_price or terms.reference_price
    if named is not None:
        return named
    quote = account.quote(terms.instrument, at, market, None)
    return quote.ask if terms.side == pb.SIDE_BUY else quote.bid


def _binds(instrument: Instrument, quantity: Decimal, price: Decimal, leverage: Decimal) -> Decimal:
    worth = abs(quantity) * price * instrument.point_value
    if instrument.asset_class is not AssetClass.OPTIONS:
        return worth / leverage
    if quantity > 0 or instrument.strike is None:
        return worth
    return worth + abs(quantity) * instrument.strike * _WRITTEN * instrument.point_value
