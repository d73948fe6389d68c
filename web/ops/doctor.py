"""Look at the machine and at a running stack: one line for each thing, with its cure."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from web.ops import children, places, postgres, processes, valkey, wires
from web.ops.processes import Process

FREE_BYTES = 500_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    fine: bool
    what: str
    detail: str

    @property
    def line(self) -> str:
        return f"{'ok  ' if self.fine else 'BAD '} {self.what}: {self.detail}"


def examine(folder: Path) -> list[Finding]:
    """Everything worth knowing about this machine and the stack on this folder."""
    return [*_machine(folder), *_servers(), *_wires(), *_stack(folder)]


def _machine(folder: Path) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(sys.version_info >= (3, 11), "Python", version)
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    yield Finding(free > FREE_BYTES, "disk", f"{free // 1_000_000} MB free at {folder}")
    assets = Path(sys.prefix) / "assets"
    found = sorted(path.name for path in assets.glob("*.dist-info"))
    told = ", ".join(found) or "missing: run ./fillwire once more"
    yield Finding(bool(found), "browser files", told)
    browser = shutil.which("chromium") or "not installed: the browser test will be skipped"
    yield Finding(True, "chromium", browser)


def _servers() -> Iterator[Finding]:
    for name, variable, find in (
        ("PostgreSQL", "DATABASE_URL", postgres.find),
        ("Valkey", "REDIS_URL", valkey.find),
    ):
        if os.environ.get(variable):
            yield Finding(True, name, f"yours, from {variable}")
        else:
            yield _found(name, find)


def _wires() -> Iterator[Finding]:
    """In production, what goes over the network and how."""
    if os.environ.get("FILLWIRE_PRODUCTION") == "1":
        for wire in wires.look(os.environ, datetime.now(UTC)):
            yield Finding(wire.is_safe, wire.variable, wire.told)


def _found(name: str, find: Callable[[children.Identity | None], Path]) -> Finding:
    try:
        return Finding(True, name, f"private, {find(places.identity())}")
    except places.NoServer as problem:
        return Finding(False, name, str(problem))


def _stack(folder: Path) -> Iterator[Finding]:
    path = folder / "run" / "up.json"
    if not path.exists():
        yield Finding(True, "stack", f"nothing runs on {folder}: start it with `fillwire up`")
        return
    listed = json.loads(path.read_text())
    yield Finding(True, "stack", listed["web_url"])
    for process in processes.PROCESSES:
        yield _running(process, listed["processes"][process.name])


def _running(process: Process, pids: list[int]) -> Finding:
    if not pids and not process.module:
        return Finding(True, process.name, "from outside")
    alive = [pid for pid in pids if children.is_alive(pid)]
    told = f"{process.does}; pids {alive}" if alive else "does not run: see its log"
    return Finding(bool(alive), process.name, told)
