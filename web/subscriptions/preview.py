"""What a signal would come to with these settings, in words and with the arithmetic. Pure.

It knows neither position nor quote, so it speaks of an entry at the signal's own price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, localcontext

from web.signals.rules import Signal
from web.subscriptions.settings import Resolved

# Money for one unit of price and one of quantity; a future's is its contract's.
_FACTORS = {"stocks": Decimal(1), "crypto": Decimal(1), "options": Decimal(100)}
_DIGITS = Decimal("0.00000001")
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)

_SAMPLES: Mapping[str, tuple[str, str]] = {
    "stocks": ("AAPL", "228.40"),
    "options": ("AAPL", "4.20"),
    "futures": ("MNQ1!", "20150.25"),
    "crypto": ("BTCUSD", "91250.5"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview."""

    label: str
    text: str


def sample(asset_class: str) -> Signal:
    """A buy with a price and nothing else."""
    ticker, price = _SAMPLES[asset_class]
    return Signal(
        dialect="traderspost",
        ticker=ticker,
        instrument=ticker,
        action="buy",
        signal_price=Decimal(price),
    )


def describe(signal: Signal, resolved: Resolved, asset_class: str) -> list[Line]:
    """Order, size, target, stop and the worst case; what cannot be known says so."""
    with localcontext(_CONTEXT):
        if signal.action not in ("buy", "sell", "add"):
            return [Line("Order", _other(signal))]
        price = signal.limit_price or signal.signal_price
        stop = _distance(resolved, "stop_loss", price, signal)
        size, arithmetic = _size(resolved, price, stop, asset_class)
        lines = [
            Line("Order", _order(signal, resolved)),
            Line("Size", arithmetic),
            Line("Take profit", _targets(resolved, price, signal, size, asset_class)),
            Line("Stop", _place(resolved, "stop_loss", price, signal, size, asset_class)),
        ]
        worst = _worst(size, stop, asset_class)
        return [*lines, Line("Worst case at the stop", worst)] if worst else lines


def _order(signal: Signal, resolved: Resolved) -> str:
    order_type = str(resolved["entry_order_type"]).replace("_", " ")
    side = {"buy": "Buy", "sell": "Sell", "add": "Add"}[signal.action]
    price = signal.limit_price or signal.signal_price
    at = f" at {_text(price)}" if order_type == "limit" and price else ""
    tif = resolved["entry_time_in_force"]
    return f"{side} {signal.instrument}, {order_type}{at}{f', {tif}' if tif else ''}"


def _other(signal: Signal) -> str:
    match signal.action:
        case "exit":
            part = f"{_text(signal.quantity)} of " if signal.quantity else "all of "
            return f"Close {part}the position in {signal.instrument}"
        case "cancel":
            return f"Cancel open orders of {signal.instrument}"
        case "reverse":
            return f"Close {signal.instrument} and open the other side"
        case _:
            return f"Move the stop of {signal.instrument} to break even"


def _size(
    resolved: Resolved, price: Decimal | None, stop: Decimal | None, asset_class: str
) -> tuple[Decimal | None, str]:
    """The quantity where it can be known, and how it is worked out."""
    value, kind = resolved["quantity"], str(resolved["quantity_type"])
    factor = _FACTORS.get(asset_class)
    if not isinstance(value, Decimal):
        if asset_class == "crypto":
            return None, "No size is set, and crypto never trades 1 by default: it is skipped"
        return Decimal(1), "1, because no size is set anywhere"
    said = _text(value)
    multiplier = resolved["multiplier"]
    if resolved.values["quantity"].came_from == "signal" and isinstance(multiplier, Decimal):
        value *= multiplier
        said = said if multiplier == 1 else f"{said} × {_text(multiplier)} = {_text(value)}"
    match kind:
        case "fixed_quantity":
            return _round(value, said, resolved)
        case "dollar_amount" if price and factor:
            unit = price * factor
            return _round(value / unit, f"{said} / {_text(unit)} = {_text(value / unit)}", resolved)
        case "risk_dollar_amount" if stop and factor:
            risk = stop * factor
            text = f"{said} / {_text(risk)} to the stop = {_text(value / risk)}"
            return _round(value / risk, text, resolved)
        case "risk_dollar_amount" | "risk_percent" if resolved["stop_loss"] is None:
            return None, f"{_named(kind, said)} needs a stop, and none is set: it is skipped"
        case "dollar_amount" | "risk_dollar_amount":
            return None, f"{_named(kind, said)}, at the price of that moment"
        case _:
            return None, f"{_named(kind, said)}, of the account at that moment"


def _named(kind: str, said: str) -> str:
    return {
        "dollar_amount": f"{said} of money",
        "risk_dollar_amount": f"{said} of money lost at the stop",
        "risk_percent": f"{said} % of equity lost at the stop",
        "percent_of_equity": f"{said} % of equity",
        "percent_of_position": f"{said} % of the position",
    }.get(kind, f"{said} ({kind.replace('_', ' ')})")


def _round(value: Decimal, said: str, resolved: Resolved) -> tuple[Decimal, str]:
    if resolved["fractional"] is not False or value % 1 == 0:
        return value, said
    whole = value.quantize(Decimal(1), rounding=ROUND_DOWN)
    return whole, f"{said}, whole units only → {_text(whole)}"


def _distance(
    resolved: Resolved, name: str, price: Decimal | None, signal: Signal
) -> Decimal | None:
    """How far from the entry price it is, where that can be known."""
    value, unit = resolved[name], str(resolved[f"{name}_unit"])
    if not isinstance(value, Decimal):
        return None
    match unit:
        case "percent" | "trail_percent":
            return price * value / 100 if price else None
        case "amount" | "trail_amount":
            return value
        case "limit_price" | "stop_price":
            return abs(price - value) if price else None
        case _:
            return None


def _place(
    resolved: Resolved,
    name: str,
    price: Decimal | None,
    signal: Signal,
    size: Decimal | None,
    asset_class: str,
) -> str:
    """`217.00: 5 % = 11.40 of price = 57.00 of money for 5`."""
    value, unit = resolved[name], str(resolved[f"{name}_unit"])
    if not isinstance(value, Decimal):
        return "none"
    if unit == "pnl_amount":
        return f"where {_text(value)} of money is reached"
    distance = _distance(resolved, name, price, signal)
    said = f"{_text(value)} %" if unit.endswith("percent") else _text(value)
    if distance is None:
        return f"{said} from the price of that moment"
    told = [said, f"{_text(distance)} of price"]
    factor = _FACTORS.get(asset_class)
    if size and factor:
        told.append(f"{_text(distance * size * factor)} of money for {_text(size)}")
    if price is None:
        return " = ".join(told)
    up = (signal.action == "sell") is (name == "stop_loss")
    at = price + distance if up else price - distance
    trails = name == "stop_loss" and resolved["stop_loss_type"] == "trailing_stop"
    return f"{'starts at ' if trails else ''}{_text(at)}: " + " = ".join(dict.fromkeys(told))


def _targets(
    resolved: Resolved,
    price: Decimal | None,
    signal: Signal,
    size: Decimal | None,
    asset_class: str,
) -> str:
    """Where profit is taken, or at how many targets of a ladder."""
    if signal.take_profit_ladder and resolved.values["take_profit"].came_from == "signal":
        return f"{len(signal.take_profit_ladder)} targets"
    return _place(resolved, "take_profit", price, signal, size, asset_class)


def _worst(size: Decimal | None, stop: Decimal | None, asset_class: str) -> str:
    if size is None or stop is None:
        return ""
    factor = _FACTORS.get(asset_class)
    if factor is None:
        return f"{_text(size)} × {_text(stop)} × the contract's point value"
    product = f"{_text(size)} × {_text(stop)}" + (f" × {_text(factor)}" if factor != 1 else "")
    return f"{product} = {_text(size * stop * factor)}, before fees and slippage"


def _text(value: Decimal | None) -> str:
    """`1,234.5`; at most 8 places."""
    if value is None:
        return "–"
    rounded = value.quantize(_DIGITS) if value.adjusted() < 28 else value
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
