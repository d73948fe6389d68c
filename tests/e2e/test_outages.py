"""A server or a program is away: a clear answer, a clear log line, nothing lost."""

import json
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


def test_with_the_database_away_the_answer_is_503_within_a_second(
    stack: Stack, lane: Lane, sender: Sender
) -> None:
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
    attempt = sender.deliver(lane.webhook, message)
    assert lane.trade(str(attempt.signal_id), within=15)["state"] == "FILLED"
    assert "signal_not_stored" in events(stack)


def test_with_the_database_away_a_page_says_so_in_plain_words(stack: Stack) -> None:
    with frozen(stack, "postgres"):
        page = stack.page("/signin")
        strategies = stack.page("/")

    for answer in (page, strategies):
        assert answer.status_code in {200, 302, 303, 503}
        assert "Traceback" not in answer.text
        if answer.status_code == 503:
            assert "text/html" in answer.headers["Content-Type"]
            assert "something went wrong" not in answer.text.lower()


def test_a_killed_database_comes_back_and_nothing_is_lost(
    stack: Stack, lane: Lane, sender: Sender
) -> None:
    stack.kill("postgres", one=False)
    for action in ("buy", "exit"):
        message = {"ticker": lane.ticker, "action": action, "quantity": 1, "price": PRICE}
        attempt = sender.deliver(lane.webhook, message)
        assert attempt.accepted, attempt

    assert lane.trade(str(attempt.signal_id), within=15)["state"] == "FILLED"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_redis_intake_and_trading_go_on(
    stack: Stack, lane: Lane, how: signal.Signals
) -> None:
    with frozen(stack, "redis", how):
        for action in ("buy", "exit"):
            started = time.monotonic()
            signal_id = lane.send(action, quantity=1)
            assert time.monotonic() - started < 1
            assert lane.trade(signal_id, within=3)["state"] == "FILLED"


def test_without_execution_trades_wait_and_then_fill(stack: Stack, lane: Lane) -> None:
    with frozen(stack, "execution"):
        signal_id = lane.send("buy", quantity=1)
        stack.until(
            lambda: bool(stack.shown(signal_id)["trades"]), 5, "a trade while execution is away"
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
    stack.kill(process, how)
    try:
        yield
    finally:
        if how is signal.SIGSTOP:
            stack.kill(process, signal.SIGCONT)


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
