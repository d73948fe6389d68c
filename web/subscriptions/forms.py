"""The settings form: its rows, what was typed into it, and two people typing at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from werkzeug.datastructures import MultiDict

from web.subscriptions import settings
from web.subscriptions.settings import BadSetting, Effective, Kind, Resolved, Scope, Setting, Source

SOURCE_WORDS = {
    Source.STRATEGY: "Inherit strategy",
    Source.OWN: "Use my value",
    Source.SIGNAL: "Let the signal decide",
}
# One value of a stored setting: bare for a strategy, with its source for a subscription.
Stored = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One setting on the form, with its parts."""

    setting: Setting
    effective: Effective
    # What stands in the control, and the source that is selected.
    typed: str
    chosen: tuple[str, ...] = ()
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    error: BadSetting | None = None
    # What somebody else set it to meanwhile.
    theirs: str | None = None
    used_by: int = 0
    locked: bool = False
    parts: tuple["Row", ...] = ()

    @property
    def shown(self) -> str:
        """The effective value in words."""
        return show(self.setting, self.effective.value)

    @property
    def needs(self) -> str:
        """When it matters, in words."""
        if self.setting.depends_on is None:
            return ""
        name, wanted = self.setting.depends_on
        label = settings.BY_NAME[name].label
        if wanted == ("*",):
            return f"Matters only with {label.lower()}."
        said = " or ".join("on" if word == "true" else word.replace("_", " ") for word in wanted)
        return f"Matters only while “{label}” is {said}."

    @property
    def searched(self) -> str:
        """The text that the search box looks through."""
        own = f"{self.setting.name} {self.setting.label} {self.setting.help} {self.setting.group}"
        return " ".join([own, *(part.searched for part in self.parts)]).lower().replace("_", " ")

    @property
    def is_open(self) -> bool:
        """Shown at once: not advanced, or somebody has something to do with it."""
        touched = self.error or self.theirs is not None or self.effective.came_from != "default"
        return not self.setting.advanced or bool(touched)


@dataclass(frozen=True)
class Form:
    """What is drawn: the rows in their groups, and what the browser sends back."""

    groups: Sequence[tuple[str, Sequence[Row]]]
    resolved: Resolved
    errors: Sequence[BadSetting]
    conflicts: Sequence[Row]
    query: str

    @property
    def rows(self) -> Sequence[Row]:
        """All of them."""
        return [row for _, rows in self.groups for row in rows]


def draw(
    table: Sequence[Setting],
    *,
    asset_class: str,
    stored: Stored,
    resolved: Resolved,
    locked: Sequence[str] = (),
    bad: BadSetting | None = None,
    theirs: Stored | None = None,
    used_by: Mapping[str, int] | None = None,
    query: str = "",
) -> Form:
    """The form as it stands: `stored` holds what is in its controls, saved or not."""
    errors = bad.all if bad else ()
    overrides = _value(stored.get("allow_signal_overrides")) is not False

    def row(setting: Setting) -> Row:
        given = stored.get(setting.name)
        meanwhile = theirs.get(setting.name) if theirs and setting.name in theirs else None
        return Row(
            setting=setting,
            effective=resolved.values[setting.name],
            typed=_typed(setting, _value(given)),
            chosen=tuple(_value(given) or ()) if setting.kind is Kind.NAMES else (),
            source=_source(setting, given, overrides),
            sources=_sources(setting),
            error=next((error for error in errors if error.name == setting.name), None),
            theirs=_spell(setting, meanwhile) if theirs and setting.name in theirs else None,
            used_by=(used_by or {}).get(setting.name, 0),
            locked=setting.name in locked,
            parts=tuple(row(part) for part in table if part.part_of == setting.name),
        )

    heads = [row(s) for s in table if s.part_of is None and s.suits(asset_class)]
    words = query.lower().split()
    found = [head for head in heads if all(word in head.searched for word in words)]
    groups = [(name, list(rows)) for name, rows in groupby(found, lambda r: r.setting.group)]
    conflicts = [each for head in heads for each in (head, *head.parts) if each.theirs is not None]
    return Form(groups, resolved, errors, conflicts, query)


def read(
    table: Sequence[Setting], form: MultiDict[str, str], *, sourced: bool
) -> dict[str, Any | None]:
    """What was typed, as the API would send it. What the form did not show is untouched."""
    overrides = form.get("allow_signal_overrides.value") != "false"
    given: dict[str, Any | None] = {}
    for setting in table:
        # An unchecked box is not sent; `shown` says that there was one.
        if not any(f"{setting.name}.{part}" in form for part in ("shown", "source", "value")):
            continue
        value = _read_value(setting, form)
        if not sourced:
            given[setting.name] = value
        elif setting.part_of is not None:
            given[setting.name] = None if value is None else {"source": "own", "value": value}
        else:
            source = form.get(f"{setting.name}.source", "")
            untouched = source == settings.default_source(setting, overrides) and value is None
            given[setting.name] = None if untouched else {"source": source, "value": value}
    return given


def merge(base: Stored, theirs: Stored, mine: Stored) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two people made of `base`: all that only one of them touched, and mine elsewhere.

    The second is what they set differently from me, by name; None where they took it away.
    """
    merged: dict[str, Any] = {}
    conflicts: dict[str, Any] = {}
    for name in {**base, **theirs, **mine}:
        was, their, my = base.get(name), theirs.get(name), mine.get(name)
        chosen = their if my == was else my
        if chosen is not None:
            merged[name] = chosen
        if their not in (was, my):
            conflicts[name] = their
    return merged, conflicts


def show(setting: Setting, value: Any) -> str:
    """A value in words: what is empty, and units, included."""
    if value is None or value == ():
        return setting.empty
    text = settings.to_text(value)
    if setting.kind is Kind.CHOICE:
        text = text.replace("_", " ")
    return f"{text} {setting.unit}" if setting.unit else text


def _read_value(setting: Setting, form: MultiDict[str, str]) -> Any:
    if setting.kind is Kind.NAMES:
        return form.getlist(f"{setting.name}.value") or None
    raw = form.get(f"{setting.name}.value", "").strip() or None
    if setting.kind is Kind.BOOLEAN and raw in ("true", "false"):
        return raw == "true"
    return raw


def _value(given: Any) -> Any:
    return given["value"] if isinstance(given, Mapping) else given


def _typed(setting: Setting, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if setting.kind is Kind.NAMES else settings.to_text(value)


def _spell(setting: Setting, given: Any) -> str:
    """What somebody else set, source included."""
    if given is None:
        return "taken away"
    value = _value(given)
    text = "" if value is None else show(setting, value)
    if not isinstance(given, Mapping) or setting.part_of is not None:
        return text
    return ": ".join(filter(None, (SOURCE_WORDS[Source(given["source"])], text)))


def _source(setting: Setting, given: Any, overrides: bool) -> str:
    if isinstance(given, Mapping):
        return str(given["source"])
    return str(settings.default_source(setting, overrides))


def _sources(setting: Setting) -> dict[str, str]:
    if setting.scope is Scope.SUBSCRIPTION:
        return {"strategy": "Platform's value", "own": SOURCE_WORDS[Source.OWN]}
    return {
        str(source): words
        for source, words in SOURCE_WORDS.items()
        if source is not Source.SIGNAL or setting.from_signal
    }
