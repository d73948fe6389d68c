"""A server or a program is away: a clear answer, a clear log line, nothing lost."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e import audit
from tests.e2e.lane import PRICE, Lane
from tests.e2e.sender import EAGER, History, Sender
from tests.e2e.stack import Options, Stack

STACK = Options(strategies=6)


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    eager = Sender(History(), EAGER)
    yield eager
    eager.close()


@pytest.fixture(autouse=True)
def _whole(stack: Stack, sender: Sender) -> None:
    """Begin when both web processes store signals again."""
    for _ in range(4):
        sender.deliver(stack.webhooks()[-1], {"ticker": "REST", "action": "cancel"})


def test_with_the_database_away_the_answer_is_503_within_a_second(stack: Stack, lane: Lane) -> None:
    assert lane.do("buy", quantity=1) == ("FILLED", None)
    message = {"ticker": lane.ticker, "action": "exit", "price": PRICE}

    with frozen(stack, "postgres"):
        started = time.monotonic()
        answer = stack.post(lane.webhook, message)
        took = time.monotonic() - started

    assert answer.status_code == 503
    assert took < 1
    assert answer.json()["success"] is False
    assert int(answer.headers["Retry-After"]) > 0
    # The first try may have been stored after all; the same bytes are the same exit.
    deadline = time.monotonic() + 15
    while not (answer := stack.post(lane.webhook, message)).is_success:
        assert answer.status_code == 503
        assert time.monotonic() < deadline
        time.sleep(0.4)
    assert lane.trade(answer.json()["id"], within=15)["state"] == "FILLED"
    assert "signal_not_stored" in events(stack)


def test_with_the_database_down_a_page_and_the_api_say_so(stack: Stack) -> None:
    with down(stack, "postgres"):
        started = time.monotonic()
        page = stack.page("/strategies", cookie="fillwire_session=of-somebody")
        answer = stack.api("GET", "/signals")
        took = time.monotonic() - started

    assert (page.status_code, answer.status_code) == (503, 503)
    assert "text/html" in page.headers["Content-Type"]
    assert "database" in page.text
    assert answer.json()["code"] == "database_down"
    assert answer.json()["fix"]
    assert took < 6


def test_a_killed_database_comes_back_and_nothing_is_lost(
    stack: Stack, lane: Lane, sender: Sender
) -> None:
    stack.kill("postgres")
    for action in ("buy", "exit"):
        message = {"ticker": lane.ticker, "action": action, "quantity": 1, "price": PRICE}
        attempt = sender.deliver(lane.webhook, message)
        assert attempt.accepted, attempt
        assert lane.trade(str(attempt.signal_id), within=15)["state"] == "FILLED"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_redis_intake_and_trading_go_on(
    stack: Stack, lane: Lane, sender: Sender, how: signal.Signals
) -> None:
    with frozen(stack, "redis", how):
        for action in ("buy", "exit"):
            message = {"ticker": lane.ticker, "action": action, "quantity": 1, "price": PRICE}
            attempt = sender.deliver(lane.webhook, message)
            assert attempt.accepted
            assert attempt.seconds < 1
            assert lane.trade(str(attempt.signal_id), within=3)["state"] == "FILLED"


def test_without_execution_trades_wait_and_then_fill(
    stack: Stack, lane: Lane, sender: Sender
) -> None:
    with frozen(stack, "execution"):
        message = {"ticker": lane.ticker, "action": "buy", "quantity": 1, "price": PRICE}
        signal_id = str(sender.deliver(lane.webhook, message).signal_id)
        stack.until(
            lambda: bool(stack.shown(signal_id)["trades"]), 15, "a trade while execution is away"
        )
        (waiting,) = stack.shown(signal_id)["trades"]
        assert waiting["state"] == "PENDING"

    assert lane.trade(signal_id, within=10)["state"] == "FILLED"


def test_the_outages_broke_no_promise(stack: Stack, sender: Sender) -> None:
    report = audit.until_clean(stack, sender.history, seconds=15)

    assert not report.findings, str(report)


@contextmanager
def frozen(stack: Stack, process: str, how: signal.Signals = signal.SIGSTOP) -> Iterator[None]:
    """Hold a process still, or kill it, for the length of a block."""
    if how is signal.SIGKILL:
        stack.kill(process)
        yield
        return
    stack.signal_all(process, signal.SIGSTOP)
    try:
        yield
    finally:
        stack.signal_all(process, signal.SIGCONT)


@contextmanager
def down(stack: Stack, process: str) -> Iterator[None]:
    """Kill a process and keep its supervisor from starting it again."""
    os.kill(stack.supervisor_pid, signal.SIGSTOP)
    stack.signal_all(process, signal.SIGKILL)
    try:
        yield
    finally:
        os.kill(stack.supervisor_pid, signal.SIGCONT)


def events(stack: Stack) -> set[str]:
    """The names of the events in the log."""
    found = set()
    for line in stack.log_text().splitlines():
        start = line.find("{")
        if start < 0:
            continue
        try:
            found.add(str(json.loads(line[start:]).get("event")))
        except ValueError:
            continue
    return found
