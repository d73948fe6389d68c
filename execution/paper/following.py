"""Quotes of another account: one recording, or one account's signals, for several."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.paper.book import Account
from execution.paper.market import Market
from execution.paper.quotes import Quote


@dataclass(frozen=True, slots=True)
class Following:
    """What another account would be quoted, where that has a price of its own."""

    accounts: Mapping[str, Account]
    name: str

    def quote(
        self, symbol: str, at: datetime, seen: Decimal | None, market: Market
    ) -> Quote | None:
        """The other's quote; None where it only has the venue's, or follows somebody too."""
        other = self.accounts.get(self.name)
        if other is None or isinstance(other.feed, Following):
            return None
        named = other.seen_price(symbol)
        quote = other.feed.quote(symbol, at, named, market) if other.feed is not None else None
        if quote is None and named is not None:
            return market.quote(symbol, at, named)
        return quote
