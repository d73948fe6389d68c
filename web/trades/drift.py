"""How far the price went against an entry while it waited for somebody's yes.

Only entries are asked about: what closes goes, at whatever price. A limit bounds itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from web.db import db
from web.signals import rules as language
from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.models import Subscription
from web.trades import quotes, reads
from web.trades.asking import only_closes
from web.trades.models import Trade
from web.trades.quotes import Quote

SETTING = "approval_drift_percent"
_BOUNDED = ("limit", "stop_limit")


@dataclass(frozen=True, slots=True)
class Drift:
    """The price at the signal and now, by how much it got worse, and what may be."""

    then: Decimal
    now: Decimal
    percent: Decimal
    limit: Decimal
    # Where the price of now is from: `quote` or `fill`.
    source: str


class Drifted(Exception):
    """The price moved too far for a yes that did not see it."""

    def __init__(self, trade: Trade, drift: Drift) -> None:
        super().__init__(trade.instrument)
        self.trade = trade
        self.drift = drift


def check(trade: Trade) -> None:
    """Raises Drifted. Where no price is known nothing is compared; execution prices it anew."""
    signal, chosen = language.from_json(trade.signal), settings.complete(trade.settings)
    if is_bounded(signal, chosen) or not signal.signal_price:
        return
    asset_class = trade.signal.get("asset_class", "stocks")
    subscription = db.session.get(Subscription, trade.subscription_id)
    stands = reads.stands(subscription, signal, asset_class) if subscription else ""
    sign = sign_of(signal, stands)
    quote = quotes.last_known([trade]).get(trade.instrument) if sign else None
    if quote and (drift := against(signal.signal_price, sign, quote, limit_of(chosen))):
        raise Drifted(trade, drift)


def against(then: Decimal, sign: int, quote: Quote, limit: Decimal) -> Drift | None:
    """The drift, where it is beyond the limit; a better price is none. Pure."""
    percent = (quote.price / then - 1) * 100 * sign
    if percent <= limit:
        return None
    return Drift(then, quote.price, percent.quantize(Decimal("0.01")), limit, quote.source)


def sign_of(signal: Signal, stands: str) -> int:
    """+1 for what buys, -1 for what sells to open; 0 for what closes, itself or first. Pure."""
    if only_closes(signal) or signal.action not in ("buy", "sell", "add"):
        return 0
    if signal.action == "add":
        return {"long": 1, "short": -1}.get(stands, 0)
    closes_first = {"buy": "short", "sell": "long"}[signal.action]
    if stands in (closes_first, "either"):
        return 0
    return 1 if signal.action == "buy" else -1


def is_bounded(signal: Signal, chosen: Mapping[str, Mapping[str, Any]]) -> bool:
    """True for what pays no more than its own limit. Pure."""
    is_limit = chosen["entry_order_type"]["value"] in _BOUNDED
    return is_limit and signal.limit_price is not None


def limit_of(chosen: Mapping[str, Mapping[str, Any]]) -> Decimal:
    """How far the price may go, in percent. Pure."""
    return Decimal(chosen[SETTING]["value"])
