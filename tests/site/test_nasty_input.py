"""Whatever somebody sends to any route, it is refused or taken; it never breaks us (500)."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.isolation import walks
from tests.isolation.conftest import far, two, walker
from tests.isolation.walking import Asked, Walker, positions_of
from tests.isolation.walks import WALKS, Walk
from tests.isolation.world import World
from tests.site import nasty_kit as nasty
from tests.site.conftest import Site, csrf
from tests.site.crawl_kit import ways
from tests.site.nasty_kit import Fields
from tests.site.staff_kit import REASON, Execution, Member, sign_in
from tests.site.test_staff_audited import DEEDS, execution, ready

__all__ = ["execution", "far", "two", "walker"]

# Requests with bad fields for one way to ask a route: some read a hundred fields.
MOST = 25
# Each deed of staff's wants people and things of its own, which takes long to make.
MOST_OF_DEED = 12
# Headers are read before the route is known, but for these.
HEADED = ("api.list_signals", "changes.changes", "passkeys.sign_in", "strategies.create")


@pytest.fixture(scope="module")
def fields(site: Site) -> Fields:
    return Fields(site.app)


@pytest.fixture(scope="module")
def staff(site: Site) -> FlaskClient:
    return sign_in(site, Member(site, "owner"))


def broke(answers: Iterable[tuple[Any, TestResponse]]) -> list[str]:
    """Which of them were not what a page or an API says of bad input."""
    return [
        f"{ascii(what)[:120]}: {answer.status_code}"
        for what, answer in answers
        if answer.status_code >= 500 and answer.status_code != 503
    ]


@pytest.mark.parametrize("endpoint", sorted(WALKS))
def test_no_input_breaks_a_route(
    site: Site, two: World, walker: Walker, fields: Fields, endpoint: str
) -> None:
    rules = [rule for rule in site.app.url_map.iter_rules() if rule.endpoint == endpoint]
    found = []
    for rule in rules:
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for walk in walks.of(endpoint)[:2]:
                found += broke(_all(two, walker, fields, rule, method, walk))
    assert found == []


def _all(
    two: World, walker: Walker, fields: Fields, rule: Rule, method: str, walk: Walk
) -> Iterator[tuple[Any, TestResponse]]:
    def fresh() -> Asked:
        ours = {each: two.id(each.kind, "ours") for each in positions_of(rule, walk)}
        return deepcopy(walker.request(rule, method, walk, ours))

    asked = fresh()
    fields.taken()
    yield "as it should be", walker.send(asked)
    for name, value in nasty.pairs(fields.taken(), nasty.TEXTS, MOST):
        sent = fresh()
        (sent.query if method == "GET" else sent.form)[name] = value
        yield (name, value), walker.send(sent)
    if asked.json is not None and method != "GET":
        for name, value in nasty.pairs(list(asked.json), nasty.TEXTS + nasty.VALUES, MOST):
            sent = fresh()
            sent.json[name] = value
            yield (name, value), walker.send(sent)
    if method != "GET":
        for body, kind in nasty.BODIES[0 if asked.json is not None else -3 :]:
            yield body[:40], walker.send(replace(fresh(), raw=(body, kind)))
    for number, piece in enumerate(rule.arguments):
        for value in nasty.PIECES:
            sent = fresh()
            parts = sent.path.split("/")
            sent.path = "/".join([*parts[: -1 - number], value, *parts[len(parts) - number :]])
            yield (piece, value), walker.send(sent)
    for name, value in nasty.HEADERS.items() if rule.endpoint in HEADED else ():
        yield (name, value), walker.send(replace(fresh(), headers={name: value}))


def _filters(site: Site, endpoint: str) -> list[str]:
    """What Flask-Admin's lists read by iterating, so that no name can be watched."""
    (admin,) = site.app.extensions["admin"]
    view = next(
        (each for each in admin._views if each.endpoint == endpoint.partition(".")[0]), None
    )
    return [f"flt0_{name}" for name in getattr(view, "_filter_args", None) or ()] + ["flt", "flt_0"]


@pytest.mark.parametrize("part", range(4))
def test_no_input_breaks_a_list_of_staffs(
    site: Site, fields: Fields, staff: FlaskClient, part: int
) -> None:
    asks = [way for way in ways(site) if way.method == "GET" and way.path.startswith("/admin")]
    found = []
    for way in asks[part::4]:
        fields.taken()
        answers = [("as it should be", staff.get(way.path))]
        names = [*fields.taken(), *_filters(site, way.endpoint)]
        answers += [
            (f"{way.path} {name} {value!r}", staff.get(way.path, query_string={name: value}))
            for name, value in nasty.pairs(names, nasty.TEXTS, MOST)
        ]
        answers += [
            (f"{way.path}/{piece}", staff.get(f"{way.path.rpartition('/')[0]}/{piece}"))
            for piece in nasty.PIECES
        ]
        found += broke(answers)
    assert found == []


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_no_input_breaks_a_deed_of_staffs(
    site: Site, execution: Execution, fields: Fields, staff: FlaskClient, name: str
) -> None:
    token = csrf(staff, "/admin/")
    sent = {"csrf_token": token, "reason": REASON, "confirmed": "1"}

    def post(**given: Any) -> TestResponse:
        path, form = ready(site, DEEDS[name])
        return staff.post(path, data=sent | form | given)

    fields.taken()
    answers: list[tuple[Any, TestResponse]] = [("as it should be", post())]
    names = ["reason", *fields.taken()]
    answers += [
        ((field, value), post(**{field: value}))
        for field, value in nasty.pairs(names, nasty.TEXTS, MOST_OF_DEED)
    ]
    assert broke(answers) == []


def test_no_input_breaks_the_road_of_webhooks(site: Site) -> None:
    client = site.client()
    roads = ["/trading-signal/webhook", f"/trading/webhook/{site.ours.strategy_id}/x"]
    answers: list[tuple[Any, TestResponse]] = [
        (body[:40], client.post(road, data=body, content_type=kind, query_string={"a": "\0"}))
        for road in roads
        for body, kind in nasty.BODIES
    ]
    answers += [
        ((road, piece), client.post(f"{road.rpartition('/')[0]}/{piece}", json={"ticker": "A"}))
        for road in roads
        for piece in nasty.PIECES
    ]
    answers += [
        ((name, value), client.post(roads[0], json={}, headers={name: value}))
        for name, value in nasty.HEADERS.items()
    ]
    assert broke(answers) == []
