"""Trades that are over leave memory by themselves."""

import gc
from datetime import timedelta

from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket
from tests.unit.lane_kit import Desk


def test_what_is_over_is_freed_without_the_collector() -> None:
    gc.collect()
    before = _held()
    desk = Desk()
    for subscription in range(3):
        desk.enter(subscription, "buy", "2")
    desk.steps.run()
    desk.fill_all()
    # What its journal and its clock of this test remember.
    desk.journal.entries.clear()
    desk.steps.timers.clear()
    assert _held() == before + 6
    gc.collect()
    gc.disable()
    try:
        desk.engine.retire(desk.steps.now() + timedelta(seconds=1))
        assert _held() == before
    finally:
        gc.enable()


def test_an_order_that_may_still_fill_keeps_its_trade() -> None:
    desk = Desk()
    desk.enter(1, "buy", "2")
    desk.steps.run()
    [run] = desk.account.runs.values()
    run.is_done = run.is_recorded = True
    desk.engine.finish(desk.account, run)
    desk.engine.retire(desk.steps.now() + timedelta(seconds=1))
    [ticket] = run.tickets
    assert ticket.order.is_open and ticket.run is run


def _held() -> int:
    """Runs and orders in memory."""
    return sum(isinstance(each, Run | Ticket) for each in gc.get_objects())
