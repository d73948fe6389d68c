"""API keys at each route: by role, by scope, by their maker; and test keys beside live money."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.site.conftest import Site, Workspace, add_workspace
from tests.site.roles_kit import add_member
from tests.site.test_roles import path, routes
from web.accounts import passwords
from web.accounts.access import Field
from web.accounts.rules import KEY_ROLES, SCOPES, may
from web.api import auth, paper


def person_of(site: Site, email: str) -> UUID:
    row = site.owner.execute("SELECT id FROM web.people WHERE email = %s", (email,)).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def add_key(site: Site, of: Workspace, mode: str = "live", **more: Any) -> str:
    """A key of the workspace, made by its owner where nothing else is said."""
    key = f"fw_{mode}_{passwords.new_token()}"
    row = {"role": "admin", "scopes": [], "networks": [], "expires_at": None, **more}
    row |= {"maker": more.get("maker") or person_of(site, of.email)}
    row |= {"id": uuid4(), "tenant": of.tenant_id, "mode": mode, "hash": passwords.hash_token(key)}
    site.owner.execute(
        "INSERT INTO web.api_keys (id, tenant_id, name, prefix, key_hash, mode, role, scopes, "
        "networks, expires_at, created_by) VALUES (%(id)s, %(tenant)s, 'k', 'fw', %(hash)s, "
        "%(mode)s, %(role)s, %(scopes)s, %(networks)s::cidr[], %(expires_at)s, %(maker)s)",
        row,
    )
    return key


def call(site: Site, key: str, method: str, where: str, /, **json: Any) -> tuple[int, str]:
    """The status, and the code of a problem."""
    answer = site.client().open(
        where, method=method, headers={"Authorization": f"Bearer {key}"}, json=json
    )
    body = answer.get_json(silent=True)
    return answer.status_code, body.get("code", "") if isinstance(body, dict) else ""


def refused_routes(site: Site, key: str) -> set[tuple[str, str]]:
    """The routes at which a key's role is not enough."""
    return {
        (route.rule.endpoint, route.method)
        for route in routes(site.app)
        if route.rule.endpoint.startswith("api.")
        if call(site, key, route.method, path(site.app, route.rule)) == (403, "not_allowed")
    }


def not_for(site: Site, allows: Callable[[str], bool]) -> set[tuple[str, str]]:
    """The routes that declare something which is not allowed."""
    return {
        (route.rule.endpoint, route.method)
        for route in routes(site.app)
        if route.rule.endpoint.startswith("api.") and not allows(route.declared.permission)
    }


@pytest.mark.parametrize("role", KEY_ROLES)
def test_a_key_is_let_in_exactly_where_its_role_is(site: Site, role: str) -> None:
    key = add_key(site, site.ours, role=role)
    assert refused_routes(site, key) == not_for(site, lambda needed: may(role, needed))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_with_scopes_does_only_these(site: Site, scope: str) -> None:
    key = add_key(site, site.ours, scopes=[scope])
    assert refused_routes(site, key) == not_for(site, lambda needed: needed == scope)


@pytest.mark.parametrize("role", KEY_ROLES)
def test_a_key_does_no_more_than_its_maker_may_now(site: Site, role: str) -> None:
    maker = person_of(site, add_member(site, "admin"))
    key = add_key(site, site.ours, maker=maker)
    assert refused_routes(site, key) == set()
    site.owner.execute("UPDATE web.members SET role = %s WHERE person_id = %s", (role, maker))
    assert refused_routes(site, key) == not_for(site, lambda needed: may(role, needed))
    site.owner.execute("DELETE FROM web.members WHERE person_id = %s", (maker,))
    assert call(site, key, "GET", "/api/v1/strategies") == (401, "unauthorized")


@pytest.mark.parametrize("role", KEY_ROLES)
def test_fields_of_calls_need_what_they_declare(site: Site, role: str) -> None:
    key = add_key(site, site.ours, role=role)
    tried = 0
    for route in routes(site.app):
        if not route.rule.endpoint.startswith("api."):
            continue
        for field in route.declared.fields:
            if isinstance(field, Field) and may(role, route.declared.permission):
                where = path(site.app, route.rule)
                answer = call(site, key, route.method, where, **{field.name: None})
                refused = answer == (403, "not_allowed")
                assert refused != may(role, field.permission), (route.rule.endpoint, field.name)
                tried += 1
    assert tried >= 3


def test_a_refusal_names_the_field_and_the_roles(site: Site) -> None:
    answer = site.client().patch(
        f"/api/v1/strategies/{site.ours.shown('strategy')}",
        headers={"Authorization": f"Bearer {add_key(site, site.ours, role='publisher')}"},
        json={"enabled": False},
    )
    assert answer.status_code == 403
    problem = answer.json
    assert problem is not None
    assert (problem["param"], problem["needs"]) == ("enabled", "trade")
    assert problem["roles"] == ["owner", "admin", "trader"]


@pytest.mark.parametrize("role", KEY_ROLES)
def test_the_webhook_url_is_given_to_those_who_may_trade(site: Site, role: str) -> None:
    headers = {"Authorization": f"Bearer {add_key(site, site.ours, role=role)}"}
    for where in ("/api/v1/strategies", f"/api/v1/strategies/{site.ours.shown('strategy')}"):
        answer = site.client().get(where, headers=headers)
        assert answer.status_code == 200
        assert ("/trading/webhook/" in answer.text) == may(role, "trade")


# A way to ask each writing route of the API for something that is there.
TRADE, STRATEGY = "/trades/{trade}", "/strategies/{strategy}"
SUBSCRIPTION = "/subscriptions/{subscription}"
NAMED = {"connection_id": "{connection}", "strategy_id": "{strategy}"}
TOUCHED: dict[str, tuple[str, dict[str, Any]]] = {
    "api.change_strategy": (STRATEGY, {"name": "Other"}),
    "api.save_connector": (f"{STRATEGY}/connector", {}),
    "api.create_subscription": ("/subscriptions", NAMED),
    "api.change_subscription": (SUBSCRIPTION, {"enabled": False}),
    "api.approve_trade": (f"{TRADE}/approve", {}),
    "api.reject_trade": (f"{TRADE}/reject", {}),
    "api.cancel_trade": (f"{TRADE}/cancel", {}),
    "api.close_position": ("/positions/close", {**NAMED, "instrument": "AAPL", "key": "x"}),
    "api.check_trade": (f"{TRADE}/check", {}),
    "api.declare_trade": (f"{TRADE}/declare", {"order": "absent"}),
    "api.acknowledge_alarm": ("/alarms/{alarm}/acknowledge", {}),
    "api.change_subscription_settings": (f"{SUBSCRIPTION}/settings", {"settings": {}}),
    "api.change_strategy_settings": (f"{STRATEGY}/settings", {"settings": {}}),
    "api.set_switch": ("/switches", {"scope": "tenant", "mode": "nonsense"}),
    "api.set_limits": ("/limits", NAMED),
    "api.read_webhook": (f"{STRATEGY}/webhook", {}),
    "api.change_webhook": (f"{STRATEGY}/webhook", {}),
    "api.rotate_webhook": (f"{STRATEGY}/webhook/rotate", {}),
    "api.end_webhook_overlap": (f"{STRATEGY}/webhook/end-overlap", {}),
    "api.sign_webhook": (f"{STRATEGY}/webhook/signing", {}),
    "api.stop_signing_webhook": (f"{STRATEGY}/webhook/signing", {}),
    "api.end_signing_overlap": (f"{STRATEGY}/webhook/signing/end-overlap", {}),
    "api.draw_connector_token": (f"{STRATEGY}/connector/token", {}),
    "api.end_connector_overlap": (f"{STRATEGY}/connector/token/end-overlap", {}),
}
KINDS = ("strategy", "subscription", "connection", "trade", "alarm")


@pytest.fixture(scope="module")
def live(site: Site) -> Workspace:
    """A workspace that trades live money."""
    made = add_workspace(site.owner, site.app, "live")
    for table, column, value in (
        ("connections", "id", made.connection_id),
        ("trades", "id", made.trade_id),
    ):
        site.owner.execute(f"UPDATE web.{table} SET mode = 'live' WHERE {column} = %s", (value,))
    return made


def ask(site: Site, of: Workspace, key: str, endpoint: str) -> tuple[int, str]:
    """Use the route on what this workspace has."""
    shown = {kind: of.shown(kind) for kind in KINDS}
    where, given = TOUCHED[endpoint]
    body = {n: v.format(**shown) if isinstance(v, str) else v for n, v in given.items()}
    [method] = {r.method for r in routes(site.app) if r.rule.endpoint == endpoint}
    return call(site, key, method, f"/api/v1{where.format(**shown)}", **body)


def test_every_route_that_touches_something_is_asked_for_here(site: Site) -> None:
    auth.check(site.app)
    said = {name: auth.touched(view) for name, view in site.app.view_functions.items()}
    assert set(TOUCHED) == {n for n, what in said.items() if what and what is not paper.nothing}


@pytest.mark.parametrize("endpoint", TOUCHED)
def test_a_test_key_touches_no_live_money(site: Site, live: Workspace, endpoint: str) -> None:
    key = add_key(site, live, "test")
    assert ask(site, live, key, endpoint) == (403, "test_key")


@pytest.mark.parametrize("endpoint", TOUCHED)
def test_a_live_key_is_not_kept_from_live_money(site: Site, live: Workspace, endpoint: str) -> None:
    if endpoint in ("api.change_subscription", "api.rotate_webhook"):
        pytest.skip("changes what the other cases go by")
    assert ask(site, live, add_key(site, live), endpoint)[1] != "test_key"


@pytest.mark.parametrize("endpoint", TOUCHED)
def test_a_test_key_goes_on_where_only_paper_is(site: Site, endpoint: str) -> None:
    assert ask(site, site.theirs, add_key(site, site.theirs, "test"), endpoint)[1] != "test_key"


@pytest.mark.parametrize(
    ("scope", "named"), [("strategy", "{strategy}"), ("connection", "{connection}")]
)
def test_switches_of_live_strategies_and_connections_are_live(
    site: Site, live: Workspace, scope: str, named: str
) -> None:
    shown = named.format(strategy=live.shown("strategy"), connection=live.shown("connection"))
    given = {"scope": scope, "id": shown, "mode": "stop_all"}
    key = add_key(site, live, "test")
    assert call(site, key, "POST", "/api/v1/switches", **given) == (403, "test_key")


def test_a_test_key_does_not_learn_a_webhook_that_trades_live(site: Site, live: Workspace) -> None:
    for of, mode, shown in ((live, "test", False), (live, "live", True), (site.ours, "test", True)):
        headers = {"Authorization": f"Bearer {add_key(site, of, mode)}"}
        for where in ("", f"/{of.shown('strategy')}"):
            answer = site.client().get(f"/api/v1/strategies{where}", headers=headers)
            assert ("/trading/webhook/" in answer.text) == shown


def test_enabling_live_by_a_key_needs_the_second_factor_of_its_maker(
    site: Site, live: Workspace
) -> None:
    where = f"/api/v1/subscriptions/{live.shown('subscription')}"
    given = {"enabled": True, "accept_foreign": True}
    key, maker = add_key(site, live), person_of(site, live.email)
    assert call(site, key, "PATCH", where, enabled=False) == (200, "")
    assert call(site, key, "PATCH", where, **given) == (403, "second_factor_needed")
    site.owner.execute(
        "INSERT INTO web.totp (person_id, sealed, confirmed_at) VALUES (%s, '', now())", (maker,)
    )
    site.owner.execute("UPDATE web.people SET confirmed_at = NULL WHERE id = %s", (maker,))
    assert call(site, key, "PATCH", where, **given) == (403, "confirmed_address_needed")
    site.owner.execute("UPDATE web.people SET confirmed_at = now() WHERE id = %s", (maker,))
    assert call(site, key, "PATCH", where, **given) == (200, "")
