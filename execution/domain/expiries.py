"""When a futures contract expires: the exchanges' rules, each spelled as an anchor in a month.

friday:3           the third Friday, or the business day before it
thursday:last      the last Thursday of the month
wednesday:3-2      two business days before the third Wednesday
day:15-1           the business day before the 15th
bday:25-3          three business days before the 25th, or before the last one ahead of it
last-7             seven business days before the last business day
first-3, first+9   counted from the 1st; forward from the first business day
volatility         30 days before the third Friday of the next month
...;month-1        the same in the month before the contract's
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from msgspec import Struct

_DAY = timedelta(days=1)
_WEEKDAYS = {"wednesday": 2, "thursday": 3, "friday": 4}
_SPELLING = re.compile(
    r"(wednesday|thursday|friday|b?day|last|first|volatility)"
    r"(?::(\d+|last))?([+-]\d+)?(?:;month([+-]\d+))?"
)
IsBusinessDay = Callable[[date], bool]


class Rule(Struct, frozen=True):
    """A rule as read: the anchor, the business days from it, and in which month."""

    anchor: str
    which: str
    offset: int
    months: int


def read_rule(text: str) -> Rule:
    """A rule from its spelling. Raises ValueError."""
    found = _SPELLING.fullmatch(text)
    needs_which = found is not None and (found[1] in _WEEKDAYS or found[1].endswith("day"))
    if found is None or needs_which != bool(found[2]):
        raise ValueError(f"not an expiry rule: {text!r}")
    return Rule(found[1], found[2] or "", int(found[3] or 0), int(found[4] or 0))


def expiry(rule: Rule, year: int, month: int, is_business_day: IsBusinessDay) -> date:
    """The last trading day of the contract of a month."""
    first = shifted(year, month, rule.months)
    anchor = _anchor(rule, first)
    if rule.anchor == "volatility":
        ahead = anchor + timedelta(days=30)
        return (
            anchor
            if is_business_day(ahead) and is_business_day(anchor)
            else _back(anchor - _DAY, is_business_day)
        )
    if rule.anchor in ("last", "bday") or not rule.offset:
        anchor = _back(anchor, is_business_day)
    if rule.offset > 0:
        anchor = _forward(anchor, is_business_day)
    step = _DAY if rule.offset > 0 else -_DAY
    for _ in range(abs(rule.offset)):
        anchor += step
        while not is_business_day(anchor):
            anchor += step
    return anchor


def shifted(year: int, month: int, months: int) -> date:
    """The first day of the month that lies so many months away."""
    counted = year * 12 + month - 1 + months
    return date(counted // 12, counted % 12 + 1, 1)


def nth_weekday(first: date, weekday: int, which: str) -> date:
    """The n-th weekday of the month that begins on `first`, or the last one."""
    if which == "last":
        end = shifted(first.year, first.month, 1) - _DAY
        return end - _DAY * ((end.weekday() - weekday) % 7)
    return first + _DAY * ((weekday - first.weekday()) % 7 + 7 * (int(which) - 1))


def _anchor(rule: Rule, first: date) -> date:
    match rule.anchor:
        case "day" | "bday":
            return first.replace(day=int(rule.which))
        case "first":
            return first
        case "last":
            return shifted(first.year, first.month, 1) - _DAY
        case "volatility":
            following = shifted(first.year, first.month, 1)
            return nth_weekday(following, 4, "3") - timedelta(days=30)
        case weekday:
            return nth_weekday(first, _WEEKDAYS[weekday], rule.which)


def _back(day: date, is_business_day: IsBusinessDay) -> date:
    while not is_business_day(day):
        day -= _DAY
    return day


def _forward(day: date, is_business_day: IsBusinessDay) -> date:
    while not is_business_day(day):
        day += _DAY
    return day
