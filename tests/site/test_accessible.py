"""Every page, wide and narrow, by day and by night: axe finds nothing against WCAG 2.2 A and AA.

The pages are drawn from the routes, with one of every object. A new route that answers no page
says so in NO_PAGE; a new page needs no line here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.e2e.browsing import chromium
from tests.isolation import walks
from tests.isolation.conftest import far, two
from tests.isolation.walking import positions_of
from tests.isolation.world import World, show
from tests.site.conftest import Site, csrf
from tests.site.looks_kit import Looker, needs_axe, opened
from tests.site.people_kit import PASSWORD, Person
from tests.site.staff_kit import Member, do, given_password, sign_in
from tests.site.test_staff_audited import person
from web.accounts import passwords
from web.accounts.login import COOKIE
from web.ops import staff as ops

__all__ = ["far", "two"]

pytestmark = [needs_axe, pytest.mark.timeout(300), pytest.mark.usefixtures("far")]

# What a GET answers that is not a page of its own.
NO_PAGE = {
    "pages.home": "leads on",
    "pages.healthz": "for machines",
    "contact.security_txt": "for machines",
    "changes.changes": "for the script",
    "changes.ticket": "for the script",
    "alarms.banner": "part of a page",
    "alarms.count": "part of a page",
    "trades.approvals_count": "part of a page",
    "activity.checkpoint": "a file",
    "activity.download": "a file",
    "activity.verifier": "a file",
    "staff_audit.download": "a file",
    "staff_view_as.over": "leads on",
    "trades.replayed": "needs a record of execution's: tests/e2e/test_browser.py",
}
MEMBERS = "/account/members"
MESSAGE = '{"ticker":"AAPL","action":"buy","quantity":5}'
# Looked at one by one, in `doors`.
NOBODY = ("accounts.", "signing_up.", "invitations.")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def rules(site: Site, *begins: str) -> list[Rule]:
    """The routes that answer a page."""
    return [
        rule
        for rule in site.app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint not in NO_PAGE
        and not rule.endpoint.startswith(("api.", "asset", "static"))
        and not rule.endpoint.endswith((".export", ".static"))
        and (not begins or rule.endpoint.startswith(begins))
    ]


def address(world: World, rule: Rule) -> str:
    """A page of ours. Raises KeyError for a route that has no line in tests/isolation/walks.py."""
    walk = walks.of(rule.endpoint)[0]
    values = dict(walk.given)
    for each in positions_of(rule, walk):
        value = world.id(each.kind, "ours")
        values[each.name] = value if each.place == "path" else show(each.kind, value)
    return str(world.site.app.url_map.bind("localhost").build(rule.endpoint, values))


def us(world: World) -> FlaskClient:
    """A browser of our person, who is in."""
    return let_in(world.site, world.ours.person_id.hex, world.ours.tenant_id.hex)


def let_in(site: Site, person: str, tenant: str) -> FlaskClient:
    token, client = passwords.new_token(), site.client()
    site.owner.execute(
        "INSERT INTO web.sessions (token_hash, person_id, tenant_id, expires_at, proved_at) "
        "VALUES (%s, %s, %s, %s, now())",
        (passwords.hash_token(token), person, tenant, datetime.now(UTC) + timedelta(days=1)),
    )
    client.set_cookie(COOKIE, token)
    return client


def told(looker: Looker, pages: int) -> None:
    print(f"{looker.seen} pages, {len(looker.found)} violations")
    assert looker.found == [], "\n".join(looker.found)
    assert looker.seen >= pages


def test_every_page_of_a_workspace(two: World, browser: Browser) -> None:
    client = us(two)
    looker = opened(browser, client)
    for rule in rules(two.site):
        if not rule.rule.startswith("/admin") and not rule.endpoint.startswith((*NOBODY, "mail.")):
            answer = client.get(address(two, rule))
            assert answer.status_code == 200, (rule.rule, answer.status_code)
            looker.look(rule.endpoint, answer)
    told(looker, 35)


def test_every_page_of_a_workspace_that_has_nothing_yet(two: World, browser: Browser) -> None:
    client = Person(two.site).sign_up().client
    looker = opened(browser, client)
    for rule in rules(two.site):
        inside = not rule.rule.startswith("/admin") and not rule.endpoint.startswith(NOBODY)
        if inside and not rule.arguments:
            answer = client.get(rule.rule)
            if answer.status_code == 200:
                looker.look(f"empty {rule.endpoint}", answer)
    told(looker, 15)


def test_every_page_of_staff(two: World, browser: Browser) -> None:
    client = sign_in(two.site, Member(two.site, "owner"))
    looker = opened(browser, client)
    urls = two.site.app.url_map.bind("localhost")
    for rule in rules(two.site):
        if rule.rule.startswith("/admin") and not rule.endpoint.startswith("staff_entrance."):
            values = {name: two.id(name.removesuffix("_id"), "ours") for name in rule.arguments}
            answer = client.get(urls.build(rule.endpoint, values), query_string={"window": "all"})
            assert answer.status_code == 200, (rule.rule, answer.status_code)
            looker.look(rule.endpoint, answer)
    told(looker, 18)


@pytest.mark.parametrize("which", ["doors", "answers", "staffs"])
def test_every_page_that_needs_more_than_an_address(
    two: World, browser: Browser, which: str
) -> None:
    made = {"doors": doors, "answers": answers, "staffs": staffs_answers}[which](two)
    looker = opened(browser, two.site.client())
    for name, (status, answer) in made.items():
        assert answer.status_code == status, (name, answer.status_code, answer.text[:2000])
        looker.look(name, answer)
    told(looker, len(made))


def test_every_door_is_looked_at(two: World) -> None:
    wanted = {rule.endpoint for rule in rules(two.site, *NOBODY, "mail.", "staff_entrance.")}
    assert wanted <= set(doors(two)), "add it to `doors`"


Shown = dict[str, tuple[int, TestResponse]]


def doors(world: World) -> Shown:
    """Pages for whoever is not in, or not all the way."""
    site = world.site
    stranger, ann, half = site.client(), Person(site).sign_up(), Person(site).sign_up()
    confirm = ann.link()
    half.confirm().enrol_totp()
    second = half.browser()
    half.sign_in(second)
    ann.post("/reset", email=ann.email)
    reset, new, known = ann.link(), Person(site), Person(site).sign_up().confirm()
    for whom in (new, known):
        ann.post(f"{MEMBERS}/invitations", page=MEMBERS, email=whom.email, role="viewer")
    staff = Member(site, "support")
    waiting, enrolling = site.client(), site.client()
    given_password(waiting, staff)
    link = f"/admin/enrol/{ops.add(site.owner, f'{new.email}.staff', 'viewer', ())}"
    page = stranger.get(link)
    enrolling.post(link, data={"csrf_token": csrf(enrolling, link), "password": PASSWORD})
    token = csrf(enrolling, "/admin/second-factor")
    enrolling.post("/admin/second-factor/totp", data={"csrf_token": token})
    found = {
        "accounts.sign_in": stranger.get("/sign-in"),
        "accounts.second_step": second.get("/sign-in/second"),
        "signing_up.sign_up": stranger.get("/signup"),
        "signing_up.terms": stranger.get("/terms"),
        "signing_up.forgotten": stranger.get("/reset"),
        "signing_up.confirm": stranger.get(confirm),
        "signing_up.reset": stranger.get(reset),
        "invitations.page": stranger.get(new.link()),
        "an invitation of who has an account": stranger.get(known.link()),
        "an invitation of who is in": known.client.get(known.link()),
        "an invitation of somebody else": known.client.get(new.link()),
        "mail.inbox": stranger.get("/inbox"),
        "staff_entrance.sign_in": stranger.get("/admin/sign-in"),
        "staff_entrance.second_step": waiting.get("/admin/sign-in/second"),
        "staff_entrance.enrol": page,
        "staff_entrance.factors": enrolling.get("/admin/second-factor"),
    }
    return {name: (200, answer) for name, answer in found.items()}


def answers(world: World) -> Shown:
    """Pages that come back from a form, and refusals."""
    site, ours, stranger = world.site, us(world), world.site.client()
    ann, many = Person(site).sign_up(), Person(site)
    for _ in range(12):
        tried = many.sign_in()
    wrong = Person(site).sign_in()
    ann.post("/account/security/totp")
    drawing = ann.client.get("/account/security")
    proving = Person(site).sign_up()
    proving.pass_time(timedelta(minutes=11))
    proved = proving.post("/account/security/password", password="another four words here")
    viewer = let_in(site, world.id("member", "ours").hex, world.ours.tenant_id.hex)
    token = {"csrf_token": csrf(ours, "/connections")}
    strategy = f"/strategies/{world.ours.space.shown('strategy')}"
    subscription = f"/subscriptions/{world.ours.space.shown('subscription')}"
    bad = {"quantity.source": "own", "quantity.value": "many", "quantity.shown": "1"}
    key = {"name": "Mine", "mode": "test", "role": "viewer"}
    look = let_look(world)
    return {
        "wrong password": (401, wrong),
        "too many tries": (429, tried),
        "weak password": (400, Person(site).post("/signup", email="a@b.test", password="short")),
        "a dead link": (410, stranger.get("/confirm/x")),
        "nothing there": (404, stranger.get("/nowhere")),
        "no such method": (405, stranger.delete("/sign-in")),
        "a form without its token": (400, stranger.post("/sign-in")),
        "another site's form": (
            403,
            stranger.post("/sign-in", headers={"Origin": "https://evil.example"}),
        ),
        "not allowed": (403, viewer.get("/developers")),
        "a viewer's strategy": (200, viewer.get(strategy)),
        "a viewer's subscription": (200, viewer.get(subscription)),
        "a viewer's members": (200, viewer.get(MEMBERS)),
        "an authenticator to scan": (200, drawing),
        "is it you": (403, proved),
        "recovery codes": (200, ours.post("/account/security/recovery", data=token)),
        "a new key": (200, ours.post("/developers/keys", data=key | token)),
        "a bad setting": (400, ours.post(subscription, data=bad | token)),
        "a message tested": (200, ours.post(f"{strategy}/tester", data={"body": MESSAGE} | token)),
        "a message built": (200, ours.post(f"{strategy}/messages", data=token)),
        "keys tested": (200, ours.post("/connections/new/paper", data={"do": "test"} | token)),
        "keys without a second factor": (200, ann.client.get("/connections/new/paper")),
        "a name too long": (400, ours.post("/connections", data={"name": "x" * 200} | token)),
        "staff look": (200, look.get(strategy)),
        "staff only look": (403, look.get("/account/security")),
    }


def staffs_answers(world: World) -> Shown:
    """What staff are asked, and told."""
    site = world.site
    client, viewer = sign_in(site, Member(site, "owner")), sign_in(site, Member(site, "viewer"))
    account = f"/admin/accounts/ten_{world.ours.tenant_id.hex}"
    token = {"csrf_token": csrf(client, "/admin/")}
    asked = {
        f"asked before {deed}": client.post(f"{account}/{deed}", data=form | token)
        for deed, form in {
            "note": {},
            "suspended": {"suspended": "1"},
            "plan": {"plan": "starter"},
            "override": {"key": "strategies", "value": "5", "days": "3"},
            "view-as": {"person_id": person(site)},
        }.items()
    }
    hurried = client.post(f"{account}/note", data={"confirmed": "1", "reason": "short"} | token)
    return {name: (200, answer) for name, answer in asked.items()} | {
        "no reason": (400, hurried),
        "nothing found": (200, client.get("/admin/?q=nobody@nowhere.test")),
        "a full filter": (200, client.get("/admin/signals/?window=hour&flt0_account_is=ten_x")),
        "staff are not allowed": (403, viewer.get("/admin/staff/")),
        "no such account": (404, client.get(f"/admin/accounts/ten_{'0' * 32}")),
        "a wrong password": (401, given_password(site.client(), Member(site, "owner"), "wrong")),
    }


def let_look(world: World) -> FlaskClient:
    """One of staff, who sees our workspace as our person."""
    client = sign_in(world.site, Member(world.site, "support"))
    account = f"/admin/accounts/ten_{world.ours.tenant_id.hex}"
    assert do(client, f"{account}/view-as", person_id=person(world.site)).location == "/"
    return client
