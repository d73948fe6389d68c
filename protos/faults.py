"""Fault points: places on the road where a test may kill, fail or delay a process.

`FILLWIRE_FAULT=process:name:nth:action`, several separated by commas, where action is
`kill`, `raise` or `delay<milliseconds>`. Each fires once, at the nth passage, and leaves
a mark in `<data folder>/faults/`: so that the restarted process passes, and so that a test
disarms with a mark, and arms a running process by taking it away. Unset, as always outside
tests, a point costs one look at a global.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

# Every boundary of the road: the process that passes it, the point, what is true there.
POINTS: dict[str, tuple[str, str]] = {
    "intake.before_commit": ("web", "the signal is checked, not stored"),
    "intake.after_commit": ("web", "the signal is stored, nobody was told"),
    "intake.before_answer": ("web", "the bell was rung, the sender was not answered"),
    "drain.before_commit": ("worker", "trades are decided, not stored"),
    "drain.after_commit": ("worker", "trades are stored, execution was not told"),
    "drain.after_handing": ("worker", "execution stored the trades, web does not know it"),
    "store.before_commit": ("execution", "trades arrived, not stored"),
    "store.after_commit": ("execution", "trades are stored, web was not answered"),
    "sending.before_commit": ("execution", "orders are planned, not written down"),
    "sending.after_commit": ("execution", "orders are SENDING, the socket is untouched"),
    "socket.after_write": ("execution", "orders are on the wire, no reply was read"),
    "reports.before_commit": ("execution", "the venue answered, nothing of it is stored"),
    "reports.after_commit": ("execution", "reports are stored, nobody was told"),
    "venue.before_commit": ("paper", "the venue matched orders, not stored"),
    "venue.after_commit": ("paper", "the venue stored them, the client was not answered"),
    "project.before_commit": ("relay", "facts were read, read models are not updated"),
    "project.after_commit": ("relay", "read models are updated, live pages were not told"),
    "sweep.before_drain": ("relay", "due strategies are known, not drained"),
}


class InjectedFault(Exception):
    """Raised at a fault point whose action is `raise`."""


@dataclass
class _Armed:
    name: str
    nth: int
    action: str
    marker: Path
    passed: int = 0


_armed: dict[str, list[_Armed]] | None = None


def arm(process: str) -> None:
    """Read FILLWIRE_FAULT and arm what it names for this process.

    Raises ValueError for a point or process that is not in POINTS.
    """
    global _armed
    _armed = None
    spec = os.environ.get("FILLWIRE_FAULT", "")
    folder = Path(os.environ.get("FILLWIRE_DATA_DIR", ".fillwire")) / "faults"
    for text in filter(None, spec.split(",")):
        where, name, nth, action = text.split(":")
        if name not in POINTS:
            raise ValueError(f"no fault point {name!r}; known: {', '.join(POINTS)}")
        if where == process:
            fault = _Armed(name, int(nth), action, mark(folder, text))
            _armed = _armed or {}
            _armed.setdefault(name, []).append(fault)


def mark(folder: Path, text: str) -> Path:
    """The file that says that a fault has fired."""
    return folder / text.replace(":", "__")


def point(name: str) -> None:
    """Pass a fault point; does nothing unless armed."""
    if _armed is not None and name in _armed:
        for fault in _armed[name]:
            _pass(fault)


def _pass(fault: _Armed) -> None:
    if fault.marker.exists():
        fault.passed = 0
        return
    fault.passed += 1
    if fault.passed < fault.nth:
        return
    fault.passed = 0
    fault.marker.parent.mkdir(parents=True, exist_ok=True)
    try:
        # One shot for all workers of a server, which may be forks of one armed process.
        fault.marker.touch(exist_ok=False)
    except FileExistsError:
        return
    if fault.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "raise":
        raise InjectedFault(fault.name)
    if fault.action.startswith("delay"):
        time.sleep(int(fault.action.removeprefix("delay")) / 1000)
