"""A stack for each module that asks, and a lane of one's own on it.

A module says how its stack differs with `STACK = Options(…)`.
"""

import shutil
from collections.abc import Iterator

import pytest

from tests import scratch
from tests.e2e.lane import Lane
from tests.e2e.stack import Options, Stack


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running Fillwire of this module's own."""
    options = getattr(request.module, "STACK", Options())
    folder = scratch.folder("fillwire_e2e_")
    running = Stack(folder, options)
    try:
        running.start()
        yield running
    finally:
        try:
            running.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def _webhooks(stack: Stack) -> Iterator[str]:
    return iter(stack.webhooks())


@pytest.fixture
def lane(stack: Stack, _webhooks: Iterator[str]) -> Lane:
    """A demo strategy and a ticker that no other test of the module uses."""
    webhook = next(_webhooks)
    return Lane(stack, webhook, ticker_for(webhook, stack))


def ticker_for(webhook: str, stack: Stack) -> str:
    """AAPL for the first strategy, then AAPLB, AAPLC and so on."""
    number = stack.webhooks().index(webhook)
    return "AAPL" if number == 0 else f"AAPL{chr(ord('A') + number)}"
