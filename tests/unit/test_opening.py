"""What waits for the open: only an entry replaces an entry (B4)."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import opening
from execution.domain.opening import Intent, Queue, Queued

ENTRY, EXIT, FLIP, CANCEL = Intent


def a(number: int, intent: Intent, quantity: str | None = None) -> Queued:
    return Queued(UUID(int=number), intent, Decimal(quantity) if quantity else None)


def queue(*arrivals: Queued) -> Queue:
    state = Queue()
    for arrival in arrivals:
        state = opening.add(state.waiting, arrival)
    return state


@pytest.mark.rule("B4.entries")
def test_the_newest_entry_wins() -> None:
    left = queue(a(1, ENTRY), a(2, ENTRY))
    assert left.waiting == (a(2, ENTRY),)
    assert left.superseded == (UUID(int=1),)


@pytest.mark.rule("B4.both")
def test_an_entry_does_not_replace_an_exit_and_comes_after_it() -> None:
    left = queue(a(1, EXIT), a(2, ENTRY))
    assert left.waiting == (a(1, EXIT), a(2, ENTRY))
    assert left.superseded == ()


def test_an_exit_ends_the_entries_before_it() -> None:
    left = queue(a(1, ENTRY), a(2, EXIT))
    assert left.waiting == (a(2, EXIT),)
    assert left.superseded == (UUID(int=1),)


def test_after_exit_and_entry_a_newer_entry_replaces_only_the_entry() -> None:
    left = queue(a(1, EXIT), a(2, ENTRY), a(3, ENTRY))
    assert left.waiting == (a(1, EXIT), a(3, ENTRY))


@pytest.mark.rule("B4.wider")
def test_only_a_wider_exit_displaces_an_exit() -> None:
    wider = queue(a(1, EXIT, "2"), a(2, EXIT, "3"))
    assert (wider.waiting, wider.superseded) == ((a(2, EXIT, "3"),), (UUID(int=1),))
    same = queue(a(1, EXIT, "2"), a(2, EXIT, "2"))
    assert (same.waiting, same.superseded) == ((a(1, EXIT, "2"),), ())
    assert same.is_closing
    narrower = queue(a(1, EXIT), a(2, EXIT, "2"))
    assert narrower.waiting == (a(1, EXIT),)


def test_an_entry_after_a_flip_drops_the_flip_s_entry_and_keeps_its_exit() -> None:
    left = queue(a(1, FLIP), a(2, ENTRY))
    assert left.waiting == (a(1, EXIT), a(2, ENTRY))
    assert left.halved == (UUID(int=1),)


def test_a_flip_behind_a_full_exit_waits_as_its_entry() -> None:
    left = queue(a(1, EXIT), a(2, FLIP))
    assert left.waiting == (a(1, EXIT), a(2, ENTRY))
    assert not left.is_closing


def test_a_cancel_ends_entries_and_leaves_exits() -> None:
    left = queue(a(1, EXIT), a(2, ENTRY), a(3, CANCEL))
    assert left.waiting == (a(1, EXIT),)
    assert left.superseded == (UUID(int=2),)


@pytest.mark.rule("B4.both", "B4.entries")
@given(
    st.lists(
        st.tuples(st.sampled_from(Intent), st.none() | st.integers(1, 5).map(Decimal)), max_size=8
    )
)
def test_whatever_arrives_at_most_one_exit_waits_and_then_at_most_one_entry(
    arrivals: list[tuple[Intent, Decimal | None]],
) -> None:
    state, ended = Queue(), set[UUID]()
    for number, (intent, quantity) in enumerate(arrivals):
        wanted = quantity if intent is EXIT else None
        state = opening.add(state.waiting, Queued(UUID(int=number), intent, wanted))
        ended |= set(state.superseded)
        intents = [queued.intent for queued in state.waiting]
        assert intents in ([], [ENTRY], [EXIT], [FLIP], [EXIT, ENTRY])
        assert not ended & {queued.trade_id for queued in state.waiting}
    if any(intent in (EXIT, FLIP) for intent, _ in arrivals):
        assert any(queued.exits for queued in state.waiting)
