"""The simulator in short: the core keeps its promises, and the simulator has eyes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import structlog

from tests.sim import plants
from tests.sim.__main__ import quiet_logs
from tests.sim.run import run
from tests.sim.since import SINCE

SECONDS = 60.0


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the core logs of faults is no news here."""
    kept = structlog.get_config()
    quiet_logs(for_good=False)
    yield
    structlog.configure(**kept)


def simulate(*arguments: str, hash_seed: str = "0") -> tuple[int, str]:
    """The command, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.rule("G3.one", "B1.order")
@pytest.mark.parametrize("mode", [(), ("--liveness",)])
def test_no_promise_is_broken(mode: tuple[str, ...]) -> None:
    code, told = simulate("--seeds", "150", "--quiet", *mode)
    assert code == 0, told
    summary = json.loads(told)
    assert summary["violations"] == 0
    assert summary["different_traces"] == summary["settled"] == summary["seeds"] == 150


def test_the_same_seed_gives_the_same_trace_in_any_process() -> None:
    told = {simulate("--seed", "1563", hash_seed=hash_seed)[1] for hash_seed in ("1", "2")}
    assert len(told) == 1
    for seed in range(40):
        run(seed)
    assert run(1563).digest in told.pop()


def test_a_trace_is_read_from_the_first_signal_to_the_end() -> None:
    code, told = simulate("--seed", "17", "--trace")
    assert code == 0
    lines = told.splitlines()
    assert any(" signal " in line for line in lines)
    assert any(" arrived " in line for line in lines)
    assert lines[-1].startswith("seed 17: trace ")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", plants.PLANTS)
def test_a_planted_bug_is_caught(name: str) -> None:
    # Of the processor, so that other work beside it takes nothing away.
    until = time.process_time() + SECONDS
    with plants.planted(name):
        seed = SINCE.get(name, 0)
        while not (found := run(seed).violations) and time.process_time() < until:
            seed += 1
    assert found
    assert run(seed).violations == [], "it is the bug that breaks the promise"
