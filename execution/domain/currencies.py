"""Money of the account against prices in another currency. Pure.

Sizes, buying power and profit are told in the account's currency; where an instrument's price
is in another one, nobody sizes by it without knowing what that is worth.
"""

from decimal import Decimal

from execution.domain import sizing
from execution.domain.decisions import Refusal
from execution.domain.instruments import ONE
from execution.domain.market import Market
from execution.domain.pairs import QUOTES
from execution.domain.trades import Trade
from execution.domain.words import By


def of(trade: Trade) -> str:
    """What the trade's instrument is priced in; coins that follow the dollar count as dollars."""
    priced_in = trade.opens.currency if trade.opens is not None else "USD"
    return "USD" if priced_in in QUOTES else priced_in


def needs_rate(trade: Trade) -> bool:
    """True when money decides how much or how far, and the price is in another currency. What an
    account is kept in, other than dollars, is known once it was asked."""
    stop = trade.stop_loss.at if trade.stop_loss is not None else None
    guards = (trade.take_profit, stop, *(rung.at for rung in trade.ladder))
    by_money = any(guard is not None and guard.by is By.PNL_AMOUNT for guard in guards)
    return of(trade) != "USD" and (trade.size_type not in sizing.PLAIN_TYPES or by_money)


def needs_the_account(trade: Trade) -> bool:
    """True when the trade cannot be worked out without the account's figures."""
    return sizing.needs_the_account(trade) or needs_rate(trade)


def rate(trade: Trade, market: Market | None) -> Decimal:
    """What one of the instrument's currency is worth in the account's; 1 where nobody said."""
    known = market.rate if market is not None else None
    return ONE if known is None else known


def refusal(trade: Trade, market: Market | None) -> Refusal | None:
    """Why money cannot be turned into units or prices."""
    if (market is None or market.rate is None) and needs_rate(trade):
        return Refusal("currency_unknown", {"quote": of(trade)})
    return None
