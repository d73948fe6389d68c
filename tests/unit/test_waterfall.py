"""The waterfall adds up, is never negative, and says in words what it cannot draw."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from web.signals import chart, waterfall
from web.signals.waterfall import STAGES

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(ms: float) -> datetime:
    return NOON + timedelta(milliseconds=ms)


offsets = st.one_of(st.none(), st.integers(min_value=-90_000, max_value=90_000))


@given(st.fixed_dictionaries(dict.fromkeys(STAGES, offsets)))
def test_segments_add_up_to_the_total_and_none_is_negative(offsets: dict[str, int | None]) -> None:
    times = {stage: None if ms is None else at(ms) for stage, ms in offsets.items()}
    built = waterfall.build(times)
    lengths = [segment.length_ms for segment in built.segments if segment.length_ms is not None]
    assert all(length >= 0 for length in lengths)
    assert abs(sum(lengths) - built.total_ms) < 1
    assert abs(sum(built.by_owner.values()) - built.total_ms) < 1
    assert [segment.stage for segment in built.segments] == list(STAGES)
    assert all(segment.note for segment in built.segments if segment.at is None)


def test_each_stage_takes_the_time_since_the_one_before() -> None:
    built = waterfall.build(
        {
            "received": at(0),
            "accepted": at(4),
            "dequeued": at(10),
            "submitted": at(30),
            "filled": at(97),
        }
    )
    took = {segment.stage: segment.length_ms for segment in built.drawn}
    assert took == {"accepted": 4, "dequeued": 6, "submitted": 20, "filled": 67}
    assert built.headline == "Fillwire 30, broker 67"


def test_a_missing_stage_is_said_in_words() -> None:
    built = {
        segment.stage: segment.note for segment in waterfall.build({"received": at(0)}).segments
    }
    assert built["sent"] == "the sender gave no time"
    assert built["approved"] == built["filled"] == "not reached"


def test_a_sender_whose_clock_is_ahead_is_said_in_words() -> None:
    built = waterfall.build({"sent": at(5_400), "received": at(0), "accepted": at(4)})
    assert built.segments[0].note == "the sender's clock is 5,400 ms ahead of ours"
    assert built.segments[0].length_ms is None
    assert built.total_ms == 4


def test_a_clock_of_whole_seconds_is_said() -> None:
    built = waterfall.build({"sent": at(0), "received": at(504)})
    assert built.segments[0].note == "±1 s"
    assert built.headline == "source 504"


def test_a_stage_before_the_one_above_it_is_said_not_drawn() -> None:
    built = waterfall.build({"received": at(0), "planned": at(50), "approved": at(20)})
    approved = built.segments[STAGES.index("approved")]
    assert (approved.length_ms, approved.note) == (0, "30 ms before the stage above")


def test_bars_share_one_axis() -> None:
    quick = waterfall.build({"received": at(0), "accepted": at(50)})
    slow = waterfall.build({"received": at(0), "accepted": at(100)})
    drawn = chart.draw([("a", quick), ("b", slow)])
    assert drawn is not None
    first, second = drawn.rows
    assert first.bars[0].width * 2 == second.bars[0].width
    assert [tick.ms for tick in drawn.ticks] == [0, 20, 40, 60, 80, 100]
    assert chart.draw([]) is None
