"""Fault points: once each, where and when they were asked for, in a process that runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protos import faults
from protos.faults import InjectedFault

HERE, ELSEWHERE = "store.before_commit", "drain.before_commit"


@pytest.fixture
def arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Arms one fault in this process; gives its mark."""

    def armed(text: str) -> Path:
        monkeypatch.setenv("FILLWIRE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("FILLWIRE_FAULT", text)
        faults.arm("execution")
        return faults.mark(tmp_path / "faults", text)

    yield armed
    monkeypatch.delenv("FILLWIRE_FAULT", raising=False)
    faults.arm("execution")


def test_a_fault_fires_once_at_its_passage(arm: Callable[[str], Path]) -> None:
    mark = arm(f"execution:{HERE}:2:raise")
    faults.point(HERE)
    with pytest.raises(InjectedFault):
        faults.point(HERE)
    assert mark.exists()
    for _ in range(3):
        faults.point(HERE)


def test_a_mark_that_is_taken_away_arms_a_running_process(arm: Callable[[str], Path]) -> None:
    mark = arm(f"execution:{HERE}:1:raise")
    mark.parent.mkdir()
    for _ in range(2):
        mark.touch()
        faults.point(HERE)
        mark.unlink()
        with pytest.raises(InjectedFault):
            faults.point(HERE)
        # Nobody passed in between.
        mark.unlink()
        with pytest.raises(InjectedFault):
            faults.point(HERE)


@pytest.mark.parametrize("text", [f"execution:{ELSEWHERE}:1:raise", f"worker:{HERE}:1:raise"])
def test_other_points_and_other_processes_pass(arm: Callable[[str], Path], text: str) -> None:
    arm(text)
    faults.point(HERE)


def test_a_point_that_is_not_known_is_refused(arm: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match="no fault point"):
        arm("execution:nowhere:1:raise")
