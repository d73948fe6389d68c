"""What a person sees: signs in, sends a test signal, watches it fill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.stack import Stack
from tests.site.looks_kit import needs_axe, violations

CHROMIUM = Path("/usr/bin/chromium")
MS = 10_000

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


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    opened = context.new_page()
    opened.set_default_timeout(MS)
    yield opened
    context.close()


def sign_in(page: Page, ready: dict[str, Any]) -> None:
    page.goto(ready["web_url"])
    page.get_by_label("E-mail").fill(ready["demo"]["email"])
    page.get_by_label("Password").fill(ready["demo"]["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Strategies")).to_be_visible()


def test_a_test_signal_is_filled_before_ones_eyes(stack: Stack, page: Page) -> None:
    ready = stack.ready
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_in(page, ready)
    page.get_by_role("link", name="My first strategy").click()
    expect(page.get_by_label("Webhook URL")).to_have_value(ready["demo"]["webhook_url"])
    page.get_by_role("button", name="Send a test exit").click()
    expect(page.get_by_text("As it came")).to_be_visible()
    page.get_by_role("link", name="My first strategy").click()

    page.get_by_role("button", name="Send a test buy").click()
    filled = page.get_by_text("Filled", exact=True).first
    for _ in range(20):
        if filled.is_visible():
            break
        page.wait_for_timeout(250)
        if page.locator("#live").get_attribute("data-state") == "off":
            page.reload()
    expect(filled).to_be_visible()
    expect(page.get_by_text("PAPER", exact=True).first).to_be_visible()
    expect(page.get_by_text("Where the time went")).to_be_visible()
    assert problems == []


def test_a_signal_appears_in_the_log_by_itself(stack: Stack, browser: Browser) -> None:
    ready = stack.ready
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(MS)
    sign_in(page, ready)
    page.get_by_role("link", name="My first strategy").click()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    rows = page.locator("#log tbody tr")
    before = rows.count()
    stack.post(ready["demo"]["webhook_url"], b'{"ticker":"MSFT","action":"buy","price":"410"}')
    expect(rows).to_have_count(before + 1)
    expect(rows.first).to_contain_text("MSFT")
    expect(rows.first).to_contain_text("Filled")
    context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_scrolls_sideways(stack: Stack, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 720})
    page = context.new_page()
    page.set_default_timeout(MS)
    sign_in(page, stack.ready)
    for path in ("strategies", "signals", "trades", "orders", "positions", "connections"):
        page.goto(f"{stack.ready['web_url']}/{path}")
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"/{path} is {wider} px too wide at {width}"
    context.close()


@needs_axe
def test_what_only_a_running_stack_shows_is_accessible_too(stack: Stack, browser: Browser) -> None:
    """A recorded decision made again, and a filled trade with its waterfall."""
    ready = stack.ready
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(MS)
    sign_in(page, ready)
    # Nothing else here trades it: no position is in the way.
    sent = {"ticker": "KO", "action": "buy", "quantity": 1, "price": "62.10"}
    signal = stack.post(ready["demo"]["webhook_url"], sent).json()["id"]

    def filled() -> bool:
        return {trade["state"] for trade in stack.shown(signal)["trades"]} == {"FILLED"}

    stack.until(filled, 20, "fill")
    trade = stack.shown(signal)["trades"][0]["id"]
    for path in (f"signals/{signal}", f"trades/{trade}", f"trades/{trade}/replay", "inbox"):
        answer = page.goto(f"{ready['web_url']}/{path}")
        assert answer is not None and answer.status == 200, path
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], f"{path} {scheme}"
    context.close()
