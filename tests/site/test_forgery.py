"""Requests that no page of ours made: refused, and nothing is changed."""

from typing import Any

import pytest

from tests.site.conftest import PASSWORD, Site, csrf
from tests.site.crawl_kit import SAFE, contents, keyed, ways
from tests.site.people_kit import Person
from tests.site.test_audited import DRIVES

EVIL = "https://evil.example"


def forms(site: Site) -> list[tuple[str, dict[str, Any]]]:
    """Each form of the site: where it goes and, where we know, what would make it do something."""
    found = []
    for way in ways(site):
        # Of staff nobody is signed in here: test_staff sends their forms.
        if way.method in SAFE or way.path.startswith("/admin/") or way.endpoint.startswith("api."):
            continue
        # What would go right for a broker's keys takes a broker; wrong ones are refused first too.
        drive = None if way.endpoint.startswith("keys.") else DRIVES.get(way.endpoint)
        found.append((drive.path(site), drive.given(site)) if drive else (way.path, {}))
    return found


def test_no_form_does_anything_without_its_token(site: Site) -> None:
    client, todo = site.signed_in(site.ours), forms(site)
    assert len(todo) > 40
    before = contents(site)
    for path, given in todo:
        for token in ({}, {"csrf_token": "x"}, {"csrf_token": csrf(site.client(), "/sign-in")}):
            answer = client.post(path, data=given | token)
            assert answer.status_code == 400, path
            assert "This form has expired" in answer.text
    assert contents(site) == before


@pytest.mark.parametrize(
    "told", [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_no_form_of_another_site_does_anything_even_with_a_token(
    site: Site, told: dict[str, str]
) -> None:
    client, todo = site.signed_in(site.ours), forms(site)
    token = csrf(client, "/connections")
    before = contents(site)
    for path, given in todo:
        answer = client.post(path, data=given | {"csrf_token": token}, headers=told)
        assert answer.status_code == 403, path
        assert "This came from another site" in answer.text
    assert contents(site) == before


def test_our_own_origin_is_taken(site: Site) -> None:
    client = site.signed_in(site.ours)
    form = {"name": "By a browser", "csrf_token": csrf(client, "/connections")}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/connections", data=form, headers=headers).status_code == 302


def test_asking_changes_nothing(site: Site) -> None:
    client, program = site.signed_in(site.ours), keyed(site)
    before = contents(site)
    for way in ways(site):
        if way.method in SAFE:
            for visitor in (client, program):
                visitor.open(way.path, method=way.method).close()
    assert contents(site) == before


@pytest.mark.parametrize("path", ["/sign-in", "/inbox", "/docs/errors", "/strategies", "/nowhere"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_another_name_for_our_address_is_told_nothing(site: Site, path: str, host: str) -> None:
    answer = site.signed_in(site.ours).get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert host not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_a_machines_own_names_are_one(site: Site, host: str) -> None:
    assert site.client().get("/sign-in", headers={"Host": host}).status_code == 200


def test_a_balancer_may_ask_for_our_health_by_any_name(site: Site) -> None:
    assert site.client().get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


ELSEWHERE = (
    "https://evil.example/",
    "http:evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/%09/evil.example/../../\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:/evil.example",
    "/.evil.example\r\nLocation: https://evil.example",
    "\u2044\u2044evil.example",
    "/\u2028/evil.example",
    "@evil.example",
    ".evil.example",
    "",
)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_after_signing_in_nobody_is_led_elsewhere(site: Site, target: str) -> None:
    client = site.client()
    page = client.get("/sign-in", query_string={"next": target})
    token = csrf(client, "/sign-in")
    assert page.status_code == 200
    form = {"email": site.ours.email, "password": PASSWORD, "csrf_token": token, "next": target}
    inside = client.post("/sign-in", data=form)
    assert inside.status_code == 302
    assert inside.headers["Location"] == "/strategies"
    again = client.get("/sign-in", query_string={"next": target})
    assert again.headers["Location"] == "/strategies"


def test_after_signing_in_people_are_led_where_they_wanted_to_go(site: Site) -> None:
    client = site.client()
    asked = client.get("/trades?state=FILLED&q=a%20b")
    target = client.get(asked.headers["Location"]).text.partition('name="next" value="')[2]
    form = {"email": site.ours.email, "password": PASSWORD, "csrf_token": csrf(client, "/sign-in")}
    form["next"] = target.partition('"')[0].replace("&amp;", "&")
    inside = client.post("/sign-in", data=form)
    assert inside.headers["Location"] == "/trades?state=FILLED&q=a%20b"


MORE = {
    "id": "0",
    "tenant_id": "00000000-0000-0000-0000-000000000000",
    "role": "owner",
    "person_id": "0",
    "mode": "live",
    "is_admin": "1",
    "created_at": "2001-01-01",
    "seq": "99",
    "version": "99",
    "secret": "mine",
    "webhook_uuid": "0",
}


def test_fields_that_nobody_offers_are_not_taken_from_a_form(site: Site) -> None:
    client = site.signed_in(site.ours)
    form = MORE | {"name": "More than asked", "csrf_token": csrf(client, "/connections")}
    assert client.post("/connections", data=form).status_code == 302
    form = MORE | {"name": "More than asked", "asset_class": "stocks"}
    form["csrf_token"] = csrf(client, "/strategies/new")
    assert client.post("/strategies/new", data=form).status_code == 302
    rows = site.owner.execute(
        "SELECT tenant_id, mode FROM web.connections WHERE name = 'More than asked'"
    ).fetchall()
    assert rows == [(site.ours.tenant_id, "paper")]
    rows = site.owner.execute(
        "SELECT tenant_id, created_at > now() - interval '1 hour' FROM web.strategies "
        "WHERE name = 'More than asked'"
    ).fetchall()
    assert rows == [(site.ours.tenant_id, True)]


def test_fields_that_nobody_offers_are_refused_by_the_api(site: Site) -> None:
    before = contents(site)
    for endpoint, drive in DRIVES.items():
        if endpoint in ("api.create_strategy", "api.create_connection", "api.change_strategy"):
            method = "PATCH" if "change" in endpoint else "POST"
            for name, value in MORE.items():
                status, told = site.api(
                    site.ours, method, drive.path(site), **{**drive.given(site), name: value}
                )
                assert (status, told["code"], told["param"]) == (400, "invalid_field", name)
    assert contents(site) == before


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"a","name":"b"}',
        b'{"name":"a","asset_class":"stocks","settings":{"quantity":"1","quantity":"2"}}',
        b'{"name":"a","settings":{"quantity":NaN}}',
        b'{"name":"a","settings":{"quantity":Infinity}}',
        b'{"name":"a","settings":{"quantity":-Infinity}}',
        b'{"name":"a"}{"name":"b"}',
        b'{"name":"\xff"}',
        b"[" * 100_000,
        b'{"name":"a\\u0000b"}',
    ],
)
def test_what_parsers_read_differently_is_not_read_at_all(site: Site, body: bytes) -> None:
    before = contents(site)
    answer = keyed(site).post("/api/v1/strategies", data=body)
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["code"] == "json_invalid"
    assert contents(site) == before


def test_a_field_sent_twice_and_one_in_the_address_are_not_taken_for_another(site: Site) -> None:
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    body = f"csrf_token={token}&name=First+wins&name=Second"
    sent = client.post(
        "/connections?name=From+the+address",
        data=body,
        content_type="application/x-www-form-urlencoded",
    )
    assert sent.status_code == 302
    names = {
        name
        for (name,) in site.owner.execute(
            "SELECT name FROM web.connections WHERE tenant_id = %s", (site.ours.tenant_id,)
        )
    }
    assert "First wins" in names
    assert not {"Second", "From the address"} & names


@pytest.mark.parametrize(
    "end", ["\r\nBcc: all@evil.example", "\nSubject: x", "\r\n\r\nHello", "\0"]
)
def test_an_address_cannot_bring_headers_into_a_mail(site: Site, end: str) -> None:
    person = Person(site)
    answer = person.post("/signup", email=f"new@people.test{end}", password=person.password)
    assert answer.status_code in (302, 400)
    rows = site.owner.execute("SELECT recipient, subject FROM web.mails").fetchall()
    assert not [row for row in rows if {"\r", "\n", "\0"} & set("".join(row))]


@pytest.mark.parametrize("secret", ["Bearer", "", "\xff" * 10, "fw_test_" + "x" * 5000])
def test_strange_keys_are_only_refused(site: Site, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    assert site.client().get("/api/v1/strategies", headers=headers).status_code == 401


def test_a_null_character_is_refused_wherever_it_stands(site: Site) -> None:
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    for answer in (
        client.get("/trades?state=%00"),
        client.get("/trades?%00=x"),
        client.get("/signals/sig_%00"),
        client.post("/connections", data={"csrf_token": token, "name": "a\0b"}),
        client.post("/sign-in", data={"csrf_token": token, "email": "a\0", "password": "\0"}),
        keyed(site).get("/api/v1/trades?cursor=%00"),
    ):
        assert answer.status_code == 400
