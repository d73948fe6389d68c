"""Issue 5's whole story in real browsers, on the stack that `fillwire up --demo` starts.

Ann signs up, secures her account, ends a session elsewhere, lets Vic look, connects a broker and
sees a fill. Sam, of staff, finds her from the signal's id and looks through her eyes. Each is at
a browser of their own, and no browser has anything to complain of.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, expect
from psycopg import sql

from tests.e2e.browsing import Seat, chromium, needs_browser
from tests.e2e.stack import ROOT, Stack

pytestmark = [needs_browser, pytest.mark.timeout(300)]

PASSWORD = "liberty plank oyster"
WHY = "ticket 4711, asked by mail"
PAGES = ("/positions", "/connections", "/halt", "/approvals", "/alarms", "/signals", "/orders")
REFUSALS = (403, 404, 405)
# What people can change, and what comes of it.
TABLES = (
    *("strategies", "subscriptions", "settings_versions", "connections", "members", "tenants"),
    *("invitations", "api_keys", "switches", "signals", "trades", "orders", "people"),
)


class Made(NamedTuple):
    """Pages of what Ann made."""

    strategy: str
    subscription: str
    keys: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_from_signing_up_to_staff_who_only_look(stack: Stack, browser: Browser) -> None:
    site = str(stack.ready["web_url"])
    ann, elsewhere, vic, sam = (Seat(browser, site) for _ in range(4))

    sign_up(ann, "ann@journey.test")
    no_broker_without_a_second_factor(ann)
    secure_the_account(ann, elsewhere, "ann@journey.test")
    invite_a_viewer(ann, vic, "vic@journey.test")
    keys = connect_a_broker(ann, stack)
    made = make_a_strategy(ann, keys)
    signal = send_a_signal(ann)
    a_viewer_cannot_trade(vic, made, stack)
    staff_find_the_tenant(sam, signal, stack)
    staff_look_and_can_do_nothing(sam, made, stack)
    the_customer_reads_of_it(ann)

    assert [seat.complaints for seat in (ann, elsewhere, vic, sam)] == [[], [], [], []]
    the_doors_were_real(ann, made)


def sign_up(ann: Seat, email: str) -> None:
    ann.goto("/sign-in")
    ann.press("Create an account")
    ann.fill("E-mail", email)
    ann.fill("Password", PASSWORD)
    ann.press("Create account")
    ann.is_at("Strategies")
    ann.goto(ann.newest_mail("Confirm your e-mail address"))
    ann.press("Yes, it is mine")
    ann.sees("Your address is confirmed.")


def no_broker_without_a_second_factor(ann: Seat) -> None:
    ann.goto("/connections/new")
    ann.press("Connect Paper with keys")
    ann.press("Set up a second factor")
    ann.is_at("Security")


def secure_the_account(ann: Seat, elsewhere: Seat, email: str) -> None:
    """An authenticator, a passkey; a second session, which the first one ends."""
    ann.plug_in_passkeys()
    ann.goto("/account/security")
    app = ann.enrol_authenticator("Turn it on")
    ann.sees("Your recovery codes")
    ann.fill("Name of the new one", "This laptop")
    ann.press("Add a passkey")
    expect(ann.page.get_by_label("Name of the passkey")).to_have_value("This laptop")

    elsewhere.goto("/sign-in")
    elsewhere.fill("E-mail", email)
    elsewhere.fill("Password", PASSWORD)
    elsewhere.press("Sign in")
    elsewhere.is_at("Second step")
    elsewhere.fill("Code", app.at(int(time.time()) + 30))
    elsewhere.press("Sign in")
    elsewhere.is_at("Strategies")

    ann.goto("/account/security")
    expect(ann.page.locator("#sessions tbody tr")).to_have_count(2)
    ann.press("End it")
    ann.sees("The session is over.")
    elsewhere.goto("/strategies")
    expect(elsewhere.page).to_have_url(re.compile("/sign-in"))


def invite_a_viewer(ann: Seat, vic: Seat, email: str) -> None:
    """Vic opens the mail at a browser of their own, and has an account with it."""
    ann.goto("/account/members")
    ann.fill("E-mail", email)
    ann.page.get_by_label("Role").last.select_option("viewer")
    ann.press("Send the invitation")
    vic.goto(vic.newest_mail("Join"))
    vic.sees("You could look at everything and change nothing.")
    vic.fill("Password", PASSWORD)
    vic.press("Create it and join")
    vic.sees("You have joined")


def connect_a_broker(ann: Seat, stack: Stack) -> str:
    """A while after she signed in, so that her second factor is asked for. The keys' page."""
    key_id, secret = key_at_the_venue(stack)
    with stack.database() as owner:
        owner.execute("UPDATE web.sessions SET proved_at = proved_at - interval '11 minutes'")
    ann.goto("/connections")
    ann.press("Connect a broker")
    ann.press("Connect Paper with keys")
    ann.fill("API key ID", key_id)
    ann.fill("API secret", secret)
    ann.press("Test keys")
    ann.is_at("Is it you?")
    ann.press("Use a passkey")
    ann.sees("The keys work.")
    ann.fill("Name", "Venue")
    ann.press("Connect JOURNEY")
    ann.sees("is connected to JOURNEY")
    return ann.path


def key_at_the_venue(stack: Stack) -> tuple[str, str]:
    """What somebody would copy from their broker's page."""
    said = fillwire(stack, "paper-keys", "issue", "JOURNEY")
    found = re.search(r"(PK[0-9A-F]{18})\W.*?([A-Za-z0-9_-]{40})", said, re.DOTALL)
    assert found is not None, said
    return found[1], found[2]


def make_a_strategy(ann: Seat, keys: str) -> Made:
    """It trades by itself on the connection."""
    ann.goto("/strategies")
    ann.press("New strategy")
    ann.fill("Name", "Breakout")
    ann.press("Create strategy")
    ann.sees("Breakout is ready.")
    strategy = ann.path
    ann.press("Subscribe")
    ann.page.get_by_label("Submit automatically: where it comes from").select_option("own")
    ann.page.get_by_label("Submit automatically: value").select_option("true")
    ann.press("Save settings")
    ann.press("Enable on PAPER")
    made = Made(strategy, ann.path, keys)
    ann.goto(strategy)
    ann.sees("Trades on Venue")
    return made


def send_a_signal(ann: Seat) -> str:
    """As TradingView would; it fills before her eyes. Its id."""
    webhook = ann.page.get_by_label("Webhook URL").input_value()
    body = {"ticker": "AAPL", "action": "buy", "quantity": 1, "price": "228.40"}
    signal = str(httpx.post(webhook, json=body).json()["id"])
    ann.goto(f"/signals/{signal}")
    ann.sees("Bought")
    ann.sees("on PAPER")
    return signal


def a_viewer_cannot_trade(vic: Seat, made: Made, stack: Stack) -> None:
    """No button offers it, and no request does it."""
    for path in (*made, *PAGES):
        vic.goto(path)
        assert vic.buttons() == [], path
    vic.goto(made.strategy)
    vic.sees("Breakout")
    expect(vic.page.get_by_label("Webhook URL")).to_have_count(0)
    before = contents(stack)
    for path, fields in doors(made):
        assert vic.forge("POST", path, fields) in REFUSALS, path
    assert contents(stack) == before


def staff_find_the_tenant(sam: Seat, signal: str, stack: Stack) -> None:
    """Sam comes in by the link that the command printed, and needs three clicks at most."""
    sam.goto(fillwire(stack, "staff", "add", "sam@staff.test", "--role", "support").split()[-1])
    sam.fill("Password", PASSWORD)
    sam.press("Go on")
    sam.enrol_authenticator("Turn it on and go in")
    sam.is_at("Find")
    sam.clicks = 0
    sam.fill("What to find", signal)
    sam.click(sam.page.get_by_role("main").get_by_role("button", name="Find"))
    sam.click(sam.page.locator(".crumbs a"))
    sam.is_at("My workspace")
    sam.sees("ann@journey.test")
    assert sam.clicks <= 3


def staff_look_and_can_do_nothing(sam: Seat, made: Made, stack: Stack) -> None:
    """As Ann, whose buttons are not there; and what is there, or forged, is refused."""
    of_ann = sam.page.locator("tr", has_text="ann@journey.test")
    sam.click(of_ann.get_by_role("button", name="View as"))
    sam.fill("Why", WHY)
    sam.press("See the workspace as this person, for 15 minutes")
    before = contents(stack)
    for path in (made.strategy, made.subscription, *PAGES):
        sam.goto(path)
        sam.sees("Nothing can be changed.")
        assert sam.buttons() == ["Stop"], path
    sam.page.get_by_label("Account").click()
    sam.press("Sign out")
    sam.is_at("You are only looking")
    sam.goto(made.keys)
    sam.is_at("You are only looking")
    sam.goto(made.strategy)
    for path, fields in doors(made):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert sam.forge(method, path, fields) in REFUSALS, f"{method} {path}"
    assert sam.forge("POST", "/api/v1/strategies", {"name": "Forged"}) == 401
    assert contents(stack) == before
    sam.press("Stop")
    sam.is_at("My workspace")


def the_customer_reads_of_it(ann: Seat) -> None:
    ann.goto("/activity")
    ann.sees("view_as:begin")
    ann.sees(WHY)
    ann.goto("/inbox")
    ann.sees("Our support looks at your workspace")


def the_doors_were_real(ann: Seat, made: Made) -> None:
    """What was refused to Vic and to Sam is answered to Ann."""
    ann.goto(made.strategy)
    for path, fields in doors(made):
        assert ann.forge("POST", path, fields) not in REFUSALS, path


def doors(made: Made) -> list[tuple[str, dict[str, str]]]:
    """What the forms of those who may send, and where."""
    connection, subscription = made.keys.split("/")[2], made.subscription.split("/")[2]
    held = {"connection_id": connection, "subscription_id": subscription, "instrument": "AAPL"}
    return [
        (f"{made.strategy}/test-signal", {"action": "buy"}),
        (f"{made.strategy}/enabled", {"enabled": "0"}),
        (f"{made.strategy}/webhook/rotate", {}),
        (made.subscription, {"quantity.source": "own", "quantity.value": "1000", "do": "save"}),
        (f"{made.subscription}/enabled", {"enabled": "0"}),
        ("/positions/close", {**held, "key": "forged", "quantity": ""}),
        ("/halt/tenant/stop_all", {"why": "forged"}),
        ("/connections", {"name": "Forged"}),
        (made.keys, {"do": "test"}),
        (f"{made.keys}/remove", {}),
        ("/developers/keys", {"name": "Forged", "mode": "test", "role": "trader"}),
        ("/account/members/invitations", {"email": "eve@journey.test", "role": "owner"}),
        ("/account/workspace", {"name": "Forged"}),
    ]


def contents(stack: Stack) -> dict[str, object]:
    """A digest of each table."""
    asked = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM web.{} t"
    with stack.database() as owner:
        return {
            table: owner.execute(sql.SQL(asked).format(sql.Identifier(table))).fetchone()
            for table in TABLES
        }


def fillwire(stack: Stack, *words: str) -> str:
    """What the command says."""
    command = [sys.executable, "-m", "web.cli", *words, "--data-dir", str(stack.data_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
