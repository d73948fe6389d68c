"""Staff look at a workspace through a customer's eyes: they read, and can do nothing at all."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from tests.site.conftest import Site, csrf
from tests.site.staff_kit import REASON, Member, do, sign_in
from tests.site.test_staff_audited import person
from web.accounts import viewing

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


def looking(site: Site, staff: Member | None = None) -> FlaskClient:
    client = sign_in(site, staff or Member(site, "support"))
    path = f"/admin/accounts/ten_{site.ours.tenant_id.hex}/view-as"
    answer = do(client, path, person_id=person(site))
    assert answer.location == "/", answer.text
    return client


@pytest.fixture(scope="module")
def client(site: Site) -> FlaskClient:
    return looking(site)


def path_of(site: Site, rule: Rule) -> str:
    """Of our workspace's own things: what its person may open and change."""

    def value(name: str) -> object:
        converter = rule._converters[name]
        if isinstance(converter, AnyConverter):
            return min(converter.items)
        kind = getattr(converter, "_kind", "")
        if kind in ("strategy", "connection", "subscription", "signal", "trade", "alarm"):
            return getattr(site.ours, f"{kind}_id")
        if kind or isinstance(converter, UUIDConverter):
            return site.ours.trade_id
        return "stop_all" if name == "mode" else "nothing"

    with site.app.test_request_context():
        built = rule.build({name: value(name) for name in rule.arguments}, append_unknown=False)
    assert built is not None
    return str(built[1])


def customers(site: Site, methods: set[str]) -> Iterator[tuple[Rule, str]]:
    """Every way in to customers' pages, staff's and keys' apart."""
    for rule in site.app.url_map.iter_rules():
        if not rule.rule.startswith(("/admin", "/api/", "/static/")):
            for method in sorted(methods & (rule.methods or set())):
                yield rule, method


def test_every_route_that_writes_refuses(site: Site, client: FlaskClient) -> None:
    token = csrf(client, "/admin/")
    before = changed(site)
    tried = 0
    for rule, method in customers(site, WRITES):
        answer = client.open(
            path_of(site, rule), method=method, data={"csrf_token": token, "enabled": "1"}
        )
        assert answer.status_code == 403, (rule.rule, method, answer.status_code)
        assert "only looking" in answer.text
        tried += 1
    assert tried > 50
    assert changed(site) == before


def changed(site: Site) -> list[tuple[object, ...]]:
    """How much there is, and what of it was touched."""
    tables = ("strategies", "subscriptions", "connections", "sessions", "mails", "audit_events")
    return [
        site.owner.execute(f"SELECT '{table}', count(*) FROM web.{table}").fetchone() or ()
        for table in tables
    ]


def test_only_listed_pages_open_and_none_shows_a_secret(site: Site, client: FlaskClient) -> None:
    secrets = [
        str(row[0])
        for row in site.owner.execute(
            "SELECT w.webhook_uuid FROM web.strategy_webhooks w WHERE w.strategy_id = %s",
            (site.ours.strategy_id,),
        )
    ]
    opened = 0
    for rule, _ in customers(site, {"GET"}):
        answer = client.get(path_of(site, rule))
        if rule.endpoint in viewing.OPEN:
            continue
        if rule.endpoint not in viewing.SEEN:
            assert answer.status_code == 403, (rule.rule, answer.status_code)
            continue
        assert answer.status_code in (200, 302), (rule.rule, answer.status_code, answer.text[:500])
        opened += answer.status_code == 200
        for secret in secrets:
            # The address's first half is no secret; its second half is not here.
            for line in answer.text.splitlines():
                if secret in line:
                    assert f"{secret}/hidden" in line
    assert opened > 12


def test_the_page_says_so_and_counts_down(site: Site, client: FlaskClient) -> None:
    page = client.get("/strategies").text
    assert f"as {site.ours.email}" in page
    assert "Nothing can be changed" in page
    assert "data-until" in page
    assert 'action="/admin/view-as/stop"' in page


def test_the_customer_reads_who_looked_and_why(site: Site) -> None:
    looking(site).get("/signals")
    page = site.signed_in(site.ours).get("/activity").text
    assert "view_as:begin" in page
    assert REASON in page
    assert "view_as:open" in page
    assert "/signals" in page
    assert "Our staff" in page


def test_no_transaction_of_a_look_writes(site: Site, client: FlaskClient) -> None:
    """Whatever a page did, the database would refuse it."""
    from sqlalchemy import text
    from sqlalchemy.exc import InternalError

    from web.db import db, enter_read_only, enter_tenant

    with site.app.app_context():
        enter_tenant(site.ours.tenant_id)
        enter_read_only(True)
        try:
            with pytest.raises(InternalError, match="read-only"):
                db.session.execute(text("UPDATE web.strategies SET name = 'x'"))
        finally:
            db.session.remove()
            enter_read_only(False)
            enter_tenant(None)


def test_it_ends_with_stop_with_time_and_with_the_staff_session(site: Site) -> None:
    who = Member(site, "support")
    for over in (
        lambda c: c.post("/admin/view-as/stop", data={"csrf_token": csrf(c, "/admin/")}),
        lambda c: site.owner.execute(
            "UPDATE web.view_as SET expires_at = now() WHERE staff_id = %s", (who.id,)
        ),
        lambda c: c.post("/admin/sign-out", data={"csrf_token": csrf(c, "/admin/")}),
    ):
        browser = looking(site, who)
        assert browser.get("/strategies").status_code == 200
        over(browser)
        # Never on as somebody else: first the look is over, then one signs in as oneself.
        assert browser.get("/strategies").location in (
            "/admin/view-as/",
            "/sign-in?next=/strategies?",
        )


@pytest.mark.parametrize("role", ["viewer", "billing"])
def test_it_ends_when_the_role_is_taken_away(site: Site, role: str) -> None:
    who = Member(site, "support")
    browser = looking(site, who)
    assert browser.get("/strategies").status_code == 200
    site.owner.execute("UPDATE web.staff SET role = %s WHERE id = %s", (role, who.id))
    assert browser.get("/strategies").location == "/admin/view-as/"
    # And the browser is not stuck with it.
    assert browser.get("/admin/view-as/").location == "/admin/"
    assert browser.get("/strategies").location == "/sign-in?next=/strategies?"


def test_it_is_for_the_browser_whose_staff_session_began_it(site: Site) -> None:
    who = Member(site, "support")
    taken = looking(site, who).get_cookie(viewing.COOKIE)
    assert taken is not None
    # Without a staff session, in another one of theirs, and in a colleague's.
    for client in (site.client(), sign_in(site, who), sign_in(site, Member(site, "owner"))):
        client.set_cookie(viewing.COOKIE, taken.value)
        assert client.get("/strategies").location == "/admin/view-as/"


def test_it_ends_where_its_staff_may_not_come_from(site: Site) -> None:
    who = Member(site, "support", networks=("127.0.0.0/8",))
    browser = looking(site, who)
    assert browser.get("/strategies").status_code == 200
    browser.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert browser.get("/strategies").location == "/admin/view-as/"


def test_a_quarter_of_an_hour_at_most(site: Site) -> None:
    looking(site)
    row = site.owner.execute("SELECT max(expires_at - began_at) FROM web.view_as").fetchone()
    assert row is not None
    assert row[0].total_seconds() <= 15 * 60


def test_staff_without_hands_on_may_not_look(site: Site) -> None:
    path = f"/admin/accounts/ten_{site.ours.tenant_id.hex}/view-as"
    for role in ("viewer", "billing"):
        answer = do(sign_in(site, Member(site, role)), path, person_id=person(site))
        assert answer.status_code == 403


def test_a_header_hides_no_page_from_the_customer(site: Site) -> None:
    client = looking(site, Member(site, "support"))
    before = opened(site)
    for _ in range(2):
        assert client.get("/orders", headers={"HX-Request": "true"}).status_code == 200
    assert opened(site) == before + 1


def opened(site: Site) -> int:
    row = site.owner.execute(
        "SELECT count(*) FROM web.audit_events WHERE action = 'view_as:open'"
    ).fetchone()
    assert row is not None
    return int(row[0])
