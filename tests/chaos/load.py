"""The load: strategies with several subscriptions each, and what is sent to them.

Of every six strategies four are bought by one, again and again, one is flipped and exited,
and one trades brackets. What came of the buys is known beforehand; the others are checked
for outcomes, order and positions.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import count, product
from string import ascii_uppercase
from typing import Any

import httpx

from tests.e2e.sender import Attempt, Sender
from tests.e2e.stack import Stack

Message = tuple[str, dict[str, Any]]
PRICE = "100.25"
STRATEGIES = 12
# Messages to one strategy in a row: close enough for one to overtake another.
BURST = 3
_EXIT = {"action": "exit"}
_BRACKET = {"takeProfit": {"percent": 0.4}, "stopLoss": {"type": "stop", "percent": 0.4}}
SHAPES: dict[str, tuple[dict[str, Any], ...]] = {
    "buys": ({"action": "buy", "quantity": 1},),
    "flips": (
        {"action": "buy", "quantity": 3},
        {"action": "sell", "quantity": 2},
        _EXIT,
        {"action": "sell", "quantity": 1},
        {"action": "buy", "quantity": 4},
        _EXIT,
    ),
    "brackets": ({"action": "buy", "quantity": 2, **_BRACKET}, _EXIT),
}
_TURN = ("buys", "flips", "buys", "brackets", "buys", "buys")
_SETTINGS = {"buys": "allow_add", "flips": "allow_swap", "brackets": "allow_swap"}


@dataclass(frozen=True)
class Target:
    """One strategy of the load."""

    webhook: str
    ticker: str
    shape: str


def targets(stack: Stack) -> list[Target]:
    """Every strategy of the stack, and what it is for."""
    return [
        Target(url, f"CHAOS{_letters(number)}", _TURN[number % len(_TURN)])
        for number, url in enumerate(stack.webhooks())
    ]


def _letters(number: int) -> str:
    more, last = divmod(number, len(ascii_uppercase))
    return (ascii_uppercase[more - 1] if more else "") + ascii_uppercase[last]


def prepare(stack: Stack, *, subscriptions: int) -> None:
    """Give every strategy its subscriptions, with the settings that its messages need."""
    shapes = [each.shape for each in targets(stack)]
    for number, (strategy, shape) in enumerate(
        zip(stack.ready["demo"]["strategies"], shapes, strict=True)
    ):
        settings = {_SETTINGS[shape]: {"source": "own", "value": True}}
        _call(stack, "PATCH", f"/subscriptions/{strategy['subscription_id']}", settings=settings)
        for more in range(2, subscriptions + 1):
            name = f"Chaos {number + 1}-{more}"
            connection = _call(stack, "POST", "/connections", name=name, broker="paper")["id"]
            _call(
                stack,
                "POST",
                "/subscriptions",
                strategy_id=strategy["strategy_id"],
                connection_id=connection,
                enabled=True,
                settings={**settings, "auto_submit": {"source": "own", "value": True}},
            )


def _call(stack: Stack, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer: httpx.Response = stack.api(method, path, json=body)
    if not answer.is_success:
        raise RuntimeError(f"{method} {path}: {answer.text}")
    made: dict[str, Any] = answer.json()
    return made


def messages(some: list[Target]) -> Iterator[Message]:
    """Everybody in turn, each with its next few messages, for ever."""
    for turn in count():
        for target in some:
            steps = SHAPES[target.shape]
            for place in range(turn * BURST, (turn + 1) * BURST):
                message = {"ticker": target.ticker, "price": PRICE, **steps[place % len(steps)]}
                yield target.webhook, message


def strangers(some: list[Target]) -> Iterator[Message]:
    """Buys of something else each time: no order waits for another."""
    for number, letters in enumerate(product(ascii_uppercase, repeat=3)):
        message = {"ticker": f"Q{''.join(letters)}", "price": PRICE, **SHAPES["buys"][0]}
        yield some[number % len(some)].webhook, message


def run(sender: Sender, what: Iterator[Message], *, signals: int, rate: float) -> list[Attempt]:
    """Send so many signals at a steady rate; the last attempt at each."""
    futures: list[Future[Attempt]] = []
    started = time.monotonic()
    with ThreadPoolExecutor(200) as pool:
        for number, (url, message) in zip(range(signals), what, strict=False):
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
            futures.append(pool.submit(sender.deliver, url, message))
        wait(futures)
    return [future.result() for future in futures]


def flatten(sender: Sender, some: list[Target]) -> None:
    """Exit everything that rests behind a position, so that nothing should rest any more."""
    for target in some:
        sender.deliver(target.webhook, {"ticker": target.ticker, "price": PRICE, **_EXIT})
