"""A webhook's secret and a connector's token are replaced without losing an alert."""

import json
from typing import Any

import pytest

from tests.site.conftest import Site, csrf

GOOD = b'{"ticker":"AAPL","action":"buy","quantity":1,"price":"228.40"}'
TERMS = {"instrument": "BTCUSDT", "leverage_convention": "apply"}


@pytest.fixture
def strategy_id(site: Site) -> str:
    """A strategy of ours that nobody changed yet."""
    return made(site)


def made(site: Site, asset_class: str = "stocks") -> str:
    _, found = site.api(site.ours, "POST", "/strategies", name="Fresh", asset_class=asset_class)
    return str(found["id"])


def webhook(site: Site, strategy_id: str, verb: str = "") -> dict[str, Any]:
    method = "POST" if verb else "GET"
    status, found = site.api(site.ours, method, f"/strategies/{strategy_id}/webhook{verb}")
    assert status == 200
    return dict(found)


def post(site: Site, url: str, body: bytes = GOOD) -> tuple[int, Any]:
    answer = site.client().post(url.removeprefix("http://localhost"), data=body)
    return answer.status_code, answer.json


def overlap_ends(site: Site) -> None:
    """A day later, as processes find it that look the strategy up again."""
    site.owner.execute("UPDATE web.former_secrets SET until = now() - interval '1 second'")
    site.owner.execute("UPDATE web.strategy_intake SET version = version + 1")


def test_after_a_rotation_both_urls_work_and_a_day_later_the_newest_alone(
    site: Site, strategy_id: str
) -> None:
    old = webhook(site, strategy_id)
    assert old["former_secrets"] == []
    assert post(site, old["url"])[0] == 200
    new = webhook(site, strategy_id, "/rotate")
    assert new["url"] != old["url"] and len(new["former_secrets"]) == 1
    assert [post(site, each["url"])[0] for each in (old, new, old)] == [200, 200, 200]
    overlap_ends(site)
    assert post(site, new["url"])[0] == 200
    status, said = post(site, old["url"])
    assert (status, said["messageCode"]) == (400, "invalid-password")
    assert webhook(site, strategy_id)["former_secrets"] == []


def test_a_former_secret_ends_by_the_clock_where_it_is_remembered(
    site: Site, strategy_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.signals import webhooks

    old = webhook(site, strategy_id)
    webhook(site, strategy_id, "/rotate")
    assert post(site, old["url"])[0] == 200
    until = site.owner.execute("SELECT max(extract(epoch FROM until)) FROM web.former_secrets")
    row = until.fetchone()
    assert row is not None
    secret = webhooks.Secret(b"new", ((b"old", float(row[0])),))
    monkeypatch.setattr("time.time", lambda: float(row[0]) - 1)
    assert secret.fits(b"old")
    monkeypatch.setattr("time.time", lambda: float(row[0]))
    assert not secret.fits(b"old") and secret.fits(b"new")


def test_a_second_rotation_in_the_overlap_cuts_nobody_off(site: Site, strategy_id: str) -> None:
    urls = [webhook(site, strategy_id)["url"]]
    urls += [webhook(site, strategy_id, "/rotate")["url"] for _ in range(2)]
    assert len(set(urls)) == 3
    assert [post(site, url)[0] for url in urls] == [200, 200, 200]
    assert len(webhook(site, strategy_id)["former_secrets"]) == 2


def test_the_overlap_ends_at_once_when_it_is_told_to(site: Site, strategy_id: str) -> None:
    old = webhook(site, strategy_id)
    new = webhook(site, strategy_id, "/rotate")
    assert post(site, old["url"])[0] == 200
    assert webhook(site, strategy_id, "/end-overlap")["former_secrets"] == []
    # The process remembers the former secret, and finds out when it stores the message.
    assert post(site, old["url"])[1]["messageCode"] == "invalid-password"
    assert post(site, new["url"])[0] == 200
    assert webhook(site, strategy_id, "/end-overlap") == new | {"former_secrets": []}


def test_no_more_than_five_former_secrets_work(site: Site, strategy_id: str) -> None:
    for _ in range(5):
        webhook(site, strategy_id, "/rotate")
    status, problem = site.api(site.ours, "POST", f"/strategies/{strategy_id}/webhook/rotate")
    assert (status, problem["code"]) == (409, "too_many_former_secrets")
    webhook(site, strategy_id, "/end-overlap")
    assert len(webhook(site, strategy_id, "/rotate")["former_secrets"]) == 1


def test_every_change_of_a_secret_is_audited_without_it(site: Site, strategy_id: str) -> None:
    urls = [webhook(site, strategy_id)["url"], webhook(site, strategy_id, "/rotate")["url"]]
    webhook(site, strategy_id, "/end-overlap")
    found = site.owner.execute(
        "SELECT action, before::text || after::text FROM web.audit_events "
        "WHERE subject = %s AND action LIKE 'webhook:%%' ORDER BY id",
        (strategy_id,),
    ).fetchall()
    assert [action for action, _ in found] == ["webhook:rotate", "webhook:end-overlap"]
    for _, facts in found:
        assert all(url.rpartition("/")[2] not in facts for url in urls)


def test_the_page_rotates_says_until_when_and_ends_the_overlap(
    site: Site, strategy_id: str
) -> None:
    client, path = site.signed_in(site.ours), f"/strategies/{strategy_id}/webhook"
    before = client.get(path).text
    assert webhook(site, strategy_id)["url"] in before and "A former URL" not in before
    token = {"csrf_token": csrf(client, path)}
    after = client.post(f"{path}/rotate", data=token, follow_redirects=True).text
    assert webhook(site, strategy_id)["url"] in after
    assert "A former URL works for another" in after and "23 h 59 min" in after
    assert "A former URL works" in client.get(f"/strategies/{strategy_id}").text
    ended = client.post(f"{path}/end-overlap", data=token, follow_redirects=True).text
    assert "A former URL" not in ended


def test_a_wrong_secret_is_told_to_the_owner_once_a_second(site: Site, strategy_id: str) -> None:
    url = webhook(site, strategy_id)["url"] + "x"
    answers = [post(site, url) for _ in range(20)]
    assert {status for status, _ in answers} == {400}
    assert answers[0][1]["logId"].startswith("ref_")
    found = site.owner.execute(
        "SELECT sum(r.count) FROM web.refusals r JOIN web.strategies s ON s.id = r.strategy_id "
        "WHERE r.code = 'invalid-password' AND r.body = '' AND r.strategy_id = %s",
        (ids_of(strategy_id),),
    ).fetchone()
    assert found is not None and 1 <= found[0] < 20
    page = site.signed_in(site.ours).get(f"/strategies/{strategy_id}").text
    assert "invalid-password" in page


def ids_of(strategy_id: str) -> Any:
    from protos import ids

    return ids.read("strategy", strategy_id)


def connector(site: Site, strategy_id: str, **fields: Any) -> dict[str, Any]:
    path = f"/strategies/{strategy_id}/connector"
    status, found = site.api(site.ours, "POST", path, **{**TERMS, **fields})
    assert status in (200, 201)
    return dict(found)


def arsenal(site: Site, name: str, token: str) -> str:
    message = {"connectorName": name, "connectorToken": token, "action": "buy", "fixed": 1}
    return site.client().post("/trading-signal/webhook", data=json.dumps(message)).text


def test_a_connectors_former_token_works_until_the_overlap_ends(site: Site) -> None:
    strategy_id = made(site, "crypto")
    old = connector(site, strategy_id, name="rotated")
    path = f"/strategies/{strategy_id}/connector/token"
    status, new = site.api(site.ours, "POST", path)
    assert status == 200 and len(new["former_tokens"]) == 1
    tokens = [each["connectorToken"] for each in (old, new)]
    assert [arsenal(site, "rotated", token) for token in tokens] == ["ok", "ok"]
    again = connector(site, strategy_id, token="brought along by hand")
    assert len(again["former_tokens"]) == 2
    tokens.append(again["connectorToken"])
    assert [arsenal(site, "rotated", token) for token in tokens] == ["ok", "ok", "ok"]
    status, ended = site.api(site.ours, "POST", f"{path}/end-overlap")
    assert (status, ended["former_tokens"]) == (200, [])
    said = [arsenal(site, "rotated", token) for token in tokens]
    assert said[2] == "ok" and "ok" not in said[:2]


def test_a_token_that_is_taken_back_is_no_former_one(site: Site) -> None:
    strategy_id = made(site, "crypto")
    connector(site, strategy_id, name="to and fro", token="a" * 20)
    connector(site, strategy_id, token="b" * 20)
    back = connector(site, strategy_id, token="a" * 20)
    assert len(back["former_tokens"]) == 1
    assert {arsenal(site, "to and fro", each * 20) for each in "ab"} == {"ok"}


def test_nobody_takes_over_a_token_that_still_works_elsewhere(site: Site) -> None:
    strategy_id = made(site, "crypto")
    leaked = connector(site, strategy_id, name="leaked")["connectorToken"]
    site.api(site.ours, "POST", f"/strategies/{strategy_id}/connector/token")
    theirs = site.theirs.shown("strategy")
    status, problem = site.api(
        site.theirs,
        "POST",
        f"/strategies/{theirs}/connector",
        **TERMS,
        name="leaked",
        token=leaked,
    )
    assert (status, problem["param"]) == (400, "token")
    assert arsenal(site, "leaked", leaked) == "ok"
