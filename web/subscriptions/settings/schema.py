"""JSON Schema of settings, drawn from the table."""

from collections.abc import Iterable
from typing import Any

from web.subscriptions.settings.kinds import Setting, schema, to_json
from web.subscriptions.settings.stored import Source
from web.subscriptions.settings.table import OF_STRATEGY, OF_SUBSCRIPTION

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def subscription_schema() -> dict[str, Any]:
    """What a subscription's settings may be: a bare value, a source with one, or null."""
    properties = {
        setting.name: {
            **_described(setting),
            "anyOf": [{"$ref": f"#/$defs/{setting.name}"}, _sourced(setting), {"type": "null"}],
        }
        for setting in OF_SUBSCRIPTION
    }
    return _whole("Settings of a subscription", OF_SUBSCRIPTION, properties)


def strategy_schema() -> dict[str, Any]:
    """What a strategy's settings may be: a bare value, or null."""
    properties = {
        setting.name: {
            **_described(setting),
            "anyOf": [{"$ref": f"#/$defs/{setting.name}"}, {"type": "null"}],
        }
        for setting in OF_STRATEGY
    }
    return _whole("Settings of a strategy", OF_STRATEGY, properties)


def _whole(
    title: str, settings: Iterable[Setting], properties: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "$schema": _DIALECT,
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": {setting.name: schema(setting) for setting in settings},
    }


def _described(setting: Setting) -> dict[str, Any]:
    """Words of JSON Schema, and ours behind `x-`."""
    told = {
        "title": setting.label,
        "description": setting.help,
        "default": to_json(setting.default),
        "x-group": setting.group,
        "x-unit": setting.unit or None,
        "x-binds": setting.binds,
        "x-signal-fields": [path for _, path in setting.signal_fields] or None,
        "x-part-of": setting.part_of,
        "x-lockable": setting.lockable or None,
        "x-obeyed": setting.obeyed,
    }
    return {key: value for key, value in told.items() if value is not None or key == "default"}


def _sourced(setting: Setting) -> dict[str, Any]:
    sources = [str(s) for s in Source if s is not Source.SIGNAL or setting.from_signal]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["source"],
        "properties": {
            "source": {"enum": sources},
            "value": {"anyOf": [{"$ref": f"#/$defs/{setting.name}"}, {"type": "null"}]},
        },
    }
