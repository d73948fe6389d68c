"""What staff read: exports are whole, lists quick, and the role may nothing else."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.site.conftest import Site, csrf
from tests.site.staff_kit import Member, do, sign_in
from web.admin import rules
from web.admin.base import _csv

MANY = 2500


@pytest.fixture(scope="module")
def client(site: Site) -> FlaskClient:
    return sign_in(site, Member(site, "owner"))


@pytest.fixture(scope="module")
def many(site: Site) -> int:
    """More signals than a page or a part of an export holds."""
    site.owner.execute(
        "INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, body, "
        "body_hash, parsed, received_at, accepted_at, boot_id) "
        "SELECT gen_random_uuid(), tenant_id, strategy_id, 1000 + n, dialect, content_type, body, "
        "body_hash, parsed, now(), now() - n * interval '1 second', boot_id "
        "FROM web.signals, generate_series(1, %s) n WHERE id = %s",
        (MANY, site.ours.signal_id),
    )
    return MANY


def exported(client: FlaskClient, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text)))


def test_an_export_has_every_row_of_its_filter(site: Site, client: FlaskClient, many: int) -> None:
    account = f"ten_{site.ours.tenant_id.hex}"
    head, *rows = exported(client, f"/admin/signals/export/csv/?flt0_account_is={account}")
    assert len(rows) == many
    assert len({row[1] for row in rows}) == many
    assert head[:2] == ["Accepted", "Signal"]
    everything = exported(
        client, f"/admin/signals/export/csv/?window=all&flt0_account_is={account}"
    )
    assert len(everything) == 1 + many + 1
    others = exported(client, "/admin/signals/export/csv/?flt0_account_is=ten_" + uuid4().hex)
    assert len(others) == 1


@pytest.mark.parametrize("name", ["accounts", "trades", "orders", "connections", "refusals"])
def test_no_export_ends_after_its_header(site: Site, client: FlaskClient, name: str) -> None:
    table = "tenants" if name == "accounts" else name
    row = site.owner.execute(f"SELECT count(*) FROM web.{table}").fetchone()
    assert row is not None
    assert len(exported(client, f"/admin/{name}/export/csv/?window=all")) == 1 + row[0]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula(begin: str) -> None:
    assert _csv([f"{begin}1+1"]).lstrip('"').startswith("'")


def test_connections_are_found_by_why_their_broker_does_not_let_them_in(
    site: Site, client: FlaskClient
) -> None:
    site.owner.execute(
        "UPDATE web.connections SET state = 'needs_login', "
        """reported = '{"login": {"problem": "revoked", "text": "gone"}}' WHERE id = %s""",
        (site.theirs.connection_id,),
    )
    name = "flt4_not_let_in_for_is"
    for problem, found in (("revoked", 1), ("wrong_key", 0)):
        head, *rows = exported(client, f"/admin/connections/export/csv/?{name}={problem}")
        assert [row[head.index("Connection")] for row in rows] == (
            [site.theirs.shown("connection")] * found
        )
        assert [row[head.index("Not let in for")] for row in rows] == ["revoked"] * found
    assert "revoked" in client.get("/admin/connections/").text


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """What staff's role asks meanwhile, but for who asks."""
    from sqlalchemy import event

    from web.db import STAFF, db

    seen: list[str] = []
    with site.app.app_context():
        engine = db.engines[STAFF]

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
        seen[:] = [e for e in seen if "set_config" not in e and "staff_session" not in e]


def test_a_list_asks_as_much_of_many_rows_as_of_few(
    site: Site, client: FlaskClient, many: int
) -> None:
    with statements(site) as asked:
        page = client.get("/admin/signals/?page_size=200").text
    assert page.count("<tr>") == 201
    assert len(asked) == 2, asked
    assert not any("count(" in each.lower() for each in asked)


def test_a_list_looks_further_back_only_while_its_page_is_not_full(
    site: Site, client: FlaskClient, many: int
) -> None:
    ours, theirs = (f"ten_{each.tenant_id.hex}" for each in (site.ours, site.theirs))
    for window, account, looks in (("all", ours, 1), ("hour", theirs, 1), ("all", theirs, 5)):
        with statements(site) as asked:
            page = client.get(f"/admin/signals/?window={window}&flt0_account_is={account}").text
        assert sum("FROM web.signals" in each for each in asked) == looks
        # Theirs is of some days ago.
        assert (site.theirs.shown("signal") in page) == (looks == 5)


@pytest.mark.parametrize("role", rules.ROLES)
def test_each_role_opens_its_views_and_no_other(site: Site, role: str) -> None:
    client = sign_in(site, Member(site, role))
    lists = {
        rule.endpoint.partition(".")[0]: rule.rule
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint.endswith((".index", ".index_view")) and rule.rule.startswith("/admin/")
    }
    assert set(lists) == set(rules.VIEWS) - {"staff_view_as"}
    for view, path in lists.items():
        expected = 200 if rules.may_see(role, view) else 403
        assert client.get(path).status_code == expected, (role, view)


def test_nothing_under_admin_answers_a_stranger(site: Site) -> None:
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    for rule in site.app.url_map.iter_rules():
        if not rule.rule.startswith("/admin") or rule.endpoint.startswith("staff_entrance"):
            continue
        with site.app.test_request_context():
            values = {name: uuid4() if "_id" in name else "csv" for name in rule.arguments}
            path = rule.build(values, append_unknown=False)[1]  # type: ignore[index]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(path, method=method, data={"csrf_token": token})
            assert answer.status_code == 302, (path, method)
            assert answer.location.startswith("/admin/sign-in")


FORBIDDEN = (
    "UPDATE web.strategies SET name = 'x'",
    "UPDATE web.trades SET state = 'FILLED'",
    "UPDATE web.orders SET cum_qty = 0",
    "DELETE FROM web.signals",
    "DELETE FROM web.audit_events",
    "UPDATE web.staff SET role = 'owner'",
    "INSERT INTO web.staff (id, email, role) VALUES (gen_random_uuid(), 'a@b.c', 'owner')",
    "UPDATE web.staff_requests SET outcome = 'approved'",
    "SELECT secret_hash FROM web.strategy_webhooks",
    "SELECT secret_sealed FROM web.strategy_webhooks",
    "SELECT key_hash FROM web.api_keys",
    "SELECT password_hash FROM web.people",
    "SELECT password_hash FROM web.staff",
    "SELECT token_hash FROM web.sessions",
    "SELECT token_hash FROM web.staff_sessions",
    "SELECT body FROM web.mails",
    "SELECT * FROM web.recovery_codes",
    "SELECT * FROM web.privacy_keys",
    "SELECT * FROM execution.orders",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_role_may_not(site: Site, statement: str) -> None:
    with (
        psycopg.connect(site.database.url("staff"), autocommit=True) as staff,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        staff.execute(statement)


def test_the_role_sees_no_customers_second_factor_whoever_it_says_it_is(site: Site) -> None:
    row = site.owner.execute("SELECT id FROM web.people LIMIT 1").fetchone()
    assert row is not None
    site.owner.execute(
        "INSERT INTO web.totp (person_id, sealed, confirmed_at) VALUES (%s, 'x', now())", row
    )
    with psycopg.connect(site.database.url("staff")) as staff:
        staff.execute("SELECT set_config('app.person_id', %s, true)", (str(row[0]),))
        assert staff.execute("SELECT * FROM web.totp").fetchall() == []
    site.owner.execute("DELETE FROM web.totp WHERE person_id = %s", row)


def test_the_role_writes_events_in_its_own_name_only(site: Site) -> None:
    who = Member(site, "owner")
    insert = "INSERT INTO web.audit_events (actor, action, subject) VALUES (%s, 'x:y', 'z')"
    with psycopg.connect(site.database.url("staff")) as staff:
        staff.execute("SELECT set_config('app.person_id', %s, true)", (str(who.id),))
        with staff.transaction():
            staff.execute(insert, (f"staff:stf_{who.id.hex}",))
        for other in ("person:per_x", f"staff:stf_{uuid4().hex}", "system:operator"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), staff.transaction():
                staff.execute(insert, (other,))
        staff.rollback()


def test_who_is_bound_to_a_network_comes_from_there_only(site: Site) -> None:
    from tests.site.staff_kit import given_password

    elsewhere = given_password(site.client(), Member(site, "owner", networks=("192.0.2.0/24",)))
    assert elsewhere.status_code == 401
    assert sign_in(site, Member(site, "owner", networks=("127.0.0.0/8",)))


def test_half_an_hour_without_a_click_ends_the_session(site: Site) -> None:
    who = Member(site, "owner")
    client = sign_in(site, who)
    site.owner.execute(
        "UPDATE web.staff_sessions SET last_seen_at = now() - interval '31 minutes' "
        "WHERE staff_id = %s",
        (who.id,),
    )
    assert client.get("/admin/").status_code == 302


def test_limits_of_a_plan_hold_and_exceptions_lift_them(site: Site, client: FlaskClient) -> None:
    account = f"/admin/accounts/ten_{site.theirs.tenant_id.hex}"
    do(client, f"{account}/plan", plan="starter")
    made = [site.api(site.theirs, "POST", "/strategies", name=f"S{n}")[0] for n in range(3)]
    assert made == [201, 201, 403]
    told = site.api(site.theirs, "POST", "/strategies", name="S4")[1]
    assert told["code"] == "plan_limit"
    do(client, f"{account}/override", key="strategies", value="4", days="7")
    assert site.api(site.theirs, "POST", "/strategies", name="S5")[0] == 201
    site.owner.execute("UPDATE web.entitlements SET until = now()")
    assert site.api(site.theirs, "POST", "/strategies", name="S6")[0] == 403
    preview = client.get("/admin/plans/?plan=starter&key=strategies&value=1").text
    assert "1 workspaces are on starter" in preview
    assert "1 of them" in preview


def test_a_flag_holds_for_whom_it_names_until_it_expires(site: Site, client: FlaskClient) -> None:
    from web import flags
    from web.db import tenant_scope

    def seen(workspace: object) -> bool:
        with site.app.app_context(), tenant_scope(workspace.tenant_id):  # type: ignore[attr-defined]
            return flags.is_on("game_days")

    form = {"days": "3", "owner": "ann"}
    ours = f"ten_{site.ours.tenant_id.hex}"
    do(client, "/admin/flags/game_days", mode="accounts", accounts=ours, **form)
    assert (seen(site.ours), seen(site.theirs)) == (True, False)
    do(client, "/admin/flags/game_days", mode="percent", percent="100", **form)
    assert (seen(site.ours), seen(site.theirs)) == (True, True)
    do(client, "/admin/flags/game_days", mode="off", **form)
    assert (seen(site.ours), seen(site.theirs)) == (False, False)
    site.owner.execute("UPDATE web.flags SET expires_at = now()")
    assert seen(site.ours)
    do(client, "/admin/flags/sign_up", mode="off", **form)
    stranger = site.client()
    data = {"email": "x@y.test", "password": "x" * 20, "csrf_token": csrf(stranger, "/signup")}
    assert stranger.post("/signup", data=data).status_code == 403
    site.owner.execute("DELETE FROM web.flags")


def test_customers_of_a_broker_read_its_banner(site: Site, client: FlaskClient) -> None:
    do(client, "/admin/brokers/paper/notice", level="down", message="Asleep <b>", hours="1")
    page = site.signed_in(site.ours).get("/signals").text
    assert "Asleep &lt;b&gt;" in page
    do(client, "/admin/brokers/paper/notice/end")
    assert "Asleep" not in site.signed_in(site.ours).get("/signals").text


def test_a_replaced_secret_opens_nothing_and_a_limit_holds(site: Site, client: FlaskClient) -> None:
    strategy = site.theirs.shown("strategy")
    _, before = site.api(site.theirs, "GET", f"/strategies/{strategy}")
    do(client, f"/admin/abuse/{strategy}/rotate")
    _, after = site.api(site.theirs, "GET", f"/strategies/{strategy}")
    assert before["webhook_url"] != after["webhook_url"]
    body = {"ticker": "AAPL", "action": "buy"}
    for shown, expected in ((before, 400), (after, 200)):
        path = shown["webhook_url"].removeprefix("http://localhost")
        answer = site.client().post(path, json=body)
        assert answer.status_code == expected, answer.text
    do(client, f"/admin/abuse/{strategy}/throttle", per_minute="1", per_hour="1")
    path = after["webhook_url"].removeprefix("http://localhost")
    assert site.client().post(path, json=body | {"quantity": 2}).status_code == 429


def test_a_suspended_workspace_looks_and_closes_only(site: Site) -> None:
    site.owner.execute(
        "UPDATE web.tenants SET suspended_at = now() WHERE id = %s", (site.ours.tenant_id,)
    )
    try:
        browser = site.signed_in(site.ours)
        assert browser.get("/strategies").status_code == 200
        status, told = site.api(site.ours, "POST", "/strategies", name="More")
        assert (status, told["code"]) == (403, "suspended")
        assert site.api(site.ours, "GET", "/strategies")[0] == 200
        token = csrf(browser, "/strategies")
        form = {"csrf_token": token, "name": "More", "asset_class": "stocks"}
        assert browser.post("/strategies/new", data=form).status_code == 403
        closing = {"connection_id": site.ours.shown("connection"), "instrument": "AAPL"}
        assert site.api(site.ours, "POST", "/positions/close", **closing)[0] != 403
        # An exit that waits for a word is no prisoner.
        for verb in ("approve", "reject", "cancel"):
            path = f"/trades/{site.ours.shown('trade')}/{verb}"
            assert site.api(site.ours, "POST", path)[1].get("code") != "suspended"
            assert "is suspended" not in browser.post(path, data={"csrf_token": token}).text
    finally:
        site.owner.execute("UPDATE web.tenants SET suspended_at = NULL")


def test_what_customers_quote_is_found(site: Site, client: FlaskClient) -> None:
    row = site.owner.execute(
        "SELECT o.cl_ord_id, w.webhook_uuid FROM web.orders o, web.strategy_webhooks w "
        "WHERE o.trade_id = %s AND w.strategy_id = %s",
        (site.ours.trade_id, site.ours.strategy_id),
    ).fetchone()
    assert row is not None
    cl_ord_id, webhook = row
    site.owner.execute(
        "UPDATE web.orders SET broker_order_id = 'B-4711', created_at = now() WHERE cl_ord_id = %s",
        (cl_ord_id,),
    )
    account = f"/admin/accounts/ten_{site.ours.tenant_id.hex}"
    trade = f"/admin/trades/{site.ours.shown('trade')}"
    signal = f"/admin/signals/{site.ours.shown('signal')}"
    for asked, expected in {
        site.ours.email.upper(): account,
        str(webhook)[:8]: account,
        str(webhook): account,
        f"http://localhost/trading/webhook/{webhook}/abc": account,
        f"http://localhost/signals/{site.ours.shown('signal')}?x=1": signal,
        site.ours.signal_id.hex: signal,
        cl_ord_id: trade,
        "B-4711": trade,
        site.ours.shown("strategy"): account,
        site.ours.shown("subscription"): account,
        site.ours.shown("connection"): f"/admin/connections/{site.ours.shown('connection')}",
        f"ten_{site.ours.tenant_id.hex}": account,
        site.ours.key: account,
    }.items():
        answer = client.get("/admin/", query_string={"q": asked})
        assert answer.status_code == 302, (asked, answer.status_code)
        assert answer.location.partition("#")[0] == expected, asked
    for nothing in ("", "nobody@nowhere.test", "sig_" + "0" * 32, "' OR 1=1 --", "%", "_"):
        answer = client.get("/admin/", query_string={"q": nothing})
        assert answer.status_code == 200, nothing
