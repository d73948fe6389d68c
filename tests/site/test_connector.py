"""A connector is made, shown and changed by its owner."""

import json
from typing import Any

import pytest

from tests import factories
from tests.site.conftest import Site, csrf

TERMS = {"instrument": "BTCUSDT", "leverage_convention": "apply", "leverage": "3"}


def fresh(site: Site) -> str:
    """A strategy of ours that has no connector yet."""
    status, made = site.api(
        site.ours, "POST", "/strategies", name="Moved here", asset_class="crypto"
    )
    assert status == 201
    return str(made["id"])


def save(site: Site, strategy_id: str, **fields: Any) -> tuple[int, Any]:
    return site.api(site.ours, "POST", f"/strategies/{strategy_id}/connector", **fields)


def test_the_api_makes_one_and_keeps_its_token_until_another_is_given(site: Site) -> None:
    strategy_id = fresh(site)
    status, made = save(site, strategy_id, **TERMS)
    assert status == 201
    assert made == {
        "object": "connector",
        "strategy_id": strategy_id,
        "url": "http://localhost/trading-signal/webhook",
        "connectorName": "Moved here",
        "connectorToken": made["connectorToken"],
        "instrument": "BTCUSDT",
        "market": "spot",
        "mode": "plain",
        "leverage_convention": "apply",
        "leverage": "3",
        "reserve_percent": "1",
        "former_tokens": [],
    }
    status, changed = save(site, strategy_id, mode="reverse", market="futures")
    assert (status, changed) == (200, made | {"mode": "reverse", "market": "futures"})
    brought = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert save(site, strategy_id, token=brought)[1]["connectorToken"] == brought


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"instrument": ""}, "instrument"),
        ({"instrument": "DROP TABLE;"}, "instrument"),
        ({"leverage_convention": ""}, "leverage_convention"),
        ({"leverage_convention": "maybe"}, "leverage_convention"),
        ({"leverage": "0.5"}, "leverage"),
        ({"leverage": "NaN"}, "leverage"),
        ({"reserve_percent": "100"}, "reserve_percent"),
        ({"mode": "grid"}, "mode"),
        ({"market": "bonds"}, "market"),
        ({"token": "short"}, "token"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_r8_what_cannot_be_is_refused_and_the_leverage_must_be_chosen(
    site: Site, fields: dict[str, str], param: str
) -> None:
    status, problem = save(site, fresh(site), **{**TERMS, **fields})
    assert (status, problem["param"]) == (400, param)


def test_a_name_and_token_find_one_strategy_only(site: Site) -> None:
    pair = {"name": "twice", "token": "b" * 36}
    assert save(site, fresh(site), **TERMS, **pair)[0] == 201
    status, problem = save(site, fresh(site), **TERMS, **pair)
    assert (status, problem["param"]) == (400, "token")


def test_another_tenants_strategy_gets_none(site: Site) -> None:
    assert save(site, site.theirs.shown("strategy"), **TERMS)[0] == 404


def test_the_page_makes_one_to_copy_and_draws_a_new_token(site: Site) -> None:
    client = site.signed_in(site.ours)
    here = f"/strategies/{fresh(site)}"
    assert "Make a connector" in client.get(here).text
    form = {"csrf_token": csrf(client, f"{here}/connector"), **TERMS, "name": "By hand"}
    form |= {"market": "any", "mode": "plain", "reserve_percent": "1", "token": ""}
    page = client.post(f"{here}/connector", data=form, follow_redirects=True).text
    assert 'value="http://localhost/trading-signal/webhook"' in page
    assert 'value="By hand"' in page
    token = page.partition('id="connector-token"')[2].partition('value="')[2][:36]
    body = {"connectorName": "By hand", "connectorToken": token, "action": "openLong"}
    url = "/trading-signal/webhook"
    assert client.post(url, data=json.dumps(body)).data == b"ok"

    drawn = {"csrf_token": csrf(client, here)}
    page = client.post(f"{here}/connector/token", data=drawn, follow_redirects=True).text
    assert token not in page and "A former token works" in page
    assert client.post(url, data=json.dumps(body)).data == b"ok"
    page = client.post(
        f"{here}/connector/token/end-overlap", data=drawn, follow_redirects=True
    ).text
    assert "A former token works" not in page
    assert client.post(url, data=json.dumps(body)).status_code == 401


def test_a_wrong_form_keeps_what_was_typed(site: Site) -> None:
    client = site.signed_in(site.ours)
    here = f"/strategies/{fresh(site)}/connector"
    form = {"csrf_token": csrf(client, here), **TERMS, "name": "Kept", "leverage": "lots"}
    answer = client.post(here, data=form)
    assert answer.status_code == 400
    assert 'value="Kept"' in answer.text and 'value="lots"' in answer.text
    assert "Not saved." in answer.text


def test_r19_a_signal_nobody_trades_is_accepted_with_0_subscriptions(site: Site) -> None:
    strategy = factories.strategy(site.owner, site.ours.tenant_id)
    named = factories.connector(site.owner, strategy, token="c" * 36)
    client = site.signed_in(site.ours)
    body = json.dumps({**named, "action": "openLong"})
    assert client.post("/trading-signal/webhook", data=body).data == b"ok"
    site.owner.execute(
        "UPDATE web.strategy_intake SET drained_seq = 1, handed_seq = 1 WHERE strategy_id = %s",
        (strategy.id,),
    )
    [(signal_id,)] = site.owner.execute(
        "SELECT id FROM web.signals WHERE strategy_id = %s", (strategy.id,)
    ).fetchall()
    page = client.get(f"/signals/sig_{signal_id.hex}").text
    assert "Accepted, 0 subscriptions" in page
    assert "no_subscription_enabled" in page


def test_the_builder_writes_a_message_with_the_connector_in_it(site: Site) -> None:
    client = site.signed_in(site.ours)
    strategy_id = fresh(site)
    here = f"/strategies/{strategy_id}/messages?sender=curl&dialect=crypto-arsenal"
    assert "nobody knows what to trade" in client.get(here).text
    _, made = save(site, strategy_id, **TERMS)
    page = client.get(here).text
    assert made["connectorToken"] in page
    assert "http://localhost/trading-signal/webhook" in page
    assert "Accepted" in page and "bullish" in page

    form = {"csrf_token": csrf(client, here), "sender": "curl", "dialect": "crypto-arsenal"}
    form |= {"do": "write", "f.action": "closeLong", "f.fixed": "{{close}}"}
    page = client.post(here, data=form).text
    assert "Refused" in page and "invalid-quantity" in page
