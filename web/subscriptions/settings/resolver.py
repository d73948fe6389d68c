"""The one resolver: every effective value of a subscription for a signal, with its origin.

Order of decision: platform default < strategy's value < own value < the signal's, where the
source lets it. What belongs together is decided as one: a number and its unit never come
from two places. Then caps, which bind entries only and only lower.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from web.signals.rules import Signal
from web.subscriptions.settings import caps as capping
from web.subscriptions.settings.caps import Cap
from web.subscriptions.settings.kinds import Setting, Value, load, to_json
from web.subscriptions.settings.stored import Source, default_source
from web.subscriptions.settings.table import BY_NAME, PARTS, SETTINGS
from web.subscriptions.settings.windows import Window

DEFAULT, STRATEGY, YOURS, SIGNAL = "default", "strategy", "yours", "signal"


@dataclass(frozen=True, slots=True)
class Effective:
    """A value and where it came from.

    `default`, `strategy`, `yours`, `signal`, `locked` or `capped:` and by what. `ignored`
    is what the signal said in vain.
    """

    value: Value
    came_from: str
    ignored: Value = None

    def to_json(self) -> dict[str, Any]:
        """As snapshots and the API tell it."""
        told = {"value": to_json(self.value), "from": self.came_from}
        return told if self.ignored is None else told | {"ignored": to_json(self.ignored)}


@dataclass(frozen=True, slots=True)
class Resolved:
    """Every effective value of one subscription for one signal, with its provenance."""

    values: Mapping[str, Effective]
    # Caps that no lower value could express: these refuse the entry.
    refused: Sequence[Cap] = ()

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value

    @property
    def windows(self) -> tuple[Window, ...]:
        """The trading windows; none is always open."""
        found: tuple[Window, ...] = self.values["windows"].value or ()  # type: ignore[assignment]
        return found

    def is_set(self, name: str) -> bool:
        """True when a person chose a value other than the platform's."""
        effective = self.values[name]
        chosen = effective.came_from not in (DEFAULT, SIGNAL)
        return chosen and effective.value != BY_NAME[name].default

    def not_obeyed(self, asset_class: str) -> list[Setting]:
        """What a person set and the trade would not obey, where that makes a difference."""
        return [
            setting
            for setting in _NOT_OBEYED
            if setting.suits(asset_class) and self.is_set(setting.name) and self._applies(setting)
        ]

    def _applies(self, setting: Setting) -> bool:
        """Is what it depends on so that it matters?"""
        if setting.part_of is not None and self[setting.part_of] is None:
            return False
        if setting.depends_on is None:
            return True
        name, wanted = setting.depends_on
        value = self[name]
        said = str(value).lower()
        return (said in wanted if wanted != ("*",) else bool(value)) and self._applies(
            BY_NAME[name]
        )

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Every effective value: `{name: {"value", "from"}}`."""
        return {name: effective.to_json() for name, effective in self.values.items()}

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """As stored with the trade: what is not the platform's default."""
        return {
            name: effective.to_json()
            for name, effective in self.values.items()
            if effective.came_from != DEFAULT or effective.ignored is not None
        }


def complete(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A stored snapshot with the platform's defaults put back: as `Resolved.to_json`."""
    return {name: snapshot.get(name, default) for name, default in _DEFAULTS.items()}


def recall(snapshot: Mapping[str, Any], refused: Sequence[Mapping[str, str]] = ()) -> Resolved:
    """What a snapshot was made of; `refused` are the caps that it does not tell."""
    values = {
        setting.name: Effective(setting.default, DEFAULT) if kept is None else _load(setting, kept)
        for setting in SETTINGS
        for kept in (snapshot.get(setting.name),)
    }
    return Resolved(values, tuple(Cap(cap["name"], None, cap["by"]) for cap in refused))


def _load(setting: Setting, kept: Mapping[str, Any]) -> Effective:
    value, ignored = kept["value"], kept.get("ignored")
    return Effective(
        None if value is None else load(setting, value),
        kept["from"],
        None if ignored is None else load(setting, ignored),
    )


def resolve(
    signal: Signal | None,
    strategy: Mapping[str, Any],
    subscription: Mapping[str, Any],
    caps: Sequence[Cap] = (),
) -> Resolved:
    """Every effective value; `strategy` and `subscription` are stored settings."""
    values = dict(unspoken(msgspec.json.encode((strategy, subscription))))
    if signal is not None:
        levels = Levels(signal, strategy, subscription)
        for setting in _SAYABLE:
            if levels.is_spoken_of(setting.name):
                levels.decide(setting, values)
    refused = [
        cap for cap in capping.in_order(caps) if _is_beyond(cap, signal) or not _bind(cap, values)
    ]
    return Resolved(values, tuple(refused))


@lru_cache(maxsize=1024)
def unspoken(settings: bytes) -> Mapping[str, Effective]:
    """What holds for everything that a signal says nothing about: the same for one after another.

    `settings` are those of a strategy and a subscription, as JSON.
    """
    strategy, subscription = msgspec.json.decode(settings)
    levels = Levels(None, strategy, subscription)
    values: dict[str, Effective] = {}
    for setting in _HEADS:
        levels.decide(setting, values)
    return values


@dataclass(slots=True)
class Levels:
    """The three places a value may come from, above the platform's default."""

    signal: Signal | None
    strategy: Mapping[str, Any]
    subscription: Mapping[str, Any]
    overrides: bool = field(init=False)

    def __post_init__(self) -> None:
        chosen = self.subscription.get("allow_signal_overrides")
        self.overrides = chosen is None or chosen["value"] is not False

    def is_spoken_of(self, name: str) -> bool:
        """Does the signal say anything about it, be it in vain?"""
        return self._sent(name)[0] is not None or self._has_ladder(name)

    def decide(self, setting: Setting, values: dict[str, Effective]) -> None:
        """One setting with all its parts."""
        name = setting.name
        stored = self.subscription.get(name)
        source = stored["source"] if stored else default_source(setting, self.overrides)
        sent, unit = self._sent(name)
        level, raw = DEFAULT, None
        if (sent is not None or self._has_ladder(name)) and source == Source.SIGNAL:
            level = SIGNAL
        elif stored and source != Source.STRATEGY and stored["value"] is not None:
            level, raw = YOURS, stored["value"]
        elif name in self.strategy:
            level, raw = STRATEGY, self.strategy[name]
        if level == SIGNAL:
            values[name] = Effective(sent, SIGNAL)
        else:
            value = setting.default if level == DEFAULT else load(setting, raw)
            values[name] = Effective(value, level, sent if sent != value else None)
        for part in PARTS[name]:
            values[part.name] = self._part(part, level, unit)

    def _has_ladder(self, name: str) -> bool:
        """Several targets are the signal's word as one is; no single value tells them."""
        has_some = self.signal is not None and bool(self.signal.take_profit_ladder)
        return has_some and name == "take_profit"

    def _sent(self, name: str) -> tuple[Value, str]:
        if self.signal is not None:
            for unit, get in _FIELDS[name]:
                value = get(self.signal)
                if value is not None:
                    return value, unit
        return None, ""

    def _part(self, part: Setting, level: str, unit: str) -> Effective:
        """What the level that decided says of it; what is silent may fall back."""
        own = (self.subscription.get(part.name) or {}).get("value")
        inherited = self.strategy.get(part.name)
        if level == SIGNAL:
            said = self._sent(part.name)[0] if part.from_signal else unit or None
            if said is not None:
                return Effective(said, SIGNAL)
        if own is not None and (level == YOURS or (part.falls_back and level == SIGNAL)):
            return Effective(load(part, own), YOURS)
        below = part.falls_back and level in (SIGNAL, YOURS)
        if inherited is not None and (level == STRATEGY or below):
            return Effective(load(part, inherited), STRATEGY)
        return Effective(part.default, DEFAULT if part.falls_back else level)


def _is_beyond(cap: Cap, signal: Signal | None) -> bool:
    """A wanted position has no size yet that a cap could be compared with."""
    follows = signal is not None and signal.target is not None
    return follows and cap.name == "quantity" and cap.limit is not None


def _bind(cap: Cap, values: dict[str, Effective]) -> bool:
    """Lower what the cap is about; False when that cannot be said in its terms."""
    if cap.limit is None:
        return True
    was = values[cap.name]
    try:
        value = capping.lower(
            cap,
            was.value,
            {name: values[name].value for name in ("quantity_type", "multiplier")},
            from_signal=was.came_from == SIGNAL,
        )
    except capping.CannotCompare:
        return False
    if value != was.value:
        values[cap.name] = Effective(value, cap.came_from, was.ignored)
    return True


def _getter(path: str) -> Callable[[Signal], Any]:
    """Read a field, or a field of a part that may be absent."""
    whole, _, inner = path.partition(".")
    outer = attrgetter(whole)
    if not inner:
        return outer
    read = attrgetter(inner)

    def nested(signal: Signal) -> Any:
        found = outer(signal)
        return None if found is None else read(found)

    return nested


_DEFAULTS = {setting.name: Effective(setting.default, DEFAULT).to_json() for setting in SETTINGS}
_NOT_OBEYED = tuple(s for s in SETTINGS if not s.obeyed and s.binds != "planning")
_HEADS = tuple(setting for setting in SETTINGS if setting.part_of is None)
_FIELDS = {
    setting.name: tuple((unit, _getter(path)) for unit, path in setting.signal_fields)
    for setting in SETTINGS
}
# What a signal may say something about.
_SAYABLE = tuple(setting for setting in _HEADS if _FIELDS[setting.name])
