"""Pages in a real browser, answered by the application without a server; and what axe says of them.

axe-core comes with a package of the tests (`axe-playwright-python`), of which only its one script
is used. Nothing is fetched from anywhere: what is not of the site is refused.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route
from werkzeug.test import TestResponse

from tests.e2e.browsing import CHROMIUM

HOST = "http://localhost"
PHONE, SMALL, DESK = 390, 320, 1280
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_SCRIPT = """async (only) => {
    for (const each of document.querySelectorAll('main details')) each.open = true;
    const found = await axe.run(document, {runOnly: only, resultTypes: ['violations']});
    return found.violations.flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id}: ${node.target.join(' ')}: ${node.any.concat(node.all, node.none)
            .map((check) => check.message).join(' ')}`));
}"""
_WIDER = "document.documentElement.scrollWidth - window.innerWidth"
# What stands out of a card that clips it can neither be seen nor scrolled to; and a column of a
# table that is left no room has a letter on each line.
_HIDDEN = """() => [...document.querySelectorAll('main .card.flush')]
    .filter((card) => card.scrollWidth > card.clientWidth)
    .map((card) => `${card.scrollWidth - card.clientWidth} px are cut off in ` +
        (card.querySelector('h2')?.textContent ?? card.ariaLabel ?? 'a card'))
    .concat([...document.querySelectorAll('main td')]
        .filter((cell) => cell.textContent.trim().length > 6 && cell.checkVisibility())
        .filter((cell) => cell.clientWidth < 48 && cell.clientHeight > 2 * cell.clientWidth)
        .map((cell) => `no room for ${cell.textContent.trim().slice(0, 40)}`))"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds on the page that is open, by these rules alone or by all of WCAG 2.2 A, AA."""
    page.evaluate(_axe())
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found: list[str] = page.evaluate(_SCRIPT, only)
    return found


@cache
def _axe() -> str:
    package = find_spec("axe_playwright_python")
    assert package is not None and package.origin is not None
    return Path(package.origin).with_name("axe.min.js").read_text()


needs_axe = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("axe_playwright_python") is None,
    reason="no browser or no axe: `apt-get install chromium`, and install requirements/test.txt",
)


@dataclass
class Looker:
    """Somebody who looks at pages: wide and narrow, by day and by night."""

    page: Page
    client: FlaskClient
    seen: int = 0
    found: list[str] = field(default_factory=list)
    # What is shown for the next address, instead of asking the application for it.
    _answer: TestResponse | None = None

    def look(self, name: str, answer: TestResponse) -> None:
        """Note what is wrong with an answer that is a page."""
        assert answer.mimetype == "text/html", f"{name}: {answer.mimetype}"
        self._answer = answer
        self.page.set_viewport_size({"width": DESK, "height": 900})
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.goto(HOST + answer.request.path)
        self._ask(name)
        self.page.emulate_media(color_scheme="dark")
        self._ask(f"{name}, dark", "color-contrast")
        for width in (PHONE, SMALL):
            self.page.set_viewport_size({"width": width, "height": 800})
            wider = self.page.evaluate(_WIDER)
            if wider > 0:
                self.found.append(f"{name}: {wider} px too wide at {width}")
            self.found += [f"{name} at {width}: {each}" for each in self.page.evaluate(_HIDDEN)]
        self._ask(f"{name}, small", "target-size")
        self.seen += 1

    def _ask(self, name: str, *rules: str) -> None:
        self.found += [f"{name}: {each}" for each in violations(self.page, *rules)]

    def answer(self, route: Route) -> None:
        """The page that is looked at, the site's own files, and nothing else."""
        path = route.request.url.removeprefix(HOST)
        if self._answer is not None and route.request.resource_type == "document":
            shown, self._answer = self._answer, None
        elif path.startswith("/assets/"):
            shown = self.client.get(path)
        else:
            route.abort()
            return
        headers = {"Content-Type": shown.content_type}
        route.fulfill(status=shown.status_code, headers=headers, body=shown.data)
        shown.close()


def opened(browser: Browser, client: FlaskClient) -> Looker:
    """A window for it."""
    page = browser.new_context(base_url=HOST).new_page()
    page.set_default_timeout(20_000)
    looker = Looker(page, client)
    page.route("**/*", looker.answer)
    return looker
