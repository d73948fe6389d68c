"""A job that hangs ends its process, which says where; one that ends in time ends nothing."""

import subprocess
import sys

from web import jobs

_JOB = """
import time
from web.jobs import Watchdog

def hangs():
    time.sleep(20)

with Watchdog(1):
    {body}
time.sleep(1.5)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    """A process with a job of at most a second."""
    script = _JOB.format(body=body)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=15)


def test_a_job_that_hangs_ends_its_process_and_is_told_where() -> None:
    ended = run("hangs()")
    assert ended.returncode == 1 and "in hangs" in ended.stderr


def test_a_job_that_ends_in_time_ends_nothing() -> None:
    ended = run("time.sleep(0.01)")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_worker_goes_by_it() -> None:
    assert jobs.Worker.death_penalty_class is jobs.Watchdog
