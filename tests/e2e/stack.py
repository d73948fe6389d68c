"""A whole Fillwire of its own: started, spoken to over HTTP, hurt by pid, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

ROOT = Path(__file__).resolve().parents[2]
_OWN_VARIABLES = ("DATABASE_URL", "REDIS_URL")
_START_SECONDS = 60
_STOP_SECONDS = 20


class StackFailed(Exception):
    """The stack did not do in time what it was asked; carries the end of its log."""


@dataclass(frozen=True)
class Options:
    """How a stack differs from `./fillwire up --demo`."""

    strategies: int = 1
    executions: int = 1
    mutual_tls: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    # Called with the data folder before the first start.
    prepare: Callable[[Path], None] | None = None


DEFAULTS = {
    "FILLWIRE_PAPER_VISIBILITY_SECONDS": "2",
    "FILLWIRE_WEBHOOK_LIMITS": "1000000/minute,10000000/hour",
}


class Stack:
    """One `fillwire up --demo` on the embedded servers, in a folder of its own."""

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.folder = folder
        self.options = options or Options()
        self.data_dir = folder / "data"
        self.log_file = folder / "stack.log"
        self._ready_file = folder / "ready.json"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(timeout=10)

    # -- life ------------------------------------------------------------------------

    def start(self, within: float = _START_SECONDS) -> None:
        """Start everything and return once it answers. Raises StackFailed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        if self.options.prepare is not None:
            self.options.prepare(self.data_dir)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=self._environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(self._is_ready, within, "the ready file")

    @property
    def ended(self) -> bool:
        """True once the supervisor is gone by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> int:
        """Ask it to stop, as Ctrl-C does; returns its exit code."""
        self._http.close()
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._end_by_force()
            raise StackFailed(f"did not stop in {_STOP_SECONDS} s\n{self.log_tail()}") from None

    @property
    def supervisor_pid(self) -> int:
        """The process that was started here."""
        return self._process.pid if self._process is not None else 0

    # -- what it says of itself ------------------------------------------------------

    @property
    def ready(self) -> dict[str, Any]:
        """The ready file as it is now: it is rewritten after every restart."""
        try:
            loaded: dict[str, Any] = json.loads(self._ready_file.read_text())
        except FileNotFoundError:
            raise StackFailed(f"no ready file{self._told_end()}\n{self.log_tail()}") from None
        return loaded

    def pids(self, process: str) -> list[int]:
        """Every pid of a process, the first started first."""
        return list(self.ready["processes"].get(process, []))

    def webhooks(self) -> list[str]:
        """The webhook URL of each demo strategy."""
        return [each["webhook_url"] for each in self.ready["demo"]["strategies"]]

    def log_text(self) -> str:
        """Everything the stack and its processes have logged."""
        files = [self.log_file, *sorted((self.data_dir / "log").glob("*.log"))]
        return "".join(each.read_text(errors="replace") for each in files if each.exists())

    def log_tail(self, lines: int = 30) -> str:
        """The end of what it has printed."""
        printed = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(printed.splitlines()[-lines:])

    def faults_fired(self) -> set[str]:
        """The fault points that left their mark in the data folder."""
        folder = self.data_dir / "faults"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    # -- speaking to it --------------------------------------------------------------

    def post(
        self,
        url: str,
        body: object,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Post one alert; bytes go as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": content_type, **(headers or {})}
        return self._http.post(url, content=content, headers=given)

    def get(self, path: str, **params: str) -> Any:
        """Read from the API as the demo's key. Raises httpx.HTTPStatusError."""
        response = self.api("GET", path, params=params)
        response.raise_for_status()
        return response.json()

    def page(self, path: str, *, cookie: str = "") -> httpx.Response:
        """A page of the site, as the browser of whom the cookie names."""
        return self._http.get(f"{self.ready['web_url']}{path}", headers={"Cookie": cookie})

    def api(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call of the API as the demo's key."""
        demo = self.ready["demo"]
        return self._http.request(
            method,
            f"{self.ready['web_url']}/api/v1{path}",
            headers={"Authorization": f"Bearer {demo['api_key']}"},
            **arguments,
        )

    def shown(self, signal_id: str) -> dict[str, Any]:
        """A signal with its trades, as the API shows it."""
        found: dict[str, Any] = self.get(f"/signals/{signal_id}", expand="trades")
        return found

    def database(self) -> psycopg.Connection[Any]:
        """A connection that sees every schema."""
        return psycopg.connect(self.ready["database_url"], autocommit=True, connect_timeout=3)

    # -- hurting it ------------------------------------------------------------------

    def kill(self, process: str, sig: signal.Signals = signal.SIGKILL, *, one: bool = False) -> int:
        """Send a signal to a process, or with `one` to the last of its pids only."""
        pids = self.pids(process)
        for pid in pids[-1:] if one else pids:
            with suppress(ProcessLookupError):
                os.kill(pid, sig)
        return len(pids)

    def signal_all(self, process: str, sig: signal.Signals) -> None:
        """Send a signal to a process and to everything it started."""
        for pid in self.pids(process):
            for member in (pid, *_descendants(pid)):
                with suppress(ProcessLookupError):
                    os.kill(member, sig)

    def restart(self, process: str, *, within: float = 15) -> None:
        """Kill a process and return once its successor is ready."""
        before = set(self.pids(process))
        self.kill(process)
        self.until(lambda: self._replaced(process, before), within, f"a new {process}")

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait for something to become true; returns how long it took."""
        started = time.monotonic()
        while not done():
            if self.ended:
                raise StackFailed(f"ended by itself before {what}\n{self.log_tail()}")
            if time.monotonic() - started > seconds:
                raise StackFailed(f"no {what} in {seconds} s\n{self.log_tail()}")
            time.sleep(0.05)
        return time.monotonic() - started

    def _replaced(self, process: str, before: set[int]) -> bool:
        now = set(self.pids(process))
        return bool(now) and not now & before and all(map(_is_alive, now))

    def _told_end(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                return f"; ended with status {self._process.wait(5)}"
        return ""

    def _is_ready(self) -> bool:
        return self._ready_file.exists()

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "web.cli", "up", "--demo"),
            *("--strategies", str(self.options.strategies)),
            *("--executions", str(self.options.executions)),
            *("--ready-file", str(self._ready_file)),
            *("--data-dir", str(self.data_dir)),
            *("--port", str(self._port)),
            *(["--mutual-tls"] if self.options.mutual_tls else []),
        ]

    def _environ(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _OWN_VARIABLES and not name.startswith("FILLWIRE_")
        }
        return {**inherited, **DEFAULTS, **self.options.environ}

    def _end_by_force(self) -> None:
        pids = [pid for group in self.ready["processes"].values() for pid in group]
        for pid in [self.supervisor_pid, *pids]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
