"""A kill, an exception and a delay at every boundary of the road, then promises 1-4 from outside.

One stack starts with every fault already marked as fired. Taking a mark away arms that fault
alone, in processes that run; it fires at its first passage.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protos import faults
from protos.faults import POINTS
from tests.e2e import audit
from tests.e2e.conftest import ticker_for
from tests.e2e.lane import PRICE, Lane
from tests.e2e.sender import EAGER, History, Sender
from tests.e2e.stack import Options, Stack

# The delay is longer than a ring is remembered, and than the venue holds a message back.
ACTIONS = {"kill": "kill", "raise": "raise", "delay": "delay1100"}
KILLED = (("buy", 3), ("add", 2), ("sell", 1), ("exit", None))
SHORT = (("buy", 3), ("exit", None))


def _spec(point: str, action: str) -> str:
    return f"{POINTS[point][0]}:{point}:1:{ACTIONS[action]}"


def _mark(data_dir: Path, point: str, action: str) -> Path:
    return faults.mark(data_dir / "faults", _spec(point, action))


def _disarm_all(data_dir: Path) -> None:
    (data_dir / "faults").mkdir(parents=True)
    for action in ACTIONS:
        for point in POINTS:
            _mark(data_dir, point, action).touch()


pytestmark = pytest.mark.slow
STACK = Options(
    strategies=len(POINTS),
    environ={"FILLWIRE_FAULT": ",".join(_spec(p, a) for a in ACTIONS for p in POINTS)},
    prepare=_disarm_all,
)


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    """One sender for the module: its whole history is checked after each fault."""
    eager = Sender(History(), EAGER)
    yield eager
    eager.close()


@pytest.fixture
def lane(stack: Stack, point: str) -> Lane:
    """The point's own, whatever is done there."""
    webhook = stack.webhooks()[list(POINTS).index(point)]
    return Lane(stack, webhook, ticker_for(webhook, stack))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_at_this_point_breaks_no_promise(
    stack: Stack, lane: Lane, sender: Sender, point: str, action: str
) -> None:
    mark = _mark(stack.data_dir, point, action)
    steps = KILLED if action == "kill" else SHORT
    mark.unlink()

    with _provoked(stack, point):
        for _ in range(20):
            last = _trade_around(lane, sender, steps)
            if mark.exists():
                break
    assert mark.exists(), f"{point} was never passed"
    if action == "kill":
        last = _trade_around(lane, sender, SHORT)

    lane.trade(last, within=15)
    report = audit.until_clean(stack, sender.history, seconds=15)
    assert not report.findings, str(report)
    assert lane.position() == 0


def _trade_around(lane: Lane, sender: Sender, steps: tuple[tuple[str, int | None], ...]) -> str:
    """From nothing to nothing; returns the last signal's id."""
    for action, quantity in steps:
        message = {"ticker": lane.ticker, "action": action, "price": PRICE}
        attempt = sender.deliver(
            lane.webhook, message | ({"quantity": quantity} if quantity else {})
        )
        assert attempt.accepted, attempt
        # Apart, or the exit would supersede entries that were not sent yet.
        time.sleep(0.15)
    return str(attempt.signal_id)


@contextmanager
def _provoked(stack: Stack, point: str) -> Iterator[None]:
    """Only what a worker left undone for over a second reaches the sweep."""
    if point != "sweep.before_drain":
        yield
        return
    stack.kill("worker", signal.SIGSTOP)
    try:
        yield
    finally:
        stack.kill("worker", signal.SIGCONT)
