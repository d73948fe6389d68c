"""Times as senders write them: moments, distances, waits. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from web.signals.refusals import bad
from web.signals.rules import number, wrong

MAX_WAIT_SECONDS = 3600
DAY_SECONDS = 86_400

_UNITS = {
    "sec": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "hour": 3600,
    "day": DAY_SECONDS,
    "week": 7 * DAY_SECONDS,
}
_CALENDAR = {"day", "weekday", "week", "fortnight", "month", "year"}
_DISTANCE = re.compile(r"(\+?)\s*(\d{1,4})\s*([a-z]{2,9}?)s?")
_NAMED = {"today": "+0 days", "now": "+0 days", "tomorrow": "+1 day"}
_NEXT = re.compile(r"next (day|week|month|year)")
_NEXT_ONE = re.compile(r"next (?=[a-z])")
_NOON = re.compile(r"noon ([A-Z]{3})", re.IGNORECASE)
# MetaTrader writes 2026.11.20 14:30:00.
_DOTTED = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)")
_ZONES = {
    **{"UTC": "+00:00", "GMT": "+00:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00"},
    **{"CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00"},
}
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_HALF_DAY = re.compile(r"(\d{4}-\d\d-\d\d) (\d{1,2}):(\d\d) ?([ap])m ?([A-Z]{3})", re.IGNORECASE)


def moment(raw: object) -> datetime | None:
    """A moment in UTC, from ISO 8601 or seconds or milliseconds since 1970; None if it is none."""
    try:
        if isinstance(raw, str):
            found = _from_text(raw.strip())
        elif isinstance(raw, int | Decimal) and not isinstance(raw, bool):
            found = _since_1970(Decimal(raw))
        else:
            return None
        # Near the ends of the calendar a zone can push a time out of it.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, ArithmeticError):
        return None


def _from_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return _since_1970(Decimal(text))
        return datetime.fromisoformat(_DOTTED.sub(r"\1-\2-\3", text[:40], count=1))


def _since_1970(count: Decimal) -> datetime:
    seconds = count / 1000 if count >= 10**11 else count
    if not 0 <= seconds < 10**11:
        raise ValueError("not a time")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))


def expiration(payload: dict[str, Any]) -> str | None:
    """`expiration`: a date, or a distance such as `+2 weeks`; None when absent or blank.

    Raises BadSignal(`invalid-expiration`).
    """
    raw = payload.get("expiration")
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        text = raw.strip().lower()
        if day := _date(text):
            return day.isoformat()
        if away := _NAMED.get(text):
            return away
        if following := _NEXT.fullmatch(text):
            return f"+1 {following[1]}"
        found = _DISTANCE.fullmatch(text)
        if found and found[3] in _CALENDAR:
            count = int(found[2])
            return f"+{count} {found[3]}{'' if count == 1 else 's'}"
    raise wrong("invalid-expiration", "expiration", raw)


def _date(text: str) -> date | None:
    if len(text) != 10 or text[4] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def expires_at(payload: dict[str, Any]) -> str | None:
    """`expiresAt`, as it was sent: it is only shown.

    Raises BadSignal(`invalid-expires-at`).
    """
    raw = payload.get("expiresAt")
    if raw is None:
        return None
    if isinstance(raw, str) and len(raw) <= 64:
        text = raw.strip().lower()
        found = _DISTANCE.fullmatch(text)
        known = text in _NAMED or _NEXT.fullmatch(text)
        if known or (found and (found[3] in _UNITS or found[3] in _CALENDAR)):
            return raw.strip()
        if moment(raw.strip()) is not None:
            return raw.strip()
    raise wrong("invalid-expires-at", "expiresAt", raw)


def delay(payload: dict[str, Any], now: datetime | None) -> Decimal | None:
    """`delay` in seconds: 1 to 3600, or up to a day as a distance or a moment to come.

    Raises BadSignal(`invalid-delay-format` or `invalid-payload`).
    """
    raw = payload.get("delay")
    if not isinstance(raw, str) or _is_number(raw):
        return wait(payload, "delay", otherwise="invalid-delay-format")
    text = raw.strip().lower()
    found = _DISTANCE.fullmatch(_NEXT_ONE.sub("1 ", text))
    if found and found[3] in _UNITS:
        seconds = Decimal(int(found[2]) * _UNITS[found[3]])
    else:
        at = _moment_with_zone(raw.strip(), now or _SOME_DAY)
        if at is None:
            raise wrong("invalid-delay-format", "delay", raw)
        if now is None:
            return None
        seconds = Decimal(int((at - now).total_seconds()))
    if not 1 <= seconds <= DAY_SECONDS:
        raise bad(
            "invalid-payload",
            "delay",
            "`delay` is not within the next 24 hours.",
            "Send seconds from 1 to 3600, or a moment within a day.",
        )
    return seconds


def _moment_with_zone(text: str, now: datetime) -> datetime | None:
    if half := _HALF_DAY.fullmatch(text):
        zone = _ZONES.get(half[5].upper())
        if zone is None or not 1 <= int(half[2]) <= 12:
            return None
        hour = int(half[2]) % 12 + (12 if half[4].lower() == "p" else 0)
        text = f"{half[1]}T{hour:02}:{half[3]}:00{zone}"
    elif noon := _NOON.fullmatch(text):
        zone = _ZONES.get(noon[1].upper())
        if zone is None:
            return None
        here = datetime.fromisoformat(f"2000-01-01T12:00:00{zone}").tzinfo
        text = f"{now.astimezone(here):%Y-%m-%d}T12:00:00{zone}"
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def wait(
    payload: dict[str, Any], name: str, *, otherwise: str = "invalid-payload"
) -> Decimal | None:
    """Seconds from 1 to 3600.

    Raises BadSignal(otherwise) where it is no number, `invalid-payload` where it is too far.
    """
    raw = payload.get(name)
    if isinstance(raw, str) and not _is_number(raw):
        raise wrong(otherwise, name, raw)
    seconds = number(payload, name, "invalid-payload")
    if seconds is not None and not 1 <= seconds <= MAX_WAIT_SECONDS:
        raise bad(
            "invalid-payload",
            name,
            f"`{name}` is not from 1 to {MAX_WAIT_SECONDS} seconds.",
            f"Send seconds from 1 to {MAX_WAIT_SECONDS}, or leave it out.",
        )
    return seconds


def _is_number(raw: str) -> bool:
    return raw.strip().lstrip("+-").replace(".", "", 1).isdigit()
