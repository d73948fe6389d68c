"""What every part of the benchmarks gets: a stack, its webhooks, and where rows are."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import machine
from tests.e2e.stack import Stack

PRICE = "228.40"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, beside its limit and its budget."""

    what: str
    measured: str
    limit: str = ""
    budget: str = ""
    ok: bool | None = None


@dataclass
class Part:
    """One part's lines, and its figures for the JSON file."""

    name: str
    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """A running stack with many webhooks."""

    stack: Stack
    # Shorter rounds and fewer of them.
    quick: bool = False

    @cached_property
    def owner(self) -> psycopg.Connection[Any]:
        """A connection that sees every schema."""
        return self.stack.database()

    @cached_property
    def strategies(self) -> list[UUID]:
        """The demo strategies, in the order of their webhooks."""
        demo = self.stack.ready["demo"]["strategies"]
        return [UUID(hex=each["strategy_id"].partition("_")[2]) for each in demo]

    @cached_property
    def webhooks(self) -> list[str]:
        """Their webhook URLs."""
        return self.stack.webhooks()

    def clock(self) -> Any:
        """The database's time now."""
        row = self.owner.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return row[0]

    def count(self, query: str, *values: Any) -> int:
        """The one number that a query gives."""
        row = self.owner.execute(query, values).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def wait_handed_on(self, seconds: float) -> float:
        """Wait until every signal was handed to execution and every trade ended."""
        started = time.monotonic()
        while self.unfinished() and time.monotonic() - started < seconds:
            time.sleep(0.05)
        return time.monotonic() - started

    def processor_seconds(self) -> dict[str, float]:
        """What each process of the stack has used of the cores so far."""
        return {
            name: sum(
                machine.processor_seconds(member)
                for member in {each for pid in pids for each in machine.children(pid)}
            )
            for name, pids in self.stack.ready["processes"].items()
        }

    def unfinished(self) -> int:
        """Signals not handed on, and trades without an outcome."""
        waiting = self.count(
            "SELECT sum(seq - handed_seq) FROM web.strategy_intake WHERE handed_seq < seq"
        )
        return waiting + self.count(
            "SELECT count(*) FROM web.trades WHERE state IN ('PENDING', 'WORKING', 'BLOCKED')"
        )


def buys(count: int) -> list[str]:
    """One body for each webhook: a market buy of one, as TradingView sends it."""
    return [
        '{"ticker": "NASDAQ:AAPL", "action": "buy", "quantity": "1", "price": "228.40",'
        f' "time": "2026-01-05T14:30:00Z", "interval": "5", "extras": {{"hook": {number}}}}}'
        for number in range(count)
    ]


def verdict(value: float, budget: float, *, at_most: bool = True) -> bool:
    """Is the value within its budget?"""
    return value <= budget if at_most else value >= budget


def ms(value: float) -> str:
    """Milliseconds for the table."""
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def used(before: dict[str, float], after: dict[str, float]) -> str:
    """Processor time of each process between two readings."""
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in spent.items() if seconds > 0)


def both(values: Sequence[float]) -> str:
    """A p50 and a p99 for the table."""
    return " / ".join(ms(value) for value in values)
