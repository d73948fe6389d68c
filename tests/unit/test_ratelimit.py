"""Token buckets in virtual time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from execution.domain import ratelimit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def a_bucket(tokens: float) -> ratelimit.Bucket:
    return ratelimit.Bucket(capacity=10.0, per_second=2.0, reserved=3.0, tokens=tokens, at=NOON)


def test_exits_may_use_the_share_that_entries_may_not() -> None:
    _, entry_waits = ratelimit.take(a_bucket(3.0), NOON, is_exit=False)
    after, exit_waits = ratelimit.take(a_bucket(3.0), NOON, is_exit=True)
    assert (entry_waits, exit_waits) == (0.5, 0.0)
    assert after.tokens == 2.0


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    assert ratelimit.refill(a_bucket(0.0), NOON + timedelta(hours=1)).tokens == 10.0


@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=60))
def test_no_window_lets_more_through_than_capacity_and_refill(
    asks: list[tuple[int, bool]],
) -> None:
    bucket, passed, at = a_bucket(10.0), 0, NOON
    for gap, is_exit in asks:
        at += timedelta(milliseconds=gap)
        bucket, wait = ratelimit.take(bucket, at, is_exit=is_exit)
        passed += not wait
    assert passed <= 10 + 2 * (at - NOON).total_seconds() + 1e-6


@given(st.floats(0, 3.9), st.booleans())
def test_after_the_wait_it_goes_through(tokens: float, is_exit: bool) -> None:
    bucket, wait = ratelimit.take(a_bucket(tokens), NOON, is_exit=is_exit)
    if not wait:
        return
    later = NOON + timedelta(seconds=wait, microseconds=1)
    assert ratelimit.take(bucket, later, is_exit=is_exit)[1] == 0.0
