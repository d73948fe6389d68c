"""The fault plan strikes as it says, and reports heard wrongly are put right."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.brokers.paper_stream import InOrder
from execution.domain.reports import Report
from execution.domain.words import ExecType, OrdStatus, Side
from execution.paper import misdeeds
from execution.paper.matching import Refused
from execution.paper.misdeeds import Plan, Planned, Struck
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
DROP, REJECT, LATE = pb.FAULT_KIND_DROP, pb.FAULT_KIND_REJECT, pb.FAULT_KIND_LATE_ACCEPT


def plan(*faults: pb.Fault, seed: int = 7) -> Plan:
    return Plan([Planned(fault) for fault in faults], seed)


def struck(found: Plan, orders: int = 1000, at: datetime = AT) -> list[Struck | None]:
    return [found.strike("acme", f"c{number}", at) for number in range(orders)]


def test_the_same_seed_gives_the_same_misdeeds() -> None:
    faults = [pb.Fault(kind=DROP, percent=20), pb.Fault(kind=REJECT, percent=30)]
    assert struck(plan(*faults)) == struck(plan(*faults))
    assert struck(plan(*faults)) != struck(plan(*faults, seed=8))


@pytest.mark.parametrize("percent", [1, 30, 100])
def test_a_percentage_of_the_orders_is_struck(percent: int) -> None:
    count = sum(1 for each in struck(plan(pb.Fault(kind=DROP, percent=percent))) if each)
    assert abs(count - 10 * percent) <= 60


def test_a_fault_strikes_no_more_often_than_it_may() -> None:
    found = struck(plan(pb.Fault(kind=DROP, most=3)))
    assert [each is not None for each in found] == [True] * 3 + [False] * 997


def test_a_fault_strikes_in_its_time_only() -> None:
    fault = pb.Fault(
        kind=DROP,
        from_time=wire.to_timestamp(AT),
        until_time=wire.to_timestamp(AT + timedelta(minutes=5)),
    )
    found = plan(fault)
    times = [AT - timedelta(seconds=1), AT, AT + timedelta(seconds=299), AT + timedelta(minutes=5)]
    assert [found.strike("acme", "c", at) is not None for at in times] == [False, True, True, False]


@given(st.integers(0, 30_000), st.integers(0, 2**40))
def test_a_drawn_delay_is_within_its_bound(longest: int, seed: int) -> None:
    fault = pb.Fault(kind=LATE, delay_ms=longest, draws_delay=True)
    delays = [each.delay_ms for each in struck(plan(fault, seed=seed), 20) if each]
    assert all(0 <= delay <= longest for delay in delays)


def test_an_order_that_was_struck_is_spared_when_it_comes_again() -> None:
    drawn = plan(pb.Fault(kind=DROP, percent=100))
    assert [drawn.strike("acme", "c", AT) is not None for _ in range(3)] == [True, False, False]
    always = plan(pb.Fault(kind=DROP))
    assert all(always.strike("acme", "c", AT) for _ in range(3))


def test_only_the_last_orders_that_were_struck_are_remembered() -> None:
    found = plan(pb.Fault(kind=DROP, percent=100))
    struck(found, misdeeds.REMEMBERED + 10)
    assert len(found.spared) == misdeeds.REMEMBERED
    assert "c0" not in found.spared


def test_the_first_fault_that_can_strike_does() -> None:
    found = struck(plan(pb.Fault(nth=2, kind=DROP), pb.Fault(kind=REJECT)), 3)
    assert [each.kind if each else None for each in found] == [REJECT, DROP, REJECT]


def test_a_window_of_refusals_ends() -> None:
    found = plan(pb.Fault(nth=1, kind=pb.FAULT_KIND_RATE_LIMIT, delay_ms=2000))
    found.strike("acme", "c", AT)
    waits = [found.limited_ms(AT + timedelta(milliseconds=ms)) for ms in (0, 1999, 2000)]
    assert waits == [2001, 2, 0]


@pytest.mark.parametrize(
    "fault",
    [
        pb.Fault(nth=1),
        pb.Fault(kind=DROP, percent=101),
        pb.Fault(kind=DROP, percent=-1),
        pb.Fault(kind=DROP, most=-1),
        pb.Fault(kind=LATE, delay_ms=11 * 60 * 1000),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: pb.Fault) -> None:
    with pytest.raises(Refused):
        misdeeds.read(pb.ConfigureAccountRequest(set_faults=True, faults=[fault]))


def a_report(number: int) -> Report:
    return Report(
        "acme", f"acme:{number}", number, "c", "o", ExecType.NEW, OrdStatus.NEW, "AAPL",
        Side.BUY, "", None, None, None, "", AT, None,
    )  # fmt: skip


@given(
    st.integers(1, 12).flatmap(
        lambda most: st.tuples(
            st.just(most), st.lists(st.integers(1, most), max_size=40), st.permutations(range(most))
        )
    )
)
def test_reports_are_delivered_once_and_in_order_however_they_come(
    heard: tuple[int, list[int], list[int]],
) -> None:
    most, some, rest = heard
    stream = InOrder()
    stream.attach([("acme", 0)])
    delivered = [
        report.sequence
        for number in (*some, *(place + 1 for place in rest))
        for report in stream.take(a_report(number))
    ]
    assert delivered == list(range(1, most + 1))
    assert stream.lacking() == []


def test_what_is_missing_is_known_from_what_came_after_it() -> None:
    stream = InOrder()
    stream.attach([("acme", 0), ("other", 3)])
    for number in (1, 4):
        stream.take(a_report(number))
    assert stream.lacking() == [("acme", 1)]
    for number in (2, 3):
        stream.take(a_report(number))
    assert (stream.lacking(), stream.heard["acme"]) == ([], 4)


def test_what_is_missing_at_the_end_is_known_from_the_last_number() -> None:
    stream = InOrder()
    stream.attach([("acme", 2)])
    stream.mention("acme", 4)
    assert stream.lacking() == [("acme", 2)]
    stream.mention("stranger", 4)
    assert stream.lacking() == [("acme", 2)]


def test_a_report_that_cannot_be_read_holds_nothing_up() -> None:
    stream = InOrder()
    stream.attach([("acme", 0)])
    stream.skip("acme", 1)
    assert [report.sequence for report in stream.take(a_report(2))] == [2]
