"""Memory of the whole stack at rest: PSS, so that shared pages count once."""

import time

from benchmarks.bench import Bench, Part, Row, verdict
from benchmarks.machine import children, pss_mb

BUDGET_MB = 700.0
REST_SECONDS = 3.0


def measure(bench: Bench) -> Part:
    """One line for the sum, one with each process."""
    time.sleep(REST_SECONDS)
    by_process: dict[str, float] = {}
    counted: set[int] = set()
    for name, pids in bench.stack.ready["processes"].items():
        tree = {member for pid in pids for member in children(pid)}
        by_process[name] = sum(map(pss_mb, tree - counted))
        counted |= tree
    supervisor = bench.stack.supervisor_pid
    by_process["supervisor"] = sum(map(pss_mb, children(supervisor) - counted))
    total = sum(by_process.values())
    told = ", ".join(f"{name} {size:.0f}" for name, size in by_process.items())
    return Part(
        "memory",
        rows=[
            Row(
                "memory of the whole stack at rest, PSS",
                f"{total:.0f} MB",
                budget=f"<= {BUDGET_MB:.0f} MB",
                ok=verdict(total, BUDGET_MB),
            )
        ],
        figures={"pss_mb": by_process, "total_mb": total},
        notes=[f"memory at rest in MB: {told}"],
    )
