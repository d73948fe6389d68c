"""The command: every bug that is put in on purpose, and which layer catches it how soon.

A: the state machine of the order core. B: the simulator of execution. C: a whole stack of
processes, hurt. D: an exception at a fault point of such a stack.
"""

import argparse
import contextlib
import io
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stack import Stack
from tests.plants import core
from tests.plants import stack as processes
from tests.sim import plants as simulated
from tests.sim.__main__ import quiet_logs
from tests.sim.run import run
from tests.sim.since import SINCE

# A bug may go uncaught for so long.
SECONDS = 60.0

_EXAMPLES = """
examples:
  python -m tests.plants --list                 what there is, and by which layer it is caught
  python -m tests.plants                        all of them; minutes
  python -m tests.plants answer_before_commit   one of them
  python -m tests.plants --layer AB             without a stack

Exit code 0: each was caught within 60 s; 1: one was not.
"""


@dataclass(frozen=True)
class Row:
    """One bug in one layer."""

    name: str
    layer: str
    does: str


def rows() -> list[Row]:
    """Every bug, once for each layer that catches it."""
    found = [Row(name, "A", _first_line(plant)) for name, plant in core.PLANTS.items()]
    found += [Row(name, "B", _first_line(plant)) for name, plant in simulated.PLANTS.items()]
    found += [Row(bug.name, bug.layer, bug.does) for bug in processes.BUGS]
    return sorted(found, key=lambda row: (row.name, row.layer))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    names = sorted({row.name for row in rows()})
    parser = argparse.ArgumentParser(
        prog="python -m tests.plants",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="only these", choices=[[], *names])
    add("--list", action="store_true", help="show them, and do nothing")
    add("--layer", default="ABCD", metavar="LETTERS", help="only these layers")
    add("--report", type=Path, metavar="FILE", help="write what was found as JSON")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Show the table, or fill it."""
    asked = arguments(given)
    chosen = [
        row
        for row in rows()
        if row.layer in asked.layer and (not asked.names or row.name in asked.names)
    ]
    if asked.list:
        for row in chosen:
            print(f"{row.layer}  {row.name:<38} {row.does}")
        return 0
    results = []
    with _field(chosen) as field:
        for row in chosen:
            results.append(_caught(row, field))
            print("{layer}  {name:<38} {seconds:5.1f} s  {found}".format(**results[-1]), flush=True)
    if asked.report:
        asked.report.write_text(json.dumps(results, indent=2) + "\n")
    missed = [each["name"] for each in results if not each["caught"]]
    print(f"{len(results) - len(missed)} of {len(results)} caught within {SECONDS:.0f} s")
    return 1 if missed else 0


def _caught(row: Row, field: processes.Field | None) -> dict[str, Any]:
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        if field is not None and row.layer in "CD":
            found = field.catch(next(bug for bug in processes.BUGS if bug.name == row.name))
        else:
            found = core.caught(row.name) if row.layer == "A" else _simulated(row.name)
    seconds = time.monotonic() - began
    return {
        "layer": row.layer,
        "name": row.name,
        "seconds": round(seconds, 1),
        "caught": bool(found) and seconds <= SECONDS,
        "found": found or "NOT CAUGHT",
    }


def _simulated(name: str) -> str:
    """Seeds until one breaks a promise."""
    deadline = time.monotonic() + SECONDS
    seed = SINCE.get(name, 0)
    with simulated.planted(name):
        while time.monotonic() < deadline:
            if found := run(seed).violations:
                return f"seed {seed}: {found[0]}"
            seed += 1
    return ""


@contextmanager
def _field(chosen: Sequence[Row]) -> Iterator[processes.Field | None]:
    """One stack for all bugs that need one."""
    if not any(row.layer in "CD" for row in chosen):
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="fillwire_plants_"))
    folder.chmod(0o711)
    stack = Stack(folder, processes.OPTIONS)
    try:
        stack.start()
        field = processes.Field(stack)
        yield field
        field.close()
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _first_line(plant: Any) -> str:
    said: str = (plant.__doc__ or "").splitlines()[0]
    return said.rstrip(".")


if __name__ == "__main__":
    quiet_logs()
    # Asked to end, it takes its stack with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
