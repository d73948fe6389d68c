"""What every answer says to the browser: on each route, to each kind of visitor, at each error."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.site.conftest import PASSWORD, Site, csrf
from tests.site.crawl_kit import another, keyed, ways

HTTPS = "https://fillwire.example"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ON_PAGES = ALWAYS | {"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"}
TELLING = ("X-Powered-By", "X-AspNet-Version", "Via")


def policy(answer: TestResponse) -> dict[str, str]:
    """The directives of its policy."""
    parts = (each.strip().partition(" ") for each in answer.headers[CSP].split(";"))
    return {name: value for name, _, value in parts}


CSP = "Content-Security-Policy"


def check_page(answer: TestResponse, here: str) -> None:
    """What must hold of any answer of the site."""
    said = answer.headers
    assert {name: said.get(name) for name in ON_PAGES} == ON_PAGES, here
    directives = policy(answer)
    assert directives["default-src"] == "'none'", here
    assert re.fullmatch(r"'nonce-[\w-]{22}' 'strict-dynamic'", directives["script-src"]), here
    for name, value in {
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "style-src": "'self'",
    }.items():
        assert directives[name] == value, here
    assert "unsafe" not in said[CSP] and "*" not in said[CSP], here
    assert "camera=()" in said["Permissions-Policy"], here
    assert "no-store" in said["Cache-Control"] or "immutable" in said["Cache-Control"], here
    assert not [name for name in (*TELLING, "Access-Control-Allow-Origin") if name in said], here
    assert not re.search(r"\d", said.get("Server", "")), here
    kind = said.get("Content-Type", "")
    if answer.data or kind:
        assert kind.startswith(JSON) or "charset=utf-8" in kind or kind.startswith("image/"), here
    if kind.startswith("text/html"):
        check_markup(answer.text, directives["script-src"], here)
    for cookie in said.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie and "Path=/" in cookie and "SameSite=Lax" in cookie, cookie
        assert "Domain" not in cookie, cookie


JSON = ("application/json", "application/problem+json", "application/jsonl")


def check_markup(page: str, script_src: str, here: str) -> None:
    """Nothing in it needs what the policy forbids."""
    assert not re.search(r"<[^>]+\son\w+\s*=", page), here
    assert not re.search(r"<[^>]+\sstyle\s*=|<style", page), here
    assert not re.search(r"javascript:|<base\b|<iframe|<object|<embed", page), here
    for tag in re.findall(r"<script[^>]*>", page):
        given = re.search(r'nonce="([^"]+)"', tag)
        assert given is not None and f"'nonce-{given[1]}'" in script_src, here
        assert "src=" in tag, here


@pytest.fixture(scope="module")
def visitors(site: Site) -> dict[str, FlaskClient]:
    """Nobody, a person, a program."""
    return {"nobody": site.client(), "person": site.signed_in(site.ours), "program": keyed(site)}


@pytest.mark.parametrize("who", ["nobody", "person", "program"])
def test_every_answer_of_every_route_is_safe_to_show(
    site: Site, visitors: dict[str, FlaskClient], who: str
) -> None:
    seen = set()
    for way in ways(site):
        answer = visitors[who].open(way.path, method=way.method)
        check_page(answer, f"{who} {way}")
        seen.add(answer.status_code)
        answer.close()
    assert {200, 404} <= seen
    assert seen <= {200, 204, 302, 400, 401, 403, 404, 405, 409, 410, 422, 503}


ERRORS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("POST", "/sign-in", {}),
    401: ("GET", "/api/v1/strategies", {}),
    403: ("POST", "/sign-in", {"headers": {"Origin": "https://evil.example"}}),
    404: ("GET", "/nowhere", {}),
    405: ("DELETE", "/sign-in", {}),
    413: ("POST", "/sign-in", {"data": {"email": "x" * 300_000}}),
    421: ("GET", "/sign-in", {"headers": {"Host": "evil.example"}}),
    500: ("GET", "/broken", {}),
}


@pytest.fixture(scope="module")
def breaking(site: Site) -> Iterator[Flask]:
    """The site under https, with one more route: it fails."""

    def fail() -> str:
        raise LookupError("CANARY-IN-THE-ERROR")

    with another(site, HTTPS) as app:
        app.add_url_rule("/broken", "broken", fail)
        app.add_url_rule("/api/v1/broken", "api.broken", fail)
        yield app


@pytest.mark.parametrize("status", sorted(ERRORS))
def test_an_error_is_as_safe_and_tells_nothing_of_the_inside(breaking: Flask, status: int) -> None:
    method, path, more = ERRORS[status]
    answer = breaking.test_client().open(path, base_url=HTTPS, method=method, **more)
    assert answer.status_code == status
    check_page(answer, path)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert not re.search(r"Traceback|CANARY|LookupError|\.py\b|SELECT |psycopg", answer.text)


def test_an_error_of_the_api_is_a_problem_with_an_id_and_nothing_else(
    site: Site, breaking: Flask
) -> None:
    key = {"Authorization": f"Bearer {site.ours.key}"}
    answer = breaking.test_client().get("/api/v1/broken", base_url=HTTPS, headers=key)
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.json is not None and answer.json["instance"] == answer.headers["Request-Id"]
    assert answer.json["type"] == f"{HTTPS}/docs/errors/internal_error"
    assert "CANARY" not in answer.text


def test_too_many_tries_are_answered_as_safely(site: Site) -> None:
    client = site.client()
    client.environ_base["REMOTE_ADDR"] = "10.77.0.1"
    token = csrf(client, "/sign-in")
    form = {"csrf_token": token, "email": "many@tries.test", "password": "wrong wrong wrong"}
    answers = [client.post("/sign-in", data=form) for _ in range(12)]
    assert answers[-1].status_code == 429
    check_page(answers[-1], "429")


def test_cookies_under_https_are_bound_to_this_host(site: Site, breaking: Flask) -> None:
    client = breaking.test_client()
    page = client.get("/sign-in", base_url=HTTPS)
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"email": site.ours.email, "password": PASSWORD, "csrf_token": token}
    inside = client.post(
        "/sign-in", base_url=HTTPS, data=form, headers={"Referer": f"{HTTPS}/sign-in"}
    )
    assert inside.status_code == 302
    cookies = page.headers.getlist("Set-Cookie") + inside.headers.getlist("Set-Cookie")
    kept = [cookie for cookie in cookies if "Max-Age=0" not in cookie]
    assert {cookie.partition("=")[0] for cookie in kept} == {
        "__Host-fillwire_form",
        "__Host-fillwire_session",
    }
    for cookie in kept:
        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            assert part in cookie, cookie
        assert len(cookie.partition(";")[0]) < 4096


def test_the_answers_to_senders_say_what_senders_browsers_need(site: Site) -> None:
    for path, method in (("/trading/webhook/x/y", "POST"), ("/trading-signal/webhook", "GET")):
        answer = site.client().open(path, method=method)
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
        assert "frame-ancestors 'none'" in answer.headers[CSP]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype in ("application/json", "text/plain")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost"])
def test_no_page_and_no_api_may_be_read_by_another_origin(site: Site, origin: str) -> None:
    for path in ("/strategies", "/api/v1/strategies", "/live/ticket"):
        for method in ("GET", "OPTIONS"):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = keyed(site).open(path, method=method, headers=headers)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG"])
def test_methods_that_nobody_needs_are_refused(site: Site, method: str) -> None:
    for path in ("/sign-in", "/api/v1/strategies", "/trading/webhook/x/y"):
        answer = site.client().open(path, method=method, headers={"X-Canary": "echoed"})
        assert answer.status_code in (400, 401, 404, 405)
        assert "echoed" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.env",
        "/static/js/page.js",
        "/static/",
        "/assets/",
        "/assets/../config.py",
        "/assets/%2e%2e/%2e%2e/config.py",
        "/assets/..%2f..%2fconfig.py",
        "/assets/....//config.py",
        "/web/config.py",
        "/console",
        "/debug",
        "/metrics",
        "/openapi.json",
        "/server-status",
    ],
)
def test_nothing_lies_about(site: Site, path: str) -> None:
    assert site.signed_in(site.ours).get(path).status_code in (404, 308)
