"""Nobody sees another tenant's rows: not by id, not by list, not by SQL."""

from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.site.conftest import Site, add_signal, add_trade, add_workspace, csrf

PAGES = (
    "/strategies/{strategy}",
    "/strategies/{strategy}/connector",
    "/strategies/{strategy}/webhook",
    "/signals/{signal}",
    "/trades/{trade}",
    "/subscriptions/{subscription}",
    "/halt/strategies/{strategy}/stop_all",
    "/halt/connections/{connection}/flatten",
    "/connections/{connection}",
)
POSTS = (
    "/strategies/{strategy}/enabled",
    "/strategies/{strategy}/connector",
    "/strategies/{strategy}/connector/token",
    "/strategies/{strategy}/connector/token/end-overlap",
    "/strategies/{strategy}/webhook",
    "/strategies/{strategy}/webhook/rotate",
    "/strategies/{strategy}/webhook/end-overlap",
    "/strategies/{strategy}/webhook/signing",
    "/strategies/{strategy}/test-signal",
    "/strategies/{strategy}/subscribe",
    "/subscriptions/{subscription}",
    "/subscriptions/{subscription}/enabled",
    "/halt/strategies/{strategy}/stop_all",
    "/halt/connections/{connection}/flatten",
    "/halt/limits/{connection}",
    "/connections/{connection}/game-day",
    "/connections/{connection}/game-day/end",
    "/connections/{connection}/model",
    "/connections/{connection}/feed",
    "/connections/{connection}/reset",
    "/alarms/{alarm}/acknowledge",
)
CALLS = (
    ("GET", "/strategies/{strategy}"),
    ("GET", "/signals/{signal}"),
    ("GET", "/trades/{trade}"),
    ("GET", "/subscriptions/{subscription}"),
    ("GET", "/connections/{connection}"),
    ("PATCH", "/strategies/{strategy}"),
    ("GET", "/strategies/{strategy}/webhook"),
    ("POST", "/strategies/{strategy}/webhook/rotate"),
    ("POST", "/strategies/{strategy}/webhook/end-overlap"),
    ("POST", "/strategies/{strategy}/webhook/signing"),
    ("POST", "/strategies/{strategy}/webhook/signing/end-overlap"),
    ("DELETE", "/strategies/{strategy}/webhook/signing"),
    ("PATCH", "/subscriptions/{subscription}"),
    ("POST", "/alarms/{alarm}/acknowledge"),
)
TABLES = (
    "members",
    "api_keys",
    "strategies",
    "strategy_webhooks",
    "strategy_intake",
    "connectors",
    "former_secrets",
    "connections",
    "subscriptions",
    "subscription_spans",
    "settings_versions",
    "signals",
    "refusals",
    "trades",
    "alarms",
    "orders",
    "fills",
    "positions",
    "switches",
    "position_changes",
    "tenant_changes",
    "changes",
    "audit_events",
)


def their(site: Site, path: str) -> str:
    kinds = ("strategy", "signal", "trade", "subscription", "connection", "alarm")
    return path.format(**{kind: site.theirs.shown(kind) for kind in kinds})


def test_every_route_with_an_id_is_tried_here(site: Site) -> None:
    tried = {path.partition("{")[0] for path in (*PAGES, *POSTS)} | {
        "/api/v1" + path.partition("{")[0] for _, path in CALLS
    }
    routed = {
        rule.rule.partition("<")[0]
        for rule in site.app.url_map.iter_rules()
        # Staff are of no tenant.
        if "<shown(" in rule.rule and not rule.rule.startswith("/admin/")
    }
    assert routed == tried


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_another_tenant_is_not_found(site: Site, path: str) -> None:
    assert site.signed_in(site.theirs).get(their(site, path)).status_code == 200
    assert site.signed_in(site.ours).get(their(site, path)).status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_nothing_can_be_posted_to_another_tenant(site: Site, path: str) -> None:
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    form = {"csrf_token": token, "enabled": "0", "action": "buy"}
    assert client.post(their(site, path), data=form).status_code == 404


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_api_does_not_know_another_tenants_ids(site: Site, method: str, path: str) -> None:
    status, problem = site.api(site.ours, method, their(site, path), enabled=False)
    assert (status, problem["code"]) == (404, "not_found")
    assert site.api(site.theirs, method, their(site, path))[0] == 200


def test_another_tenants_connection_cannot_be_subscribed(site: Site) -> None:
    status, _ = site.api(
        site.ours,
        "POST",
        "/subscriptions",
        strategy_id=site.ours.shown("strategy"),
        connection_id=site.theirs.shown("connection"),
    )
    assert status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/strategies",
        "/signals",
        "/orders",
        "/positions",
        "/connections",
        "/subscriptions",
        "/alarms",
    ],
)
def test_lists_hold_ones_own_rows_only(site: Site, path: str) -> None:
    _, listed = site.api(site.ours, "GET", path)
    assert listed["data"]
    for kind in ("strategy", "signal", "trade", "subscription", "connection"):
        assert site.theirs.shown(kind) not in str(listed)


@pytest.mark.parametrize("table", TABLES)
def test_the_web_role_sees_its_tenant_only_also_after_a_commit(site: Site, table: str) -> None:
    count = f"SELECT count(*) FROM web.{table} WHERE tenant_id = %s"
    with psycopg.connect(site.database.url("web")) as web:
        for _ in range(2):
            web.execute("SELECT set_config('app.tenant_id', %s, true)", (str(site.ours.tenant_id),))
            assert web.execute(count, (site.theirs.tenant_id,)).fetchone() == (0,)
            web.commit()
        # The transaction is over, and with it the tenant.
        assert web.execute(f"SELECT count(*) FROM web.{table}").fetchone() == (0,)


def test_the_web_role_cannot_write_into_another_tenant(site: Site) -> None:
    with psycopg.connect(site.database.url("web")) as web:
        web.execute("SELECT set_config('app.tenant_id', %s, true)", (str(site.ours.tenant_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(
                "INSERT INTO web.strategies (id, tenant_id, name, asset_class) "
                "VALUES (%s, %s, 'x', 'stocks')",
                (uuid4(), site.theirs.tenant_id),
            )


@pytest.mark.parametrize("role", ["web", "worker", "staff"])
@pytest.mark.parametrize("table", ["web.sessions", "execution.orders", "paper.arrivals"])
def test_no_role_reads_what_is_not_its_own(site: Site, role: str, table: str) -> None:
    with (
        psycopg.connect(site.database.url(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"SELECT * FROM {table}")


@pytest.mark.parametrize("role", ["execution", "paper"])
def test_the_other_programs_do_not_read_web(site: Site, role: str) -> None:
    with (
        psycopg.connect(site.database.url(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM web.trades")


def test_the_staff_role_reads_every_tenant_and_writes_none(site: Site) -> None:
    with psycopg.connect(site.database.url("staff")) as staff:
        found = staff.execute("SELECT DISTINCT tenant_id FROM web.trades").fetchall()
        assert {site.ours.tenant_id, site.theirs.tenant_id} <= {row[0] for row in found}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            staff.execute("UPDATE web.trades SET state = 'DONE'")


def test_a_follower_reads_its_trade_but_not_the_publishers_signal(site: Site) -> None:
    follower = add_workspace(site.owner, site.app, "follower")
    strategy = factories.strategy(site.owner, site.theirs.tenant_id)
    followed = factories.subscription(site.owner, strategy, follower.tenant_id)
    signal_id = add_signal(
        site.owner, tenant_id=site.theirs.tenant_id, strategy_id=strategy.id, seq=1
    )
    trade_id = add_trade(site.owner, followed, signal_id)
    shown, signal = f"/trades/trd_{trade_id.hex}", f"/signals/sig_{signal_id.hex}"

    status, trade = site.api(follower, "GET", shown)
    assert (status, trade["signal_id"]) == (200, f"sig_{signal_id.hex}")
    assert site.api(follower, "GET", signal)[0] == 404
    assert site.api(follower, "GET", f"/strategies/str_{strategy.id.hex}")[0] == 404
    assert site.api(site.theirs, "GET", shown)[0] == 404
    client = site.signed_in(follower)
    assert client.get(shown).status_code == 200
    assert client.get(signal).status_code == 404
    assert client.get(f"/subscriptions/sub_{followed.id.hex}").status_code == 200
    status, publisher = site.api(site.theirs, "GET", f"{signal}?expand=trades")
    assert (status, publisher["trades"]) == (200, [])
