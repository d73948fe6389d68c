"""Differences between what is known and what a broker says, where it numbers nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from execution.brokers.base import HeldSnapshot, NewOrder, PositionSnapshot
from execution.domain.words import ExecType, OrdType, Side
from execution.holding.reconciling import Reconciling
from tests.unit.lane_kit import Desk, held, said
from tests.unit.planning_kit import NOON

LATER = NOON + timedelta(seconds=9)


@pytest.fixture
def desk() -> Desk:
    """Five are held."""
    desk = Desk()
    desk.enter(1, "buy", "5")
    desk.steps.run()
    desk.fill_all()
    assert held(desk) == 5
    return desk


def reconciling(desk: Desk) -> Reconciling:
    # Nobody is asked here: answers are handed in.
    return Reconciling(desk.engine, desk.steps, lambda: [])


def told(desk: Desk, quantity: int, by: Reconciling, *, seconds: float = 2.0) -> Decimal:
    """Some time later the broker says that it holds so many; what is known afterwards."""
    desk.steps.at += timedelta(seconds=seconds)
    found = {"AAPL": PositionSnapshot("AAPL", Decimal(quantity), Decimal(90))} if quantity else {}
    desk.account.outside.told = HeldSnapshot(found, LATER)
    by.compare(desk.account)
    desk.steps.run()
    return held(desk)


def by_hand(desk: Desk, quantity: str, number: int = 1, **changes: object) -> None:
    """A report of somebody else's sell."""
    order = NewOrder(
        "acme", f"hand-{number}", "AAPL", Side.SELL, OrdType.MARKET, Decimal(quantity), None,
        "day", None,
    )  # fmt: skip
    report = replace(said(order, ExecType.FILL, Decimal(quantity)), **changes)
    reconciling(desk).adopt(desk.account, report)


@pytest.mark.rule("D5.position")
def test_a_difference_counts_when_it_is_seen_twice(desk: Desk) -> None:
    by = reconciling(desk)
    assert told(desk, 3, by) == 5
    assert told(desk, 3, by) == 3
    assert told(desk, 3, by) == 3


@pytest.mark.rule("D5.position")
def test_a_difference_that_is_seen_twice_at_once_does_not_count_yet(desk: Desk) -> None:
    by = reconciling(desk)
    assert [told(desk, 3, by, seconds=seconds) for seconds in (0, 0.1, 0.1)] == [5, 5, 5]
    assert told(desk, 3, by, seconds=0.9) == 3


@pytest.mark.rule("D5.position")
def test_a_difference_does_not_count_while_reports_wait_to_be_recognised(desk: Desk) -> None:
    by = reconciling(desk)
    by.waits = "acme".__eq__
    for _ in range(3):
        assert told(desk, 3, by) == 5
    by.waits = "other".__eq__
    assert [told(desk, 3, by), told(desk, 3, by)] == [5, 3]


@pytest.mark.rule("D5.fill")
def test_a_fill_in_between_has_it_looked_at_anew(desk: Desk) -> None:
    by = reconciling(desk)
    assert told(desk, 3, by) == 5
    by_hand(desk, "2")
    assert held(desk) == 3
    assert told(desk, 1, by) == 3
    assert told(desk, 3, by) == 3
    assert told(desk, 1, by) == 3


@pytest.mark.rule("D5.position")
def test_an_order_in_doubt_explains_what_it_may_have_done(desk: Desk) -> None:
    by = reconciling(desk)
    desk.enter(1, "exit", None)
    desk.steps.run()
    [ticket] = desk.account.lane("AAPL").open.values()
    ticket.in_doubt = True
    for _ in range(3):
        assert told(desk, 0, by) == 5
    ticket.in_doubt = False
    assert [told(desk, 0, by), told(desk, 0, by)] == [5, 0]


@pytest.mark.rule("G4.replaced")
def test_a_report_replaces_what_was_found_by_asking(desk: Desk) -> None:
    by = reconciling(desk)
    assert [told(desk, 2, by), told(desk, 2, by)] == [5, 2]
    by_hand(desk, "3", time=NOON)
    assert held(desk) == 2
    # What happens after the answer is new.
    by_hand(desk, "1", number=2, time=LATER + timedelta(seconds=1))
    assert held(desk) == 1


@pytest.mark.rule("G4.ids")
def test_the_same_report_moves_nothing_twice(desk: Desk) -> None:
    by_hand(desk, "2")
    by_hand(desk, "2")
    assert held(desk) == 3
    kinds = [fact.kind for entry in desk.journal.entries for fact in entry.facts]
    assert kinds.count("external") == 1


def test_what_nobody_told_of_yet_leaves_everything_as_it_is(desk: Desk) -> None:
    reconciling(desk).compare(desk.account)
    assert held(desk) == 5


@pytest.mark.rule("D5.fill")
def test_an_answer_from_before_the_account_was_taken_counts_for_nothing(desk: Desk) -> None:
    """A process that slept is answered when it wakes, and takes the account back then."""
    by, outside = reconciling(desk), desk.account.outside
    outside.begin(heard=4)
    for sequence, left in ((0, 5), (3, 5), (4, 0)):
        outside.told = HeldSnapshot({}, LATER, sequence)
        by.compare(desk.account)
        desk.steps.run()
        assert held(desk) == left
        assert outside.told is None
