"""The signal language: any bytes become one `Signal` or one `BadSignal`, nothing else.

`read` turns bytes into a JSON object, strictly; each dialect's own module turns that into
a `Signal`. Codes are TradersPost's, since senders know them.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 8
# Beyond this a number is a mistake or an attack, not a price.
MAX_DIGITS = 28


class BadSignal(Exception):
    """A message we do not take: why, where, and how to mend it."""

    def __init__(self, code: str, message: str, fix: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.message = message
        self.fix = fix


class TakeProfit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to take the profit of an entry: exactly one of these."""

    limit_price: Decimal | None = None
    percent: Decimal | None = None
    # A distance in price, not in money.
    amount: Decimal | None = None
    # A profit in the account's money.
    pnl_amount: Decimal | None = None


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


def read(body: bytes) -> dict[str, Any]:
    """The JSON object in a body: numbers exact, no key twice, not too deep.

    Raises BadSignal(`empty-json`, `malformed-json` or `invalid-payload`).
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8", "Send the message as UTF-8.") from None
    if not text.strip():
        raise BadSignal("empty-json", "The message is empty.", "Send a JSON object.")
    if _depth(text) > MAX_DEPTH:
        raise _malformed(f"it is nested more than {MAX_DEPTH} deep", "Flatten it.")
    try:
        found = _decoder.decode(text.strip())
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg.lower()}"
        raise _malformed(where, "Copy the message again from the builder.") from None
    if not isinstance(found, dict):
        raise BadSignal(
            "invalid-payload", "The message is JSON, but not an object.", "Send {…} with fields."
        )
    try:
        text.encode()
        msgspec.json.encode(found, enc_hook=str)
    except UnicodeEncodeError:
        raise _malformed("it holds half a character", "Send the message as UTF-8.") from None
    return found


def number(payload: dict[str, Any], name: str, code: str) -> Decimal | None:
    """A number above zero, sent as a number or as a string; None when absent.

    Raises BadSignal(code).
    """
    raw = payload.get(name)
    if raw is None:
        return None
    fix = f'Send `{name}` as a number above 0, for example 10 or "85.50".'
    try:
        value = Decimal(raw.strip()) if isinstance(raw, str) else raw
    except ArithmeticError:
        value = None
    if not isinstance(value, Decimal):
        raise BadSignal(code, f"`{name}` is not a number.", fix, name)
    if not value.is_finite() or value <= 0:
        raise BadSignal(code, f"`{name}` must be above 0.", fix, name)
    digits, exponent = value.as_tuple().digits, int(value.as_tuple().exponent)
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        raise BadSignal(code, f"`{name}` has more than {MAX_DIGITS} digits.", fix, name)
    return value


def one_of(payload: dict[str, Any], name: str, allowed: dict[str, str], code: str) -> str | None:
    """A word of a list, as we spell it; None when absent.

    Raises BadSignal(code).
    """
    raw = payload.get(name)
    if raw is None:
        return None
    if isinstance(raw, str) and raw in allowed:
        return allowed[raw]
    words = ", ".join(allowed)
    raise BadSignal(code, f"`{name}` is {_show(raw)}.", f"Use one of: {words}.", name)


def _show(raw: object) -> str:
    text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
    return f"`{text[:40]}`" + ("…" if len(text) > 40 else "")


def _malformed(what: str, fix: str) -> BadSignal:
    return BadSignal("malformed-json", f"This is not valid JSON: {what}.", fix)


def _depth(text: str) -> int:
    """How deep the brackets go, an upper bound: those inside strings count too."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif inside:
            if character == '"':
                inside = False
            elif character == "\\":
                escaped = True
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                return deepest
        elif character in "}]":
            depth -= 1
    return deepest


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise _malformed(f"the key {_show(twice)} is there twice", "Keep one of them.")
    return found


def _no_constants(word: str) -> object:
    raise _malformed(f"{word} is not a number", "Send a number, or leave the field out.")


_decoder = json.JSONDecoder(
    parse_float=Decimal,
    parse_int=Decimal,
    parse_constant=_no_constants,
    object_pairs_hook=_no_repeats,
)
