"""Staff come in by password and second factor, see what their role may, and give reasons."""

import pytest

from tests.site.conftest import Site, csrf
from tests.site.staff_kit import Member, given_password, sign_in


@pytest.fixture(scope="module")
def support(site: Site) -> Member:
    return Member(site, "support")


def test_a_password_alone_opens_nothing(site: Site, support: Member) -> None:
    client = site.client()
    assert given_password(client, support).location == "/admin/sign-in/second"
    assert client.get("/admin/").location.startswith("/admin/sign-in")
    assert client.get("/admin/accounts/").status_code == 302


def test_with_the_second_factor_they_are_in(site: Site, support: Member) -> None:
    client = sign_in(site, support)
    assert "Find" in client.get("/admin/").text


def test_every_list_opens(site: Site) -> None:
    client = sign_in(site, Member(site, "engineer"))
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith("/admin") and "GET" in (rule.methods or ()) and not rule.arguments:
            if rule.endpoint.startswith("staff_entrance") or rule.endpoint == "staff_view_as.over":
                continue
            answer = client.get(rule.rule)
            assert answer.status_code == 200, (rule.rule, answer.text[:500])


def test_a_signal_leads_to_its_account_in_three_clicks(site: Site, support: Member) -> None:
    client = sign_in(site, support)
    signal = site.ours.shown("signal")
    answer = client.get("/admin/", query_string={"q": signal})
    assert answer.location == f"/admin/signals/{signal}"
    page = client.get(answer.location).text
    account = f"/admin/accounts/ten_{site.ours.tenant_id.hex}"
    assert account in page
    page = client.get(account).text
    assert site.ours.email in page


def test_trade_and_connection_pages(site: Site, support: Member) -> None:
    client = sign_in(site, support)
    for kind in ("trade", "connection"):
        answer = client.get(f"/admin/{kind}s/{site.ours.shown(kind)}")
        assert answer.status_code == 200, answer.text[:800]


@pytest.mark.parametrize(
    ("value", "told"),
    [("1", "is suspended: its people look and close"), ("0", "goes on as before")],
)
def test_suspending_asks_in_words(site: Site, support: Member, value: str, told: str) -> None:
    client = sign_in(site, support)
    path = f"/admin/accounts/ten_{site.ours.tenant_id.hex}/suspended"
    form = {"csrf_token": csrf(client, "/admin/"), "suspended": value}
    page = client.post(path, data=form).text
    assert f"<dt>The workspace</dt><dd>{told}" in page
    assert "<dt>Suspended</dt>" not in page
