"""Accept to submitted and to filled at a steady rate, and the highest rate that holds.

Submitted is the venue's arrival, filled the venue's fill, stored the read model's commit;
all counted from the moment the web process had read the request.
"""

from dataclasses import dataclass
from datetime import datetime

from benchmarks import load, stats
from benchmarks.bench import Bench, Part, Row, both, buys, ms, verdict

RATES = (20, 100, 200, 500)
LADDER = (200, 300, 400, 500, 600, 800, 1000)
BUDGETS_MS = {200: (12.0, 35.0)}
BUDGET_SUSTAINED = 400
# A backlog that is gone within this time after the load did not grow.
BACKLOG_SECONDS = 1.5

_STAGES = """
    SELECT extract(epoch FROM a.arrived_at - t.received_at) * 1000,
           extract(epoch FROM t.filled_at - t.received_at) * 1000,
           extract(epoch FROM t.updated_at - t.received_at) * 1000
    FROM web.trades t
    JOIN execution.orders o ON o.trade_id = t.id
    JOIN paper.arrivals a ON a.cl_ord_id = o.cl_ord_id AND a.result = 'accepted'
    WHERE t.received_at >= %s AND t.state = 'FILLED'
    ORDER BY t.received_at
"""


# Where the time before the venue goes, each from the step before.
_STEPS = """
    SELECT extract(epoch FROM t.accepted_at - t.received_at) * 1000 AS stored,
           extract(epoch FROM t.dequeued_at - t.accepted_at) * 1000 AS dequeued,
           extract(epoch FROM i.stored_at - t.dequeued_at) * 1000 AS handed_over,
           extract(epoch FROM f.at - i.stored_at) * 1000 AS planned,
           extract(epoch FROM a.arrived_at - f.at) * 1000 AS submitted
    FROM web.trades t
    JOIN execution.instructions i ON i.trade_id = t.id
    JOIN execution.orders o ON o.trade_id = t.id
    JOIN execution.facts f ON f.order_id = o.id AND f.kind = 'sending'
    JOIN paper.arrivals a ON a.cl_ord_id = o.cl_ord_id AND a.result = 'accepted'
    WHERE t.received_at >= %s AND t.state = 'FILLED'
"""


@dataclass(frozen=True)
class Stages:
    """Milliseconds from receipt, one of each kind for every filled trade."""

    submitted: list[float]
    filled: list[float]
    stored: list[float]

    @classmethod
    def since(cls, bench: Bench, start: datetime) -> "Stages":
        """Those of the signals received since then."""
        rows = bench.owner.execute(_STAGES, [start]).fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
        return cls(*([float(value) for value in column] for column in columns))

    @staticmethod
    def pair(values: list[float]) -> tuple[float, float]:
        """p50 and p99."""
        return stats.percentile(values, 0.5), stats.percentile(values, 0.99)


STEPS = ("stored", "dequeued", "handed over", "planned", "written down and submitted")


def _steps(bench: Bench, start: datetime) -> dict[str, tuple[float, float]]:
    rows = bench.owner.execute(_STEPS, [start]).fetchall()
    columns = zip(*rows, strict=True) if rows else ()
    return {
        name: Stages.pair([float(value) for value in column])
        for name, column in zip(STEPS, columns, strict=False)
    }


def measure(bench: Bench) -> Part:
    """p50 and p99 of each stage at each rate."""
    part = Part("latency")
    seconds = 5.0 if bench.quick else 10.0
    _offer(bench, rate=100, seconds=3)
    for rate in RATES:
        start = bench.clock()
        outcome = _offer(bench, rate=rate, seconds=seconds)
        stages = Stages.since(bench, start)
        submitted, stored = Stages.pair(stages.submitted), Stages.pair(stages.stored)
        budget = BUDGETS_MS.get(rate)
        part.rows += [
            Row(
                f"accept to submitted at {rate}/s, p50 / p99",
                both(submitted),
                budget=f"<= {both(budget)}" if budget else "",
                ok=submitted[0] <= budget[0] and submitted[1] <= budget[1] if budget else None,
            ),
            Row(f"accept to filled at {rate}/s, p50 / p99", both(Stages.pair(stages.filled))),
            Row(f"accept to stored at {rate}/s, p50 / p99", both(stored)),
        ]
        part.figures[str(rate)] = {
            "accepted": outcome.accepted,
            "filled": len(stages.stored),
            "answer_ms": (outcome.ms(0.5), outcome.ms(0.99)),
            "submitted_ms": submitted,
            "filled_ms": Stages.pair(stages.filled),
            "stored_ms": stored,
        }
        steps = _steps(bench, start)
        part.figures[str(rate)]["steps_ms"] = steps
        told = ", ".join(f"{name} {both(pair)}" for name, pair in steps.items())
        part.notes.append(f"steps at {rate}/s, p50 / p99, each from the one before: {told}")
        if len(stages.stored) < outcome.accepted:
            missing = outcome.accepted - len(stages.stored)
            part.notes.append(f"at {rate}/s {missing} of {outcome.accepted} did not fill")
    return part


def measure_sustained(bench: Bench) -> Part:
    """Climb until the backlog grows."""
    part, best = Part("sustained"), 0
    seconds = 6.0 if bench.quick else 12.0
    for rate in LADDER:
        start = bench.clock()
        outcome = load.fire(bench.webhooks, buys(len(bench.webhooks)), rate=rate, seconds=seconds)
        behind = bench.unfinished()
        drained = bench.wait_handed_on(60)
        stored = Stages.since(bench, start).stored
        half = len(stored) // 2
        early, late = stats.percentile(stored[:half], 0.5), stats.percentile(stored[half:], 0.5)
        holds = drained <= BACKLOG_SECONDS and outcome.accepted >= 0.98 * rate * seconds
        part.figures[str(rate)] = {
            "accepted": outcome.accepted,
            "behind_at_end": behind,
            "drained_seconds": drained,
            "stored_p50_ms_first_half": early,
            "stored_p50_ms_second_half": late,
            "holds": holds,
        }
        part.notes.append(
            f"{rate}/s offered: {outcome.per_second:.0f}/s accepted, {behind} behind at the end, "
            f"gone after {drained:.1f} s, stored p50 {ms(early)} then {ms(late)}"
        )
        if not holds:
            break
        best = rate
    part.rows.append(
        Row(
            "sustained signals/s, webhook to paper fill, no growing backlog",
            f"{best}/s",
            budget=f">= {BUDGET_SUSTAINED}/s",
            ok=verdict(best, BUDGET_SUSTAINED, at_most=False),
        )
    )
    return part


def _offer(bench: Bench, *, rate: float, seconds: float) -> load.Outcome:
    outcome = load.fire(bench.webhooks, buys(len(bench.webhooks)), rate=rate, seconds=seconds)
    bench.wait_handed_on(60)
    return outcome
