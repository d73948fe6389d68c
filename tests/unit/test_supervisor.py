"""The supervisor with small children: order, restarts, leftovers, giving up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from web.ops import children, supervisor
from web.ops.supervisor import Launch, Supervisor

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)


class Watched:
    """A supervisor whose words and changes are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.changes = 0
        self.supervisor = Supervisor(self.said.append, self._count)

    def _count(self) -> None:
        self.changes += 1

    def launch(self, name: str, code: str, *, ready: Callable[[], bool] = lambda: True) -> Launch:
        return Launch(
            name=name,
            process=name,
            command=[sys.executable, "-c", code],
            environment={},
            folder=Path("/"),
            log=self.folder / f"{name}.log",
            is_ready=ready,
            stop_seconds=0.5,
        )

    def start(self, *launches: Launch) -> None:
        self.supervisor.start(launches)
        self.supervisor.wait_ready()

    def until(self, true: Callable[[], bool]) -> None:
        """Let it watch until the claim holds."""
        deadline = time.monotonic() + 10
        while not true():
            assert time.monotonic() < deadline
            self.supervisor._tick()
            time.sleep(0.02)


def _has_grown(said: list[str], before: int) -> bool:
    return len(said) > before


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(tmp_path)
    yield one
    one.supervisor.stop()


def test_a_killed_child_is_started_again_with_a_line_saying_so(watched: Watched) -> None:
    watched.start(watched.launch("a", SLEEPER))
    [before] = watched.supervisor.pids()["a"]
    os.kill(before, signal.SIGKILL)
    watched.until(lambda: watched.supervisor.pids()["a"] not in ([], [before]))
    assert watched.said == ["a was ended by SIGKILL; starting it again"]
    watched.until(lambda: watched.changes >= 2)


def test_what_a_dead_child_left_in_its_group_is_killed_before_the_next_start(
    watched: Watched,
) -> None:
    watched.start(watched.launch("a", PARENT))
    log = watched.folder / "a.log"
    watched.until(lambda: log.read_text().strip().isdigit())
    grandchild = int(log.read_text())
    os.kill(watched.supervisor.pids()["a"][0], signal.SIGKILL)
    watched.until(lambda: not children.is_alive(grandchild))


def test_workers_of_a_child_are_listed_after_it(watched: Watched) -> None:
    watched.start(watched.launch("a", PARENT))
    watched.until(lambda: len(watched.supervisor.pids()["a"]) == 2)
    log = watched.folder / "a.log"
    assert watched.supervisor.pids()["a"][1] == int(log.read_text())


def test_restarts_slow_down_but_never_beyond_two_seconds(watched: Watched) -> None:
    watched.start(watched.launch("a", "raise SystemExit(3)"))
    watched.until(lambda: len(watched.said) >= 3)
    assert watched.said[:3] == [
        "a ended with status 3; starting it again",
        "a ended with status 3; starting it again in 0.25 s",
        "a ended with status 3; starting it again in 0.5 s",
    ]
    assert max(supervisor._BACK_OFF_SECONDS) == 2


def test_a_child_that_served_for_a_while_starts_again_at_once_however_often(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_CALM_SECONDS", 0.2)
    watched.start(watched.launch("a", SLEEPER))
    [child] = watched.supervisor._children
    for _ in range(3):
        told = len(watched.said)
        watched.until(lambda: child.ready and time.monotonic() - child.ready_at > 0.2)
        os.kill(child.pids[0], signal.SIGKILL)
        watched.until(partial(_has_grown, watched.said, told))
    assert set(watched.said) == {"a was ended by SIGKILL; starting it again"}


def test_a_child_that_never_became_ready_is_given_up_with_its_last_words(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GIVE_UP_EXITS", 2)
    never = watched.launch("a", "raise SystemExit('no database')", ready=lambda: False)
    with pytest.raises(supervisor.GaveUp, match="no database"):
        watched.start(never)


def test_a_child_that_will_not_end_is_killed(watched: Watched) -> None:
    watched.start(watched.launch("a", STUBBORN))
    [pid] = watched.supervisor.pids()["a"]
    time.sleep(0.3)  # until it ignores the signal
    watched.supervisor.stop()
    assert not children.is_alive(pid)


def test_the_last_started_is_stopped_first(watched: Watched, tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(order)!r}, 'a').write('NAME'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open('FILE', 'w').close()\n"
        "time.sleep(60)"
    )
    for name in "ab":
        file = tmp_path / name
        own = code.replace("NAME", name).replace("FILE", str(file))
        watched.start(watched.launch(name, own, ready=file.exists))
    watched.supervisor.stop()
    assert order.read_text() == "ba"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a death")
def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from web.ops import children\n"
        f"child = children.spawn([sys.executable, '-c', {SLEEPER!r}], environment={{}},"
        f" log=Path({str(tmp_path / 'log')!r}), folder=Path('/'))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert children.is_alive(pid)
        parent.kill()
    deadline = time.monotonic() + 5
    while children.is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not children.is_alive(pid)
