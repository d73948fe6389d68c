"""Trading windows: the clock on the wall, midnight, and both changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.subscriptions.settings import windows
from web.subscriptions.settings.windows import DAYS, BadWindow, Window

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ("America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "UTC")

moments = st.integers(0, 6 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
made = st.builds(
    Window,
    st.sets(st.sampled_from(DAYS), min_size=1).map(
        lambda days: tuple(day for day in DAYS if day in days)
    ),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sampled_from(ZONES),
).filter(lambda window: window.start != window.end)


def one(text: str) -> Window:
    (window,) = windows.read(text)
    return window


def there(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=NEW_YORK, fold=fold)  # type: ignore[arg-type, misc]


HOURS = one("mon-fri 09:30-16:00 America/New_York")


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (there(2026, 11, 20, 9, 29, 59), False),
        (there(2026, 11, 20, 9, 30), True),
        (there(2026, 11, 20, 15, 59, 59), True),
        (there(2026, 11, 20, 16, 0), False),
        (there(2026, 11, 21, 10, 0), False),
        (datetime(2026, 7, 1, 13, 30, tzinfo=UTC), True),
        (datetime(2026, 12, 1, 13, 30, tzinfo=UTC), False),
    ],
)
def test_from_belongs_to_it_and_to_does_not(at: datetime, is_open: bool) -> None:
    assert HOURS.covers(at) is is_open


def test_one_that_crosses_midnight_belongs_to_the_day_it_began_on() -> None:
    night = one("fri 22:00-02:00 America/New_York")
    assert night.covers(there(2026, 11, 20, 23, 0))
    assert night.covers(there(2026, 11, 21, 1, 59))
    assert not night.covers(there(2026, 11, 21, 2, 0))
    assert not night.covers(there(2026, 11, 20, 1, 0))
    assert not night.covers(there(2026, 11, 21, 23, 0))


@pytest.mark.rule("K.futures.windows")
def test_both_hours_of_a_repeated_hour_are_covered() -> None:
    window = one("sun 01:00-02:00 America/New_York")
    first, second = there(2026, 11, 1, 1, 30), there(2026, 11, 1, 1, 30, fold=1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    assert window.covers(first)
    assert window.covers(second)


@pytest.mark.rule("K.futures.windows")
def test_the_skipped_hour_takes_only_itself_away() -> None:
    window = one("sun 01:30-03:30 America/New_York")
    begin = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)
    minutes = [begin + timedelta(minutes=n) for n in range(180)]
    assert sum(window.covers(at) for at in minutes) == 60


def test_a_whole_day_is_a_window_and_an_empty_one_is_none() -> None:
    assert one("sat 00:00-24:00 UTC").covers(datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC))
    with pytest.raises(BadWindow):
        windows.read("sat 10:00-10:00 UTC")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        [],
        5,
        "mon 9:30-16:00",
        "mon 09:30-25:00",
        "mon 09:60-16:00",
        "mon 24:00-10:00",
        "day 09:30-16:00",
        "mon-wed-fri 09:30-16:00",
        "mon 09:30-16:00 Mars/Olympus",
        "mon 09:30-16:00 America",
        "mon 09:30-16:00 ../../etc/passwd",
        [{"days": [], "from": "09:30", "to": "16:00"}],
        [{"days": "mon", "from": "09:30", "to": "16:00"}],
        [{"days": ["mon"], "from": "09:30"}],
        [{"days": ["mon"], "from": "09:30", "to": "16:00", "zone": "UTC"}],
        ["mon 09:30-16:00"] * 21,
    ],
)
def test_what_is_no_window_is_refused(raw: object) -> None:
    with pytest.raises(BadWindow):
        windows.read(raw)


@given(made)
def test_a_window_reads_back_from_text_and_from_json(window: Window) -> None:
    assert windows.read(str(window)) == (window,)
    assert windows.read([window.to_json()]) == (window,)
    assert windows.load([window.to_json()]) == (window,)


@given(made, moments)
def test_a_window_and_the_rest_of_its_days_never_both_cover(window: Window, at: datetime) -> None:
    other = Window(window.days, window.end % 1440, window.start or 1440, window.zone)
    is_whole_day = window.end - window.start == 1440
    if is_whole_day or other.start == other.end or window.days != DAYS:
        return
    assert window.covers(at) is not other.covers(at)


@given(made, moments)
def test_only_the_clock_on_the_wall_decides(window: Window, at: datetime) -> None:
    local = at.astimezone(ZoneInfo(window.zone))
    other_fold = local.replace(fold=1 - local.fold)
    wall = (local.weekday(), local.hour, local.minute)
    back = other_fold.astimezone(UTC).astimezone(ZoneInfo(window.zone))
    if (back.weekday(), back.hour, back.minute) == wall:
        assert window.covers(other_fold) is window.covers(at)


@given(st.lists(made, max_size=4), moments)
def test_windows_add_up(several: list[Window], at: datetime) -> None:
    assert windows.cover(several, at) is (not several or any(w.covers(at) for w in several))
