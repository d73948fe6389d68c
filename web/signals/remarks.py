"""What we accept and yet would tell the sender: the warnings of the TradersPost dialect. Pure."""

from datetime import datetime, timedelta
from typing import Any

from web.signals import options
from web.signals.lookalikes import Fields

FIELDS = Fields(
    (
        "ticker",
        "action",
        "sentiment",
        "signalPrice",
        "price",
        "orderType",
        "limitPrice",
        "stopPrice",
        "trailAmount",
        "trailPercent",
        "quantity",
        "quantityType",
        "takeProfit",
        "stopLoss",
        "timeInForce",
        "extendedHours",
        "time",
        "rejectAfter",
        "delay",
        "cancel",
        "cancelOrderType",
        "cancelAfter",
        "ignoreTradingWindows",
        "breakevenOffset",
        "bidAskSpreadFilter",
        "bidAskSpreadFilterPercent",
        "marketPriceType",
        *options.FIELDS,
        "message",
        "expiresAt",
        "interval",
        "extras",
        "test",
    ),
    aliases=True,
)
OLD = timedelta(minutes=2)
_BARS = {"D": 1440, "1D": 1440, "H": 60, "1H": 60, "W": 10_080, "1W": 10_080}


def on_keys(payload: dict[str, Any]) -> list[str]:
    """Keys that are almost ours."""
    unknown = payload.keys() - FIELDS.names
    return FIELDS.remarks(sorted(unknown)) if unknown else []


def on_exchange(prefix: str, instrument: str) -> list[str]:
    """An exchange before the symbol, and feeds that run late."""
    found = []
    if prefix.endswith(("_DL", "_DLY")) or instrument.endswith(("_DL", "_DLY")):
        found.append(
            "This chart's data is delayed, so its alerts and prices are late. Use a chart "
            "with real-time data."
        )
    if prefix:
        found.append(f"The exchange `{prefix[:40]}` was dropped; {instrument} is traded.")
    return found


def on_time(sent_at: datetime, now: datetime, interval: object) -> list[str]:
    """A clock that runs ahead, a message that is old, the opening of the bar."""
    age = now - sent_at
    if age < -OLD:
        return [f"`time` is {_spell(-age)} ahead of our clock. Send it with its time zone."]
    if age < OLD:
        return []
    bar = _bar(interval)
    if bar and sent_at.second == 0 and bar <= age < bar + OLD:
        return [
            f"`time` is {_spell(age)} old: it is when the bar opened. Send {{{{timenow}}}}, "
            "not {{time}}, or `rejectAfter` will refuse good messages."
        ]
    return [f"`time` is {_spell(age)} old."]


def _bar(interval: object) -> timedelta | None:
    """The length of TradingView's interval: minutes, or a letter."""
    text = str(interval).strip().upper()
    if text.isascii() and text.isdigit() and len(text) <= 5:
        return timedelta(minutes=int(text))
    return timedelta(minutes=_BARS[text]) if text in _BARS else None


def _spell(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 600:
        return f"{seconds} s"
    if seconds < 172_800:
        return f"{seconds // 60} min"
    return f"{seconds // 86_400} days"


def on_fields(payload: dict[str, Any], action: str, asset_class: str | None) -> list[str]:
    """Fields that are right in themselves and will not do what one may think."""
    warned = []
    if asset_class not in ("options", None):
        unused = [name for name in options.FIELDS if payload.get(name) is not None]
        if unused:
            warned.append(f"{_list(unused)} only matter for options.")
    if action == "breakeven" and payload.get("orderType") not in (None, "stop", "stop_limit"):
        warned.append("A breakeven exit is a stop; with this `orderType` it is skipped.")
    quoted = ("cancel", "ignoreTradingWindows", "test")
    if words := [name for name in quoted if isinstance(payload.get(name), str)]:
        warned.append(f"{_list(words)} came in quotes; send true or false without.")
    return warned


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
