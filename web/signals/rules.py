"""The signal language: any bytes become one `Signal` or one `BadSignal`, nothing else.

`body` turns bytes into a JSON object, strictly; each dialect's own module turns that into
a `Signal`, with the readers of single values here. Codes are TradersPost's, since senders
know them.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import msgspec

from web.signals import placeholders
from web.signals.body import read as read
from web.signals.refusals import ABOVE_0, bad
from web.signals.refusals import BadSignal as BadSignal

# Beyond this a number is a mistake or an attack, not a price.
MAX_DIGITS = 28

_LEAST, _MOST = Decimal(f"1e-{MAX_DIGITS}"), Decimal(f"1e{MAX_DIGITS}")
_ROUND = Context(prec=MAX_DIGITS).plus
_NUMERIC = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)


class TakeProfit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to take the profit of an entry: exactly one of these."""

    limit_price: Decimal | None = None
    percent: Decimal | None = None
    # A distance in price, not in money.
    amount: Decimal | None = None
    # A profit in the account's money.
    pnl_amount: Decimal | None = None
    # Of a ladder: how much it closes, in units or in percent of the entry.
    quantity: Decimal | None = None
    quantity_percent: Decimal | None = None


class StopLoss(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to stop the loss of an entry: one of the four, or a trail."""

    # stop, stop_limit or trailing_stop; None leaves it to the settings.
    type: str | None = None
    stop_price: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    pnl_amount: Decimal | None = None
    # With stop_limit.
    limit_price: Decimal | None = None
    # With trailing_stop.
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


class OptionChoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which option contract of the underlying is meant."""

    # both, call or put.
    option_type: str | None = None
    # itm or otm.
    intrinsic_value: str | None = None
    # A date, 2026-12-18, or a distance, +2 weeks.
    expiration: str | None = None
    strike_count: int | None = None
    strikes_away: int | None = None
    strike_price: Decimal | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The position a message wants: only who knows position and balance can make orders of it."""

    # A word of execution's sizing modes.
    mode: str
    # long or short; flat is an exit.
    side: str
    # Units of the position wanted, and of the one before, as the sender holds them.
    size: Decimal | None = None
    prev_side: str | None = None
    prev_size: Decimal | None = None
    # What the mode computes with: a percent, an amount, units or a capital.
    value: Decimal | None = None
    # The sender's own order, where the mode follows it.
    order_size: Decimal | None = None
    order_price: Decimal | None = None
    # Multiplies what is opened.
    leverage: Decimal = Decimal(1)


class Signal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message, canonical. Prices and quantities are exact."""

    dialect: str
    ticker: str
    # The ticker without its exchange prefix, upper case.
    instrument: str
    # buy, sell, exit, add, cancel, reverse or breakeven.
    action: str
    # bullish, bearish or flat: the state wanted after the trade.
    sentiment: str | None = None
    quantity: Decimal | None = None
    # fixed_quantity where None.
    quantity_type: str | None = None
    order_type: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    signal_price: Decimal | None = None
    # ask_bid, mark, ask, bid or last.
    market_price_type: str | None = None
    take_profit: TakeProfit | None = None
    # Several targets, in place of the one.
    take_profit_ladder: tuple[TakeProfit, ...] = ()
    stop_loss: StopLoss | None = None
    time_in_force: str | None = None
    extended_hours: bool | None = None
    # The sender's clock, for latency display and `reject_after_seconds` only.
    sent_at: datetime | None = None
    reject_after_seconds: Decimal | None = None
    delay_seconds: Decimal | None = None
    # Cancel open orders of the instrument first: said yes, said no, not said.
    cancel: bool | None = None
    cancel_order_type: str | None = None
    cancel_after_seconds: Decimal | None = None
    ignore_trading_windows: bool = False
    breakeven_offset: Decimal | None = None
    spread_filter: Decimal | None = None
    spread_filter_percent: Decimal | None = None
    option: OptionChoice | None = None
    # For the person who approves.
    message: str | None = None
    # For display only.
    expires_at: str | None = None
    interval: str | None = None
    test: bool = False
    warnings: tuple[str, ...] = ()
    # The sender's name for its order; with `cancel`, the only orders that are meant.
    client_tag: str | None = None
    # An opposite position is closed whole, whatever the quantity, then this one opens.
    reverses: bool = False
    # What a target that counts in percent of the balance leaves untouched.
    reserve_percent: Decimal | None = None
    # Instead of a quantity.
    target: Target | None = None

    @property
    def reduces(self) -> bool:
        """True for the actions that never open exposure."""
        return self.action in ("exit", "cancel")

    def to_json(self) -> dict[str, Any]:
        """As stored: numbers as strings, times as RFC 3339, what was not said left out."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def from_json(stored: dict[str, Any]) -> Signal:
    """The signal as it was stored."""
    return msgspec.convert(stored, Signal)


def number(
    payload: Mapping[str, Any], name: str, code: str, *, field: str | None = None
) -> Decimal | None:
    """A number above zero, sent as a number or as a string; None when absent.

    Raises BadSignal(code).
    """
    raw = payload.get(name)
    if raw is None:
        return None
    kind = type(raw)
    if kind is Decimal:
        value = raw
    elif kind is int:
        value = Decimal(raw)
    elif kind is str and _NUMERIC.fullmatch(text := raw.strip()):
        value = Decimal(text)
    else:
        said = f"`{field or name}` is {show(raw)}, not a number."
        raise wrong(code, field or name, raw, said, ABOVE_0)
    if value <= 0:
        raise wrong(code, field or name, raw, f"`{field or name}` must be above 0.", ABOVE_0)
    if not _LEAST <= value <= _MOST or (rounded := _ROUND(value)) != value:
        said = f"`{field or name}` has more than {MAX_DIGITS} digits."
        raise wrong(code, field or name, raw, said, ABOVE_0)
    return rounded


def whole(payload: Mapping[str, Any], name: str, code: str, *, least: int) -> int | None:
    """A whole number, sent as a number or as a string; None when absent.

    Raises BadSignal(code).
    """
    raw = payload.get(name)
    if raw is None:
        return None
    if isinstance(raw, str) and _NUMERIC.fullmatch(raw.strip()):
        value = Decimal(raw.strip())
    elif isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        value = Decimal(raw)
    else:
        raise wrong(code, name, raw)
    if not least <= value <= 10_000 or value != int(value):
        raise wrong(code, name, raw)
    return int(value)


def one_of(
    payload: Mapping[str, Any],
    name: str,
    allowed: Mapping[str, str],
    code: str,
    *,
    field: str | None = None,
) -> str | None:
    """A word of a list, as we spell it; None when absent.

    Raises BadSignal(code).
    """
    raw = payload.get(name)
    if raw is None:
        return None
    if isinstance(raw, str) and raw in allowed:
        return allowed[raw]
    fix = f"Use one of: {', '.join(allowed)}."
    near = raw.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(raw, str) else ""
    if near in allowed:
        fix = f"Write `{near}`, exactly so. {fix}"
    raise wrong(code, field or name, raw, f"`{field or name}` is {show(raw)}.", fix)


def flag(payload: Mapping[str, Any], name: str) -> bool | None:
    """True or false, also as a text, since templates quote everything; None when absent.

    Raises BadSignal(`invalid-payload`).
    """
    raw = payload.get(name)
    if raw is None or isinstance(raw, bool):
        return raw
    if raw in ("true", "false"):
        return bool(raw == "true")
    raise wrong(
        "invalid-payload",
        name,
        raw,
        f"`{name}` is not true or false.",
        "Send true or false, without quotes.",
    )


def wrong(
    code: str, field: str, raw: object, message: str | None = None, fix: str | None = None
) -> BadSignal:
    """The refusal of one value; known slips of senders are named before anything else."""
    if isinstance(raw, str):
        if literal := placeholders.find(raw):
            said = f"`{field}` still says `{literal}`: it was not replaced."
            return bad(code, field, said, placeholders.cure(literal))
        if _THOUSANDS.fullmatch(raw.strip()[:60]):
            said = f"`{field}` is {show(raw)}, with a comma for thousands."
            return bad(code, field, said, f"Send {raw.strip()[:60].replace(',', '')}.")
        if raw.strip().lower() in ("nan", "na", "null", "none", "undefined"):
            said = f"`{field}` is {show(raw)}: the sender had no value at that moment."
            return bad(code, field, said, f"Leave `{field}` out when there is no value.")
    return bad(code, field, message or f"`{field}` is {show(raw)}.", fix)


def show(raw: object) -> str:
    """A sender's value, short enough to be quoted."""
    text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
    return f"`{text[:40]}`" + ("…" if len(text) > 40 else "")
