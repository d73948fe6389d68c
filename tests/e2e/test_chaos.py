"""Everything is killed once under load; the long form is `python -m tests.e2e.chaos`."""

import signal
import time

import pytest

from tests.e2e import chaos
from tests.e2e.lane import Lane
from tests.e2e.stack import Stack

pytestmark = pytest.mark.slow
STACK = chaos.OPTIONS
FREEZE_SECONDS = 6
SIGNALS_PER_SECOND = 5

_SLOWEST = """
    SELECT max(extract(epoch FROM filled_at - accepted_at)), count(*), count(filled_at)
    FROM web.trades WHERE instrument = %s
"""


@pytest.mark.timeout(180)
def test_killing_each_process_once_under_load_breaks_no_promise(stack: Stack) -> None:
    result = chaos.run(stack, chaos.Plan(seconds=25, settle_seconds=30))

    assert len(result.kills) == len(chaos.VICTIMS)
    assert result.ok, str(result)


def test_with_valkey_frozen_intake_goes_on_and_signals_fill_within_three_seconds(
    stack: Stack,
) -> None:
    chaos.allow(stack)
    lane = Lane(stack, stack.webhooks()[0], "FROZEN")
    sent: list[str] = []
    stack.kill("redis", signal.SIGSTOP)
    try:
        for _ in range(FREEZE_SECONDS * SIGNALS_PER_SECOND):
            sent.append(lane.send("buy", quantity=1))
            time.sleep(1 / SIGNALS_PER_SECOND)
        lane.trade(sent[-1], within=3)
    finally:
        stack.kill("redis", signal.SIGCONT)

    with stack.database() as connection:
        row = connection.execute(_SLOWEST, [lane.ticker]).fetchone()
    assert row is not None
    slowest, trades, filled = row
    assert trades == filled == len(sent)
    assert slowest < 3
