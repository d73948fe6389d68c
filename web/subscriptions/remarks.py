"""What settings make of a message that its sender may not expect. Pure.

Only what follows from the two is told here; what depends on the position or on a quote is
told by execution, where it happens.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.settings import BadSetting, Resolved

# `sell` of a long and `buy` of a short close a part, where the signal names one.
_MAY_CLOSE = ("buy", "sell")
_REDUCTIONS = (("sell", "bullish"), ("buy", "bearish"))


class Unreadable(Exception):
    """These are no settings."""


def by(document: bytes) -> Callable[[Signal], list[str]]:
    """The same by a subscription's settings, as the API gives them. Raises Unreadable."""
    try:
        read = msgspec.json.decode(document, type=dict[str, Any])
        own = settings.validate(msgspec.convert(read.get("settings", read), dict[str, Any]))
    except (ValueError, BadSetting) as error:
        raise Unreadable(f"the settings cannot be read: {error}") from None
    return lambda signal: of(signal, settings.resolve(signal, {}, own))


def of(signal: Signal, resolved: Resolved) -> list[str]:
    """Exits that close more than they name, and limits that may go as market orders."""
    return [*_on_exits(signal, resolved), *_on_limits(signal, resolved)]


def _on_exits(signal: Signal, resolved: Resolved) -> list[str]:
    asked = signal.quantity
    closes = signal.action in ("exit", *_MAY_CLOSE)
    if asked is None or not closes or signal.sentiment == "flat" or signal.target is not None:
        return []
    decided = resolved.values["quantity"]
    reduces = (signal.action, signal.sentiment) in _REDUCTIONS
    if decided.ignored is not None and not reduces:
        always = signal.action == "exit"
        all_of_it = "the whole position" if always else "all of what it closes"
        return [
            f"The settings do not take the size from the signal: its quantity {asked:f} is not "
            f"used, and {all_of_it} goes."
        ]
    by = resolved["multiplier"]
    if not isinstance(by, Decimal) or by <= 1 or signal.quantity_type == "percent_of_position":
        return []
    return [
        f"The multiplier {by:f} binds exits too: of a position that {asked * by:f} covers, an "
        f"exit of {asked:f} closes everything."
    ]


def _on_limits(signal: Signal, resolved: Resolved) -> list[str]:
    reduces = (signal.action, signal.sentiment) in _REDUCTIONS or signal.sentiment == "flat"
    opens = signal.action in ("buy", "sell", "add", "reverse") and not reduces
    is_priced = signal.limit_price is not None or signal.signal_price is not None
    is_limit = resolved["entry_order_type"] == "limit"
    if is_priced or not (opens and is_limit and resolved["limit_without_price_as_market"]):
        return []
    label = settings.BY_NAME["limit_without_price_as_market"].label
    return [f"Without a quote this limit order goes as market: “{label}” is on."]
