"""kill -9 at every boundary of the road, then promises 1-4 from outside.

One stack starts with every fault already marked as fired. Taking a mark away and
restarting the process arms that fault alone; it fires at its first passage.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protos.faults import POINTS
from tests.e2e import audit
from tests.e2e.lane import PRICE, Lane
from tests.e2e.sender import EAGER, History, Sender
from tests.e2e.stack import Options, Stack


def _spec(point: str) -> str:
    return f"{POINTS[point][0]}:{point}:1:kill"


def _mark(data_dir: Path, point: str) -> Path:
    return data_dir / "faults" / _spec(point).replace(":", "__")


def _disarm_all(data_dir: Path) -> None:
    (data_dir / "faults").mkdir(parents=True)
    for point in POINTS:
        _mark(data_dir, point).touch()


pytestmark = pytest.mark.slow
STACK = Options(
    strategies=len(POINTS),
    environ={"FILLWIRE_FAULT": ",".join(map(_spec, POINTS))},
    prepare=_disarm_all,
)


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    """One sender for the module: its whole history is checked after each kill."""
    eager = Sender(History(), EAGER)
    yield eager
    eager.close()


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_breaks_no_promise(
    stack: Stack, lane: Lane, sender: Sender, point: str
) -> None:
    mark = _mark(stack.data_dir, point)
    mark.unlink()
    stack.restart(POINTS[point][0])

    with _provoked(stack, point):
        for _ in range(20):
            _trade_around(lane, sender)
            if mark.exists():
                break
    assert mark.exists(), f"{point} was never passed"
    last = _trade_around(lane, sender)

    lane.trade(last, within=15)
    report = audit.until_clean(stack, sender.history, seconds=15)
    assert not report.findings, str(report)
    assert lane.position() == 0


def _trade_around(lane: Lane, sender: Sender) -> str:
    """A buy, an add, a partial sell and an exit; returns the last signal's id."""
    for action, quantity in (("buy", 3), ("add", 2), ("sell", 1), ("exit", None)):
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
