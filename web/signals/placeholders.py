"""Placeholders that were to be replaced and were not, such as {{close}}. Pure."""

import re
from collections.abc import Iterator
from typing import Any

# TradingView's in braces, TrendSpider's in percent signs.
_PLACEHOLDER = re.compile(r"\{\{[^{}]{0,80}\}\}|%[a-z][a-z_]{2,40}%")
# Where such a text does no harm; everywhere else the field's own check refuses it.
_FREE = frozenset({"extras", "message", "interval", "time", "expiresAt"})
_SHOWN = 5


def find(raw: str) -> str | None:
    """The first placeholder in a text."""
    found = _PLACEHOLDER.search(raw)
    return found[0] if found else None


def cure(placeholder: str) -> str:
    """What to do so that it is replaced."""
    if placeholder.startswith("%"):
        return "TrendSpider replaces it in an alert, not in a bot: write the value itself there."
    name = placeholder.strip("{} ")
    if name == "strategy.order.alert_message":
        return (
            "Put it alone into the Message box of a strategy's alert, and the JSON into "
            "alert_message of strategy.entry() and strategy.exit()."
        )
    if name.startswith("strategy."):
        return (
            "It is replaced only in an alert on a strategy. For an indicator make one alert "
            "that says buy and one that says sell."
        )
    if name.startswith("plot"):
        return 'Write the plot\'s number or its exact title, as in {{plot_0}} or {{plot("Stop")}}.'
    return (
        "TradingView replaces it in the Message box of an alert. In alert() join the value "
        "itself to the text, and in a test send a real one."
    )


def in_free_text(payload: dict[str, Any]) -> list[str]:
    """Remarks on placeholders where they only spoil what is shown."""
    found: dict[str, str] = {}
    for name in _FREE & payload.keys():
        for text in _texts(payload[name]):
            if literal := find(text):
                found.setdefault(literal, name)
    return [
        f"`{name}` still says `{literal}`: it was not replaced. {cure(literal)}"
        for literal, name in sorted(found.items())[:_SHOWN]
    ]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
