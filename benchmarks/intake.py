"""Intake against the bare limit, and its latency at 500/s.

Rounds alternate A-B-A: bare, ours, bare again; the two bare halves are the control. The
relay and the worker are held still meanwhile, so that what is compared is answering; one
more round with everything running is shown beside it.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import bare, load, stats
from benchmarks.bench import Bench, Part, Row, buys, ms, verdict

BUDGET_RATIO = 0.80
BUDGET_P99_MS = 15.0
CONTROL = 0.15
OFFERED = 500


def measure(bench: Bench) -> Part:
    """Accepted webhooks a second beside the limit; p99 at 500/s offered."""
    part = Part("intake")
    seconds, rounds = (2.0, 3) if bench.quick else (3.0, 5)
    hooks, bodies = bench.webhooks, buys(len(bench.webhooks))
    with bare.running(bench.stack.ready["database_url"]) as url:
        limits = [f"{url}/{number}" for number in range(len(hooks))]
        load.fire(limits, bodies, rate=0, seconds=1)
        load.fire(hooks, bodies, rate=0, seconds=1)
        first, ours, again, errors = [], [], [], 0
        for _ in range(rounds):
            first.append(load.fire(limits, bodies, rate=0, seconds=seconds).per_second)
            with held(bench):
                outcome = load.fire(hooks, bodies, rate=0, seconds=seconds)
            ours.append(outcome.per_second)
            errors += outcome.sent - outcome.accepted
            bench.wait_handed_on(60)
            again.append(load.fire(limits, bodies, rate=0, seconds=seconds).per_second)
        bare_p99 = load.fire(limits, bodies, rate=OFFERED, seconds=seconds).ms(0.99)
    _compare(part, first, ours, again, errors)
    with held(bench):
        paced = load.fire(hooks, bodies, rate=OFFERED, seconds=seconds * 2)
    bench.wait_handed_on(60)
    running = load.fire(hooks, bodies, rate=0, seconds=seconds)
    bench.wait_handed_on(60)
    p99 = paced.ms(0.99)
    part.rows += [
        Row(
            f"intake alone at {OFFERED}/s offered, p50 / p99",
            f"{ms(paced.ms(0.5))} / {ms(p99)}, {paced.sent - paced.accepted} errors",
            f"p99 {ms(bare_p99)}",
            f"p99 <= {BUDGET_P99_MS:.0f} ms, no errors",
            verdict(p99, BUDGET_P99_MS) and paced.sent == paced.accepted,
        ),
        Row("accepted webhooks/s, the drain running beside", f"{running.per_second:.0f}/s"),
    ]
    part.figures |= {"offered_500_p99_ms": p99, "bare_500_p99_ms": bare_p99}
    part.figures["with_drain_per_second"] = running.per_second
    return part


def _compare(
    part: Part, first: list[float], ours: list[float], again: list[float], errors: int
) -> None:
    limits = [(a + b) / 2 for a, b in zip(first, again, strict=True)]
    ratios = [own / limit for own, limit in zip(ours, limits, strict=True)]
    control = abs(stats.middle(first) - stats.middle(again)) / stats.middle(limits)
    ratio = stats.middle(ratios)
    part.figures |= {
        "bare_per_second": limits,
        "ours_per_second": ours,
        "ratios": ratios,
        "control": control,
        "errors": errors,
    }
    part.rows.append(
        Row(
            "accepted webhooks/s, durable, all checks on",
            f"{stats.middle(ours):.0f}/s = {ratio:.0%} ({min(ratios):.0%} to {max(ratios):.0%})",
            f"bare route, one durable insert: {stats.middle(limits):.0f}/s",
            f">= {BUDGET_RATIO:.0%}",
            verdict(ratio, BUDGET_RATIO, at_most=False) if control <= CONTROL else None,
        )
    )
    told = "inconclusive" if control > CONTROL else "conclusive"
    part.notes.append(f"intake: bare against itself differed by {control:.0%} ({told})")


@contextmanager
def held(bench: Bench) -> Iterator[None]:
    """Worker and relay stand still: answering alone is measured."""
    for process in ("worker", "relay"):
        bench.stack.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in ("worker", "relay"):
            bench.stack.kill(process, signal.SIGCONT)
