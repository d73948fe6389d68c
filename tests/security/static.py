"""Tools that read: bandit, semgrep with our rules, and a list of what we are made of."""

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.security import tools
from tests.security.found import Found

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CODE = ("web", "execution", "protos", "migrations")
PLANTED = ("planted.py.txt", "planted.js.txt", "planted.html.txt")


class Blind(Exception):
    """A rule does not find what was planted for it."""


def run(folder: Path) -> list[Found]:
    """All of them."""
    _list_parts(folder)
    return [_bandit(folder), _semgrep(folder)]


def _bandit(folder: Path) -> Found:
    report = folder / "bandit.json"
    command: list[str | Path] = [
        tools.find(folder, "bandit"),
        "-q",
        "-r",
        *CODE,
        "-x",
        "*_pb2.py,*_pb2_grpc.py",
    ]
    subprocess.run([*command, "-f", "json", "-o", report], cwd=ROOT, check=False)
    said = json.loads(report.read_text())
    results, known = said["results"], tomllib.loads((HERE / "known.toml").read_text())
    high = [each for each in results if each["issue_severity"] == "HIGH"]
    unread = [
        f"{_place(each)} {each['test_id']}: mend it, or say in known.toml why it stays"
        for each in _unread(results, known)
    ]
    unread += _gone(results, known)
    return Found(
        "bandit",
        f"{said['metrics']['_totals']['loc']} lines",
        len(high),
        len(results) - len(high),
        (*(_place(each) for each in high), *unread),
        unread=len(unread),
    )


def _place(found: dict[str, Any]) -> str:
    return f"{found['filename']}:{found['line_number']} {found['test_name']}"


def _unread(results: list[dict[str, Any]], known: dict[str, Any]) -> list[dict[str, Any]]:
    """What known.toml does not list, or more of it than it lists."""
    counts = _counts(results)

    def is_read(rule: str, path: str) -> bool:
        places = known.get(rule, {"places": {}}).get("places")
        return places is None or counts[rule, path] <= places.get(path, 0)

    return [each for each in results if not is_read(each["test_id"], each["filename"])]


def _gone(results: list[dict[str, Any]], known: dict[str, Any]) -> list[str]:
    """What known.toml lists and bandit does not say any more."""
    counts = _counts(results)
    return [
        f"known.toml has {count} of {rule} in {path}, bandit {counts[rule, path]}"
        for rule, each in known.items()
        for path, count in each.get("places", {}).items()
        if counts[rule, path] < count
    ]


def _counts(results: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((each["test_id"], each["filename"]) for each in results)


def _semgrep(folder: Path) -> Found:
    rules = rule_names()
    with tempfile.TemporaryDirectory() as planted:
        for name in PLANTED:
            shutil.copy(HERE / name, Path(planted) / name.removesuffix(".txt"))
        seen = {_rule(each) for each in _scan(folder, "planted.json", planted)}
    if seen != rules:
        raise Blind(f"these rules find nothing: {sorted(rules - seen)}")
    found = _scan(folder, "semgrep.json", *CODE)
    words = tuple(f"{each['path']}:{each['start']['line']} {_rule(each)}" for each in found)
    return Found("semgrep", f"{len(rules)} rules of our own", len(found), 0, words)


def rule_names() -> set[str]:
    """The names of our rules."""
    lines = (HERE / "rules.yml").read_text().splitlines()
    return {line.partition("- id: ")[2] for line in lines if "- id: " in line}


def _rule(found: dict[str, Any]) -> str:
    return str(found["check_id"]).rpartition(".")[2]


def _scan(folder: Path, name: str, *paths: str) -> list[dict[str, Any]]:
    """With our rules only, and without telling anybody."""
    config: list[str | Path] = [
        "--config",
        HERE / "rules.yml",
        "--metrics=off",
        "--disable-version-check",
    ]
    semgrep, report = tools.find(folder, "semgrep"), folder / name
    command: list[str | Path] = [semgrep, "scan", *config, "--no-git-ignore", "-j", "1", "--quiet"]
    path = f"{semgrep.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run(
        [*command, "--json", "--output", report, *paths],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "SEMGREP_SEND_METRICS": "off"},
        check=True,
    )
    results: list[dict[str, Any]] = json.loads(report.read_text())["results"]
    return results


def _list_parts(folder: Path) -> None:
    """The software bill of materials of what is installed at run time."""
    command: list[str | Path] = [
        tools.find(folder, "cyclonedx-py"),
        "requirements",
        "requirements/run.txt",
    ]
    subprocess.run([*command, "-o", folder / "sbom.json"], cwd=ROOT, check=True)
