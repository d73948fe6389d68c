"""Exchange hours: weeks, holidays, early closes and clock changes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import sessions
from execution.domain.sessions import ALWAYS, HOURS, US_STOCKS, Day

SECONDS = st.integers(
    int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()),
)
INSTANTS = SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CALENDARS = st.sampled_from([ALWAYS, *HOURS])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(calendar: str, text: str) -> bool:
    return sessions.is_open(calendar, at(text), reference.day)


@pytest.mark.parametrize(
    ("calendar", "text", "expected"),
    [
        (US_STOCKS, "2026-11-23T14:29:59", False),
        (US_STOCKS, "2026-11-23T14:30", True),
        (US_STOCKS, "2026-11-23T20:59:59", True),
        (US_STOCKS, "2026-11-23T21:00", False),
        (US_STOCKS, "2026-11-26T16:00", False),  # Thanksgiving
        (US_STOCKS, "2026-11-27T17:59", True),  # the day after closes at one
        (US_STOCKS, "2026-11-27T18:00", False),
        (US_STOCKS, "2026-11-28T16:00", False),  # Saturday
        (US_STOCKS, "2026-03-06T14:29", False),  # the last Friday of winter time
        (US_STOCKS, "2026-03-09T13:30", True),  # the first Monday of summer time
        ("cme_index", "2026-11-22T22:59", False),  # Sunday, before five in Chicago
        ("cme_index", "2026-11-22T23:00", True),
        ("cme_index", "2026-11-23T22:30", False),  # the daily hour
        ("cme_index", "2026-11-26T17:59", True),  # Thanksgiving until noon
        ("cme_index", "2026-11-26T18:00", False),
        ("cme_index", "2026-12-25T16:00", False),
        ("cme_index", "2026-04-03T16:00", False),  # Good Friday
        ("nymex", "2026-11-26T19:29", True),  # Thanksgiving until half past one
        ("nymex", "2026-11-26T19:30", False),
        ("grains", "2026-11-23T14:00", False),  # the morning pause
        ("grains", "2026-11-23T14:30", True),
        ("grains", "2026-11-26T16:00", False),
        ("eurex", "2026-11-26T16:00", True),
        ("eurex", "2026-05-01T16:00", False),
        ("ice_energy", "2026-04-06T10:00", True),  # Easter Monday
        ("ice_energy", "2026-04-03T10:00", False),
        (ALWAYS, "2026-11-28T03:00", True),
    ],
)
def test_an_exchange_is_open_when_it_says(calendar: str, text: str, expected: bool) -> None:
    assert is_open(calendar, text) is expected


@pytest.mark.parametrize(
    ("calendar", "after", "opens"),
    [
        (US_STOCKS, "2026-11-20T22:00", "2026-11-23T14:30"),
        (US_STOCKS, "2026-11-25T22:00", "2026-11-27T14:30"),
        (US_STOCKS, "2026-11-23T15:00", "2026-11-23T15:00"),
        ("cme_index", "2026-11-21T12:00", "2026-11-22T23:00"),
        ("cme_index", "2026-11-26T19:00", "2026-11-26T23:00"),
        ("grains", "2026-11-23T14:00", "2026-11-23T14:30"),
        ("eurex", "2026-12-23T22:00", "2026-12-28T01:10"),
        (ALWAYS, "2026-11-21T12:00", "2026-11-21T12:00"),
    ],
)
def test_the_next_open_is_found(calendar: str, after: str, opens: str) -> None:
    assert sessions.next_open(calendar, at(after), reference.day) == at(opens)


@given(CALENDARS, INSTANTS)
def test_it_is_open_at_the_next_open_and_not_before(calendar: str, after: datetime) -> None:
    opens = sessions.next_open(calendar, after, reference.day)
    assert opens >= after
    assert sessions.is_open(calendar, opens, reference.day)
    if opens > after:
        assert not sessions.is_open(calendar, after, reference.day)
        assert not sessions.is_open(calendar, opens - timedelta(seconds=1), reference.day)


@pytest.mark.parametrize(
    ("calendar", "during", "ends"),
    [
        (US_STOCKS, "2026-11-20 15:00", "2026-11-20 21:00"),
        (US_STOCKS, "2026-11-20 21:00", "2026-11-23 21:00"),  # closed until Monday
        (US_STOCKS, "2026-11-27 15:00", "2026-11-27 18:00"),  # an early close
        ("cme_index", "2026-11-22 23:30", "2026-11-23 22:00"),  # Sunday evening
        ("grains", "2026-11-20 14:00", "2026-11-20 19:20"),  # a pause ends nothing
    ],
)
def test_a_session_ends_with_its_close(calendar: str, during: str, ends: str) -> None:
    assert sessions.session_end(calendar, at(during), reference.day) == at(ends)


@given(CALENDARS, INSTANTS)
def test_the_session_of_an_open_market_is_not_over(calendar: str, now: datetime) -> None:
    ends = sessions.session_end(calendar, now, reference.day)
    if ends is None:
        assert calendar == ALWAYS
    else:
        assert ends > now
        assert not sessions.is_open(calendar, ends, reference.day)
        assert sessions.is_open(calendar, ends - timedelta(seconds=1), reference.day)


@pytest.mark.parametrize(
    ("market", "day", "kind"),
    [
        ("us", "2026-11-25", Day.FULL),
        ("us", "2026-11-26", Day.HOLIDAY),
        ("us", "2026-11-27", Day.HALF),
        ("us", "2026-12-25", Day.CLOSED),
        ("us", "2027-12-24", Day.CLOSED),  # Christmas is a Saturday
        ("us", "2026-07-03", Day.HOLIDAY),
        ("uk", "2026-08-31", Day.HOLIDAY),
        ("uk", "2026-12-24", Day.HALF),
        ("de", "2026-05-01", Day.HOLIDAY),
    ],
)
def test_days_are_of_their_kind(market: str, day: str, kind: Day) -> None:
    assert reference.day(market, date.fromisoformat(day)) is kind
