"""Tools that attack: sqlmap on parameters, wapiti on pages, against a demo of their own."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.stack import Stack, StackFailed
from tests.security import targets, tools
from tests.security.found import Found
from tests.security.gate import MEANT, SLOWED, UNANSWERED, Gate
from tests.security.patience import Patience
from tests.security.people import People
from tests.security.targets import Target

# Modules of wapiti that need nothing from outside: its ssrf and xxe ask a server of its own.
MODULES = (
    *("cookieflags", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers", "methods"),
    *("permanentxss", "redirect", "sql", "timesql", "xss"),
)
SQLMAP_SECONDS = 300
WAPITI_SECONDS = 420
MODULE_SECONDS = 45
# Fewer, and a tool has not tried.
LEAST_TRIES, LEAST_PAGES = 20, 20
# Its verdict. "Appears to be injectable" is a guess by time, which it looks at again itself.
_INJECTED = re.compile(r"identified the following injection point|is vulnerable")
# What a demo by itself cannot have, and wapiti misses: https and its headers.
_OF_HTTP = ("Strict-Transport-Security", "Secure Flag cookie")
# What ends the visit, or leads to an empty workspace.
_LEAVES = (
    *("/sign-out", "/admin/sign-out", "/admin/view-as", "/account/members/leave"),
    *("/account/workspaces", "/account/privacy/erase"),
    *("/account/security/prove", "/account/security/sessions"),
)


@dataclass(frozen=True)
class Attacked:
    """The demo, the door to it, and who comes through."""

    stack: Stack
    gate: Gate
    people: People
    folder: Path


def run(folder: Path) -> list[Found]:
    """Start a demo, attack it, stop it."""
    place = Path(tempfile.mkdtemp(prefix="fillwire_attacked_"))
    place.chmod(0o711)
    stack = Stack(place)
    try:
        stack.start(within=300)
        found = _trade(stack)
        with closing(Gate(stack.ready["web_url"])) as gate, Patience(stack):
            attacked = Attacked(stack, gate, People(stack), folder)
            gate.tokens.add(attacked.people.token)
            return [
                _sqlmap(attacked, targets.of(stack.ready["demo"], found)),
                _wapiti(attacked, "person", "/strategies"),
                _wapiti(attacked, "staff", "/admin/"),
                _still_well(stack),
            ]
    finally:
        # A busy machine may take long; then it is ended by force.
        with suppress(StackFailed):
            stack.stop()
        shutil.rmtree(place, ignore_errors=True)


def _trade(stack: Stack) -> dict[str, str]:
    """Let the demo trade once, so that there is something to look at."""
    message = {"ticker": "AAPL", "action": "buy", "quantity": 5, "price": "228.40"}
    signal = stack.post(stack.ready["demo"]["webhook_url"], message).json()["id"]
    stack.until(lambda: bool(stack.shown(signal)["trades"]), 60, "trade")
    trade = stack.shown(signal)["trades"][0]
    return {"signal": signal, "trade": trade["id"], "connection": trade["connection_id"]}


def _sqlmap(attacked: Attacked, wanted: list[Target]) -> Found:
    words: list[str] = []
    invalid: list[str] = []
    answers: Counter[str] = Counter()
    shutil.rmtree(attacked.folder / "sqlmap", ignore_errors=True)
    for number, target in enumerate(wanted):
        attacked.gate.admit(getattr(attacked.people, target.who))
        log = attacked.folder / f"sqlmap-{number:02}.log"
        _run(_sqlmap_command(attacked, target), log, SQLMAP_SECONDS)
        said = log.read_text(errors="replace")
        seen = attacked.gate.answers
        answers += seen
        found = bool(_INJECTED.search(said))
        if found:
            words.append(f"{target}: see {log.name}")
        words += [f"{target}: {each}" for each in attacked.gate.broken[:3]]
        wrong = _untried(seen, LEAST_TRIES, slows=target.slows)
        tried = len(re.findall(r"parameter '.*' does not seem to be injectable", said))
        if tried < target.stars and not found:
            wrong.append(f"{tried} of {target.stars} parameters were tried")
        if attacked.gate.first != str(target.begins):
            wrong.append(f"began with {attacked.gate.first}, not {target.begins}")
        told = _told(seen)
        invalid += [f"{target}: {each} ({told}), see {log.name}" for each in wrong]
        _say(f"sqlmap {number + 1}/{len(wanted)} {target}: {told}")
    stars = sum(target.stars for target in wanted)
    looked = f"{len(wanted)} endpoints, {stars} parameters, answered {_told(answers)}"
    return Found("sqlmap", looked, len(words), 0, tuple(words), tuple(invalid))


def _sqlmap_command(attacked: Attacked, target: Target) -> list[str | Path]:
    program = tools.find(attacked.folder, "sqlmap")
    command: list[str | Path] = [program, "-u", f"{attacked.gate.url}{target.path}"]
    command += ["--batch", "--level", "1", "--risk", "1", "--dbms", "PostgreSQL"]
    command += ["--technique", "BEST", "--time-sec", "2", "--threads", "2", "--flush-session"]
    command += ["--ignore-code", "*", "--ignore-redirects", "--disable-coloring"]
    command += ["--output-dir", attacked.folder / "sqlmap"]
    if target.body:
        is_form = not target.body.startswith("{")
        token = f"&csrf_token={attacked.people.token}" if is_form else ""
        command += ["--method", target.method, "--data", target.body + token]
    return command


def _wapiti(attacked: Attacked, who: str, begin: str) -> Found:
    gate, folder = attacked.gate, attacked.folder
    gate.admit(getattr(attacked.people, who))
    report, log = folder / f"wapiti-{who}.json", folder / f"wapiti-{who}.log"
    report.unlink(missing_ok=True)
    # Its SQLite gives up after five seconds, which a busy disk may take.
    memory = tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    command: list[str | Path] = [tools.find(folder, "wapiti"), "-u", f"{gate.url}{begin}"]
    command += ["-m", ",".join(MODULES), "-f", "json", "-o", report, "--flush-session"]
    command += ["--scope", "domain", "-d", "4", "--max-links-per-page", "60"]
    command += ["--max-files-per-dir", "12", "--max-parameters", "12", "-S", "normal"]
    command += ["--max-attack-time", str(MODULE_SECONDS), "--max-scan-time", str(WAPITI_SECONDS)]
    command += ["--store-session", memory, "--no-bugreport", "--tasks", "4"]
    command += [part for each in _LEAVES for part in ("-x", f"{gate.url}{each}*")]
    _run(command, log, 2 * WAPITI_SECONDS)
    shutil.rmtree(memory, ignore_errors=True)
    said = json.loads(report.read_text()) if report.exists() else {"infos": {}}
    launched = set(re.findall(r"Launching module (\w+)", log.read_text(errors="replace")))
    pages = int(said["infos"].get("crawled_pages_nbr", 0))
    wrong = _untried(gate.answers, LEAST_PAGES, renewed=gate.renewed)
    wrong += [f"only {pages} pages"] if pages < LEAST_PAGES else []
    # Those of HTTP headers look while the pages are read.
    wrong += [f"{each} did not begin" for each in MODULES if each not in launched]
    told = f"{pages} pages, answered {_told(gate.answers)}, signed in {1 + gate.renewed} times"
    _say(f"wapiti as {who}: {told}")
    found = [each for each in _findings(said) if not any(name in each[1] for name in _OF_HTTP)]
    high = [text for level, text in found if level >= 2] + gate.broken[:9]
    words = (*(text for _, text in found), *gate.broken[:9])
    other = len(words) - len(high)
    return Found(f"wapiti as {who}", told, len(high), other, words, tuple(wrong))


def _findings(said: dict[str, Any]) -> list[tuple[int, str]]:
    return [
        (each["level"], f"{kind}: {each['info'][:120]} {each['method']} {each['path']}")
        for group in ("vulnerabilities", "anomalies")
        for kind, all_of in said.get(group, {}).items()
        for each in all_of
    ]


def _untried(
    answers: Counter[str], least: int, *, renewed: int = 0, slows: bool = False
) -> list[str]:
    """Why so many answers show nothing."""
    meant = [kind for kind in MEANT if not (slows and kind == SLOWED)]
    # A visitor whose session the tool has ended is let in again, but others were on their way.
    few = answers.total() / 100
    wrong = [f"{answers[kind]} answers {kind}" for kind in meant if answers[kind] > few]
    if answers[UNANSWERED] > answers.total() / 20:
        wrong.append(f"{answers[UNANSWERED]} unanswered")
    if answers.total() < least:
        wrong.append(f"only {answers.total()} answers")
    if renewed > answers.total() / 20:
        wrong.append(f"signed out {renewed} times")
    return wrong


def _told(answers: Counter[str]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(answers.items()))


def _run(command: list[str | Path], log: Path, seconds: float) -> None:
    """A tool, to its end or for so long."""
    began = time.monotonic()
    with log.open("wb") as told:
        try:
            subprocess.run(
                command,
                stdout=told,
                stderr=told,
                check=False,
                env=dict(os.environ),
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            told.write(f"\nended after {time.monotonic() - began:.0f} s\n".encode())


def _still_well(stack: Stack) -> Found:
    """The demo after all that: no request failed inside, and it still answers."""
    # Not with a key: it may be revoked by now.
    httpx.get(f"{stack.ready['web_url']}/healthz", timeout=30).raise_for_status()
    told = stack.log_text().splitlines()
    failed = [line for line in told if '"request_failed"' in line or '"intake_failed"' in line]
    return Found("the demo itself", f"{len(told)} lines of log", len(failed), 0, tuple(failed[:9]))


def _say(line: str) -> None:
    print(line, flush=True)
