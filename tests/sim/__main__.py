"""The command: run seeds, tell what is wrong, and with what seed to see it again."""

import argparse
import gc
import json
import logging
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tests.sim import plants
from tests.sim.run import Result, run

SEEDS_AT_ONCE = 50
# Runs leave circles behind, a fifth of a megabyte each. To throw the process away costs less
# than to look for them.
BATCHES_IN_A_LIFE = 10
# Seconds that a planted bug may go uncaught.
PLANT_SECONDS = 60.0
SHOWN = 20

_EXAMPLES = """
examples:
  python -m tests.sim --seeds 5000                 safety, on two processes
  python -m tests.sim --seeds 5000 --liveness      longer outages; all must end in time
  python -m tests.sim --seed 4711 --trace          one run, line by line
  python -m tests.sim --plant resend_unproven      a bug put in on purpose: must be caught
  python -m tests.sim --plant all --report R.json  all of them, and what was found, as JSON

One seed is one run: subscriptions, signals and faults follow from it, and so does the hash
of its trace. A violation is printed with its seed; run that with --trace to read what
happened: seconds of virtual time, then who did what. docs/simulator.md says more.

Exit code 0: nothing was broken (with --plant: every bug was caught); 1: it was not so.
"""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim",
        description="Runs the real execution core on a virtual clock, against a broker and a "
        "database in memory that fail in every way that the seed says. Exit code 1 when a "
        "promise was broken.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=int, default=1000, metavar="N", help="how many runs (default 1000)")
    add("--start", type=int, default=0, metavar="S", help="the first seed (default 0)")
    add("--processes", type=int, default=2, metavar="P", help="how many at once (default 2)")
    add("--liveness", action="store_true", help="outages of seconds before the calm")
    add("--gaps", action="store_true", help="also what is known to be open; see the docs")
    add("--seed", type=int, metavar="K", help="run this one alone")
    add("--trace", action="store_true", help="with --seed: print what happened")
    add(
        "--plant",
        metavar="NAME",
        choices=[*plants.PLANTS, "all"],
        help=f"put a bug in; exit code 0 when it is caught. One of: {', '.join(plants.PLANTS)}; "
        "or all of them",
    )
    add("--report", type=Path, metavar="FILE", help="write the summary there too, as JSON")
    add("--quiet", action="store_true", help="no progress")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Run, and return the exit code."""
    asked = arguments(given)
    quiet_logs()
    if asked.seed is not None:
        return one(asked)
    names = list(plants.PLANTS) if asked.plant == "all" else [asked.plant]
    if asked.plant is not None:
        caught = [planted(name, asked) for name in names]
        report(asked, {"plants": caught})
        return 0 if all(plant["caught"] for plant in caught) else 1
    summary = many(asked, range(asked.start, asked.start + asked.seeds))
    print(json.dumps(summary, indent=2))
    report(asked, summary)
    return 1 if summary["violations"] else 0


def report(asked: argparse.Namespace, summary: dict[str, Any]) -> None:
    """Keep the summary for a machine, if wanted."""
    if asked.report is not None:
        asked.report.write_text(json.dumps(summary, indent=2) + "\n")


def quiet_logs(*, for_good: bool = True) -> None:
    """What the core logs of faults is what the simulator does to it."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=for_good,
    )


def one(asked: argparse.Namespace) -> int:
    """One seed, with its trace if wanted."""
    with plants.planted(asked.plant):
        result = run(asked.seed, liveness=asked.liveness, gaps=asked.gaps, keeps_trace=asked.trace)
    print("\n".join(result.lines), end="\n" if result.lines else "")
    print(f"seed {asked.seed}: trace {result.digest}, {result.seconds:.2f} virtual seconds")
    for text in result.violations:
        print(f"violation: {text}")
    return 1 if result.violations else 0


def many(asked: argparse.Namespace, seeds: range) -> dict[str, Any]:
    """Many seeds, on several processes."""
    began, told = time.monotonic(), time.monotonic()
    counts: Counter[str] = Counter()
    digests: Counter[str] = Counter()
    broken: list[dict[str, Any]] = []
    done, cpu = 0, 0.0
    for results, spent in _batches(asked, seeds):
        cpu += spent
        for result in results:
            done += 1
            counts.update(result.counts)
            digests[result.digest] += 1
            if result.violations:
                broken.append({"seed": result.seed, "broken": result.violations})
                print(f"seed {result.seed}: {result.violations[0]}", flush=True)
        if not asked.quiet and time.monotonic() - told > 5:
            told = time.monotonic()
            print(f"{done} of {len(seeds)} seeds, {done / (told - began):.0f}/s", flush=True)
    seconds = time.monotonic() - began
    return {
        "mode": "liveness" if asked.liveness else "safety",
        "seeds": done,
        "start": seeds.start,
        "seconds": round(seconds, 2),
        "seeds_per_second": round(done / seconds, 1) if seconds else 0.0,
        "cpu_ms_per_seed": round(1000 * cpu / done, 2) if done else 0.0,
        **counts,
        "different_traces": len(digests),
        "violations": len(broken),
        "failing_seeds": broken[:SHOWN],
    }


def planted(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Run with a bug put in, until it is caught, or its time is over."""
    began = time.monotonic()
    seed = asked.start
    with plants.planted(name):
        while (seconds := time.monotonic() - began) < PLANT_SECONDS:
            result = run(seed, liveness=asked.liveness)
            if result.violations:
                seconds = round(time.monotonic() - began, 1)
                print(f"{name}: caught by seed {seed} in {seconds} s: {result.violations[0]}")
                return {"plant": name, "caught": True, "seed": seed, "seconds": seconds}
            seed += 1
    print(f"{name}: NOT caught in {PLANT_SECONDS:.0f} s")
    return {"plant": name, "caught": False, "seconds": round(seconds, 1)}


def _batches(asked: argparse.Namespace, seeds: range) -> Iterator[tuple[list[Result], float]]:
    starts = range(seeds.start, seeds.stop, SEEDS_AT_ONCE)
    batches = [range(at, min(at + SEEDS_AT_ONCE, seeds.stop)) for at in starts]
    work = partial(_batch, liveness=asked.liveness, gaps=asked.gaps)
    gc.disable()
    if asked.processes < 2 or len(batches) < 2:
        for batch in batches:
            yield work(batch)
            gc.collect(1)
        return
    start = multiprocessing.get_context("fork").Pool
    with start(asked.processes, maxtasksperchild=BATCHES_IN_A_LIFE) as pool:
        yield from pool.imap(work, batches)


def _batch(seeds: range, *, liveness: bool, gaps: bool) -> tuple[list[Result], float]:
    """Some runs, and the processor's seconds for them."""
    began = time.process_time()
    results = [run(seed, liveness=liveness, gaps=gaps) for seed in seeds]
    return results, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
