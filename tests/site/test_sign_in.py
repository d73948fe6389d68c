"""Sign-in: server-side sessions, uniform answers, forms that cannot be forged."""

import pytest

from tests.site.conftest import PASSWORD, Site, csrf
from web.accounts import passwords
from web.accounts.attempts import PER_LOGIN, WINDOW_SECONDS, Attempts
from web.accounts.login import COOKIE


def test_a_person_signs_in_and_out_and_the_session_is_over_for_good(site: Site) -> None:
    client = site.signed_in(site.ours)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    assert client.get("/strategies").status_code == 200

    client.post("/sign-out", data={"csrf_token": csrf(client, "/strategies")})
    assert client.get("/strategies").location == "/sign-in?next=/strategies?"
    client.set_cookie(COOKIE, cookie.value)
    assert client.get("/strategies").status_code == 302


def test_the_cookie_is_a_random_token_and_the_table_has_its_hash(site: Site) -> None:
    cookie = site.signed_in(site.ours).get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert len(cookie.value) >= 40
    hashed = passwords.hash_token(cookie.value)
    found = site.owner.execute(
        "SELECT tenant_id FROM web.sessions WHERE token_hash = %s", (hashed,)
    ).fetchone()
    assert found == (site.ours.tenant_id,)


@pytest.mark.parametrize(
    ("email", "password"),
    [("ours@fillwire.test", "wrong"), ("nobody@fillwire.test", PASSWORD), ("", "")],
)
def test_what_was_wrong_is_not_told(site: Site, email: str, password: str) -> None:
    client = site.client()
    token = csrf(client, "/sign-in")
    answer = client.post(
        "/sign-in", data={"email": email, "password": password, "csrf_token": token}
    )
    assert answer.status_code == 401
    assert "E-mail or password is not right." in answer.text
    assert client.get_cookie(COOKIE) is None


def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    client = site.signed_in(site.ours)
    answer = client.post("/connections", data={"name": "Forged"})
    assert answer.status_code == 400
    assert "This form has expired" in answer.text
    assert "Forged" not in client.get("/connections").text


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_sign_in_never_leads_to_another_host(site: Site, target: str) -> None:
    client = site.client()
    form = {
        "email": site.ours.email,
        "password": PASSWORD,
        "next": target,
        "csrf_token": csrf(client, "/sign-in"),
    }
    assert client.post("/sign-in", data=form).location == "/strategies"


def test_ten_wrong_tries_are_enough_for_a_while() -> None:
    now = [0.0]
    attempts = Attempts(clock=lambda: now[0])
    for _ in range(PER_LOGIN):
        assert attempts.wait_seconds("a@b.c", "1.2.3.4") == 0
        attempts.failed("a@b.c", "1.2.3.4")
    assert attempts.wait_seconds("a@b.c", "1.2.3.4") == WINDOW_SECONDS
    assert attempts.wait_seconds("other@b.c", "1.2.3.4") == 0
    now[0] += WINDOW_SECONDS
    assert attempts.wait_seconds("a@b.c", "1.2.3.4") == 0


def test_every_page_trusts_only_its_own_scripts(site: Site) -> None:
    client = site.signed_in(site.ours)
    first, second = client.get("/strategies"), client.get("/strategies")
    policy = first.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert first.text.count(f'nonce="{nonce}"') == first.text.count("<script")
    assert nonce not in second.headers["Content-Security-Policy"]
    assert " style=" not in first.text
    assert " onclick=" not in first.text
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Request-Id"].startswith("req_")


def test_an_unknown_page_says_what_to_do(site: Site) -> None:
    answer = site.client().get("/nothing-here")
    assert answer.status_code == 404
    for part in ("What happened", "Is my money affected?", "What to do", "req_"):
        assert part in answer.text
