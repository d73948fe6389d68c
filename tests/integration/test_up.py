"""`fillwire up` on servers from outside: ready-file, restarts, a clean stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from web.ops import children, processes, roles


@dataclass
class Running:
    """One `fillwire up` and what it says."""

    popen: subprocess.Popen[bytes]
    ready_file: Path
    output: Path

    def listed(self) -> Any:
        return json.loads(self.ready_file.read_text())

    def pids(self, process: str) -> list[int]:
        found: list[int] = self.listed()["processes"][process]
        return found

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert self.popen.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)


@pytest.fixture
def running(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Running]:
    urls = {variable: database.url(name) for name, (_, variable) in roles.RUNTIME.items()}
    environment = {
        **os.environ,
        **urls,
        "DATABASE_URL": database.url("owner"),
        "REDIS_URL": redis_url,
        "PYTHONPATH": str(roles.ROOT),
    }
    ready_file, output = tmp_path / "ready.json", tmp_path / "output"
    options = ["--data-dir", str(tmp_path / "data"), "--ready-file", str(ready_file)]
    options += ["--port", str(children.free_port())]
    with output.open("wb") as file:
        popen = subprocess.Popen(
            [sys.executable, "-m", "web.cli", "up", *options],
            cwd=tmp_path,
            env=environment,
            stdout=file,
            stderr=file,
        )
    running = Running(popen, ready_file, output)
    try:
        running.until(ready_file.exists)
        yield running
    finally:
        popen.terminate()
        popen.wait(30)


def test_servers_from_outside_are_used_and_not_listed(
    running: Running, database: Database, redis_url: str
) -> None:
    listed = running.listed()
    assert listed["database_url"] == database.url("owner")
    assert listed["redis_url"] == redis_url
    assert set(listed["processes"]) == {row.name for row in processes.PROCESSES}
    assert listed["processes"]["postgres"] == listed["processes"]["redis"] == []
    assert all(listed["processes"][row.name] for row in processes.PROGRAMS)
    assert running.ready_file.stat().st_mode & 0o777 == 0o600
    for row in processes.PROGRAMS:
        environ = Path(f"/proc/{running.pids(row.name)[0]}/environ").read_bytes()
        told = {each.partition(b"=")[0].decode() for each in environ.split(b"\0")}
        assert told & set(processes.KNOWN) <= set(row.variables), row.name


def test_a_killed_process_is_back_and_the_ready_file_says_so(running: Running) -> None:
    before = running.pids("worker")
    os.kill(before[0], signal.SIGKILL)
    running.until(lambda: running.pids("worker") not in ([], before))
    assert "worker-1 was ended by SIGKILL; starting it again" in running.output.read_text()


def test_everything_ends_within_ten_seconds_of_being_asked(running: Running) -> None:
    pids = [pid for row in processes.PROGRAMS for pid in running.pids(row.name)]
    began = time.monotonic()
    running.popen.send_signal(signal.SIGINT)
    assert running.popen.wait(30) == 0
    assert time.monotonic() - began < 10
    assert not [pid for pid in pids if children.is_alive(pid)]
    assert not running.ready_file.exists()
