"""Somebody at a browser of their own, whose complaints are kept."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
MS = 20_000
# A refusal is an answer, which browsers note as an error of their own.
REFUSED = ("status of 401", "status of 403", "status of 404", "status of 405")

needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no browser: `apt-get install chromium` to run this test"
)

# Sends a form as the page would, with its token and the session's cookie, pressing nothing.
_FORGE = """async ([method, path, fields]) => {
    const token = document.querySelector('[name=csrf_token]')?.value ?? '';
    const body = new URLSearchParams({csrf_token: token, ...fields});
    return (await fetch(path, {method, body, redirect: 'manual'})).status;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a window."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield running
        running.close()


class Seat:
    """A person at a browser that nobody else uses: cookies of its own, clicks counted."""

    def __init__(self, browser: Browser, site: str) -> None:
        # Browsers know passkeys at a name only.
        self.site = site.replace("127.0.0.1", "localhost")
        self.page: Page = browser.new_context().new_page()
        self.page.set_default_timeout(MS)
        self.clicks = 0
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note_elsewhere)

    def goto(self, path: str) -> None:
        """Open a page of the site, or a link that a mail or a command gave."""
        here = path.replace("127.0.0.1", "localhost")
        self.page.goto(here if here.startswith("http") else f"{self.site}{here}")

    @property
    def path(self) -> str:
        """Of the page that is open."""
        return urlsplit(self.page.url).path

    def fill(self, label: str, value: str) -> None:
        """Type into the field with this label."""
        # A label may hold a line of help too.
        self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}")).first.fill(value)

    def press(self, button: str) -> None:
        """One click, on the first button or link that is called so."""
        named = self.page.get_by_role("button", name=button, exact=True)
        self.click(named.or_(self.page.get_by_role("link", name=button, exact=True)).first)

    def click(self, what: Locator) -> None:
        """One click."""
        self.clicks += 1
        what.click()

    def sees(self, text: str) -> None:
        """It stands on the page, now or in a moment."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_at(self, heading: str) -> None:
        """The page with this heading is open."""
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()

    def buttons(self) -> list[str]:
        """Those of the page that send something, the page's frame apart."""
        return self.page.locator("main form[method=post] button").all_inner_texts()

    def forge(self, method: str, path: str, fields: Mapping[str, str]) -> int:
        """The answer to a request that no button of the page sends."""
        answered: int = self.page.evaluate(_FORGE, [method, path, dict(fields)])
        return answered

    def newest_mail(self, subject: str) -> str:
        """The link of the newest mail about this, once it is in the inbox of the machine."""
        for _ in range(40):
            self.goto("/inbox")
            letters = self.page.locator("article", has_text=subject)
            if letters.count():
                return letters.first.locator("a[href^=http]").first.get_attribute("href") or ""
            self.page.wait_for_timeout(250)
        raise AssertionError(f"no mail: {subject}")

    def enrol_authenticator(self, button: str) -> pyotp.TOTP:
        """An app that shows codes, from the key on the page."""
        self.press("Set up an authenticator")
        expect(self.page.get_by_role("img", name="QR code of the key below")).to_be_visible()
        app = pyotp.TOTP(self.page.locator("#totp-secret").inner_text())
        self.fill("Code", app.now())
        self.press(button)
        return app

    def plug_in_passkeys(self) -> None:
        """A virtual device that makes passkeys and agrees to everything."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        agrees = {"hasUserVerification": True, "isUserVerified": True}
        agrees |= {"automaticPresenceSimulation": True}
        session.send("WebAuthn.addVirtualAuthenticator", {"options": device | agrees})

    def _note(self, said: ConsoleMessage) -> None:
        if said.type == "error" and not any(each in said.text for each in REFUSED):
            self.complaints.append(f"{self.page.url}: {said.text}")

    def _note_elsewhere(self, asked: Request) -> None:
        """No page of ours asks another host for anything."""
        if not asked.url.startswith((self.site.rpartition(":")[0], "http://127.0.0.1", "data:")):
            self.complaints.append(f"{self.page.url}: asked {asked.url}")
