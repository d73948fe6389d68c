"""A webhook takes messages from whom its owner allows, on both roads to it."""

import json
from typing import Any

import pytest

from tests.site.conftest import Site, csrf

GOOD = b'{"ticker":"AAPL","action":"buy","quantity":1,"price":"228.40"}'
TRADINGVIEW = "52.89.214.238"


@pytest.fixture
def strategy_id(site: Site) -> str:
    _, made = site.api(site.ours, "POST", "/strategies", name="Fresh", asset_class="stocks")
    return str(made["id"])


def allow(site: Site, strategy_id: str, senders: str, *listed: str) -> dict[str, Any]:
    path = f"/strategies/{strategy_id}/webhook"
    status, found = site.api(site.ours, "PATCH", path, senders=senders, addresses=list(listed))
    assert status == 200
    return dict(found)


def post(site: Site, url: str, address: str, body: bytes = GOOD) -> tuple[int, Any]:
    answer = site.client().post(
        url.removeprefix("http://localhost"),
        data=body,
        environ_overrides={"REMOTE_ADDR": address},
    )
    return answer.status_code, answer.json or answer.text


def test_only_the_allowed_send_and_the_refused_are_in_the_log(site: Site, strategy_id: str) -> None:
    url = allow(site, strategy_id, "anyone")["url"]
    assert post(site, url, "198.51.100.9")[0] == 200
    allow(site, strategy_id, "tradingview")
    assert post(site, url, TRADINGVIEW)[0] == 200
    status, said = post(site, url, "198.51.100.9")
    assert (status, said["messageCode"]) == (400, "not-trading-view")
    assert "198.51.100.9" in said["message"]
    allow(site, strategy_id, "addresses", "198.51.100.0/24", "2001:db8::/32")
    assert [post(site, url, each)[0] for each in ("198.51.100.9", "2001:db8::7")] == [200, 200]
    assert post(site, url, TRADINGVIEW)[1]["messageCode"] == "invalid-ip-address"
    allow(site, strategy_id, "trendspider")
    assert post(site, url, TRADINGVIEW)[1]["messageCode"] == "not-trend-spider"
    page = site.signed_in(site.ours).get(f"/strategies/{strategy_id}").text
    for code in ("not-trading-view", "invalid-ip-address", "not-trend-spider"):
        assert code in page


def test_a_limit_that_others_do_not_know_of_yet_is_found_when_storing(
    site: Site, strategy_id: str
) -> None:
    url = allow(site, strategy_id, "addresses", "198.51.100.9")["url"]
    assert post(site, url, "198.51.100.9")[0] == 200
    allow(site, strategy_id, "addresses", "198.51.100.10")
    # Remembered as it was, so it is admitted, and refused once the change is known.
    assert post(site, url, "198.51.100.9")[1]["messageCode"] == "invalid-ip-address"


def test_the_shared_url_is_no_way_around_the_limit(site: Site) -> None:
    _, made = site.api(site.ours, "POST", "/strategies", name="Coins", asset_class="crypto")
    path = f"/strategies/{made['id']}/connector"
    terms = {"instrument": "BTCUSDT", "leverage_convention": "apply", "name": "limited"}
    _, found = site.api(site.ours, "POST", path, **terms)
    named = {name: found[name] for name in ("connectorName", "connectorToken")}
    body = json.dumps({**named, "action": "buy", "fixed": 1}).encode()
    allow(site, made["id"], "addresses", "198.51.100.9")
    assert post(site, found["url"], "198.51.100.9", body) == (200, "ok")
    assert "did not come" not in post(site, found["url"], "198.51.100.9", body)[1]
    status, said = post(site, found["url"], "198.51.100.8", body)
    assert status == 400 and "198.51.100.8" in said


def test_our_own_test_button_works_whatever_the_limits_are(site: Site, strategy_id: str) -> None:
    allow(site, strategy_id, "trendspider")
    client, here = site.signed_in(site.ours), f"/strategies/{strategy_id}"
    form = {"csrf_token": csrf(client, here), "action": "buy"}
    sent = client.post(f"{here}/test-signal", data=form, follow_redirects=True)
    assert "Stored as sig_" in sent.text
    # Also where the limit became known only when storing.
    allow(site, strategy_id, "tradingview")
    typed = {"csrf_token": form["csrf_token"], "message": GOOD.decode(), "do": "send"}
    sent = client.post(f"{here}/tester", data=typed, follow_redirects=True)
    assert "Sent. Stored as sig_" in sent.text


def test_the_page_keeps_what_was_typed_and_saves_networks_in_one_spelling(
    site: Site, strategy_id: str
) -> None:
    client, path = site.signed_in(site.ours), f"/strategies/{strategy_id}/webhook"
    form = {"csrf_token": csrf(client, path), "senders": "addresses"}
    wrong = client.post(path, data=form | {"addresses": "203.0.113.7, nonsense"})
    assert wrong.status_code == 400 and "203.0.113.7, nonsense" in wrong.text
    assert "`nonsense` is no address" in wrong.text
    empty = client.post(path, data=form | {"addresses": ""})
    assert empty.status_code == 400 and "The list is empty." in empty.text
    typed = "203.0.113.7/24,2001:db8::1\n ::ffff:198.51.100.1;203.0.113.0/24"
    page = client.post(path, data=form | {"addresses": typed}, follow_redirects=True).text
    assert "203.0.113.0/24\n2001:db8::1\n198.51.100.1</textarea>" in page
    # The list is kept while it is not in use.
    kept = client.post(path, data=form | {"addresses": typed, "senders": "anyone"})
    assert kept.status_code == 302
    assert "198.51.100.1</textarea>" in client.get(path).text


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"senders": "everyone"}, "senders"),
        ({"senders": "addresses"}, "addresses"),
        ({"senders": "addresses", "addresses": ["nonsense"]}, "addresses"),
        ({"addresses": [4]}, "addresses"),
        ({"addresses": "203.0.113.7"}, "addresses"),
    ],
)
def test_the_api_says_which_field_cannot_be(
    site: Site, strategy_id: str, fields: dict[str, Any], param: str
) -> None:
    status, problem = site.api(site.ours, "PATCH", f"/strategies/{strategy_id}/webhook", **fields)
    assert (status, problem["param"]) == (400, param)


def test_who_may_send_is_audited(site: Site, strategy_id: str) -> None:
    allow(site, strategy_id, "addresses", "203.0.113.7")
    [(before, after)] = site.owner.execute(
        "SELECT before, after FROM web.audit_events WHERE subject = %s AND action = %s",
        (strategy_id, "webhook:change"),
    ).fetchall()
    assert (before["senders"], after["senders"]) == ("anyone", "addresses")
    # Sealed, so that they can be erased.
    assert [each.keys() for each in after["addresses"]] == [{"of", "sealed"}]
    assert "203.0.113.7" in site.signed_in(site.ours).get("/activity").text


def test_equal_messages_are_one_signal_within_the_window(site: Site, strategy_id: str) -> None:
    url = allow(site, strategy_id, "anyone")["url"]
    two = [post(site, url, "198.51.100.9")[1] for _ in range(2)]
    assert two[0]["id"] != two[1]["id"]
    browser = site.signed_in(site.ours)
    path = f"/strategies/{strategy_id}/webhook"
    form = {"csrf_token": csrf(browser, path), "dedupe_seconds": "300"}
    assert browser.post(f"{path}/repeats", data=form).status_code == 302
    assert 'value="300"' in browser.get(path).text
    first, again = (post(site, url, "198.51.100.9", GOOD + b" ")[1] for _ in range(2))
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    other = post(site, url, "198.51.100.9", GOOD + b"  ")[1]
    assert other["id"] != first["id"]


@pytest.mark.parametrize("typed", ["301", "-1", "", "1.5", "9" * 9])
def test_a_window_that_cannot_be_is_refused_and_stores_nothing(
    site: Site, strategy_id: str, typed: str
) -> None:
    browser = site.signed_in(site.ours)
    path = f"/strategies/{strategy_id}/webhook"
    form = {"csrf_token": csrf(browser, path), "dedupe_seconds": typed}
    refused = browser.post(f"{path}/repeats", data=form)
    assert refused.status_code == 400
    assert "0 to 300" in refused.text
    assert site.api(site.ours, "GET", path)[1]["dedupe_seconds"] == 0


@pytest.mark.parametrize("given", [301, -1, True, "30", 1.5])
def test_the_api_refuses_such_windows_too(site: Site, strategy_id: str, given: Any) -> None:
    path = f"/strategies/{strategy_id}/webhook"
    status, problem = site.api(
        site.ours, "PATCH", path, senders="tradingview", dedupe_seconds=given
    )
    assert (status, problem["param"]) == (400, "dedupe_seconds")
    assert site.api(site.ours, "GET", path)[1]["senders"] == "anyone"
