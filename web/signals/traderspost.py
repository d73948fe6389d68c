"""The TradersPost dialect: its fields, its codes. Pure."""

import re
from datetime import UTC, datetime
from typing import Any

from web.signals import rules
from web.signals.rules import BadSignal, Signal

ACTIONS = {word: word for word in ("buy", "sell", "exit", "add", "cancel")}
SENTIMENTS = {
    "bullish": "bullish",
    "long": "bullish",
    "bearish": "bearish",
    "short": "bearish",
    "flat": "flat",
}
ORDER_TYPES = {word: word for word in ("market", "limit", "stop", "stop_limit", "trailing_stop")}

_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9 ._!/=^&-]{0,39}")


def parse(payload: dict[str, Any]) -> Signal:
    """The signal in a TradersPost message. Unknown keys are kept with the body.

    Raises BadSignal with TradersPost's own code.
    """
    for name in ("ticker", "action"):
        if payload.get(name) is None:
            raise BadSignal(
                "invalid-payload", f"`{name}` is missing.", f"Add `{name}` to the message.", name
            )
    action = rules.one_of(payload, "action", ACTIONS, "invalid-action") or ""
    sentiment = rules.one_of(payload, "sentiment", SENTIMENTS, "invalid-sentiment")
    if sentiment and action not in ("buy", "sell"):
        raise BadSignal(
            "invalid-sentiment-action",
            f"`sentiment` goes with buy or sell, not with {action}.",
            "Leave `sentiment` out.",
            "sentiment",
        )
    ticker, instrument = _ticker(payload["ticker"])
    price = rules.number(payload, "price", "invalid-payload")
    signal_price = rules.number(payload, "signalPrice", "invalid-payload")
    return Signal(
        dialect="traderspost",
        ticker=ticker,
        instrument=instrument,
        action=action,
        sentiment=sentiment,
        quantity=rules.number(payload, "quantity", "invalid-quantity"),
        order_type=rules.one_of(payload, "orderType", ORDER_TYPES, "invalid-order-type"),
        limit_price=rules.number(payload, "limitPrice", "invalid-payload"),
        signal_price=signal_price or price,
        sent_at=_time(payload.get("time")),
        test=_flag(payload, "test"),
        warnings=_warnings(payload),
    )


def _ticker(raw: object) -> tuple[str, str]:
    if not isinstance(raw, str):
        raise BadSignal("invalid-payload", "`ticker` is not text.", "Send it as text.", "ticker")
    ticker = raw.strip()
    if not ticker:
        raise BadSignal("empty-ticker-name", "`ticker` is empty.", "Name the symbol.", "ticker")
    instrument = ticker.upper().rpartition(":")[2]
    if not _INSTRUMENT.fullmatch(instrument):
        raise BadSignal(
            "ticker-does-not-exist",
            f"There is no instrument {ticker[:40]!r}.",
            "Send a symbol such as AAPL, MNQ1! or BTCUSD.",
            "ticker",
        )
    return ticker, instrument


def _time(raw: object) -> datetime | None:
    if raw is None:
        return None
    try:
        sent_at = datetime.fromisoformat(str(raw))
        # Near the ends of the calendar a zone can push a time out of it.
        return (sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSignal(
            "invalid-payload",
            "`time` is not a time.",
            "Send ISO 8601, for example 2026-11-20T14:30:00Z, or leave it out.",
            "time",
        ) from None


def _flag(payload: dict[str, Any], name: str) -> bool:
    raw = payload.get(name, False)
    if isinstance(raw, bool):
        return raw
    raise BadSignal("invalid-payload", f"`{name}` is not true or false.", "Send true.", name)


def _warnings(payload: dict[str, Any]) -> tuple[str, ...]:
    if "price" in payload and "signalPrice" in payload:
        return ("Both `price` and `signalPrice` were sent; `signalPrice` was used.",)
    return ()
