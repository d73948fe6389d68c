"""The Crypto-Arsenal dialect: its fields as one canonical Signal. Pure.

A message names no instrument: its connector does. Messages that ask for a position
instead of an order are read in `arsenal_sync`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from web.signals import arsenal_sync
from web.signals.fields import MAX_TEXT, Fields, clean
from web.signals.refusals import BadSignal
from web.signals.rules import Signal, StopLoss, TakeProfit
from web.strategies.rules import UNKNOWN, Connector, Market, Mode

DIALECT = "crypto_arsenal"
MAX_DELAY_SECONDS = 3600
ALL = Decimal(100)

NAME, TOKEN = "connectorName", "connectorToken"
# As JSON may spell it, each letter by its number too; and as bodies that are no JSON do, which are
# kept to be looked at.
_SPELLED = "".join(rf"(?:{letter}|\\u00(?i:{ord(letter):02x}))" for letter in TOKEN)
_VALUE = r""""(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\[[^\]]*\]?|\{[^}]*\}?|[^\s,}&]+"""
_TOKEN_IN_BODY = re.compile(
    rf"""({_SPELLED}[^\w\s:=]{{0,3}}\s*[:=]\s*)({_VALUE})""".encode(), re.DOTALL
)

# What only this dialect has; one of them, without a ticker, gives a message away.
_OWN_FIELDS = ("fixed", "percent", "notional", "entryOrder", "clientOrderId", "limit", "log")
_OTHERS = ("action", "profit", "loss", "position", "delaySeconds", "delaySecondsFilter")
_KNOWN = frozenset((*_OWN_FIELDS, *_OTHERS, NAME, TOKEN))


@dataclass(frozen=True, slots=True)
class _Verb:
    """What an action means in our words."""

    action: str
    sentiment: str
    opens: bool
    market: Market


_VERBS = {
    "openlong": _Verb("buy", "bullish", True, Market.FUTURES),
    "closelong": _Verb("sell", "bullish", False, Market.FUTURES),
    "openshort": _Verb("sell", "bearish", True, Market.FUTURES),
    "closeshort": _Verb("buy", "bearish", False, Market.FUTURES),
    "buy": _Verb("buy", "bullish", True, Market.SPOT),
    "sell": _Verb("sell", "bullish", False, Market.SPOT),
}
_CANCEL_ALL = ("cancelall", "cancellall")
ACTIONS = "openLong, closeLong, openShort, closeShort, buy, sell, cancel, cancelAll"


def looks_like(payload: Mapping[str, Any]) -> bool:
    """Is this message of this dialect? By its shape alone."""
    if NAME in payload or TOKEN in payload:
        return True
    # Only TradersPost's messages name their instrument, whatever their action says.
    if "ticker" in payload:
        return False
    word = _word(payload.get("action"))
    if word in _CANCEL_ALL or word == "update":
        return True
    if word in _VERBS and _VERBS[word].market is Market.FUTURES:
        return True
    return any(name in payload for name in _OWN_FIELDS)


def parse(payload: Mapping[str, Any], connector: Connector = UNKNOWN) -> Signal:
    """The signal in a message. Unknown keys are kept with the body.

    Raises BadSignal.
    """
    fields = Fields(payload, [])
    mode = _mode(payload, connector)
    if mode in (Mode.PLAIN, Mode.REVERSE):
        return _order(fields, payload, connector, mode)
    target = arsenal_sync.read(fields, mode, connector)
    side = target.side if target else "flat"
    action, sentiment = {"long": ("buy", "bullish"), "short": ("sell", "bearish")}.get(
        side, ("exit", None)
    )
    return Signal(
        **_common(fields, payload, connector),
        action=action,
        sentiment=sentiment,
        order_type="market",
        target=target,
        reserve_percent=connector.reserve_percent if target else None,
        warnings=tuple(fields.warnings),
    )


def redact(body: bytes) -> bytes:
    """The message as it may be kept: without the token that lets one send more."""
    if TOKEN.encode() not in body and b"\\u" not in body:
        return body
    return _TOKEN_IN_BODY.sub(rb'\1"redacted"', body)


def _mode(payload: Mapping[str, Any], connector: Connector) -> Mode:
    """A message that says by its shape what it is, is that; else the connector knows."""
    if _word(payload.get("action")) == "update":
        return Mode.MULTICHARTS
    if payload.get("entryOrder") is not None:
        return Mode.SYNC
    position = payload.get("position")
    if isinstance(position, Mapping) and "capital" in position:
        return Mode.PERCENT
    return connector.mode


def _order(fields: Fields, payload: Mapping[str, Any], connector: Connector, mode: Mode) -> Signal:
    word = _word(payload.get("action"))
    if word is None:
        raise fields.bad("action", "is missing.", f"Use one of: {ACTIONS}.")
    tag = fields.text("clientOrderId", as_it_is=True)
    if word == "cancel" and tag is None:
        fix = "Add `clientOrderId`, or send cancelAll."
        raise fields.bad("clientOrderId", "is missing, and cancel needs it.", fix)
    if word == "cancel" or word in _CANCEL_ALL:
        return Signal(
            **_common(fields, payload, connector),
            action="cancel",
            client_tag=tag if word == "cancel" else None,
            warnings=tuple(fields.warnings),
        )
    verb = _VERBS.get(word)
    if verb is None:
        shown = clean(str(payload.get("action")))[:40]
        fix = f"Use one of: {ACTIONS}."
        raise fields.bad("action", f"is `{shown}`.", fix, "invalid-action")
    _check_market(verb, connector)
    quantity, quantity_type = _size(fields, verb, connector)
    limit = fields.number("limit")
    profit, loss = _protection(fields, verb)
    return Signal(
        **_common(fields, payload, connector),
        action=verb.action,
        sentiment=verb.sentiment,
        quantity=quantity,
        quantity_type=quantity_type,
        order_type="limit" if limit else "market",
        limit_price=limit,
        take_profit=profit,
        stop_loss=loss,
        client_tag=tag,
        reverses=mode is Mode.REVERSE and verb.opens and verb.market is Market.FUTURES,
        warnings=tuple(fields.warnings),
    )


def _common(fields: Fields, payload: Mapping[str, Any], connector: Connector) -> dict[str, Any]:
    """What every message has. Warnings about it come before those about the rest."""
    unknown = [name for name in payload if name not in _KNOWN]
    if unknown:
        names = ", ".join(f"`{clean(name)[:40]}`" for name in unknown[:5])
        fields.warnings.append(f"Kept, but not used: {names}.")
    return {
        "dialect": DIALECT,
        "ticker": connector.instrument,
        "instrument": connector.instrument,
        "message": _log(payload),
        "delay_seconds": _delay(fields, payload),
    }


def _check_market(verb: _Verb, connector: Connector) -> None:
    if connector.market in (Market.ANY, verb.market):
        return
    words = {
        Market.SPOT: "buy and sell",
        Market.FUTURES: "openLong, closeLong, openShort and closeShort",
    }
    raise BadSignal(
        "invalid-action",
        f"This connector trades {connector.market}; the action is for {verb.market}.",
        f"Send {words[connector.market]}, or change the connector's market.",
        "action",
    )


def _size(fields: Fields, verb: _Verb, connector: Connector) -> tuple[Decimal, str]:
    """The size and its type: fixed before percent before notional before all there is."""
    fixed = fields.number("fixed", code="invalid-quantity")
    percent = fields.number("percent", code="invalid-quantity")
    notional = fields.number("notional", code="invalid-quantity")
    sent = [name for name, value in _named(fixed, percent, notional) if value is not None]
    if len(sent) > 1:
        unused = " and ".join(f"`{name}`" for name in sent[1:])
        fields.warnings.append(f"`{sent[0]}` was used, {unused} not.")
    times = connector.multiplier if verb.opens and verb.market is Market.FUTURES else Decimal(1)
    if times != 1:
        fields.warnings.append(f"The size was multiplied by the leverage, {times:f}.")
    if fixed is not None:
        return fixed * times, "fixed_quantity"
    if not verb.opens:
        return _part(fields, percent, notional)
    if percent is not None or notional is None:
        percent = _less_reserve(ALL if percent is None else percent, connector)
        return percent * times, "percent_of_balance"
    return notional * times, "notional"


def _less_reserve(percent: Decimal, connector: Connector) -> Decimal:
    """90 is 90; everything is everything but the reserve. Above 100 a sender's own leverage
    is counted in, and the reserve grows with it."""
    kept = ALL - connector.reserve_percent
    return min(percent, max(kept, percent * kept / ALL))


def _named(
    fixed: Decimal | None, percent: Decimal | None, notional: Decimal | None
) -> tuple[tuple[str, Decimal | None], ...]:
    return ("fixed", fixed), ("percent", percent), ("notional", notional)


def _part(fields: Fields, percent: Decimal | None, notional: Decimal | None) -> tuple[Decimal, str]:
    """How much of a position is closed."""
    if percent is None and notional is not None:
        return notional, "notional"
    if percent is not None and percent > ALL:
        fields.warnings.append(f"`percent` is {percent:f}; at most everything is closed.")
    return min(percent or ALL, ALL), "percent_of_position"


def _protection(fields: Fields, verb: _Verb) -> tuple[TakeProfit | None, StopLoss | None]:
    profit, loss = fields.number("profit"), fields.number("loss")
    if not (verb.opens and verb.market is Market.FUTURES):
        for name, value in (("profit", profit), ("loss", loss)):
            if value is not None:
                fields.warnings.append(f"`{name}` goes with openLong and openShort: not used.")
        return None, None
    return (
        TakeProfit(limit_price=profit) if profit else None,
        StopLoss(type="stop", stop_price=loss) if loss else None,
    )


def _delay(fields: Fields, payload: Mapping[str, Any]) -> Decimal | None:
    """The delay, unless a filter is sent that the log does not contain."""
    seconds = fields.number("delaySeconds", zero=True)
    if seconds is not None and seconds > MAX_DELAY_SECONDS:
        fix = f"Send at most {MAX_DELAY_SECONDS}."
        raise fields.bad("delaySeconds", "is more than an hour.", fix)
    wanted = fields.text("delaySecondsFilter")
    if not seconds or (wanted and wanted not in (_log(payload) or "")):
        return None
    return seconds


def _log(payload: Mapping[str, Any]) -> str | None:
    """The text for people. Whatever it holds, it stops nothing."""
    raw = payload.get("log")
    return clean(raw)[:MAX_TEXT] or None if isinstance(raw, str) else None


def _word(raw: object) -> str | None:
    """An action without its spelling: openLong, open_long and OPENLONG are one."""
    return raw.strip().replace("_", "").lower() if isinstance(raw, str) else None
