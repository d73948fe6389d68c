"""The short chaos trial, and Valkey standing still; more is in `python -m tests.chaos --help`."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos import load
from tests.e2e.lane import Lane
from tests.e2e.stack import Options, Stack

pytestmark = pytest.mark.slow
STACK = Options(strategies=load.STRATEGIES)
FREEZE_SECONDS = 6
SIGNALS_PER_SECOND = 5

_SLOWEST = """
    SELECT max(extract(epoch FROM filled_at - accepted_at)), count(*), count(filled_at)
    FROM web.trades WHERE instrument = %s
"""


@pytest.mark.timeout(180)
def test_twenty_five_kills_under_load_break_no_promise(tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    status = chaos.main(["short", "--seed", "1", "--report", str(report)])

    told = json.loads(report.read_text())
    assert (status, told["ok"]) == (0, True), report.read_text()
    assert sum(what.startswith("kill ") for _, what in told["faults"]) == 25


def test_with_valkey_frozen_intake_goes_on_and_signals_fill_within_three_seconds(
    stack: Stack,
) -> None:
    load.prepare(stack, subscriptions=1)
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
