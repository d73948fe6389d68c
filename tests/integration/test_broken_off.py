"""A hand-over that breaks off: what execution has is not given again, and nothing is left out."""

from collections import Counter

import pytest

from tests import factories
from tests.integration.road_kit import Road
from web.execution_client import ExecutionClient, ExecutionDown
from web.trades import handing
from web.trades.service import Drain


def test_a_hand_over_that_broke_off_goes_on_where_it_was(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "BATCH", handing.FIRST_BATCH)
    strategy = factories.strategy(road.owner)
    for _ in range(3 * handing.FIRST_BATCH):
        factories.subscription(road.owner, strategy)
    road.signal(strategy)
    for calls in (1, 3):
        # Each time one batch more, and another breaks.
        road.store.breaks_after = calls
        with pytest.raises(ExecutionDown):
            road.drain.drain_due()
    assert road.watermarks() == (1, 1, 0)
    road.store.breaks_after = None
    road.drain.drain_due()
    assert road.watermarks() == (1, 1, 1)
    given = Counter(road.store.given)
    assert len(given) == 3 * handing.FIRST_BATCH
    # Of two batches under way at once, the answer to the second may be lost with the first.
    assert all(given[trade] == 1 for trade in road.store.given[: handing.FIRST_BATCH])


def test_who_does_not_know_how_far_a_hand_over_came_gives_everything_again(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    for _ in range(2 * handing.FIRST_BATCH):
        factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.store.breaks_after = 1
    with pytest.raises(ExecutionDown):
        road.drain.drain_due()
    road.store.breaks_after = None
    Drain(road.pool, ExecutionClient(road.target)).drain_due()
    assert road.watermarks() == (1, 1, 1)
    assert len(road.store.trades) == 2 * handing.FIRST_BATCH
