"""Resolving the settings of 10,000 subscriptions that have 12 distinct ones."""

import time
from decimal import Decimal

from benchmarks import stats
from benchmarks.bench import Bench, Part, Row, ms, verdict
from web.signals.rules import Signal, StopLoss
from web.subscriptions import settings

SUBSCRIPTIONS = 10_000
DISTINCT = 12
BUDGET_MS = 20.0


def measure(_bench: Bench) -> Part:
    """Warm, grouped as the drain groups them: once for each distinct settings text."""
    stored = [
        settings.validate({"quantity": number + 1, "allow_add": True, "auto_submit": True})
        for number in range(DISTINCT)
    ]
    subscribers = [(f"settings-{n % DISTINCT}", stored[n % DISTINCT]) for n in range(SUBSCRIPTIONS)]
    grouped = [_grouped(subscribers) for _ in range(20)]
    each = _each(subscribers)
    took = stats.middle(grouped)
    return Part(
        "resolve",
        rows=[
            Row(
                f"resolving {SUBSCRIPTIONS:,} subscriptions, {DISTINCT} distinct settings",
                ms(took),
                f"each on its own {ms(each)}",
                f"<= {BUDGET_MS:.0f} ms",
                verdict(took, BUDGET_MS),
            )
        ],
        figures={"grouped_ms": took, "each_ms": each},
    )


SIGNAL = Signal(
    dialect="traderspost",
    ticker="AAPL",
    instrument="AAPL",
    action="buy",
    quantity=Decimal(3),
    stop_loss=StopLoss(percent=Decimal(2)),
)
STRATEGY = {"sides": "both"}


def _grouped(subscribers: list[tuple[str, dict[str, object]]]) -> float:
    started = time.perf_counter()
    known: dict[str, settings.Resolved] = {}
    resolved = []
    for key, stored in subscribers:
        if key not in known:
            known[key] = settings.resolve(SIGNAL, STRATEGY, stored)
        resolved.append(known[key])
    return (time.perf_counter() - started) * 1000


def _each(subscribers: list[tuple[str, dict[str, object]]]) -> float:
    started = time.perf_counter()
    for _, stored in subscribers:
        settings.resolve(SIGNAL, STRATEGY, stored)
    return (time.perf_counter() - started) * 1000
