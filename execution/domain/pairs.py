"""Crypto pairs: base and quote, however they are written."""

import re
from decimal import Decimal

from msgspec import Struct

# Longest first: BTCUSDT is not BTCUSD with a T.
QUOTES = ("USDT", "USDC", "USD", "DAI")
# In dollars: what is worth less cannot be sold.
DUST = Decimal("1.50")
_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
# fmt: off
COINS = frozenset({
    "AAVE", "ADA", "ALGO", "APT", "ARB", "ATOM", "AVAX", "BCH", "BNB", "BTC", "COMP", "CRV", "DAI",
    "DOGE", "DOT", "ETC", "ETH", "FIL", "GRT", "HBAR", "ICP", "INJ", "LINK", "LTC", "MKR", "NEAR",
    "OP", "PEPE", "POL", "RENDER", "SHIB", "SOL", "SUI", "TON", "TRX", "UNI", "USDC", "USDT",
    "XLM", "XMR", "XRP", "XTZ", "YFI",
})
# fmt: on
_NOT_DOLLARS = ("BTC", "ETH", "BNB", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "TRY", "BRL")
_ASSET = r"[A-Z0-9]{2,10}"
_SEPARATED = re.compile(rf"({_ASSET})[/\-_]({_ASSET})")


class Pair(Struct, frozen=True):
    """A base asset and what it is priced in."""

    base: str
    quote: str

    @property
    def symbol(self) -> str:
        """Both, joined."""
        return self.base + self.quote

    @property
    def is_quoted_in_dollars(self) -> bool:
        """Whether the quote is the dollar or a coin that follows it; others are refused."""
        return self.quote in QUOTES


def read(text: str, default_quote: str = "USD") -> Pair | None:
    """A pair, upper case and without an exchange; None when it is none.

    A coin alone is priced in the connection's default quote.
    """
    separated = _SEPARATED.fullmatch(text)
    if separated:
        return Pair(_plain(separated[1]), _plain(separated[2]))
    if _plain(text) in COINS:
        return Pair(_plain(text), default_quote)
    for quote in (*QUOTES, *_NOT_DOLLARS):
        base = text.removesuffix(quote)
        if base != text and re.fullmatch(_ASSET, base):
            return Pair(_plain(base), quote)
    return None


def is_dust(quantity: Decimal, price: Decimal) -> bool:
    """Whether a holding is too small to be sold: no position, to those who ask."""
    return abs(quantity) * price < DUST


def _plain(asset: str) -> str:
    return _ALIASES.get(asset, asset)
