"""Settings that can be, drawn at random from the table: for property tests."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from web.signals.rules import OptionChoice, Signal, StopLoss, TakeProfit
from web.subscriptions import settings
from web.subscriptions.settings import BadSetting, Kind, Setting
from web.subscriptions.settings.windows import DAYS, Window

_TICKERS = ("AAPL", "MSFT", "TSLA", "MNQ", "BTCUSD")
_BIG = Decimal(10_000)
_numbers = st.decimals(Decimal("0.01"), _BIG, places=2)


def value(setting: Setting) -> st.SearchStrategy[Any]:
    """A value of a setting, as a program would send it."""
    made = _of_kind(setting)
    return made | st.just("none") if setting.optional else made


def _of_kind(setting: Setting) -> st.SearchStrategy[Any]:
    match setting.kind:
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.CHOICE:
            return st.sampled_from(setting.choices)
        case Kind.NUMBER:
            least = max(setting.at_least or 0, Decimal("0.01"))
            return st.decimals(least, setting.at_most or _BIG, places=2).map(str)
        case Kind.INTEGER:
            return st.integers(int(setting.at_least or 0), int(setting.at_most or 100))
        case Kind.TICKERS:
            return st.lists(st.sampled_from(_TICKERS), min_size=1, unique=True)
        case Kind.WINDOWS:
            return st.lists(_windows().map(Window.to_json), min_size=1, max_size=3)
        case Kind.EXPIRATION:
            return st.integers(0, 900).map(
                lambda days: str(date(2026, 1, 1) + timedelta(days))
            ) | st.just("+2 weeks")
        case Kind.NAMES:
            return st.lists(st.sampled_from(setting.choices), min_size=1, unique=True)


def _windows() -> st.SearchStrategy[Window]:
    days = st.sets(st.sampled_from(DAYS), min_size=1)
    return st.builds(
        Window,
        days.map(lambda found: tuple(day for day in DAYS if day in found)),
        st.integers(0, 700),
        st.integers(701, 1440),
        st.sampled_from(("America/New_York", "Europe/London", "UTC")),
    )


@st.composite
def of_strategy(draw: st.DrawFn) -> dict[str, Any]:
    """A strategy's settings, stored."""
    chosen = draw(st.sets(st.sampled_from(settings.OF_STRATEGY), max_size=12))
    return _storable(settings.validate_own, {row.name: draw(value(row)) for row in chosen})


@st.composite
def of_subscription(draw: st.DrawFn) -> dict[str, Any]:
    """A subscription's settings, stored."""
    chosen = draw(st.sets(st.sampled_from(settings.OF_SUBSCRIPTION), max_size=12))
    return _storable(settings.validate, {row.name: draw(_sourced(row)) for row in chosen})


@st.composite
def _sourced(draw: st.DrawFn, setting: Setting) -> dict[str, Any]:
    if setting.part_of is not None:
        return {"source": "own", "value": draw(value(setting))}
    sources = ["strategy", "own", "signal"] if setting.from_signal else ["strategy", "own"]
    source = draw(st.sampled_from(sources))
    own = value(setting) if source == "own" else value(setting) | st.none()
    return {"source": source, "value": draw(own)}


def _storable(validate: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Without what cannot be at once."""
    try:
        found: dict[str, Any] = validate(given)
    except BadSetting as bad:
        return _storable(validate, {name: v for name, v in given.items() if name != bad.name})
    return found


signals = st.builds(
    Signal,
    dialect=st.just("traderspost"),
    ticker=st.just("AAPL"),
    instrument=st.just("AAPL"),
    action=st.sampled_from(("buy", "sell", "exit", "add", "cancel", "reverse", "breakeven")),
    quantity=st.none() | _numbers,
    quantity_type=st.sampled_from((None, "dollar_amount", "percent_of_position")),
    order_type=st.sampled_from((None, "limit", "stop", "trailing_stop")),
    trail_amount=st.none() | _numbers,
    signal_price=st.none() | _numbers,
    limit_price=st.none() | _numbers,
    time_in_force=st.sampled_from((None, "gtc", "ioc")),
    extended_hours=st.sampled_from((None, True, False)),
    cancel=st.sampled_from((None, True, False)),
    delay_seconds=st.none() | st.integers(1, 3600).map(Decimal),
    take_profit=st.none()
    | st.builds(TakeProfit, percent=_numbers)
    | st.builds(TakeProfit, limit_price=_numbers),
    stop_loss=st.none()
    | st.builds(StopLoss, stop_price=_numbers)
    | st.builds(StopLoss, type=st.just("trailing_stop"), trail_percent=_numbers),
    option=st.none() | st.builds(OptionChoice, option_type=st.sampled_from(("call", "put"))),
)
