"""How a trade is to be sized, priced, worked and guarded: the signal where its subscription
lets it decide, else the settings, as fields of execution's message."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from protos import wire
from protos.execution.v1 import execution_pb2 as pb

Signal = Mapping[str, Any]
Settings = Mapping[str, Mapping[str, Any]]

_PLACES = ("percent", "amount", "pnl_amount")
# Spellings of "leave it to the venue" and "no such thing" among setting values.
_NOTHING = (None, "", "auto", "none", "off")


def fields(signal: Signal, settings: Settings, asset_class: str, accepted_at: datetime) -> pb.Trade:
    """The part of the message that planning goes by."""
    crypto = asset_class == "crypto"
    trade = pb.Trade(
        size_type=_size_type(signal, settings),
        multiplier=_number(_setting(settings, "multiplier")),
        fractional=bool(_setting(settings, "fractional", crypto)),
        entry=_style(signal, settings, "entry", crypto=crypto),
        exit=_style(signal, settings, "exit", crypto=crypto),
        price_type=_word(pb.PriceType, "PRICE_TYPE_", _said(signal, settings, "market_price_type")),
        sides_isolated=_is_on(settings, "sides_isolated"),
        subtract_exit_quantity=_is_on(settings, "subtract_exit_quantity"),
        ignore_exits=_is_on(settings, "ignore_exits"),
        cancel_first=_cancel_first(signal.get("cancel")),
        cancel_by_setting=_is_on(settings, "cancel_open_orders"),
        cancel_ord_type=_word(pb.OrdType, "ORD_TYPE_", signal.get("cancel_order_type")),
        keep_protection=_is_on(settings, "keep_protection"),
        breakeven_offset=_number(_said(signal, settings, "breakeven_offset")),
        flip_wait_seconds=_seconds(_setting(settings, "exit_fill_wait_seconds")),
        parity=_is_on(settings, "parity"),
        short_options=_is_on(settings, "short_options"),
        market_without_price=_is_on(settings, "limit_without_price_as_market"),
    )
    if (target := _take_profit(signal, settings)) is not None:
        trade.take_profit.CopyFrom(target)
    if (stop := _stop_loss(signal, settings)) is not None:
        trade.stop_loss.CopyFrom(stop)
    if (limit := _reject_at(signal, settings, accepted_at)) is not None:
        trade.reject_after_time.CopyFrom(wire.to_timestamp(limit))
    return trade


def _size_type(signal: Signal, settings: Settings) -> pb.SizeType:
    from_signal = settings["quantity"]["from"] == "signal"
    said = signal.get("quantity_type") if from_signal else _setting(settings, "size_type")
    return cast("pb.SizeType", _word(pb.SizeType, "SIZE_TYPE_", said))


def _style(signal: Signal, settings: Settings, leg: str, *, crypto: bool) -> pb.OrderStyle:
    """How orders of a leg are worked. A signal's own spread filter binds entries only."""
    spread = signal if leg == "entry" else {}
    absolute, percent = spread.get("spread_filter"), spread.get("spread_filter_percent")
    if absolute is None and percent is None:
        absolute = _setting(settings, f"{leg}_spread_filter")
        percent = _setting(settings, f"{leg}_spread_filter_percent")
    amount, share = signal.get("trail_amount"), signal.get("trail_percent")
    if amount is None and share is None:
        amount = _setting(settings, f"{leg}_trail_amount")
        share = _setting(settings, f"{leg}_trail_percent")
    time_in_force = _said(signal, settings, "time_in_force", f"{leg}_time_in_force")
    after = _said(signal, settings, "cancel_after_seconds", f"{leg}_cancel_after_seconds")
    ord_type = _said(signal, settings, "order_type", f"{leg}_order_type")
    return pb.OrderStyle(
        ord_type=_word(pb.OrdType, "ORD_TYPE_", ord_type) or pb.ORD_TYPE_MARKET,
        limit_price=_number(signal.get("limit_price")),
        stop_price=_number(signal.get("stop_price")),
        trail_amount=_number(amount),
        trail_percent=_number(share),
        time_in_force=_default_time(crypto) if time_in_force in _NOTHING else time_in_force,
        extended_hours=bool(_said(signal, settings, "extended_hours")),
        cancel_after_seconds=_seconds(after),
        spread_filter=_number(absolute),
        spread_filter_percent=_number(percent),
    )


def _default_time(crypto: bool) -> str:
    return "gtc" if crypto else "day"


def _take_profit(signal: Signal, settings: Settings) -> pb.Protection | None:
    said = _object(signal, settings, "take_profit", "take_profit_type")
    if said is not None:
        return pb.Protection(
            price=_number(said.get("limit_price")), **{p: _number(said.get(p)) for p in _PLACES}
        )
    kind, value = _setting(settings, "take_profit_type"), _setting(settings, "take_profit_value")
    if kind not in _PLACES or value is None:
        return None
    return pb.Protection(**{kind: _number(value)})


def _stop_loss(signal: Signal, settings: Settings) -> pb.Protection | None:
    said = _object(signal, settings, "stop_loss", "stop_loss_type")
    usual = _setting(settings, "stop_loss_type")
    if said is not None:
        kind = said.get("type") or (None if usual in _NOTHING else usual) or "stop"
        return pb.Protection(
            ord_type=_word(pb.OrdType, "ORD_TYPE_", kind),
            price=_number(said.get("stop_price")),
            limit_price=_number(said.get("limit_price")),
            trail_amount=_number(said.get("trail_amount")),
            trail_percent=_number(said.get("trail_percent")),
            **{place: _number(said.get(place)) for place in _PLACES},
        )
    basis, value = _setting(settings, "stop_loss_basis"), _setting(settings, "stop_loss_value")
    if usual in _NOTHING or basis not in _PLACES or value is None:
        return None
    return pb.Protection(ord_type=_word(pb.OrdType, "ORD_TYPE_", usual), **{basis: _number(value)})


def _object(signal: Signal, settings: Settings, field: str, name: str) -> Mapping[str, Any] | None:
    """A group of values that the signal sent, where it may decide them."""
    said = signal.get(field)
    if said is None or settings.get(name, {"from": "signal"})["from"] in ("yours", "strategy"):
        return None
    return cast("Mapping[str, Any]", said)


def _reject_at(signal: Signal, settings: Settings, accepted_at: datetime) -> datetime | None:
    """The sender's limit, from the sender's clock where it told; the delay does not count."""
    said = _said(signal, settings, "reject_after_seconds", "reject_stale_after_seconds")
    if said in _NOTHING:
        return None
    sent = signal.get("sent_at")
    since = datetime.fromisoformat(sent) if sent else accepted_at
    delay = Decimal(signal.get("delay_seconds") or 0)
    return since + timedelta(seconds=float(Decimal(said) + delay))


def _cancel_first(said: bool | None) -> pb.CancelFirst:
    if said is None:
        return pb.CANCEL_FIRST_UNSPECIFIED
    return pb.CANCEL_FIRST_YES if said else pb.CANCEL_FIRST_NO


def _said(signal: Signal, settings: Settings, field: str, name: str | None = None) -> Any:
    """What the signal said, unless its subscription decided otherwise."""
    resolved = settings.get(name or field)
    if resolved is None or resolved["from"] == "default":
        sent = signal.get(field)
        return sent if sent is not None else _setting(settings, name or field)
    return resolved["value"]


def _setting(settings: Settings, name: str, default: Any = None) -> Any:
    value = settings.get(name, {}).get("value")
    return default if value is None else value


def _is_on(settings: Settings, name: str) -> bool:
    return _setting(settings, name) is True


def _number(value: Any) -> str:
    return "" if value in _NOTHING else str(value)


def _seconds(value: Any) -> int:
    return 0 if value in _NOTHING else max(int(Decimal(value)), 1)


def _word(enum: Any, prefix: str, word: str | None) -> Any:
    """The contract's number for a word; 0, unspecified, for none. Raises ValueError."""
    return 0 if word in _NOTHING else enum.Value(prefix + str(word).upper())
