"""Settings as they are stored: `{name: value}` of a strategy, with sources of a subscription."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from web.subscriptions.settings.kinds import NONE, BadSetting, Scope, Setting, parse, to_json
from web.subscriptions.settings.table import BY_NAME, OF_SUBSCRIPTION, PARTS, find

_RISK_SIZES = ("risk_dollar_amount", "risk_percent")


class Source(StrEnum):
    """Where a subscription takes a setting from."""

    STRATEGY = "strategy"
    OWN = "own"
    SIGNAL = "signal"


def default_source(setting: Setting, overrides: bool = True) -> Source:
    """The source of a setting that was never given one."""
    return Source.SIGNAL if setting.from_signal and overrides else Source.STRATEGY


class Changed(Exception):
    """The settings are not any more what the change was made from."""


def merge(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was stored with what is given; null takes a setting away, and its parts with it."""
    gone = {name for name, value in given.items() if value is None}
    gone |= {part.name for name in gone & set(PARTS) for part in PARTS[name]} - set(given)
    return {name: value for name, value in {**stored, **given}.items() if name not in gone}


def validate_own(raw: Mapping[str, object]) -> dict[str, Any]:
    """A strategy's settings, ready to store: `{name: value}`; null removes a value.

    Raises BadSetting.
    """

    def one(name: str, given: object) -> Any:
        setting = _find(name, not_of=Scope.SUBSCRIPTION)
        return _to_stored(setting, given)

    stored = _each({name: value for name, value in raw.items() if value is not None}, one)
    _check_together(stored)
    return stored


def validate(raw: Mapping[str, object]) -> dict[str, Any]:
    """A subscription's settings, ready to store: `{name: {"source", "value"}}`.

    A bare value is short for `{"source": "own", "value": …}`. Raises BadSetting.
    """
    stored: dict[str, Any] = _each(raw, _sourced)
    for name in list(stored):
        head = BY_NAME[name].part_of
        if head is None:
            continue
        if stored[name]["value"] is None:
            del stored[name]
        elif head in stored:
            stored[name]["source"] = stored[head]["source"]
    _check_together({name: each["value"] for name, each in stored.items()})
    return stored


def copy_for_follower(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """A subscription's own settings, so that the strategy's cannot reach it any more.

    Signals still decide what they may of an order, with the copied value behind; the size
    is the follower's own.
    """
    copied: dict[str, Any] = {}
    for setting in OF_SUBSCRIPTION:
        if setting.scope is not Scope.BOTH:
            continue
        value = strategy.get(setting.name)
        if value is None:
            value = NONE if setting.optional else to_json(setting.default)
        own = not setting.from_signal or "quantity" in (setting.name, setting.part_of)
        copied[setting.name] = {"source": str(Source.OWN if own else Source.SIGNAL), "value": value}
    return validate(copied)


def _sourced(name: str, given: object) -> dict[str, Any]:
    setting = _find(name, not_of=Scope.STRATEGY)
    spelled = given if isinstance(given, Mapping) else {"source": "own", "value": given}
    if unknown := [str(key) for key in spelled if key not in ("source", "value")]:
        fix = 'Send a value, or {"source", "value"}.'
        raise BadSetting(name, f"There is no field `{unknown[0]}` in it.", fix)
    source, value = spelled.get("source", "own"), spelled.get("value")
    if not isinstance(source, str) or source not in set(Source):
        raise BadSetting(name, f"{source!r} is not a source.", "Use strategy, own or signal.")
    if setting.part_of is None:
        if source == Source.SIGNAL and not setting.from_signal:
            raise BadSetting(name, "A signal cannot decide this.", "Use strategy or own.")
        if source == Source.OWN and value is None:
            raise BadSetting(name, "Your own value is missing.", "Send a value with it.")
    return {
        "source": str(source),
        "value": None if value is None else _to_stored(setting, value),
    }


def _to_stored(setting: Setting, given: object) -> Any:
    value = parse(setting, given)
    return NONE if value is None else to_json(value)


def _find(name: str, *, not_of: Scope) -> Setting:
    setting = find(name)
    if setting.scope is not_of:
        owner = "strategies" if not_of is Scope.STRATEGY else "subscriptions"
        raise BadSetting(name, f"Only {owner} have this setting.", "Leave it out here.")
    return setting


def _each(raw: Mapping[str, object], read: Callable[[str, object], Any]) -> dict[str, Any]:
    """Read them all; what cannot be is raised together, in the order of the table."""
    read_ones: dict[str, Any] = {}
    bad: list[BadSetting] = []
    for name, given in raw.items():
        try:
            read_ones[name] = read(name, given)
        except BadSetting as error:
            bad.append(error)
    if bad:
        order = list(BY_NAME)
        bad.sort(key=lambda error: order.index(error.name) if error.name in BY_NAME else -1)
        bad[0].others = tuple(bad[1:])
        raise bad[0]
    return read_ones


def _check_together(values: Mapping[str, Any]) -> None:
    """What cannot be at once."""
    if values.get("stop_loss_unit") != "pnl_amount":
        return
    if values.get("stop_loss_type") == "trailing_stop":
        raise BadSetting(
            "stop_loss_unit",
            "A trailing stop cannot be set as a loss in money.",
            "Use percent or amount.",
        )
    if values.get("quantity_type") in _RISK_SIZES:
        raise BadSetting(
            "stop_loss_unit",
            "A size by risk needs the stop's distance, and a loss in money needs the size.",
            "Use percent or amount for the stop.",
        )
