"""What a waiting trade would do, in words. Pure."""

from collections.abc import Mapping
from typing import Any


def intent(
    signal: Mapping[str, Any], numbers: Mapping[str, str], settings: Mapping[str, Mapping[str, Any]]
) -> str:
    """One sentence or two; what hangs on the position is said as a condition."""
    action, instrument = signal["action"], signal["instrument"]
    exact = signal.get("quantity")
    match action:
        case "buy" | "sell" if signal.get("sentiment") == "flat":
            side = "short" if action == "buy" else "long"
            return f"Close {_part(exact)} {side} position in {instrument}."
        case "buy" | "sell":
            return _open(action, instrument, signal, numbers, settings)
        case "add":
            size = _size(signal, numbers)
            return f"Add {size} {instrument} to the position, {_price(signal)}."
        case "exit":
            return f"Close {_part(exact)} position in {instrument}."
        case "cancel":
            return f"Cancel the open orders in {instrument}."
        case "reverse":
            return f"Turn the position in {instrument} around, {_price(signal)}."
        case "breakeven":
            return f"Move the stop of {instrument} to the entry price."
    return f"{action.capitalize()} {instrument}."


def _open(
    action: str,
    instrument: str,
    signal: Mapping[str, Any],
    numbers: Mapping[str, str],
    settings: Mapping[str, Mapping[str, Any]],
) -> str:
    new, old = ("long", "short") if action == "buy" else ("short", "long")
    first = f"{action.capitalize()} {_size(signal, numbers)} {instrument} {_price(signal)}."
    if settings.get("allow_swap", {}).get("value"):
        return f"{first} If {instrument} is {old}, that is closed first, then {new} opened."
    return f"{first} If {instrument} is {old}, it only closes, and at most what is held."


def _size(signal: Mapping[str, Any], numbers: Mapping[str, str]) -> str:
    size = numbers.get("quantity") or signal.get("quantity") or "an unknown number of"
    kind = signal.get("quantity_type")
    return f"{size} ({kind.replace('_', ' ')})" if kind else str(size)


def _part(exact: str | None) -> str:
    return f"{exact} of the" if exact else "the whole"


def _price(signal: Mapping[str, Any]) -> str:
    kind = (signal.get("order_type") or "market").replace("_", " ")
    if kind == "market":
        return "at market"
    price = signal.get("limit_price") or signal.get("stop_price")
    return f"by a {kind} order" + (f" at {price}" if price else "")
