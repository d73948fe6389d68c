"""When an exchange trades: its week, its holidays and its early closes, in its own zone.

Which days are special is data that the caller brings (`Days`); this module knows the hours.
A session belongs to the day on which it closes: Monday's futures session opens on Sunday.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct


class Day(StrEnum):
    """What kind of day it is for the exchanges of a market."""

    FULL = "full"
    # The stock exchange closes early.
    HALF = "half"
    # The stock exchange is closed; many futures trade until noon.
    HOLIDAY = "holiday"
    # Everything is closed.
    CLOSED = "closed"


# The kind of a day in a market ("us", "uk", "de"); weekends are not asked for.
Days = Callable[[str, date], Day]

_DAY = timedelta(days=1)
# No market is closed for longer than this.
_SEARCH_DAYS = 12


class Hours(Struct, frozen=True):
    """The hours of a group of instruments. None for a close means: not open on such days."""

    market: str
    zone: str
    opens: time
    closes: time
    half_close: time | None
    holiday_close: time | None
    # The session opens on the evening before.
    is_overnight: bool = False
    pause: tuple[time, time] | None = None


ALWAYS = "always"
US_STOCKS = "us_stocks"
_CHICAGO, _NEW_YORK = "America/Chicago", "America/New_York"
_LONDON, _BERLIN = "Europe/London", "Europe/Berlin"


def _globex(half_close: time, holiday_close: time) -> Hours:
    return Hours("us", _CHICAGO, time(17), time(16), half_close, holiday_close, is_overnight=True)


def _ice_softs(opens: time, closes: time) -> Hours:
    return Hours("us", _NEW_YORK, opens, closes, closes, None)


# Where the products of a group close at different times, the earliest holds for all of it.
HOURS: dict[str, Hours] = {
    US_STOCKS: Hours("us", _NEW_YORK, time(9, 30), time(16), time(13), None),
    "cme_index": _globex(time(12), time(12)),
    "cme_rates": _globex(time(12), time(12)),
    "cme_fx": _globex(time(12, 15), time(16)),
    "cme_crypto": _globex(time(12, 15), time(16)),
    "nymex": _globex(time(12, 45), time(13, 30)),
    "cfe": _globex(time(12, 15), time(10, 30)),
    "grains": Hours(
        "us",
        _CHICAGO,
        time(19),
        time(13, 20),
        time(12),
        None,
        is_overnight=True,
        pause=(time(7, 45), time(8, 30)),
    ),
    "livestock": Hours("us", _CHICAGO, time(8, 30), time(13, 5), time(12, 5), None),
    "lumber": Hours("us", _CHICAGO, time(9), time(15, 5), time(12, 5), None),
    "ice_us": Hours("us", _NEW_YORK, time(20), time(17), time(13), time(13), is_overnight=True),
    "ice_wti": Hours("us", _NEW_YORK, time(20), time(18), time(13), time(13), is_overnight=True),
    "ice_coffee": _ice_softs(time(4, 15), time(13, 30)),
    "ice_cocoa": _ice_softs(time(4, 45), time(13, 30)),
    "ice_sugar": _ice_softs(time(3, 30), time(13)),
    "ice_cotton": Hours(
        "us", _NEW_YORK, time(21), time(14, 20), time(14, 20), None, is_overnight=True
    ),
    "ice_juice": _ice_softs(time(8), time(14)),
    "ice_energy": Hours("uk", _LONDON, time(1), time(23), time(19), time(18)),
    "ice_index": Hours("uk", _LONDON, time(1), time(21), time(12, 50), None),
    "ice_gilt": Hours("uk", _LONDON, time(8), time(18), time(12, 50), None),
    "ice_euribor": Hours("uk", _LONDON, time(1), time(21), time(12, 50), None),
    "eurex": Hours("de", _BERLIN, time(2, 10), time(22), time(12, 30), None),
}


def zone_of(calendar: str) -> ZoneInfo:
    """The zone that a calendar's days are counted in."""
    return ZoneInfo("UTC" if calendar == ALWAYS else HOURS[calendar].zone)


def is_business_day(calendar: str, day: date, days: Days) -> bool:
    """Whether contracts may expire on a day: neither weekend nor holiday."""
    if calendar == ALWAYS:
        return True
    return day.weekday() < 5 and days(HOURS[calendar].market, day) in (Day.FULL, Day.HALF)


def session(calendar: str, day: date, days: Days) -> tuple[datetime, datetime] | None:
    """When the session of a day opens and closes, in UTC; None when there is none."""
    hours = HOURS[calendar]
    if day.weekday() >= 5:
        return None
    closes = _close(hours, days(hours.market, day))
    if closes is None:
        return None
    zone = ZoneInfo(hours.zone)
    opening_day = day - _DAY if hours.is_overnight else day
    opening = datetime.combine(opening_day, hours.opens, zone)
    return opening.astimezone(UTC), datetime.combine(day, closes, zone).astimezone(UTC)


def is_open(calendar: str, at: datetime, days: Days) -> bool:
    """Whether the instruments of a calendar trade at an instant."""
    return calendar == ALWAYS or any(
        opens <= at < closes for opens, closes in _spans(calendar, at, 2, days)
    )


def next_open(calendar: str, after: datetime, days: Days) -> datetime:
    """The first instant from `after` on at which it trades: `after` itself when it does."""
    if calendar == ALWAYS:
        return after
    for opens, closes in _spans(calendar, after, _SEARCH_DAYS, days):
        if after < closes:
            return max(opens, after)
    raise LookupError(f"{calendar} does not open within {_SEARCH_DAYS} days of {after}")


def session_end(calendar: str, at: datetime, days: Days) -> datetime | None:
    """When the session at an instant closes for the day, or the next one; pauses are no end.
    None where trading never stops."""
    if calendar == ALWAYS:
        return None
    local = at.astimezone(zone_of(calendar)).date()
    for ahead in range(_SEARCH_DAYS):
        whole = session(calendar, local + ahead * _DAY, days)
        if whole is not None and at < whole[1]:
            return whole[1]
    raise LookupError(f"{calendar} does not close within {_SEARCH_DAYS} days of {at}")


def _close(hours: Hours, kind: Day) -> time | None:
    match kind:
        case Day.FULL:
            return hours.closes
        case Day.HALF:
            return hours.half_close
        case Day.HOLIDAY:
            return hours.holiday_close
        case Day.CLOSED:
            return None


def _spans(calendar: str, at: datetime, count: int, days: Days) -> list[tuple[datetime, datetime]]:
    """The stretches of trading of the days around an instant, in order."""
    hours = HOURS[calendar]
    local = at.astimezone(ZoneInfo(hours.zone)).date()
    found: list[tuple[datetime, datetime]] = []
    for ahead in range(count):
        whole = session(calendar, local + ahead * _DAY, days)
        if whole is not None:
            found += _without_pause(whole, hours, local + ahead * _DAY)
    return found


def _without_pause(
    whole: tuple[datetime, datetime], hours: Hours, day: date
) -> list[tuple[datetime, datetime]]:
    if hours.pause is None:
        return [whole]
    zone = ZoneInfo(hours.zone)
    stops, resumes = (datetime.combine(day, at, zone).astimezone(UTC) for at in hours.pause)
    return [(whole[0], stops), (resumes, whole[1])]
