"""A person's own account in a real browser: from signing up to ending a session elsewhere."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.e2e.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
MS = 15_000
EMAIL, PASSWORD = "ann@people.test", "liberty plank oyster"

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


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(MS)
    return page


def give_authenticator(context: BrowserContext, page: Page) -> None:
    """A virtual device that makes passkeys and agrees to everything."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def mail_with(page: Page, site: str, subject: str) -> str:
    """The link of the newest mail about this, once the relay put it into the inbox."""
    for _ in range(20):
        page.goto(f"{site}/inbox")
        letters = page.locator("article", has_text=subject)
        if letters.count():
            return letters.first.locator("a[href^=http]").first.get_attribute("href") or ""
        page.wait_for_timeout(500)
    raise AssertionError(f"no mail: {subject}")


def test_a_person_signs_up_secures_the_account_and_ends_a_session_elsewhere(
    stack: Stack, browser: Browser
) -> None:
    # Browsers know passkeys at a name only.
    site = str(stack.ready["web_url"]).replace("127.0.0.1", "localhost")
    first, second = browser.new_context(), browser.new_context()
    page = opened(first)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))

    def note(said: ConsoleMessage) -> None:
        if "Content Security" in said.text:
            problems.append(said.text)

    page.on("console", note)
    give_authenticator(first, page)

    page.goto(f"{site}/sign-in")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Strategies", exact=True)).to_be_visible()

    link = mail_with(page, site, "Confirm your e-mail address")
    page.goto(link.replace("127.0.0.1", "localhost"))
    page.get_by_role("button", name="Yes, it is mine").click()
    expect(page.get_by_text("Your address is confirmed.")).to_be_visible()

    page.goto(f"{site}/account/security")
    expect(page.get_by_text("Your address is not confirmed")).to_have_count(0)
    page.get_by_role("button", name="Set up an authenticator").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    app = pyotp.TOTP(page.locator("#totp-secret").inner_text())
    page.get_by_label("Code").fill(app.now())
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == 10
    page.get_by_label("Name of the new one").fill("This laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_label("Name of the passkey")).to_have_value("This laptop")

    other = opened(second)
    other.goto(f"{site}/sign-in")
    other.get_by_label("E-mail").fill(EMAIL)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", name="Second step")).to_be_visible()
    other.get_by_label("Code").fill(app.at(int(time.time()) + 30))
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", name="Strategies", exact=True)).to_be_visible()

    page.goto(f"{site}/account/security")
    rows = page.locator("#sessions tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Chrome on Linux")).to_have_count(2)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{wider} px too wide at {width}"
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("The session is over.")).to_be_visible()
    expect(rows).to_have_count(1)
    other.goto(f"{site}/strategies")
    expect(other).to_have_url(re.compile("/sign-in"))

    # Out, and in again with the passkey alone.
    page.locator("summary[aria-label=Account]").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Strategies", exact=True)).to_be_visible()
    assert problems == []
    first.close()
    second.close()
