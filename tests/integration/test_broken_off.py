"""A hand-over that breaks off: what execution has is not given again, and nothing is left out."""

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
    road.store.takes = set()
    with pytest.raises(ExecutionDown):
        road.drain.drain_due()
    wanted = sorted(trade_id.hex for (trade_id,) in road.trades("id"))
    for batches in (1, 2):
        # Each time one batch more, and then it breaks.
        road.store.takes = set(wanted[: batches * handing.FIRST_BATCH])
        with pytest.raises(ExecutionDown):
            road.drain.drain_due()
    assert road.watermarks() == (1, 1, 0)
    road.store.takes = None
    road.drain.drain_due()
    assert road.watermarks() == (1, 1, 1)
    assert road.store.given == wanted


def test_who_does_not_know_how_far_a_hand_over_came_gives_everything_again(road: Road) -> None:
    strategy = factories.strategy(road.owner)
    for _ in range(2 * handing.FIRST_BATCH):
        factories.subscription(road.owner, strategy)
    road.signal(strategy)
    road.store.takes = set()
    with pytest.raises(ExecutionDown):
        road.drain.drain_due()
    wanted = sorted(trade_id.hex for (trade_id,) in road.trades("id"))
    road.store.takes = set(wanted[: handing.FIRST_BATCH])
    with pytest.raises(ExecutionDown):
        road.drain.drain_due()
    road.store.takes = None
    Drain(road.pool, ExecutionClient(road.target)).drain_due()
    assert road.watermarks() == (1, 1, 1)
    assert len(road.store.trades) == 2 * handing.FIRST_BATCH
