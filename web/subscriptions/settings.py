"""The table of settings and the one resolver that everything asks.

Validation, the form, the API schema, the docs page and the planner are drawn from
`SETTINGS`. Each setting of a subscription has a source:

- `strategy`: inherit the strategy's value, live;
- `own`: my value;
- `signal`: let the signal decide, falling back to my value, then to the strategy's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

# As many as a quantity may have in all, before and after the point.
MAX_DIGITS = 28


class Source(StrEnum):
    """Where a subscription takes a setting from."""

    STRATEGY = "strategy"
    OWN = "own"
    SIGNAL = "signal"


class Kind(StrEnum):
    """What a value is."""

    BOOLEAN = "boolean"
    CHOICE = "choice"
    QUANTITY = "quantity"


Value = bool | str | Decimal | None


class BadSetting(Exception):
    """A value that cannot be: which setting, what is wrong, how to mend it."""

    def __init__(self, name: str, message: str, fix: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    name: str
    group: str
    label: str
    help: str
    kind: Kind
    default: Value
    choices: tuple[str, ...] = ()
    # The field of the signal that may decide it, when the source is `signal`.
    signal_field: str | None = None
    unit: str = ""


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="auto_submit",
        group="Basics",
        label="Submit automatically",
        help="Off: entries wait 10 minutes for your approval, then expire. Exits go at once.",
        kind=Kind.BOOLEAN,
        default=False,
    ),
    Setting(
        name="sides",
        group="Tickers and sides",
        label="Sides",
        help="Which positions this subscription may open. Exits are always allowed.",
        kind=Kind.CHOICE,
        default="both",
        choices=("both", "bullish", "bearish", "none"),
    ),
    Setting(
        name="allow_swap",
        group="Tickers and sides",
        label="Allow side swapping",
        help="On: an opposite signal closes the position and opens the other side.",
        kind=Kind.BOOLEAN,
        default=False,
    ),
    Setting(
        name="quantity",
        group="Size",
        label="Quantity",
        help="Shares, contracts or coins for each entry. Set nowhere: 1, but never for crypto.",
        kind=Kind.QUANTITY,
        default=None,
        signal_field="quantity",
        unit="units",
    ),
    Setting(
        name="allow_add",
        group="Safety",
        label="Allow adding to a position",
        help="Off: a second entry on the same side is skipped.",
        kind=Kind.BOOLEAN,
        default=False,
    ),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Effective:
    """A value and where it came from: `default`, `strategy`, `yours` or `signal`."""

    value: Value
    came_from: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Every effective value of one subscription for one signal, with its provenance."""

    values: Mapping[str, Effective]

    def __getitem__(self, name: str) -> Value:
        return self.values[name].value

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """As stored with the trade: `{name: {"value", "from"}}`."""
        return {
            name: {"value": to_json(effective.value), "from": effective.came_from}
            for name, effective in self.values.items()
        }


def parse(name: str, raw: object) -> Value:
    """One value as a person or a program wrote it.

    Raises BadSetting.
    """
    setting = BY_NAME.get(name)
    if setting is None:
        known = ", ".join(BY_NAME)
        raise BadSetting(name, f"There is no setting `{name}`.", f"Use one of: {known}.")
    match setting.kind:
        case Kind.BOOLEAN:
            if isinstance(raw, bool):
                return raw
            raise BadSetting(name, f"{raw!r} is neither true nor false.", "Send true or false.")
        case Kind.CHOICE:
            if raw in setting.choices:
                return str(raw)
            allowed = ", ".join(setting.choices)
            raise BadSetting(name, f"{raw!r} is not one of its values.", f"Use one of: {allowed}.")
        case Kind.QUANTITY:
            return _quantity(name, raw)


def validate_own(raw: Mapping[str, object]) -> dict[str, Any]:
    """A strategy's settings, ready to store: `{name: value}`; null removes a value.

    Raises BadSetting.
    """
    return {name: to_json(parse(name, value)) for name, value in raw.items() if value is not None}


def validate(raw: Mapping[str, object]) -> dict[str, Any]:
    """A subscription's settings, ready to store: `{name: {"source", "value"}}`.

    A bare value is short for `{"source": "own", "value": …}`. Raises BadSetting.
    """
    stored: dict[str, Any] = {}
    for name, given in raw.items():
        spelled = given if isinstance(given, Mapping) else {"source": "own", "value": given}
        source, value = spelled.get("source", "own"), spelled.get("value")
        if name not in BY_NAME:
            parse(name, value)
        if source not in set(Source):
            raise BadSetting(name, f"{source!r} is not a source.", "Use strategy, own or signal.")
        if source == Source.SIGNAL and BY_NAME[name].signal_field is None:
            raise BadSetting(name, "A signal cannot decide this.", "Use strategy or own.")
        if source == Source.OWN and value is None:
            raise BadSetting(name, "Your own value is missing.", "Send a value with it.")
        stored[name] = {
            "source": str(source),
            "value": None if value is None else to_json(parse(name, value)),
        }
    return stored


def resolve(
    signal: Mapping[str, Any], strategy: Mapping[str, Any], subscription: Mapping[str, Any]
) -> Resolved:
    """Every effective value: default < strategy < own < signal where allowed.

    `signal` holds the parsed signal's values by field name; `strategy` and
    `subscription` are stored settings.
    """
    return Resolved(
        {setting.name: _effective(setting, signal, strategy, subscription) for setting in SETTINGS}
    )


def to_json(value: Value) -> bool | str | None:
    """A value as JSON keeps it: numbers as strings."""
    return format(value, "f") if isinstance(value, Decimal) else value


def _effective(
    setting: Setting,
    signal: Mapping[str, Any],
    strategy: Mapping[str, Any],
    subscription: Mapping[str, Any],
) -> Effective:
    source, own = _stored(setting, subscription)
    if source == Source.SIGNAL and setting.signal_field is not None:
        sent = signal.get(setting.signal_field)
        if sent is not None:
            return Effective(sent, "signal")
    if source != Source.STRATEGY and own is not None:
        return Effective(_load(setting, own), "yours")
    inherited = strategy.get(setting.name)
    if inherited is not None:
        return Effective(_load(setting, inherited), "strategy")
    return Effective(setting.default, "default")


def _stored(setting: Setting, subscription: Mapping[str, Any]) -> tuple[str, Any]:
    """Source and own value. One never set lets the signal decide, where one can."""
    stored = subscription.get(setting.name)
    if stored is None:
        return (Source.SIGNAL if setting.signal_field else Source.STRATEGY), None
    return stored["source"], stored["value"]


def _load(setting: Setting, stored: Any) -> Value:
    return Decimal(stored) if setting.kind is Kind.QUANTITY else stored


def _quantity(name: str, raw: object) -> Decimal:
    fix = 'Send a number greater than 0, as a string: "2.5".'
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise BadSetting(name, f"{raw!r} is not a number.", fix)
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise BadSetting(name, f"{raw!r} is not a number.", fix) from None
    if not value.is_finite() or value <= 0 or abs(value.adjusted()) > MAX_DIGITS:
        raise BadSetting(name, f"{raw!r} is not a usable quantity.", fix)
    return value
