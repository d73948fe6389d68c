"""The TradersPost dialect: its fields, its codes, checked in the order of its list. Pure."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from web.signals import contracts, options, placeholders, protection, remarks, times
from web.signals.contracts import Contract
from web.signals.refusals import bad
from web.signals.rules import Signal, flag, number, one_of, show, wrong

ACTIONS = {word: word for word in ("buy", "sell", "exit", "add", "cancel", "reverse", "breakeven")}
ENTRIES = frozenset({"buy", "sell", "add", "reverse"})
SENTIMENTS = {
    "bullish": "bullish",
    "long": "bullish",
    "bearish": "bearish",
    "short": "bearish",
    "flat": "flat",
}
ORDER_TYPES = {word: word for word in ("market", "limit", "stop", "stop_limit", "trailing_stop")}
TIMES_IN_FORCE = {word: word for word in ("day", "gtc", "opg", "cls", "ioc", "fok")}
MARKET_PRICE_TYPES = {word: word for word in ("ask_bid", "mark", "ask", "bid", "last")}
RISK_TYPES = frozenset({"risk_dollar_amount", "risk_percent"})
QUANTITY_TYPES = {
    word: word
    for word in (
        "fixed_quantity",
        "dollar_amount",
        "risk_dollar_amount",
        "risk_percent",
        "percent_of_equity",
        "percent_of_position",
    )
}
OLDER_QUANTITY_TYPES = {
    "amount_per_position": "dollar_amount",
    "risk_per_position": "risk_dollar_amount",
}
FUTURES_QUANTITY_TYPES = frozenset({"fixed_quantity", "percent_of_position"})
LEAST_OFFSET, MOST_OFFSET = Decimal("0.001"), Decimal(100)
LEAST_MESSAGE, MOST_MESSAGE = 25, 255

# What most messages have; they need no look at all the other fields.
_PLAIN = frozenset(
    {"ticker", "action", "sentiment", "quantity", "price", "signalPrice", "time", "interval"}
    | {"test", "extras"}
)
_INSTRUMENT = re.compile(r"[A-Z0-9][A-Z0-9 ._!/=^&-]{0,39}")
# A root with ! after the number, or with a month code and a year of four digits.
_FUTURES = re.compile(r"[A-Z0-9]{1,5}(?:\d!|[FGHJKMNQUVXZ]20\d\d)")
_TAG = re.compile(r"</?[A-Za-z!][^>]*>")
# New York's winter time: a contract can be traded until its own day has ended there.
_LAST_ZONE = timedelta(hours=-5)


def parse(
    payload: dict[str, Any], *, asset_class: str | None = None, now: datetime | None = None
) -> Signal:
    """The signal in a TradersPost message. Unknown keys are kept with the body.

    Without an asset class or a time, what depends on it is not checked. Raises BadSignal
    with TradersPost's own code.
    """
    for name in ("ticker", "action"):
        if payload.get(name) is None:
            raise bad(
                "invalid-payload", name, f"`{name}` is missing.", f"Add `{name}` to the message."
            )
    plain = _PLAIN.issuperset(payload)
    action = one_of(payload, "action", ACTIONS, "invalid-action") or ""
    sentiment = one_of(payload, "sentiment", SENTIMENTS, "invalid-sentiment")
    if sentiment and action not in ("buy", "sell"):
        said = f"`sentiment` goes with buy or sell, not with {action}."
        raise bad("invalid-sentiment-action", message=said)
    warnings: list[str] = [] if plain else remarks.on_keys(payload)
    order = {} if plain else _order(payload, action)
    ticker, instrument = _ticker(payload["ticker"], warnings)
    contract = contracts.parse(instrument) if asset_class in ("options", None) else None
    option = None
    if contract is not None or not plain:
        option = options.choice(payload, contract, _today(now))
    if contract is None and asset_class is not None:
        _check_class(ticker, instrument, asset_class)
    if not plain and asset_class is None and _FUTURES.fullmatch(instrument):
        # What futures do not take is refused everywhere: other classes refuse the ticker.
        asset_class = "futures"
    size = {} if plain else _size(payload, action, asset_class)
    quantity = number(payload, "quantity", "invalid-quantity")
    rest = {} if plain else _rest(payload, action, asset_class, now, size, warnings)
    price = _seen_price(payload, "price", warnings)
    signal_price = _seen_price(payload, "signalPrice", warnings)
    if price and signal_price:
        warnings.append("Both `price` and `signalPrice` were sent; `signalPrice` was used.")
    return Signal(
        dialect="traderspost",
        ticker=ticker,
        instrument=instrument,
        action=action,
        sentiment=sentiment,
        quantity=quantity,
        signal_price=signal_price or price,
        sent_at=_sent_at(payload, now, warnings),
        interval=_interval(payload),
        test=flag(payload, "test") or False,
        option=option,
        **order,
        **size,
        **rest,
        warnings=tuple(warnings),
    )


def _order(payload: dict[str, Any], action: str) -> dict[str, Any]:
    """The kind of order and what it trails by."""
    kind = one_of(payload, "orderType", ORDER_TYPES, "invalid-order-type")
    if kind == "trailing_stop" and action not in ("buy", "sell", "exit", "reverse"):
        said = f"A trailing stop goes with buy, sell, exit or reverse, not with {action}."
        raise bad("invalid-trailing-stop", "orderType", said)
    amount = number(payload, "trailAmount", "invalid-trailing-stop")
    percent = number(payload, "trailPercent", "invalid-trailing-stop")
    if amount and percent:
        said = "Both `trailAmount` and `trailPercent` were sent."
        raise bad("invalid-trailing-stop", "trailPercent", said)
    if kind == "trailing_stop" and not amount and not percent and not _trails(payload):
        said = "A trailing stop needs `trailAmount` or `trailPercent`."
        raise bad("invalid-trailing-stop", "trailAmount", said)
    return {"order_type": kind, "trail_amount": amount, "trail_percent": percent}


def _trails(payload: dict[str, Any]) -> bool:
    """True if `stopLoss` says what the order leaves out."""
    stop = payload.get("stopLoss")
    return isinstance(stop, dict) and not {"trailAmount", "trailPercent"}.isdisjoint(stop)


def _ticker(raw: object, warnings: list[str]) -> tuple[str, str]:
    if not isinstance(raw, str):
        raise bad("invalid-payload", "ticker", "`ticker` is not text.", "Send it in quotes.")
    ticker = raw.strip()
    if not ticker:
        raise bad("empty-ticker-name")
    prefix, _, instrument = ticker.upper().rpartition(":")
    fits = _INSTRUMENT.fullmatch(instrument) and not placeholders.find(ticker)
    # Only option contracts are written with spaces.
    if not fits or (" " in instrument and contracts.parse(instrument) is None):
        said = f"There is no instrument {show(ticker)}."
        raise wrong("ticker-does-not-exist", "ticker", ticker, said)
    if prefix or instrument.endswith(("_DL", "_DLY")):
        warnings += remarks.on_exchange(prefix, instrument)
    return ticker, instrument


def _today(now: datetime | None) -> date | None:
    return (now + _LAST_ZONE).date() if now else None


def _check_class(ticker: str, instrument: str, asset_class: str) -> None:
    """Refuse what is plainly of another class; most symbols do not tell."""
    found: Contract | None = contracts.parse(instrument)
    if found is not None and found.expiration is not None:
        kind = "options"
    elif asset_class != "futures" and _FUTURES.fullmatch(instrument):
        kind = "futures"
    else:
        return
    raise bad(
        "invalid-asset-class",
        message=f"{show(ticker)} belongs to {kind}, and this strategy trades {asset_class}.",
    )


def _size(payload: dict[str, Any], action: str, asset_class: str | None) -> dict[str, Any]:
    raw = payload.get("quantityType")
    if isinstance(raw, str) and raw in OLDER_QUANTITY_TYPES:
        said = f"`quantityType` is {show(raw)}, an older name."
        fix = f"Send {OLDER_QUANTITY_TYPES[raw]}."
        raise bad("invalid-quantity-type", message=said, fix=fix)
    kind = one_of(payload, "quantityType", QUANTITY_TYPES, "invalid-quantity-type")
    if kind is None:
        return {}
    if action not in ("buy", "sell", "exit", "add"):
        raise bad("invalid-quantity-type-action")
    if kind in RISK_TYPES and action == "exit":
        raise bad("invalid-risk-dollar-amount-action")
    if kind == "percent_of_position" and action == "add":
        raise bad("invalid-percent-of-position-action")
    if payload.get("quantity") is None:
        raise bad("quantity-type-requires-quantity")
    if asset_class == "futures" and kind not in FUTURES_QUANTITY_TYPES:
        raise bad("invalid-quantity-type-for-asset-class")
    return {"quantity_type": kind}


def _rest(
    payload: dict[str, Any],
    action: str,
    asset_class: str | None,
    now: datetime | None,
    size: dict[str, Any],
    warnings: list[str],
) -> dict[str, Any]:
    """The fields that few messages have."""
    found = {
        "time_in_force": one_of(payload, "timeInForce", TIMES_IN_FORCE, "invalid-time-in-force"),
        "extended_hours": _extended_hours(payload, asset_class),
        "limit_price": number(payload, "limitPrice", "invalid-payload"),
        "stop_price": number(payload, "stopPrice", "invalid-payload"),
        "market_price_type": one_of(
            payload, "marketPriceType", MARKET_PRICE_TYPES, "invalid-market-price-type"
        ),
        **_protection(payload, action, size, warnings),
        **_filters(payload),
        "expires_at": times.expires_at(payload),
        "message": _message(payload),
        "delay_seconds": times.delay(payload, now),
        "cancel_after_seconds": times.wait(payload, "cancelAfter"),
        "reject_after_seconds": number(payload, "rejectAfter", "invalid-payload"),
        "cancel": flag(payload, "cancel"),
        "cancel_order_type": one_of(payload, "cancelOrderType", ORDER_TYPES, "invalid-payload"),
        "ignore_trading_windows": flag(payload, "ignoreTradingWindows") or False,
        "breakeven_offset": _breakeven_offset(payload, action, warnings),
    }
    warnings += remarks.on_fields(payload, action, asset_class)
    return found


def _extended_hours(payload: dict[str, Any], asset_class: str | None) -> bool | None:
    raw = payload.get("extendedHours")
    if raw is None:
        return None
    if not isinstance(raw, bool):
        raise wrong("invalid-extended-hours", "extendedHours", raw)
    if asset_class not in ("stocks", None):
        said = f"`extendedHours` is for stocks, and this strategy trades {asset_class}."
        raise bad("invalid-extended-hours", message=said)
    return raw


def _protection(
    payload: dict[str, Any], action: str, size: dict[str, Any], warnings: list[str]
) -> dict[str, Any]:
    if action not in ENTRIES:
        for name in ("takeProfit", "stopLoss"):
            if payload.get(name) is not None:
                warnings.append(f"`{name}` goes with entries; it was ignored for {action}.")
        return {}
    target = protection.take_profit(payload, warnings)
    ladder = protection.ladder(payload, warnings)
    stop = protection.stop_loss(payload, warnings)
    if size.get("quantity_type") in RISK_TYPES:
        legs = [("takeProfit", leg) for leg in (target, *ladder)]
        for name, leg in (*legs, ("stopLoss", stop)):
            if leg is not None and leg.pnl_amount:
                raise bad(
                    "invalid-payload",
                    f"{name}.pnlAmount",
                    f"`{name}.pnlAmount` does not go with a size by risk: each needs the other.",
                    "Send a price, a percent or an amount, or another `quantityType`.",
                )
    return {"take_profit": target, "take_profit_ladder": ladder, "stop_loss": stop}


def _filters(payload: dict[str, Any]) -> dict[str, Any]:
    spread = number(payload, "bidAskSpreadFilter", "invalid-payload")
    percent = number(payload, "bidAskSpreadFilterPercent", "invalid-payload")
    if spread and percent:
        raise bad(
            "invalid-payload",
            "bidAskSpreadFilterPercent",
            "Both `bidAskSpreadFilter` and `bidAskSpreadFilterPercent` were sent.",
            "Keep one of them.",
        )
    return {"spread_filter": spread, "spread_filter_percent": percent}


def _message(payload: dict[str, Any]) -> str | None:
    raw = payload.get("message")
    if raw is None:
        return None
    if not isinstance(raw, str) or not LEAST_MESSAGE <= len(raw) <= MOST_MESSAGE:
        length = f"{len(raw)} characters long" if isinstance(raw, str) else "not a text"
        raise bad("invalid-message-length", message=f"`message` is {length}.")
    if _TAG.search(raw):
        raise bad("invalid-message-tags")
    return raw


def _breakeven_offset(payload: dict[str, Any], action: str, warnings: list[str]) -> Decimal | None:
    if action != "breakeven":
        if payload.get("breakevenOffset") is not None:
            warnings.append(f"`breakevenOffset` is for breakeven; it was ignored for {action}.")
        return None
    offset = number(payload, "breakevenOffset", "invalid-payload")
    if offset is not None and not LEAST_OFFSET <= offset <= MOST_OFFSET:
        raise bad(
            "invalid-payload",
            "breakevenOffset",
            f"`breakevenOffset` is not from {LEAST_OFFSET} to {MOST_OFFSET}.",
            "Send a distance in price, or leave it out to exit at the average entry.",
        )
    return offset


def _seen_price(payload: dict[str, Any], name: str, warnings: list[str]) -> Decimal | None:
    """The price that the sender saw. A blank one is none: nothing was to be done at it."""
    if payload.get(name) == "":
        warnings.append(f"`{name}` is blank; it was ignored.")
        return None
    return number(payload, name, "invalid-payload")


def _sent_at(payload: dict[str, Any], now: datetime | None, warnings: list[str]) -> datetime | None:
    """The sender's clock. It is for show, unless the age of the message is to be judged."""
    raw = payload.get("time")
    if raw is None:
        return None
    sent_at = times.moment(raw)
    if sent_at is None:
        if payload.get("rejectAfter") is not None:
            raise wrong(
                "invalid-payload",
                "time",
                raw,
                "`time` is not a time, so its age for `rejectAfter` is not known.",
                "Send ISO 8601, for example 2026-11-20T14:30:00Z.",
            )
        # A placeholder is remarked on where the body is read.
        if not (isinstance(raw, str) and placeholders.find(raw)):
            warnings.append(
                f"`time` is {show(raw)}, not a time, so it was ignored. "
                "Send ISO 8601, for example 2026-11-20T14:30:00Z."
            )
        return None
    if now is not None:
        warnings += remarks.on_time(sent_at, now, payload.get("interval"))
    return sent_at


def _interval(payload: dict[str, Any]) -> str | None:
    raw = payload.get("interval")
    return None if raw is None else str(raw)[:40]
