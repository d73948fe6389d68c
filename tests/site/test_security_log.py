"""Security in the log: who came in how, who was refused where. Ids and routes, no more."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from protos import log
from tests.site.conftest import Site, csrf
from tests.site.people_kit import Person


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile, as it gets out."""
    with capture_logs(processors=[log.only_listed]) as told:
        yield told  # type: ignore[misc]


def test_ways_in_are_logged_with_how_and_how_it_ended(
    site: Site, lines: list[dict[str, Any]]
) -> None:
    person = Person(site).sign_up().confirm().enrol_totp()
    person.client = person.browser()
    person.sign_in(password="wrong wrong wrong")
    person.sign_in()
    person.post("/sign-in/second", code="000000")
    person.post("/sign-in/second", code=person.code(1))
    Person(site).sign_in()
    ways = [(each["method"], each["outcome"]) for each in lines if each["event"] == "sign_in"]
    for way in (
        ("password", "wrong"),
        ("password", "half"),
        ("second factor", "wrong"),
        ("password", "nobody"),
    ):
        assert way in ways
    assert any(outcome == "ok" for _, outcome in ways)
    assert person.email not in str(lines)
    assert person.address not in str(lines)


def test_refusals_are_logged_with_route_and_code(site: Site, lines: list[dict[str, Any]]) -> None:
    client = site.signed_in(site.ours)
    path = f"/strategies/{site.ours.shown('strategy')}/enabled"
    client.post(path, data={"enabled": "1"})
    token = csrf(client, "/connections")
    client.post(path, data={"csrf_token": token}, headers={"Origin": "https://evil.example"})
    client.get("/strategies", headers={"Host": "evil.example"})
    site.client().get("/api/v1/strategies")
    site.client().post("/trading/webhook/nobody/knows", data="{}")
    stranger = Person(site)
    for _ in range(12):
        stranger.sign_in(password="wrong wrong wrong")
    told = {each["event"]: each for each in lines}
    assert told["form_refused"]["route"].endswith("/enabled")
    assert told["origin_refused"]["method"] == "POST"
    assert told["host_refused"]["route"] == "/strategies"
    assert told["webhook_refused"]["code"] == "not-found"
    assert told["too_many_tries"]["seconds"] > 0
    refused = {each["code"] for each in lines if each["event"] == "request_refused"}
    assert {"another_site", "misdirected_request", "unauthorized"} <= refused
    assert "evil.example" not in str(lines)
    assert not [each for each in lines if "withheld" in each]
