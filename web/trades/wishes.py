"""How a trade is to be sized, priced, worked and guarded, as fields of execution's message:
from the settings as they were resolved, and from what only a signal can say."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.trades import targets

Signal = Mapping[str, Any]
Settings = Mapping[str, Mapping[str, Any]]

# They never open: `sell` of a long, `buy` of a short.
_REDUCTIONS = (("sell", "bullish"), ("buy", "bearish"))
# A place of a target or a stop, by the unit that settings give it.
_PLACES = {
    "percent": "percent",
    "amount": "amount",
    "pnl_amount": "pnl_amount",
    "limit_price": "price",
    "stop_price": "price",
    "trail_amount": "trail_amount",
    "trail_percent": "trail_percent",
}


def fields(
    signal: Signal,
    settings: Settings,
    asset_class: str,
    accepted_at: datetime,
    approved_at: datetime | None = None,
) -> pb.Trade:
    """The part of the message that planning goes by."""
    asked = _text(_asked(signal, settings))
    reduces = (signal["action"], signal.get("sentiment")) in _REDUCTIONS
    size_type = signal.get("quantity_type") if reduces else _value(settings, "quantity_type")
    trade = pb.Trade(
        quantity_from_signal=bool(asked),
        uncapped_quantity=asked,
        size_type=_word(pb.SizeType, "SIZE_TYPE_", size_type),
        multiplier=_text(_value(settings, "multiplier")),
        # Nothing set: what the venue takes.
        fractional=_value(settings, "fractional") is not False,
        entry=_style(signal, settings, "entry", asset_class),
        exit=_style(signal, settings, "exit", asset_class),
        price_type=_word(pb.PriceType, "PRICE_TYPE_", _value(settings, "market_price_type")),
        sides_isolated=_is_on(settings, "sides_isolated"),
        subtract_exit_quantity=_is_on(settings, "subtract_exit_quantity"),
        parity=_is_on(settings, "subtract_equal_opens"),
        ignore_exits=_is_on(settings, "ignore_exits"),
        cancel_first=_cancel_first(settings),
        cancel_by_setting=_is_on(settings, "cancel_open_orders"),
        cancel_ord_type=_word(pb.OrdType, "ORD_TYPE_", signal.get("cancel_order_type")),
        keep_protection=_is_on(settings, "keep_protection"),
        keep_unprotected=_value(settings, "stop_refused_after_fill") == "alarm",
        correct_overfills=_is_on(settings, "correct_overfills"),
        breakeven_offset=_text(_value(settings, "breakeven_offset")),
        flip_wait_seconds=_seconds(_value(settings, "exit_fill_wait_seconds")),
        cancel_wait_seconds=_seconds(_value(settings, "cancel_wait_seconds")),
        retry=_retry(settings),
        short_options=_is_on(settings, "allow_short_options"),
        market_without_price=_is_on(settings, "limit_without_price_as_market"),
        reverses=signal.get("reverses", False),
        target=targets.field(signal),
    )
    ladder = signal.get("take_profit_ladder")
    if ladder and settings["take_profit"]["from"] == "signal":
        trade.take_profit_ladder.extend(_rung(said) for said in ladder)
    elif (target := _place(settings, "take_profit")) is not None:
        trade.take_profit.CopyFrom(target)
    if (stop := _place(settings, "stop_loss")) is not None:
        stop.ord_type = _word(pb.OrdType, "ORD_TYPE_", _value(settings, "stop_loss_type"))
        if settings["stop_loss"]["from"] == "signal":
            stop.limit_price = _text(signal["stop_loss"].get("limit_price"))
        trade.stop_loss.CopyFrom(stop)
    if asset_class == "options":
        trade.option.CopyFrom(_option(signal, settings))
    if (limit := _reject_at(signal, settings, accepted_at, approved_at)) is not None:
        trade.reject_after_time.CopyFrom(wire.to_timestamp(limit))
    return trade


def _asked(signal: Signal, settings: Settings) -> Any:
    """The quantity that is compared with a position: the signal's own, before caps, which
    bind entries only. What can only reduce is never sized by a setting."""
    row = settings["quantity"]
    lowered = row["from"].startswith("capped") and "ignored" not in row
    reduces = (signal["action"], signal.get("sentiment")) in _REDUCTIONS
    decides = reduces or row["from"] == "signal" or lowered
    return signal.get("quantity") if decides else None


def _style(signal: Signal, settings: Settings, leg: str, asset_class: str) -> pb.OrderStyle:
    """How orders of a leg are worked."""
    # Of an option the signal's price is its underlying's, unless the setting says otherwise.
    is_own = asset_class != "options" or _is_on(settings, "option_limit_from_signal")
    style = pb.OrderStyle(
        ord_type=_word(pb.OrdType, "ORD_TYPE_", _value(settings, f"{leg}_order_type"))
        or pb.ORD_TYPE_MARKET,
        limit_price=_text(signal.get("limit_price") if is_own else None),
        stop_price=_text(signal.get("stop_price") if is_own else None),
        time_in_force=_value(settings, f"{leg}_time_in_force")
        or ("gtc" if asset_class == "crypto" else "day"),
        extended_hours=_is_on(settings, f"{leg}_extended_hours"),
        cancel_after_seconds=_seconds(_value(settings, f"{leg}_cancel_after_seconds")),
    )
    trail, wide = _text(_value(settings, f"{leg}_trail")), f"{leg}_spread_filter"
    if _value(settings, f"{leg}_trail_unit") == "amount":
        style.trail_amount = trail
    else:
        style.trail_percent = trail
    if _value(settings, f"{wide}_unit") == "amount":
        style.spread_filter = _text(_value(settings, wide))
    else:
        style.spread_filter_percent = _text(_value(settings, wide))
    return style


def _retry(settings: Settings) -> pb.Retry | None:
    if not _is_on(settings, "retry"):
        return None
    return pb.Retry(
        times=_value(settings, "retry_times"),
        delay_milliseconds=_value(settings, "retry_delay_milliseconds"),
        multiplier=_text(_value(settings, "retry_multiplier")),
        longest_delay_milliseconds=_value(settings, "retry_longest_delay_milliseconds"),
    )


def _option(signal: Signal, settings: Settings) -> pb.OptionChoice:
    """Which contract is meant; an exact strike only a signal names."""
    count = _value(settings, "strike_count")
    follows = settings.get("expiration", {}).get("from") == "signal"
    exact = (signal.get("option") or {}) if follows else {}
    return pb.OptionChoice(
        option_type=_word(pb.OptionType, "OPTION_TYPE_", _value(settings, "option_type")),
        invert_puts=_is_on(settings, "invert_puts"),
        in_the_money=_value(settings, "intrinsic_value") == "itm",
        expiration=_text(_value(settings, "expiration")),
        strikes_away=int(_value(settings, "strikes_away") or 0),
        strike_count=int(count or 0),
        strike_price=_text(exact.get("strike_price")),
    )


def _place(settings: Settings, name: str) -> pb.Protection | None:
    value = _value(settings, name)
    if value is None:
        return None
    place = _PLACES[_value(settings, f"{name}_unit") or "percent"]
    return pb.Protection(**{place: _text(value)})


def _rung(said: Mapping[str, Any]) -> pb.Rung:
    """One target of the signal's ladder."""
    places = ("limit_price", "percent", "amount", "pnl_amount")
    place = {_PLACES[name]: _text(said[name]) for name in places if said.get(name)}
    return pb.Rung(
        place=pb.Protection(**place),
        quantity=_text(said.get("quantity")),
        percent=_text(said.get("quantity_percent")),
    )


def _reject_at(
    signal: Signal, settings: Settings, accepted_at: datetime, approved_at: datetime | None
) -> datetime | None:
    """The limit of an exit, and of an entry where it is the longer one, by the sender's clock
    where it told a time that can be. A delay does not count, and an approval starts it anew:
    it was young enough to be asked about."""
    legs = ("exit",) if signal["action"] == "exit" else ("entry", "exit")
    limits = [_value(settings, f"{leg}_reject_after_seconds") for leg in legs]
    if any(limit is None for limit in limits):
        return None
    allowed = max(Decimal(limit) for limit in limits)
    if approved_at is not None:
        return approved_at + timedelta(milliseconds=int(allowed * 1000))
    sent = signal.get("sent_at")
    since = min(datetime.fromisoformat(sent), accepted_at) if sent else accepted_at
    allowed += Decimal(_value(settings, "delay_seconds") or 0)
    return since + timedelta(milliseconds=int(allowed * 1000))


def _cancel_first(settings: Settings) -> pb.CancelFirst:
    """What the signal said of it, where it may."""
    row = settings.get("cancel_open_orders", {})
    if row.get("from") != "signal":
        return pb.CANCEL_FIRST_UNSPECIFIED
    return pb.CANCEL_FIRST_YES if row["value"] else pb.CANCEL_FIRST_NO


def _value(settings: Settings, name: str) -> Any:
    return settings.get(name, {}).get("value")


def _is_on(settings: Settings, name: str) -> bool:
    return _value(settings, name) is True


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _seconds(value: Any) -> int:
    return 0 if value is None else max(int(Decimal(value)), 1)


def _word(enum: Any, prefix: str, word: str | None) -> Any:
    """The contract's number for a word; 0, unspecified, for none. Raises ValueError."""
    return 0 if word is None else cast("int", enum.Value(prefix + word.upper()))
