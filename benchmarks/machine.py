"""What the numbers were measured on, and the memory of a process."""

import os
import platform
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import psycopg

PACKAGES = ("flask", "granian", "psycopg", "rq", "redis", "grpcio", "msgspec", "uvloop")


def describe(database_url: str) -> dict[str, Any]:
    """Cores, versions, load and how fast this disk makes a write durable."""
    with psycopg.connect(database_url) as connection:
        fsync = connection.execute("SHOW fsync").fetchone()
        server = connection.info.parameter_status("server_version")
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": server,
        "fsync": fsync[0] if fsync else "?",
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "fdatasync_per_second": round(fdatasync_rate()),
        "load_before": os.getloadavg()[0],
    }


def fdatasync_rate(seconds: float = 1.0) -> float:
    """8 KB writes made durable one after another, a second."""
    with tempfile.NamedTemporaryFile(dir=_disk()) as file:
        count, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            os.pwrite(file.fileno(), b"\0" * 8192, 0)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - started)


def busy_share(seconds: float = 1.0) -> float:
    """How much of all cores is in use, from 0 to 1."""
    before = _processor_times()
    time.sleep(seconds)
    after = _processor_times()
    used, total = (after[n] - before[n] for n in (0, 1))
    return used / total if total else 0.0


def pss_mb(pid: int) -> float:
    """The proportional share of memory of one process; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_seconds(pid: int) -> float:
    """What a process has used of the cores so far; 0 when it is gone."""
    return _seconds(pid, 11)


def ended_children_seconds(pid: int) -> float:
    """What processes used that this one started and saw end, as PostgreSQL's parallel workers."""
    return _seconds(pid, 13)


def _seconds(pid: int, at: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[at]) + int(fields[at + 1])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> set[int]:
    """A process and everything it started."""
    found = {pid}
    parents = {
        int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()
    }
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _parent(entry: Path) -> int:
    try:
        # The name in brackets may hold spaces; the parent is the second field after it.
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _processor_times() -> tuple[float, float]:
    fields = [float(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def _disk() -> str:
    # /tmp may be memory; /var/tmp is a disk by convention.
    return "/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir()
