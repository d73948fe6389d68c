"""Trading windows: days and a stretch of wall-clock time in a zone. Pure.

A window is judged by the clock on the wall there: `from` belongs to it, `to` does not.
One that ends before it begins crosses midnight and belongs to the day it began on. The
hour that a clock change repeats is covered both times; the one it skips never comes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_ZONE = "America/New_York"
MAX_WINDOWS = 20
_MINUTES_A_DAY = 24 * 60
_ONE_DAY = timedelta(days=1)
_HALF_HOUR = timedelta(minutes=30)
_TEXT = re.compile(
    r"(?P<days>[a-z]{3}(?:\s*[-,]\s*[a-z]{3})*)\s+"
    r"(?P<start>\d\d:\d\d)\s*[-–]\s*(?P<end>\d\d:\d\d)(?:\s+(?P<zone>\S+))?",
    re.IGNORECASE,
)


class BadWindow(ValueError):
    """A window that cannot be; the text says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes from midnight, `start` inclusive, `end` exclusive; `days` as in DAYS."""

    days: tuple[str, ...]
    start: int
    end: int
    zone: str

    def covers(self, at: datetime) -> bool:
        """Is it open at this moment?"""
        there = at.astimezone(ZoneInfo(self.zone))
        minute = there.hour * 60 + there.minute
        today = DAYS[there.weekday()]
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        yesterday = DAYS[(there - _ONE_DAY).weekday()]
        return (today in self.days and minute >= self.start) or (
            yesterday in self.days and minute < self.end
        )

    def __str__(self) -> str:
        """`mon-fri 09:30-16:00 America/New_York`: as people write it and as we read it."""
        return f"{_spell_days(self.days)} {_clock(self.start)}-{_clock(self.end)} {self.zone}"

    def to_json(self) -> dict[str, Any]:
        """As stored and as the API tells it."""
        return {
            "days": list(self.days),
            "from": _clock(self.start),
            "to": _clock(self.end),
            "time_zone": self.zone,
        }


def cover(windows: Sequence[Window], at: datetime) -> bool:
    """Is any of them open? No windows at all: always."""
    return not windows or any(window.covers(at) for window in windows)


def next_open(windows: Sequence[Window], at: datetime, within: timedelta) -> datetime | None:
    """The first moment after this one at which any opens; None for none so soon."""
    at = at.astimezone(UTC)
    latest = at + within
    opens = [each for window in windows for each in _openings(window, at, latest)]
    # Where a clock is changed, a window may open at another time than its own: zones do that
    # at full and half hours.
    step = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0) + _HALF_HOUR
    while step <= min([*opens, latest]):
        if cover(windows, step):
            opens.append(step)
        step += _HALF_HOUR
    return min(opens, default=None)


def _openings(window: Window, after: datetime, until: datetime) -> Iterator[datetime]:
    """When a window begins, between two moments; an hour that is repeated begins it twice."""
    zone = ZoneInfo(window.zone)
    day = after.astimezone(zone).date() - _ONE_DAY
    while day <= until.astimezone(zone).date():
        wall = datetime.combine(day, time(*divmod(window.start, 60)))
        for fold in (0, 1):
            opens = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            if after < opens <= until and window.covers(opens):
                yield opens
        day += _ONE_DAY


def describe(windows: Sequence[Window], at: datetime) -> dict[str, str]:
    """The numbers that a refusal compared: the time there, and the windows."""
    there = at.astimezone(ZoneInfo(windows[0].zone))
    return {
        "time": f"{DAYS[there.weekday()]} {there:%H:%M} {windows[0].zone}",
        "windows": "; ".join(str(window) for window in windows),
    }


def read(raw: object) -> tuple[Window, ...]:
    """Windows as a person (a line each) or a program (objects) wrote them.

    Raises BadWindow.
    """
    if isinstance(raw, str):
        raw = [line for line in re.split(r"[\n;]", raw) if line.strip()]
    if not isinstance(raw, Sequence) or not raw:
        raise BadWindow("There is no window in it.")
    if len(raw) > MAX_WINDOWS:
        raise BadWindow(f"These are {len(raw)} windows; at most {MAX_WINDOWS} may be.")
    return tuple(dict.fromkeys(_one(each) for each in raw))


def load(stored: Sequence[Mapping[str, Any]]) -> tuple[Window, ...]:
    """Windows as `to_json` wrote them."""
    return tuple(
        Window(tuple(each["days"]), _minutes(each["from"]), _minutes(each["to"]), each["time_zone"])
        for each in stored
    )


def _one(raw: object) -> Window:
    if isinstance(raw, str):
        found = _TEXT.fullmatch(raw.strip())
        if found is None:
            raise BadWindow(f"{raw.strip()!r} is not a window.")
        days = _read_days(found["days"])
        start, end, zone = found["start"], found["end"], found["zone"] or DEFAULT_ZONE
    elif isinstance(raw, Mapping):
        if unknown := set(raw) - {"days", "from", "to", "time_zone"}:
            raise BadWindow(f"A window has no field {sorted(map(str, unknown))[0]!r}.")
        days = _listed_days(raw.get("days"))
        start, end = str(raw.get("from")), str(raw.get("to"))
        zone = str(raw.get("time_zone") or DEFAULT_ZONE)
    else:
        raise BadWindow(f"{raw!r} is not a window.")
    window = Window(days, _minutes(start), _minutes(end), _zone(zone))
    if window.start == window.end or window.start == _MINUTES_A_DAY:
        raise BadWindow(f"{start}-{end} is empty; a whole day is 00:00-24:00.")
    return window


def _read_days(text: str) -> tuple[str, ...]:
    found: set[str] = set()
    for part in re.split(r"\s*,\s*", text.lower()):
        ends = [_day(name) for name in re.split(r"\s*-\s*", part)]
        if len(ends) > 2:
            raise BadWindow(f"{part!r} is not a stretch of days.")
        first, last = ends[0], ends[-1]
        found |= {DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)}
    return tuple(day for day in DAYS if day in found)


def _listed_days(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise BadWindow("`days` is not a list of days.")
    found = {DAYS[_day(str(name).lower())] for name in raw}
    return tuple(day for day in DAYS if day in found)


def _day(name: str) -> int:
    if name not in DAYS:
        raise BadWindow(f"{name!r} is not a day: use {', '.join(DAYS)}.")
    return DAYS.index(name)


def _minutes(text: str) -> int:
    found = re.fullmatch(r"(\d\d):(\d\d)", text)
    minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else -1
    if not 0 <= minutes <= _MINUTES_A_DAY:
        raise BadWindow(f"{text!r} is not a time of day from 00:00 to 24:00.")
    return minutes


def _zone(name: str) -> str:
    # Asking the zone for its offset makes a name that is a folder fail as well.
    try:
        datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        raise BadWindow(f"{name!r} is not an IANA time zone.") from None
    return name


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _spell_days(days: tuple[str, ...]) -> str:
    """`mon-fri`, `mon,wed`, `mon-wed,fri`."""
    runs: list[list[int]] = []
    for index in (DAYS.index(day) for day in days):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(
        DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs
    )
