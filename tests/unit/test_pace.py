"""How the trials of pace count: any window, not only those of the clock."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.pace import WINDOW, fullest, p99, windows_over

START = datetime(2026, 11, 20, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=each) for each in seconds]


def test_a_window_is_any_minute() -> None:
    assert windows_over(at(0, 59, 59.5, 60.5), 3) == 0
    assert windows_over(at(0, 59, 59.5, 59.9), 3) == 1
    # What the clock's minutes would not see.
    assert windows_over(at(50, 51, 70, 71), 2) == 2
    assert fullest(at(50, 51, 70, 71)) == 4


@given(
    gaps=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    limit=st.integers(1, 10),
)
def test_a_window_is_over_the_limit_exactly_where_the_fullest_one_is(
    gaps: list[int], limit: int
) -> None:
    arrived, now = [], START
    for gap in gaps:
        now += timedelta(seconds=gap)
        arrived.append(now)
    every = [sum(at <= each < at + WINDOW for each in arrived) for at in arrived]
    assert fullest(arrived) == max(every)
    assert (windows_over(arrived, limit) > 0) == (max(every) > limit)


def test_99_of_100_are_not_above() -> None:
    assert p99([float(n) for n in range(1, 101)]) == 99
    assert p99([5.0]) == 5
    assert p99([]) == 0
