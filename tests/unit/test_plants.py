"""The table of planted bugs."""

import json
from pathlib import Path

import pytest

from tests.plants import __main__ as command


def test_every_bug_is_listed_with_its_layer_and_what_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--list"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert {line.split(maxsplit=2)[0] for line in told} == set("ABCD")
    assert all(len(line.split(maxsplit=2)) == 3 for line in told)


def test_a_bug_is_caught_and_reported_as_json(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert command.main(["count_repeated_fills", "--layer", "AB", "--report", str(report)]) == 0
    results = json.loads(report.read_text())
    assert [each["layer"] for each in results] == ["A", "B"]
    assert all(each["caught"] for each in results)


def test_an_unknown_bug_is_refused() -> None:
    with pytest.raises(SystemExit):
        command.main(["a_bug_that_nobody_planted"])
