"""Staff in a real browser: from the printed link to a customer's own view, without a trace of
power; and a strict content security policy on every page of theirs."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
MS = 20_000
PASSWORD = "otter lantern quarry"
WHY = "ticket 4711, asked by mail"
PAGES = (
    "",
    "accounts/",
    "signals/",
    "trades/",
    "orders/",
    "connections/",
    "brokers/",
    "queues/",
    "abuse/",
    "refusals/",
    "plans/",
    "flags/",
    "audit/",
    "audit/verify",
    "health/",
    "requests/",
    "staff/",
)

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no browser: `apt-get install chromium` to run this test"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


def watched(page: Page) -> list[str]:
    """What the browser complains of from here on."""
    problems: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type == "error" or "Content Security" in said.text:
            problems.append(f"{page.url}: {said.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return problems


def sent(stack: Stack) -> str:
    """A signal of the demo's; its id."""
    answer = httpx.post(
        stack.ready["demo"]["webhook_url"], json={"ticker": "AAPL", "action": "buy", "quantity": 1}
    )
    return str(answer.json()["id"])


def come_in(page: Page, stack: Stack) -> None:
    """The link that `up --demo` printed: a password, then an authenticator."""
    page.goto(stack.ready["demo"]["staff_link"])
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Set up an authenticator").click()
    app = pyotp.TOTP(page.locator("#totp-secret").inner_text())
    page.get_by_label("Code").fill(app.now())
    page.get_by_role("button", name="Turn it on and go in").click()
    expect(page.get_by_role("heading", name="Find", exact=True)).to_be_visible()


def test_staff_find_the_tenant_of_a_signal_and_view_as_its_person(
    stack: Stack, browser: Browser
) -> None:
    site, signal = str(stack.ready["web_url"]), sent(stack)
    page = browser.new_page()
    page.set_default_timeout(MS)
    problems = watched(page)
    come_in(page, stack)

    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            page.goto(f"{site}/admin/{path}")
            expect(page.locator("h1").first).to_be_visible()
            wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"/admin/{path} is {wider} px too wide at {width}"
            assert page.locator("html").get_attribute("lang") == "en"
            expect(page.get_by_role("link", name="Skip to content")).to_have_count(1)
            handlers = "[onclick],[onsubmit],[onchange],[style],script:not([src])"
            assert page.locator(handlers).count() == 0, path
    page.set_viewport_size({"width": 1280, "height": 900})
    assert problems == []

    # From a signal's id to its account: three clicks.
    page.goto(f"{site}/admin/")
    page.get_by_label("What to find").fill(signal)
    page.locator("form.find-big").get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name=re.compile("AAPL"))).to_be_visible()
    page.locator(".crumbs a").click()
    expect(page.get_by_role("heading", name="Demo")).to_be_visible()
    page.get_by_role("button", name="View as").first.click()
    page.get_by_label("Why").fill(WHY)
    page.get_by_role("button", name="See the workspace as this person").click()
    banner = page.get_by_text("Nothing can be changed.")
    expect(banner).to_be_visible()
    assert problems == []

    # Whatever is pressed there is refused.
    page.goto(f"{site}/strategies/{stack.ready['demo']['strategy_id']}")
    expect(banner).to_be_visible()
    secret = stack.ready["demo"]["webhook_url"].rpartition("/")[2]
    assert secret not in page.content()
    refused = page.evaluate(
        """async ([path]) => {
            const token = document.querySelector('[name=csrf_token]').value;
            const body = new URLSearchParams({csrf_token: token, enabled: '0'});
            return (await fetch(path, {method: 'POST', body})).status;
        }""",
        [f"/strategies/{stack.ready['demo']['strategy_id']}/enabled"],
    )
    assert refused == 403
    page.goto(f"{site}/account/security")
    expect(page.get_by_text("You are only looking")).to_be_visible()
    page.goto(f"{site}/strategies")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Demo")).to_be_visible()

    customer = browser.new_page()
    customer.set_default_timeout(MS)
    customer.goto(f"{site}/sign-in")
    customer.get_by_label("E-mail").fill(stack.ready["demo"]["email"])
    customer.get_by_label("Password").fill(stack.ready["demo"]["password"])
    customer.get_by_role("button", name="Sign in", exact=True).click()
    customer.goto(f"{site}/activity")
    expect(customer.get_by_text(WHY).first).to_be_visible()
    expect(customer.get_by_text("view_as:begin").first).to_be_visible()
