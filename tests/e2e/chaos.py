"""Load with every process killed once: `python -m tests.e2e.chaos [--seconds 90] [--report FILE]`.

Buys of one on ten strategies, with adding allowed, at a steady rate; beside them flips
and exits that are checked for outcomes only. The kills are spread over the load. Run
like this, the paper venue keeps its real visibility horizon of 35 s; in the test suite a
shorter run has one of 2 s.
"""

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e import audit, checker
from tests.e2e.sender import Attempt, History, Sender
from tests.e2e.stack import Options, Stack

VICTIMS = ("worker", "execution", "relay", "paper", "live", "redis", "web", "postgres")
BUYERS = 10
FLIPPERS = 2
FLIPS = (("buy", 3), ("sell", 2), ("exit", None), ("sell", 1), ("buy", 4), ("exit", None))
PRICE = "100.25"


@dataclass(frozen=True)
class Plan:
    """How long, how fast, who dies."""

    seconds: float = 90.0
    buys_per_second: float = 20.0
    flips_per_second: float = 4.0
    victims: Sequence[str] = VICTIMS
    settle_seconds: float = 60.0


@dataclass
class Result:
    """What came of it."""

    plan: Plan
    report: checker.Report
    buys: int
    buys_filled: int
    refused: int
    settled_seconds: float | None
    kills: list[tuple[float, str]] = field(default_factory=list)
    slowest_answer_seconds: float = 0.0

    @property
    def filled_share(self) -> float:
        """Accepted buys that filled."""
        return self.buys_filled / self.buys if self.buys else 0.0

    @property
    def ok(self) -> bool:
        """Every promise kept, 95% of the buys filled, all of it in time."""
        return (
            not self.report.findings
            and self.filled_share >= 0.95
            and self.settled_seconds is not None
        )

    def as_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "ok": self.ok,
            "seconds": self.plan.seconds,
            "kills": self.kills,
            "buys": self.buys,
            "buys_filled": self.buys_filled,
            "refused": self.refused,
            "settled_seconds": self.settled_seconds,
            "slowest_answer_seconds": self.slowest_answer_seconds,
            "report": self.report.as_data(),
        }

    def __str__(self) -> str:
        settled = self.settled_seconds
        return "\n".join(
            (
                f"kills: {', '.join(f'{name} at {at:.0f} s' for at, name in self.kills)}",
                f"buys accepted {self.buys}, filled {self.buys_filled} ({self.filled_share:.1%}), "
                f"posts refused for good {self.refused}",
                f"slowest answer {self.slowest_answer_seconds:.2f} s",
                "not settled in time" if settled is None else f"settled after {settled:.1f} s",
                str(self.report),
            )
        )


def run(stack: Stack, plan: Plan) -> Result:
    """Load the stack, kill its parts, wait for rest, and check."""
    allow(stack)
    sender = Sender(History())
    started, kills = time.monotonic(), list[tuple[float, str]]()
    killer = threading.Thread(target=_kill_each, args=(stack, plan, started, kills), daemon=True)
    killer.start()
    with ThreadPoolExecutor(200) as pool:
        buys = threading.Thread(target=_buy, args=(stack, sender, pool, plan, started))
        flips = threading.Thread(target=_flip, args=(stack, sender, pool, plan, started))
        for stream in (buys, flips):
            stream.start()
        for stream in (buys, flips):
            stream.join()
    killer.join()
    settled = audit.settle(stack, plan.settle_seconds)
    report = audit.until_clean(stack, sender.history, seconds=5)
    sender.close()
    return _result(stack, plan, sender.history, report, settled, kills)


def allow(stack: Stack) -> None:
    """Adding for the buyers, swapping for the flippers."""
    with stack.database() as connection:
        for number, each in enumerate(stack.ready["demo"]["strategies"][: BUYERS + FLIPPERS]):
            setting = "allow_add" if number < BUYERS else "allow_swap"
            subscription = _subscription(connection, each["strategy_id"])
            own = {"settings": {setting: {"source": "own", "value": True}}}
            answer = stack.api("PATCH", f"/subscriptions/{subscription}", json=own)
            answer.raise_for_status()


def _subscription(connection: psycopg.Connection[Any], strategy_id: str) -> str:
    row = connection.execute(
        "SELECT id FROM web.subscriptions WHERE strategy_id = %s", [strategy_id.partition("_")[2]]
    ).fetchone()
    assert row is not None
    return f"sub_{row[0].hex}"


def _paced(
    pool: ThreadPoolExecutor,
    started: float,
    seconds: float,
    rate: float,
    send: Callable[[], Attempt],
) -> None:
    futures: list[Future[Attempt]] = []
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        futures.append(pool.submit(send))
    wait(futures)


def _buy(
    stack: Stack, sender: Sender, pool: ThreadPoolExecutor, plan: Plan, started: float
) -> None:
    targets = cycle(list(enumerate(stack.webhooks()[:BUYERS])))

    def send() -> Attempt:
        number, url = next(targets)
        message = {"ticker": _ticker(number), "action": "buy", "quantity": 1, "price": PRICE}
        return sender.deliver(url, message)

    _paced(pool, started, plan.seconds, plan.buys_per_second, send)


def _flip(
    stack: Stack, sender: Sender, pool: ThreadPoolExecutor, plan: Plan, started: float
) -> None:
    targets = list(enumerate(stack.webhooks()))[BUYERS : BUYERS + FLIPPERS]
    steps = cycle([(target, step) for step in FLIPS for target in targets])

    def send() -> Attempt:
        (number, url), (action, quantity) = next(steps)
        message = {"ticker": _ticker(number), "action": action, "price": PRICE}
        return sender.deliver(url, message | ({"quantity": quantity} if quantity else {}))

    _paced(pool, started, plan.seconds, plan.flips_per_second, send)


def _ticker(number: int) -> str:
    return f"CHAOS{chr(ord('A') + number)}"


def _kill_each(stack: Stack, plan: Plan, started: float, kills: list[tuple[float, str]]) -> None:
    gap = plan.seconds / (len(plan.victims) + 1)
    for number, victim in enumerate(plan.victims, 1):
        time.sleep(max(0.0, started + number * gap - time.monotonic()))
        stack.kill(victim, one=victim == "web")
        kills.append((round(time.monotonic() - started, 1), victim))


def _result(
    stack: Stack,
    plan: Plan,
    history: History,
    report: checker.Report,
    settled: float | None,
    kills: list[tuple[float, str]],
) -> Result:
    buys = {
        each.signal_id
        for each in history.accepted
        if b'"action": "buy", "quantity": 1,' in each.body
    }
    with stack.database() as connection:
        filled = {
            f"sig_{row[0].hex}"
            for row in connection.execute("SELECT signal_id FROM web.trades WHERE state = 'FILLED'")
        }
    accepted = {each.alert for each in history.accepted}
    return Result(
        plan=plan,
        report=report,
        buys=len(buys),
        buys_filled=len(buys & filled),
        refused=len({each.alert for each in history.attempts} - accepted),
        settled_seconds=settled,
        kills=kills,
        slowest_answer_seconds=max((each.seconds for each in history.attempts), default=0.0),
    )


OPTIONS = Options(strategies=BUYERS + FLIPPERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run on a stack of its own, with the venue's real horizon."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--rate", type=float, default=20.0, help="buys a second")
    parser.add_argument("--horizon", default="35", help="the venue's visibility horizon, seconds")
    parser.add_argument("--report", type=Path, help="write the result as JSON")
    parser.add_argument("--keep", action="store_true", help="leave the data folder")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="fillwire_chaos_"))
    folder.chmod(0o711)
    environ = {"FILLWIRE_PAPER_VISIBILITY_SECONDS": given.horizon}
    stack = Stack(folder, Options(strategies=OPTIONS.strategies, environ=environ))
    try:
        stack.start()
        result = run(stack, Plan(seconds=given.seconds, buys_per_second=given.rate))
    finally:
        stack.stop()
        if given.keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(result)
    if given.report:
        given.report.write_text(json.dumps(result.as_data(), indent=2))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
