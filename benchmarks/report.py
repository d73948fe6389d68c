"""One table for people, one file for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bench import Part

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
VERDICTS = {True: "met", False: "MISSED", None: ""}
HEADINGS = ("what", "measured", "limit in the same run", "budget", "")

INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --write`; the figures are of one run on one machine. The
limit beside a figure was measured in the same run, and where a budget is a ratio, the
ratio decides. Budgets: section 11 of the design, on 2 cores.
"""


def table(parts: Sequence[Part]) -> str:
    """All lines as a Markdown table, which reads well on a terminal too."""
    lines = [
        (row.what, row.measured, row.limit, row.budget, VERDICTS[row.ok])
        for part in parts
        for row in part.rows
    ]
    widths = [max(len(line[n]) for line in [HEADINGS, *lines]) for n in range(len(HEADINGS))]
    ruled = [tuple("-" * width for width in widths)]
    return "\n".join(_line(each, widths) for each in [HEADINGS, *ruled, *lines])


def notes(parts: Sequence[Part]) -> str:
    """What each part has to add."""
    return "\n".join(f"- {note}" for part in parts for note in part.notes)


def machine_lines(machine: dict[str, Any]) -> str:
    """What it was measured on."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']}, "
        f"Python {machine['python']}, PostgreSQL {machine['postgresql']} (fsync "
        f"{machine['fsync']}, {machine['fdatasync_per_second']} fdatasync/s), {packages}; "
        f"load {machine['load_before']:.2f} before, {machine['load_after']:.2f} after"
        f"{', NOISY: ' + machine['noise'] if machine.get('noise') else ''}."
    )


def write_json(parts: Sequence[Part], machine: dict[str, Any]) -> Path:
    """Everything, in benchmarks/results/."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}.json"
    told = {"machine": machine, "parts": [asdict(part) for part in parts]}
    path.write_text(json.dumps(told, indent=2, default=str))
    return path


def write_page(parts: Sequence[Part], machine: dict[str, Any]) -> None:
    """The page in the documentation."""
    measured = f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine_lines(machine)}"
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join([INTRODUCTION, measured, "", table(parts), "", notes(parts), ""]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"
