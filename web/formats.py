"""How values look on pages: ids, numbers, times, and the tone of a state."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Flask
from markupsafe import Markup, escape
from werkzeug.routing import BaseConverter, Map, ValidationError

from protos import ids, reasons
from web.trades.models import OPEN_STATES

# The tone of a trade's state or an order's status; the word itself is always shown.
TONES = {
    "FILLED": "good",
    "DONE": "good",
    "PROTECTED": "good",
    "UNPROTECTED": "bad",
    "CLOSED": "mute",
    "PARTIALLY_FILLED": "warn",
    "WORKING": "busy",
    "NEW": "busy",
    "PENDING_NEW": "busy",
    "REJECTED": "bad",
    "EXPIRED": "bad",
    "HALTED": "bad",
    "NEEDS_ATTENTION": "bad",
    "CANCELED": "mute",
    "SKIPPED": "mute",
}


class ShownId(BaseConverter):
    """`<shown(strategy):strategy_id>`: `str_…` in the URL, a UUID in the view."""

    part_isolating = True

    def __init__(self, map: Map, kind: str) -> None:
        super().__init__(map)
        self._kind = kind

    def to_python(self, value: str) -> UUID:
        """The UUID behind the id."""
        found = ids.read(self._kind, value)
        if found is None:
            raise ValidationError()
        return found

    def to_url(self, value: UUID) -> str:
        """The id as it is shown."""
        return ids.show(self._kind, value)


def number(value: Decimal | str | None) -> str:
    """`1,234.50`; a dash for nothing."""
    if value is None or value == "":
        return "–"
    return f"{Decimal(value):,f}"


def money(value: Decimal | str | None) -> str:
    """`1,234.50`, to the cent; a dash for nothing."""
    return "–" if value is None or value == "" else f"{Decimal(value):,.2f}"


def signed(value: Decimal | None) -> str:
    """`+5` or `−3`, with a true minus."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    return f"+{value:,f}" if value > 0 else f"−{abs(value):,f}"


def clock(at: datetime | None) -> str:
    """`14:02:07.412`, UTC."""
    return at.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3] if at else "–"


def day(at: datetime | None) -> str:
    """`2026-11-21`, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d") if at else "–"


def calendar_day(text: str) -> str:
    """`18 Dec 2026`, of a day as APIs write it."""
    at = date.fromisoformat(text)
    return f"{at.day} {at:%b %Y}"


def iso(at: datetime) -> str:
    """RFC 3339 UTC with milliseconds, as in the API."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(value: float | None) -> str:
    """`0.4 ms`, `612 ms`, `12.3 s`, `4 min 10 s`."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} ms"
    if value < 10_000:
        return f"{value:,.0f} ms"
    if value < 120_000:
        return f"{value / 1000:.1f} s"
    minutes, seconds = divmod(round(value / 1000), 60)
    return f"{minutes} min {seconds} s"


def ago(at: datetime, now: datetime) -> str:
    """`8 s ago`, `3 min ago`, `2 h ago`, `5 d ago`."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def left(until: datetime, now: datetime) -> str:
    """`23 h 10 min`, `9 min 40 s`, `12 s`, `now`."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "now"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def tone(state: str) -> str:
    """Which tone a state or status has."""
    return TONES.get(state, "busy" if state in OPEN_STATES else "mute")


def words(state: str) -> str:
    """`Partially filled` for `PARTIALLY_FILLED`."""
    return state.replace("_", " ").capitalize()


def fix(reason: str | None) -> str | None:
    """What to do about a reason."""
    found = reasons.CATALOGUE.get(reason or "")
    return found.fix if found else None


def prose(text: str) -> Markup:
    """Text in which `words in backticks` are set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def tag(name: str, inside: object, **attributes: object) -> Markup:
    """An HTML element. What is in it is escaped, but for other elements; `class_` is `class`."""
    told = (f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{''.join(told)}>{escape(inside)}</{name}>")


def install(app: Flask) -> None:
    """Give templates the filters and routes the id converter."""
    app.url_map.converters["shown"] = ShownId
    filters: dict[str, Any] = {
        "show": lambda value, kind: ids.show(kind, value),
        "number": number,
        "money": money,
        "signed": signed,
        "clock": clock,
        "day": day,
        "calendar_day": calendar_day,
        "iso": iso,
        "milliseconds": milliseconds,
        "left": lambda until: left(until, datetime.now(UTC)),
        "ago": lambda at: ago(at, datetime.now(UTC)),
        "tone": tone,
        "words": words,
        "fix": fix,
        "prose": prose,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(now=lambda: datetime.now(UTC), zip=zip)
