"""Each role at each route: let in or refused, exactly as the route declares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from tests.site.conftest import Site, csrf
from tests.site.roles_kit import add_member, browsers
from web import roles_reference as reference
from web.accounts import access
from web.accounts.access import Declared, Field, Shown, Undeclared
from web.accounts.rules import ROLES, WORDS, Permission, may

__all__ = ["browsers"]

NOBODYS = {Permission.PUBLIC, Permission.ACCOUNT}
# What a field's `when` looks at, for those that are not simply sent: path values and form.
ASKED: dict[tuple[str, str], Callable[[Site], tuple[dict[str, Any], dict[str, str]]]] = {
    ("trades.decide", "verb"): lambda site: ({"verb": "declare_absent"}, {}),
    ("tester.ask", "do"): lambda site: ({}, {"do": "send"}),
    ("members.invite", "role"): lambda site: ({}, {"role": "owner"}),
    ("members.change_role", "role"): lambda site: ({}, {"role": "owner"}),
    ("members.remove", "owner"): lambda site: ({"person_id": person(site, "owner")}, {}),
}


@dataclass(frozen=True)
class Route:
    """One way in: a rule of the map, one of its methods, and what stands beside it."""

    rule: Rule
    method: str
    declared: Declared


def person(site: Site, role: str) -> UUID:
    """Somebody new with this role."""
    row = site.owner.execute(
        "SELECT id FROM web.people WHERE email = %s", (add_member(site, role),)
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def routes(app: Flask) -> Iterator[Route]:
    """Every way in that we guard."""
    for rule in app.url_map.iter_rules():
        said = access.declared(app.view_functions[rule.endpoint])
        if said is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(rule, method, said)


def path(app: Flask, rule: Rule, **chosen: Any) -> str:
    """A path of things that are not there, so that whoever is let in changes nothing."""

    def value(name: str) -> Any:
        converter = rule._converters[name]
        if name in chosen:
            return chosen[name]
        if isinstance(converter, AnyConverter):
            return min(converter.items)
        if isinstance(converter, UUIDConverter) or hasattr(converter, "_kind"):
            return uuid4()
        return "nothing"

    with app.test_request_context():
        built = rule.build({name: value(name) for name in rule.arguments}, append_unknown=False)
    assert built is not None
    return str(built[1])


def test_every_route_declares_whom_it_is_for(site: Site) -> None:
    access.check(site.app)
    assert sum(1 for _ in routes(site.app)) > 130


def test_a_route_that_declares_nothing_keeps_us_from_starting() -> None:
    app = Flask(__name__)
    app.add_url_rule("/forgotten", "forgotten", lambda: "")
    with pytest.raises(Undeclared, match="forgotten"):
        access.check(app)


@pytest.mark.parametrize("role", ROLES)
def test_pages_let_in_whom_they_declare_and_nobody_else(
    site: Site, browsers: dict[str, FlaskClient], role: str
) -> None:
    token = csrf(browsers[role], "/account/security")
    wrong = []
    for route in routes(site.app):
        if route.rule.endpoint.startswith("api.") or route.declared.permission in NOBODYS:
            continue
        answer = browsers[role].open(
            path(site.app, route.rule), method=route.method, data={"csrf_token": token}
        )
        refused = answer.status_code == 403 and "not_allowed" in answer.text
        if refused == may(role, route.declared.permission):
            wrong.append((route.rule.endpoint, answer.status_code))
    assert wrong == []


def test_pages_for_members_send_strangers_to_the_way_in(site: Site) -> None:
    client = site.client()
    token = csrf(client, "/sign-in")
    for route in routes(site.app):
        if route.rule.endpoint.startswith("api.") or route.declared.permission == "public":
            continue
        answer = client.open(
            path(site.app, route.rule), method=route.method, data={"csrf_token": token}
        )
        assert answer.status_code == 302, route.rule.endpoint
        assert answer.headers["Location"].startswith("/sign-in"), route.rule.endpoint


@pytest.mark.parametrize("role", ROLES)
def test_fields_of_forms_need_what_they_declare(
    site: Site, browsers: dict[str, FlaskClient], role: str
) -> None:
    token = csrf(browsers[role], "/account/security")
    for route in routes(site.app):
        if route.rule.endpoint.startswith("api."):
            continue
        for field in route.declared.fields:
            if isinstance(field, Shown) or not may(role, route.declared.permission):
                continue
            name = route.rule.endpoint, field.name
            values, form = ASKED[name](site) if field.when else ({}, {})
            sent = form or {field.name: "x"}
            answer = browsers[role].open(
                path(site.app, route.rule, **values),
                method=route.method,
                data={"csrf_token": token, **sent},
            )
            refused = answer.status_code == 403 and "not_allowed" in answer.text
            assert refused != may(role, field.permission), (route.rule.endpoint, field.name)


def test_every_field_that_looks_closer_is_asked_for_here(site: Site) -> None:
    declared = {
        (route.rule.endpoint, field.name)
        for route in routes(site.app)
        for field in route.declared.fields
        if isinstance(field, Field) and field.when
    }
    assert declared == set(ASKED)


def test_a_refusal_says_what_is_needed_and_whom_to_ask(
    browsers: dict[str, FlaskClient], site: Site
) -> None:
    form = {"csrf_token": csrf(browsers["viewer"], "/account/security")}
    page = browsers["viewer"].post("/positions/close", data=form)
    assert page.status_code == 403
    for said in ("viewer", "owners, admins and traders", "Ask an owner or admin", "not_allowed"):
        assert said in page.text


@pytest.mark.parametrize("role", ROLES)
def test_the_webhook_url_is_shown_to_those_who_may_trade(
    site: Site, browsers: dict[str, FlaskClient], role: str
) -> None:
    page = browsers[role].get(f"/strategies/{site.ours.shown('strategy')}")
    assert page.status_code == 200
    assert ("/trading/webhook/" in page.text) == may(role, "trade")


@pytest.mark.parametrize("role", ROLES)
def test_no_page_offers_a_button_that_its_reader_may_not_press(
    site: Site, browsers: dict[str, FlaskClient], role: str
) -> None:
    shown = {kind: site.ours.shown(kind) for kind in ("strategy", "subscription", "connection")}
    pages = [
        *("/strategies", "/approvals", "/alarms", "/positions", "/connections", "/halt"),
        f"/strategies/{shown['strategy']}",
        f"/subscriptions/{shown['subscription']}",
        f"/strategies/{shown['strategy']}/settings",
        f"/connections/{shown['connection']}",
    ]
    adapter = site.app.url_map.bind("localhost")
    for each in pages:
        for action, method in offered(browsers[role].get(each).text, each):
            endpoint, _ = adapter.match(action, method=method)
            said = access.declared(site.app.view_functions[endpoint])
            assert said is not None
            assert may(role, said.permission), (each, action)


def offered(page: str, here: str) -> Iterator[tuple[str, str]]:
    """Where the links and the forms with a button of a page lead."""
    found: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        form: tuple[str, str] | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            said = {name: value or "" for name, value in attrs}
            if tag == "form":
                self.form = (said.get("action", here), said.get("method", "get").upper())
            elif tag == "button" and self.form and said.get("type") != "button":
                found.append((said.get("formaction", self.form[0]), self.form[1]))
            elif tag == "a" and said.get("href", "").startswith("/"):
                found.append((said["href"], "GET"))

        def handle_endtag(self, tag: str) -> None:
            if tag == "form":
                self.form = None

    Reader().feed(page)
    for action, method in found:
        yield action.partition("#")[0].partition("?")[0], method


def test_what_each_permission_allows_is_in_words() -> None:
    assert set(WORDS) == set(Permission)


def test_the_page_of_roles_is_what_the_routes_declare(site: Site) -> None:
    kept = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()
    assert kept == reference.draw(site.app)
