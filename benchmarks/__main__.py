"""`python -m benchmarks [--only intake,latency] [--quick] [--write]`"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks import (
    fanout,
    floor,
    intake,
    latency,
    machine,
    memory,
    pages,
    report,
    resolve,
    seed,
)
from benchmarks.bench import Bench, Part
from tests.e2e.stack import Options, Stack

WEBHOOKS = 1_000
NOISY_SHARE = 0.10


def _intake(bench: Bench) -> Part:
    seed.unsubscribe(bench.owner, bench.strategies)
    return intake.measure(bench)


def _latency(bench: Bench) -> Part:
    seed.subscribe(bench.owner, bench.strategies, each=1)
    return latency.measure(bench)


def _sustained(bench: Bench) -> Part:
    seed.subscribe(bench.owner, bench.strategies, each=1)
    return latency.measure_sustained(bench)


PARTS: dict[str, Callable[[Bench], Part]] = {
    "memory": memory.measure,
    "resolve": resolve.measure,
    "intake": _intake,
    "latency": _latency,
    "floor": floor.measure,
    "sustained": _sustained,
    "fanout": fanout.measure,
    # Last: it fills a workspace.
    "pages": pages.measure,
}

# A workspace as people have them, on a stack of its own; with so many webhooks.
ALONE = {"pages": 25}


def main() -> int:
    """Measure each part, print one table."""
    given = _arguments()
    chosen = given.only.split(",") if given.only else list(PARTS)
    busy = machine.busy_share()
    together = [name for name in chosen if name not in ALONE]
    about: dict[str, Any] = {}
    parts: list[Part] = []
    for names in filter(None, (together, *([name] for name in chosen if name in ALONE))):
        parts += _on_a_stack(names, given, about)
    if busy > NOISY_SHARE:
        about["noise"] = f"others used {busy:.0%} of the cores before the start"
    about["load_after"] = os.getloadavg()[0]
    return _tell(parts, about, write=given.write)


def _on_a_stack(
    names: Sequence[str], given: argparse.Namespace, about: dict[str, Any]
) -> list[Part]:
    """Start a stack, measure these parts one after another; what it ran on goes to `about`."""
    folder = Path(tempfile.mkdtemp(prefix="fillwire_bench_", dir=given.folder))
    folder.chmod(0o711)
    # The real horizon: doubt does not occur here.
    environ = {"FILLWIRE_PAPER_VISIBILITY_SECONDS": "35"}
    webhooks = min([given.webhooks, *(ALONE[name] for name in names if name in ALONE)])
    stack = Stack(folder, Options(strategies=webhooks, environ=environ))
    try:
        stack.start()
        if not about:
            about |= machine.describe(stack.ready["database_url"])
        return [_measured(name, Bench(stack, quick=given.quick)) for name in names]
    finally:
        with suppress(Exception):
            stack.stop()
        if given.keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _measured(name: str, bench: Bench) -> Part:
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    part = PARTS[name](bench)
    print(report.table([part]), file=sys.stderr, flush=True)
    return part


def _tell(parts: list[Part], about: dict[str, Any], *, write: bool) -> int:
    print(report.machine_lines(about))
    print(report.table(parts))
    print(report.notes(parts))
    print(f"written to {report.write_json(parts, about)}")
    if write:
        report.write_page(parts, about)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", help=f"some of: {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="short rounds, fan-out to 1,000")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--keep", action="store_true", help="leave the data folder")
    parser.add_argument("--webhooks", type=int, default=WEBHOOKS)
    parser.add_argument("--folder", help="where the data folder goes: a real disk")
    return parser.parse_args()


if __name__ == "__main__":
    # Asked to end, it takes its stack with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
