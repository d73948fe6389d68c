"""Start, watch and end child processes so that none outlives its parent unseen."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Identity:
    """The user a server runs as when we are root."""

    uid: int
    gid: int


def free_port() -> int:
    """A TCP port of the loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether the port can be bound on the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path,
    identity: Identity | None = None,
    ended_by: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own; on Linux it gets `ended_by` when we die.

    Call it from the main thread: Linux ties the signal to the thread that forked.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            preexec_fn=_follow_parent(ended_by),
        )


def _follow_parent(number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def follow() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os._exit(1)

    return follow


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = _read(Path(f"/proc/{pid}/stat"))
    return stat is None or stat.rpartition(b")")[2].split()[0] != b"Z"


def descendants(pid: int) -> list[int]:
    """The living processes below this one, nearest first; Linux only, elsewhere none."""
    found: list[int] = []
    for child in (_read(Path(f"/proc/{pid}/task/{pid}/children")) or b"").split():
        if is_alive(int(child)):
            found += [int(child), *descendants(int(child))]
    return found


def left_behind(marker: str, *, having: str) -> list[int]:
    """Processes with `marker` and a variable that starts with `having` in their environment.

    Linux only, elsewhere none.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        environment = (_read(folder / "environ") or b"").split(b"\0")
        ours = marker.encode() in environment and any(
            line.startswith(having.encode()) for line in environment
        )
        if ours and pid != os.getpid() and is_alive(pid):
            found.append(pid)
    return found


def end(pid: int, signals: Sequence[signal.Signals], *, patience_seconds: float) -> None:
    """Send each signal in turn until the process is gone, waiting after each."""
    for number in signals:
        if not is_alive(pid):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_seconds
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)


def end_group(pid: int) -> None:
    """Kill whatever is left of the group that this child led."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
