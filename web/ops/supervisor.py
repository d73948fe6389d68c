"""Keep children running: start in order, restart what ends, stop in the other order.

A child leads a group of its own. When its leader ends, the rest of the group is killed
before the next start, so that a new child may count on its predecessor being dead.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from web.ops import children
from web.ops.children import Identity

TICK_SECONDS = 0.1
WATCH_SECONDS = 0.5
LOG_BYTES = 20_000_000
GIVE_UP_SECONDS = 60.0
GIVE_UP_EXITS = 6
_BACK_OFF_SECONDS = (0.0, 0.25, 0.5, 1.0, 2.0)
# A child that was ready for so long did not fail by itself: it starts again at once.
_CALM_SECONDS = 3.0


class GaveUp(Exception):
    """A child never became ready; the message holds the end of its log."""


@dataclass(frozen=True)
class Launch:
    """How one child is started, checked and stopped."""

    name: str
    process: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    is_ready: Callable[[], bool]
    before: Callable[[], None] = lambda: None
    identity: Identity | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 2.0


@dataclass
class Child:
    """A launch and what became of it."""

    launch: Launch
    popen: subprocess.Popen[bytes] | None = None
    ready: bool = False
    ever_ready: bool = False
    first_started: float = 0.0
    started: float = 0.0
    # When it became ready, this time.
    ready_at: float = 0.0
    exits: int = 0  # in a row, without a calm time between
    resume_at: float = 0.0
    pids: list[int] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def start(self) -> None:
        self.launch.before()
        self.ready = False
        self.started = time.monotonic()
        self.first_started = self.first_started or self.started
        self.popen = children.spawn(
            self.launch.command,
            environment=self.launch.environment,
            log=self.launch.log,
            folder=self.launch.folder,
            identity=self.launch.identity,
            ended_by=self.launch.stop_signal,
        )
        self.pids = [self.popen.pid]

    def stop(self) -> None:
        """Ask it to end, wait, then kill what is left of it."""
        if self.popen is None:
            return
        if self.popen.poll() is None:
            self.popen.send_signal(self.launch.stop_signal)
            try:
                self.popen.wait(self.launch.stop_seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        children.end_group(self.popen.pid)


class Supervisor:
    """All children of one `fillwire up`.

    `say` takes a line for the terminal; `changed` is called when a pid came or went.
    """

    def __init__(self, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._say = say
        self._changed = changed
        self._children: list[Child] = []
        self._stop = threading.Event()
        self._watched = 0.0

    def ask_to_stop(self, *_: object) -> None:
        """End `run` and every waiting `start`; safe in a signal handler."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def start(self, launches: Sequence[Launch]) -> None:
        """Start these children side by side."""
        for launch in launches:
            child = Child(launch)
            self._children.append(child)
            child.start()

    def wait_ready(self) -> None:
        """Return when every child is ready, or when asked to stop.

        Raises GaveUp for a child that cannot start.
        """
        while not self.stopping and not all(child.ready for child in self._children):
            self._tick()
            self._stop.wait(TICK_SECONDS)

    def run(self) -> None:
        """Watch over the children until asked to stop."""
        while not self.stopping:
            self._tick()
            self._stop.wait(TICK_SECONDS)

    def stop(self) -> None:
        """Stop every child, the last started first."""
        for child in reversed(self._children):
            child.stop()

    def pids(self) -> dict[str, list[int]]:
        """The living pids by process, a leader before its workers."""
        found: dict[str, list[int]] = {}
        for child in self._children:
            found.setdefault(child.launch.process, []).extend(child.pids if child.running else [])
        return found

    def _tick(self) -> None:
        now = time.monotonic()
        for child in self._children:
            self._look_after(child, now)
        if now - self._watched >= WATCH_SECONDS:
            self._watched = now
            self._watch_workers()

    def _look_after(self, child: Child, now: float) -> None:
        if child.popen is None:
            if now >= child.resume_at:
                child.start()
        elif not child.running:
            self._bury(child, now)
        elif not child.ready:
            self._check(child, now)

    def _check(self, child: Child, now: float) -> None:
        if child.launch.is_ready():
            child.ready = child.ever_ready = True
            child.ready_at = time.monotonic()
            self._changed()
        elif not child.ever_ready and now - child.first_started > GIVE_UP_SECONDS:
            raise GaveUp(_story(child, f"was not ready after {GIVE_UP_SECONDS:.0f} s"))
        elif now - child.started > GIVE_UP_SECONDS:
            child.stop()

    def _bury(self, child: Child, now: float) -> None:
        assert child.popen is not None
        how = _how(child.popen.returncode)
        children.end_group(child.popen.pid)
        was_calm = child.ready and now - child.ready_at > _CALM_SECONDS
        child.exits = 1 if was_calm else child.exits + 1
        if not child.ever_ready and child.exits >= GIVE_UP_EXITS:
            raise GaveUp(_story(child, f"{how} {child.exits} times"))
        pause = _BACK_OFF_SECONDS[min(child.exits, len(_BACK_OFF_SECONDS)) - 1]
        self._say(f"{child.launch.name} {how}; starting it again" + _after(pause))
        child.popen, child.pids, child.resume_at = None, [], now + pause
        if pause == 0:
            child.start()

    def _watch_workers(self) -> None:
        """Notice workers that a server replaced by itself, and logs that grew too long."""
        moved = False
        for child in self._children:
            if child.popen is not None and child.running and child.launch.identity is None:
                pids = [child.popen.pid, *children.descendants(child.popen.pid)]
                if child.ready and set(child.pids) - set(pids):
                    self._say(f"{child.launch.name}: a worker ended; its server replaces it")
                moved = moved or pids != child.pids
                child.pids = pids
            _bound(child.launch.log)
        if moved:
            self._changed()


def _how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _after(pause: float) -> str:
    return f" in {pause:g} s" if pause else ""


def _story(child: Child, what: str) -> str:
    lines = child.launch.log.read_text(errors="replace").splitlines()[-15:]
    told = "\n".join(f"  {line}" for line in lines)
    return f"{child.launch.name} {what}. The end of {child.launch.log}:\n{told}"


def _bound(log: Path) -> None:
    # Children append, so the file may be cut below them.
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.with_suffix(".log.1").write_bytes(log.read_bytes())
        with log.open("r+b") as file:
            file.truncate()
