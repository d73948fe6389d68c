"""Secrets planted everywhere, and names that would be programs: none gets out, none runs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
MS = 15_000
PASSWORD = "canary-liberty plank oyster"
EMAIL = "canary.person@people.test"
BREAKING = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "<svg/onload=alert(3)>",
    "{{7*19103}}${7*19103}<%=7*19103%>",
    "javascript:alert(4)",
    "</title></textarea><iframe srcdoc='<script>alert(5)</script>'>",
    "' autofocus onfocus=alert(6) x='",
)


@dataclass
class Visitor:
    """Somebody with a browser that runs nothing, and the secrets they came by."""

    site: str
    secrets: dict[str, str] = field(default_factory=dict)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))

    def get(self, path: str) -> str:
        return self.http.get(f"{self.site}{path}").text

    def post(self, path: str, page: str = "/reset", **form: str) -> httpx.Response:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page))
        assert token is not None, page
        return self.http.post(f"{self.site}{path}", data={"csrf_token": token[1], **form})

    def keep(self, name: str, pattern: str, text: str) -> str:
        """Take a secret from a page."""
        found = re.search(pattern, text)
        assert found is not None, name
        self.secrets[name] = found[1]
        return found[1]


def live_dangerously(stack: Stack) -> dict[str, str]:
    """Use each secret rightly and wrongly, where it fails too; returns them."""
    ready = stack.ready
    me = Visitor(ready["web_url"], {"password": PASSWORD, "e-mail": EMAIL})
    me.post("/signup", email=EMAIL, password=PASSWORD, timezone="UTC")
    me.post("/sign-in", email=EMAIL, password="canary-wrong password typed")
    me.secrets["wrong password"] = "canary-wrong password typed"
    me.post("/account/security/totp", page="/account/security")
    page = me.get("/account/security")
    totp = me.keep("TOTP secret", r'id="totp-secret">(\w+)<', page)
    code = pyotp.TOTP(totp).now()
    shown = me.post("/account/security/totp/confirm", page="/account/security", code=code).text
    me.keep("recovery code", r'id="recovery-codes">\s*(\S+)', shown)
    me.secrets["session"] = next(
        cookie.value or "" for cookie in me.http.cookies.jar if "session" in cookie.name
    )
    me.get("/reset/canaryLinkToken0123456789")
    me.get("/confirm/canaryLinkToken0123456789")
    me.get("/live/ticket?canaryLinkToken0123456789")
    me.secrets["link"] = "canaryLinkToken0123456789"
    demo = ready["demo"]
    strategy = f"/strategies/{demo['strategy_id']}"
    signing = stack.api("POST", f"{strategy}/webhook/signing").json()
    me.secrets["signing secret"] = signing["signing_secret"]
    me.secrets["API key"] = demo["api_key"]
    me.secrets["connector token"] = demo["crypto_arsenal"]["connectorToken"]
    me.secrets["former webhook secret"] = demo["webhook_url"].rpartition("/")[2]
    send(stack, me.secrets, demo)
    me.http.close()
    return me.secrets


def send(stack: Stack, secrets: dict[str, str], demo: dict[str, Any]) -> None:
    """Messages that are taken, refused, misspelled."""
    url, uuid = demo["webhook_url"], demo["webhook_url"].split("/")[-2]
    secrets["wrong webhook secret"] = "canaryWebhookSecret0123456789"
    secrets["body"] = "canaryBody0123456789"
    secrets["address"] = "203.0.113.77"
    secrets["wrong key"] = "fw_test_canary0123456789canary"
    headers = {
        "X-Forwarded-For": secrets["address"],
        "webhook-signature": "v1,canaryBody0123456789",
    }
    message = {"ticker": "AAPL", "action": "buy", "price": "228.40"}
    for each in (
        message,
        message | {"extras": secrets["body"]},
        {"ticker": secrets["body"], "action": secrets["body"]},
    ):
        stack.post(url, each, headers=headers)
    stack.post(url, secrets["body"].encode(), headers=headers)
    stack.post(f"{url.rpartition('/')[0]}/{secrets['wrong webhook secret']}", message)
    stack.post(f"{url.rpartition('/')[0]}/{uuid}/{secrets['wrong webhook secret']}", message)
    arsenal = demo["crypto_arsenal"]
    for token in (arsenal["connectorToken"], secrets["body"]):
        stack.post(
            arsenal["url"],
            {"connectorName": arsenal["connectorName"], "connectorToken": token, "action": "x"},
        )
    for key in (demo["api_key"], secrets["wrong key"]):
        for path in ("/strategies", f"/signals/{secrets['body']}", f"/{secrets['body']}"):
            httpx.post(
                f"{stack.ready['web_url']}/api/v1{path}?q={secrets['body']}",
                headers={"Authorization": f"Bearer {key}"},
                content=json.dumps({"name": secrets["body"], secrets["body"]: 1}),
            )


def test_no_secret_and_no_person_is_in_any_log(stack: Stack) -> None:
    secrets = live_dangerously(stack)
    with stack.database() as owner:
        # Everything has to fail once, with what it holds in its hands.
        owner.execute("ALTER TABLE web.strategies RENAME TO strategies_away")
        stack.api("GET", f"/strategies?q={secrets['body']}")
        send(stack, secrets, stack.ready["demo"])
        owner.execute("ALTER TABLE web.strategies_away RENAME TO strategies")
    stack.restart("execution")
    stack.restart("worker")
    stack.until(lambda: stack.api("GET", "/strategies").status_code == 200, 20, "the site")
    secrets |= {"sealing key": "FILLWIRE_SEALING_KEY", "database URL": "postgresql://"}
    # The demo's URL is printed for whoever started it, which is no log.
    told = "".join(each.read_text() for each in (stack.data_dir / "log").glob("*.log"))
    assert "request_failed" in told and "webhook_refused" in told and "sign_in" in told
    hits = {name for name, secret in secrets.items() if secret in told}
    assert hits == set()
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len(lines) > 20
    assert all({"event", "level", "timestamp", "process"} <= line.keys() for line in lines)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        pytest.skip("no browser: `apt-get install chromium` to run this test")
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        opened = browser.new_page()
        opened.set_default_timeout(MS)
        yield opened
        browser.close()


def test_no_name_runs_as_a_program_on_any_page(stack: Stack, page: Page) -> None:
    ready, problems = stack.ready, list[str]()
    made = [stack.api("POST", "/strategies", json={"name": name}).json() for name in BREAKING]
    stack.api("POST", "/connections", json={"name": BREAKING[0]})
    for name in BREAKING:
        stack.post(ready["demo"]["webhook_url"], {"ticker": name, "action": name, "extras": name})
    page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
    page.on("pageerror", lambda error: problems.append(str(error)))

    def note(said: ConsoleMessage) -> None:
        if "Content Security" in said.text or "Refused to" in said.text:
            problems.append(said.text)

    page.on("console", note)
    site = ready["web_url"]
    page.goto(f"{site}/sign-in?next={BREAKING[1]}")
    page.get_by_label("E-mail").fill(ready["demo"]["email"])
    page.get_by_label("Password").fill(ready["demo"]["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Strategies", exact=True)).to_be_visible()
    paths = "strategies signals approvals alarms trades orders positions connections halt activity"
    demo = f"strategies/{ready['demo']['strategy_id']}"
    for path in (
        *paths.split(),
        *(f"strategies/{each['id']}" for each in made),
        *(demo, f"{demo}/messages", f"{demo}/webhook", f"{demo}/settings"),
        f"subscriptions/{ready['demo']['subscription_id']}",
        "account/security",
        f"trades?state={BREAKING[1]}",
        f"nowhere/{BREAKING[0]}",
        f"assets/{BREAKING[0]}",
    ):
        page.goto(f"{site}/{path}")
        assert "133721" not in page.content(), path
    assert problems == []
