"""What a setting's value may be: read it, store it, show it, describe it. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from web.subscriptions.settings import windows
from web.subscriptions.settings.windows import Window

# As many as a number may have in all, before and after the point.
MAX_DIGITS = 28
MAX_TICKERS = 100
# Explicitly nothing, where a setting may be left out: "no stop, whatever the strategy says".
NONE = "none"
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._/ :!-]{0,39}")
_EXPIRATION = re.compile(r"\+\d{1,3} (?:day|week|month|year)s?|\d{4}-\d\d-\d\d")


class Kind(StrEnum):
    """What a value is."""

    BOOLEAN = "boolean"
    CHOICE = "choice"
    NUMBER = "number"
    INTEGER = "integer"
    TICKERS = "tickers"
    WINDOWS = "windows"
    EXPIRATION = "expiration"
    NAMES = "names"


Value = bool | str | int | Decimal | tuple[str, ...] | tuple[Window, ...] | None


class BadSetting(Exception):
    """A value that cannot be: which setting, what is wrong, how to mend it."""

    def __init__(self, name: str, message: str, fix: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.fix = fix
        # Further ones of the same request.
        self.others: tuple[BadSetting, ...] = ()

    @property
    def all(self) -> tuple["BadSetting", ...]:
        """This one and the others."""
        return (self, *self.others)


class Scope(StrEnum):
    """Who may hold a value of a setting."""

    BOTH = "both"
    SUBSCRIPTION = "subscription"
    STRATEGY = "strategy"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of the table."""

    name: str
    group: str
    label: str
    help: str
    kind: Kind
    default: Value = None
    choices: tuple[str, ...] = ()
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    unit: str = ""
    # What an empty value means, in words.
    empty: str = "not set"
    # The fields of the signal that may decide it, dotted. Where several say the same
    # thing in different units, each stands behind the unit that it sets.
    signal_fields: tuple[tuple[str, str], ...] = ()
    # Decided together with that one, never apart: no source of its own.
    part_of: str | None = None
    # A part that may come from a lower level when the level that decided is silent.
    falls_back: bool = False
    scope: Scope = Scope.BOTH
    # Which legs it binds: "entries", "exits" or "both".
    binds: str = "both"
    lockable: bool = False
    # Trades obey it. One that nothing obeys yet stops the entries it was set for.
    obeyed: bool = True
    advanced: bool = False
    # Matters only when that setting has one of these values.
    depends_on: tuple[str, tuple[str, ...]] | None = None
    # Of use to strategies of these classes; empty for all.
    asset_classes: tuple[str, ...] = ()

    @property
    def from_signal(self) -> bool:
        """True when a signal may decide it."""
        return bool(self.signal_fields)

    @property
    def optional(self) -> bool:
        """True when it may be left out altogether."""
        return self.default is None

    def suits(self, asset_class: str) -> bool:
        """True when it is of use to such a strategy."""
        return not self.asset_classes or asset_class in self.asset_classes


def parse(setting: Setting, raw: object) -> Value:
    """A value as a person or a program wrote it; "none" is nothing where that may be.

    Raises BadSetting.
    """
    if setting.optional and isinstance(raw, str) and raw.strip().lower() == NONE:
        return None
    return _PARSERS[setting.kind](setting, raw)


def to_json(value: Value) -> Any:
    """A value as JSON keeps it: numbers with a point as strings."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return [each.to_json() if isinstance(each, Window) else each for each in value]
    return value


def load(setting: Setting, stored: Any) -> Value:
    """A value as `to_json` wrote it, or the word for nothing."""
    if stored == NONE and setting.optional:
        return None
    match setting.kind:
        case Kind.NUMBER:
            return Decimal(stored)
        case Kind.WINDOWS:
            return windows.load(stored)
        case Kind.TICKERS | Kind.NAMES:
            return tuple(stored)
        case _:
            value: Value = stored
            return value


def to_text(value: Any) -> str:
    """A value as people read it and may type it; takes stored values too."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return format(value, "f")
        case list() | tuple():
            lines = [str(windows.load([v])[0]) if isinstance(v, Mapping) else str(v) for v in value]
            return ("\n" if any(" " in line for line in lines) else ", ").join(lines)
        case _:
            return str(value)


def schema(setting: Setting) -> dict[str, Any]:
    """JSON Schema of one value."""
    described = _SCHEMAS[setting.kind](setting)
    if setting.optional:
        described = {"anyOf": [described, {"const": NONE}]}
    return described


def limits(setting: Setting) -> str:
    """`60 to 300 s`, `both, bullish`: what may stand there, in words."""
    match setting.kind:
        case Kind.BOOLEAN:
            return "yes or no"
        case Kind.CHOICE:
            return ", ".join(setting.choices)
        case Kind.NUMBER | Kind.INTEGER:
            unit = f" {setting.unit}" if setting.unit else ""
            if setting.at_most is not None:
                lowest = "above 0" if setting.at_least is None else f"{setting.at_least}"
                return f"{lowest} to {setting.at_most}{unit}"
            lowest = f"from {setting.at_least}" if setting.at_least is not None else "above 0"
            return f"{lowest}{unit}"
        case Kind.TICKERS:
            return f"up to {MAX_TICKERS} tickers"
        case Kind.WINDOWS:
            return f"up to {windows.MAX_WINDOWS} lines, mon-fri 09:30-16:00 America/New_York"
        case Kind.EXPIRATION:
            return "2026-12-18 or +2 weeks"
        case Kind.NAMES:
            return "names of settings that can be locked"


def _boolean(setting: Setting, raw: object) -> Value:
    if isinstance(raw, bool):
        return raw
    raise BadSetting(setting.name, f"{raw!r} is neither true nor false.", "Send true or false.")


def _choice(setting: Setting, raw: object) -> Value:
    if raw in setting.choices:
        return str(raw)
    allowed = ", ".join(setting.choices)
    message = f"{_short(raw)} is not one of its values."
    raise BadSetting(setting.name, message, f"Use one of: {allowed}.")


def _number(setting: Setting, raw: object) -> Value:
    fix = f"Use a number, {limits(setting)}, such as 2.5."
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise BadSetting(setting.name, f"{_short(raw)} is not a number.", fix)
    try:
        value = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise BadSetting(setting.name, f"{_short(raw)} is not a number.", fix) from None
    usable = value.is_finite() and len(value.as_tuple().digits) <= MAX_DIGITS
    if not usable or abs(value.adjusted()) > MAX_DIGITS:
        raise BadSetting(setting.name, f"{_short(raw)} is not a usable number.", fix)
    least = setting.at_least
    if value < least if least is not None else value <= 0:
        raise BadSetting(setting.name, f"{_short(raw)} is too small.", fix)
    if setting.at_most is not None and value > setting.at_most:
        raise BadSetting(setting.name, f"{_short(raw)} is too large.", fix)
    return value


def _integer(setting: Setting, raw: object) -> Value:
    value = _number(setting, raw)
    assert isinstance(value, Decimal)
    if value % 1:
        raise BadSetting(
            setting.name, f"{_short(raw)} is not a whole number.", f"Use {limits(setting)}."
        )
    return int(value)


def _tickers(setting: Setting, raw: object) -> Value:
    fix = "Send a list of tickers; for futures their roots."
    names = re.split(r"[,;\n]", raw) if isinstance(raw, str) else raw
    if not isinstance(names, Sequence):
        raise BadSetting(setting.name, f"{_short(raw)} is not a list.", fix)
    found = tuple(dict.fromkeys(str(name).strip().upper() for name in names if str(name).strip()))
    if not 1 <= len(found) <= MAX_TICKERS:
        raise BadSetting(setting.name, f"These are {len(found)} tickers.", f"{fix} 1 to 100.")
    for name in found:
        if not _TICKER.fullmatch(name):
            raise BadSetting(setting.name, f"{_short(name)} is not a ticker.", fix)
    return found


def _windows(setting: Setting, raw: object) -> Value:
    try:
        return windows.read(raw)
    except windows.BadWindow as bad:
        fix = "Write a line for each: mon-fri 09:30-16:00 America/New_York."
        raise BadSetting(setting.name, str(bad), fix) from None


def _expiration(setting: Setting, raw: object) -> Value:
    if isinstance(raw, str) and _EXPIRATION.fullmatch(raw.strip()):
        return raw.strip()
    message = f"{_short(raw)} is neither a date nor a distance."
    raise BadSetting(setting.name, message, "Send 2026-12-18 or +2 weeks.")


def _names(setting: Setting, raw: object) -> Value:
    names = re.split(r"[,\s]+", raw) if isinstance(raw, str) else raw
    if not isinstance(names, Sequence):
        raise BadSetting(setting.name, f"{_short(raw)} is not a list.", "Send a list of names.")
    found = tuple(dict.fromkeys(str(name).strip() for name in names if str(name).strip()))
    for name in found:
        if name not in setting.choices:
            allowed = ", ".join(setting.choices)
            message = f"{_short(name)} cannot be locked."
            raise BadSetting(setting.name, message, f"Use some of: {allowed}.")
    return found


def _short(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:60] + "…"


_PARSERS: Mapping[Kind, Callable[[Setting, object], Value]] = {
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.TICKERS: _tickers,
    Kind.WINDOWS: _windows,
    Kind.EXPIRATION: _expiration,
    Kind.NAMES: _names,
}


def _number_schema(setting: Setting) -> dict[str, Any]:
    whole = setting.kind is Kind.INTEGER
    described: dict[str, Any] = {"type": "integer" if whole else ["string", "number"]}
    if not whole:
        described["pattern"] = r"^[0-9]+(\.[0-9]+)?$"
    if setting.at_least is None:
        described["exclusiveMinimum"] = 0
    else:
        described["minimum"] = _plain(setting.at_least)
    if setting.at_most is not None:
        described["maximum"] = _plain(setting.at_most)
    return described


def _plain(bound: Decimal) -> int | Decimal:
    return int(bound) if bound % 1 == 0 else bound


_WINDOW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["days", "from", "to"],
    "additionalProperties": False,
    "properties": {
        "days": {
            "type": "array",
            "items": {"enum": list(windows.DAYS)},
            "minItems": 1,
            "uniqueItems": True,
        },
        "from": {"type": "string", "pattern": r"^\d\d:\d\d$"},
        "to": {"type": "string", "pattern": r"^\d\d:\d\d$"},
        "time_zone": {"type": "string", "default": windows.DEFAULT_ZONE},
    },
}

_SCHEMAS: Mapping[Kind, Callable[[Setting], dict[str, Any]]] = {
    Kind.BOOLEAN: lambda _: {"type": "boolean"},
    Kind.CHOICE: lambda setting: {"enum": list(setting.choices)},
    Kind.NUMBER: _number_schema,
    Kind.INTEGER: _number_schema,
    Kind.TICKERS: lambda _: {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "maxItems": MAX_TICKERS,
    },
    Kind.WINDOWS: lambda _: {
        "type": "array",
        "items": _WINDOW_SCHEMA,
        "minItems": 1,
        "maxItems": windows.MAX_WINDOWS,
    },
    Kind.EXPIRATION: lambda _: {"type": "string", "pattern": f"^(?:{_EXPIRATION.pattern})$"},
    Kind.NAMES: lambda setting: {"type": "array", "items": {"enum": list(setting.choices)}},
}
