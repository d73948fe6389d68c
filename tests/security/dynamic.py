"""Tools that attack: sqlmap on parameters, wapiti on pages, against a demo of their own."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.stack import Stack
from tests.security import tools
from tests.security.found import Found

# Modules of wapiti that need nothing from outside: its ssrf and xxe ask a server of its own.
MODULES = (
    "cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,sql,"
    "timesql,xss"
)
MOST_SECONDS = 600
# What a demo by itself cannot have, and wapiti misses: https and its headers.
_OF_HTTP = ("Strict-Transport-Security", "Secure Flag cookie")


@dataclass(frozen=True)
class Target:
    """A request with parameters to play with; a star is where sqlmap plays too."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Inside:
    """What somebody who is signed in has."""

    url: str
    cookie: str
    token: str
    key: str


def run(folder: Path) -> list[Found]:
    """Start a demo, attack it, stop it."""
    place = Path(tempfile.mkdtemp(prefix="fillwire_attacked_"))
    place.chmod(0o711)
    stack = Stack(place)
    try:
        stack.start(within=300)
        inside = _sign_in(stack)
        return [
            _sqlmap(folder, inside, _targets(stack.ready["demo"])),
            _wapiti(folder, inside),
            _still_well(stack),
        ]
    finally:
        stack.stop()
        shutil.rmtree(place, ignore_errors=True)


def _sign_in(stack: Stack) -> Inside:
    ready = stack.ready
    url, demo = ready["web_url"], ready["demo"]
    with httpx.Client() as browser:
        form = {"email": demo["email"], "password": demo["password"]}
        form["csrf_token"] = _token(browser.get(f"{url}/sign-in").text)
        browser.post(f"{url}/sign-in", data=form)
        token = _token(browser.get(f"{url}/connections").text)
        cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
    return Inside(url, cookie, token, demo["api_key"])


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def _targets(demo: dict[str, Any]) -> list[Target]:
    """At least twenty places that read something from whoever asks."""
    strategy, subscription = demo["strategy_id"], demo["subscription_id"]
    hook = re.sub(r"^https?://[^/]+", "", demo["webhook_url"])
    api = "/api/v1"
    name = json.dumps({"name": "x*", "asset_class": "stocks"})
    return [
        Target("GET", "/signals?state=FILLED*&q=AAPL*"),
        Target("GET", "/trades?state=FILLED*&strategy=x*"),
        Target("GET", "/orders?state=x*"),
        Target("GET", "/positions?q=AAPL*"),
        Target("GET", "/activity?action=x*&actor=x*&after=1*"),
        Target("GET", f"/strategies/{strategy}*"),
        Target("GET", "/signals/sig_0*"),
        Target("GET", "/sign-in?next=/x*"),
        Target("POST", "/sign-in", "email=a@b.test*&password=x*&next=/x*"),
        Target("POST", "/reset", "email=a@b.test*"),
        Target("GET", "/reset/abc*"),
        Target("GET", "/confirm/abc*"),
        Target("POST", "/connections", "name=x*"),
        Target("POST", "/strategies/new", "name=x*&asset_class=stocks*"),
        Target("POST", f"/subscriptions/{subscription}", "quantity.source=own*&quantity.value=4*"),
        Target("POST", f"/strategies/{strategy}/webhook", "senders=anyone*&addresses=x*"),
        Target("POST", "/positions/close", "connection_id=x*&instrument=AAPL*&key=k*"),
        Target("GET", f"{api}/signals?limit=5*&cursor=x*&strategy_id=x*"),
        Target("GET", f"{api}/trades?limit=5*&state=FILLED*"),
        Target("GET", f"{api}/orders?limit=5*&cursor=x*"),
        Target("POST", f"{api}/strategies", name),
        Target("POST", f"{api}/connections", json.dumps({"name": "x*"})),
        Target("POST", hook, json.dumps({"ticker": "AAPL*", "action": "buy*", "price": "228*"})),
        Target("POST", f"{hook.rpartition('/')[0]}/x*", json.dumps({"ticker": "AAPL"})),
        Target("POST", "/trading-signal/webhook", json.dumps({"connectorName": "x*"})),
    ]


def _sqlmap(folder: Path, inside: Inside, targets: list[Target]) -> Found:
    words = []
    shutil.rmtree(folder / "sqlmap", ignore_errors=True)
    for number, target in enumerate(targets):
        log = folder / f"sqlmap-{number:02}.log"
        with log.open("wb") as told:
            subprocess.run(
                _sqlmap_command(folder, inside, target),
                stdout=told,
                stderr=told,
                check=False,
                timeout=MOST_SECONDS,
            )
        said = log.read_text(errors="replace")
        if re.search(r"is vulnerable|appears to be '.*injectable|Parameter: .* \(", said):
            words.append(f"{target.method} {target.path}: see {log.name}")
        elif "do not appear to be injectable" not in said:
            words.append(f"{target.method} {target.path}: nothing was tried, see {log.name}")
    return Found("sqlmap", f"{len(targets)} endpoints", len(words), 0, tuple(words))


def _sqlmap_command(folder: Path, inside: Inside, target: Target) -> list[str | Path]:
    command: list[str | Path] = [tools.find(folder, "sqlmap"), "-u", f"{inside.url}{target.path}"]
    command += ["--batch", "--level", "1", "--risk", "1", "--dbms", "PostgreSQL", "--flush-session"]
    command += [
        "--technique",
        "BEST",
        "--time-sec",
        "2",
        "--output-dir",
        folder / "sqlmap",
        "--threads",
        "2",
    ]
    command += ["--ignore-code", "*", "--disable-coloring", "--random-agent", "--skip-urlencode"]
    if target.path.startswith("/api/"):
        command += ["--headers", f"Authorization: Bearer {inside.key}"]
    elif not target.path.startswith("/trading"):
        command += ["--cookie", inside.cookie]
    if target.body:
        is_form = not target.body.startswith("{")
        body = f"{target.body}&csrf_token={inside.token}" if is_form else target.body
        command += ["--data", body]
    return command


def _wapiti(folder: Path, inside: Inside) -> Found:
    report = folder / "wapiti.json"
    report.unlink(missing_ok=True)
    command: list[str | Path] = [tools.find(folder, "wapiti"), "-u", f"{inside.url}/strategies"]
    command += ["-m", MODULES, "-f", "json", "-o", report, "--flush-session", "--no-bugreport"]
    command += ["-H", f"Cookie: {inside.cookie}", "--scope", "domain", "-d", "4"]
    command += ["-x", f"{inside.url}/sign-out", "--max-links-per-page", "60"]
    command += ["--max-scan-time", str(MOST_SECONDS), "--max-attack-time", "120", "-S", "normal"]
    command += ["--store-session", folder / "wapiti"]
    with (folder / "wapiti.log").open("wb") as told:
        subprocess.run(command, stdout=told, stderr=told, check=False, env=dict(os.environ))
    said = json.loads(report.read_text())
    found = [
        (kind, each)
        for group in ("vulnerabilities", "anomalies")
        for kind, all_of in said[group].items()
        for each in all_of
        if not any(name in f"{kind} {each['info']}" for name in _OF_HTTP)
    ]
    high = [each for each in found if each[1]["level"] >= 2]
    words = tuple(f"{kind}: {each['info'][:120]} {each['path']}" for kind, each in found)
    pages = said["infos"].get("crawled_pages_nbr", "?")
    return Found("wapiti", f"{pages} pages", len(high), len(found) - len(high), words)


def _still_well(stack: Stack) -> Found:
    """The demo after all that: no request failed inside, and it still answers."""
    stack.get("/strategies")
    told = stack.log_text().splitlines()
    failed = [line for line in told if '"request_failed"' in line or '"intake_failed"' in line]
    return Found("the demo itself", f"{len(told)} lines of log", len(failed), 0, tuple(failed[:9]))
