"""Explaining over API and pages where execution is away: everything else is still told."""

import json
from typing import Any

from hypothesis import given
from hypothesis import settings as examples

from tests import factories, settings_values
from tests.site.conftest import Site, csrf
from web.db import db, get_for_tenant, tenant_scope
from web.signals.rules import Signal, from_json
from web.strategies.models import Strategy
from web.subscriptions import settings
from web.subscriptions.models import Subscription
from web.trades import explain

MESSAGE = {"ticker": "AAPL", "action": "buy", "quantity": 5, "price": "228.40"}


def explained(site: Site, message: Any, **more: Any) -> tuple[int, Any]:
    path = f"/strategies/{site.ours.shown('strategy')}/explain"
    return site.api(site.ours, "POST", path, message=message, **more)


def test_a_message_is_told_for_each_enabled_subscription(site: Site) -> None:
    status, told = explained(site, MESSAGE)
    assert status == 200
    assert (told["object"], told["accepted"], told["refusal"]) == ("explanation", True, None)
    assert told["signal"]["quantity"] == "5"
    [each] = told["subscriptions"]
    assert each["subscription_id"] == site.ours.shown("subscription")
    assert (each["state"], each["reason"]) == ("PENDING", None)
    values = {value["name"]: value for value in each["effective"]}
    assert set(values) == set(settings.BY_NAME)
    assert (values["quantity"]["value"], values["quantity"]["from"]) == ("5", "signal")
    assert [rule["rule"] for rule in each["verdicts"] if rule["passed"]][:2] == [
        "test",
        "subscription_paused",
    ]
    assert each["execution"]["answered"] is False
    assert "does not answer" in each["execution"]["why"]


def test_text_is_read_as_a_webhook_would_read_it(site: Site) -> None:
    assert explained(site, json.dumps(MESSAGE))[1]["accepted"]
    status, told = explained(site, '{"ticker":"AAPL","action":"{{strategy.order.action}}"}')
    assert (status, told["accepted"], told["subscriptions"]) == (200, False, [])
    assert told["refusal"]["code"] and told["refusal"]["fix"]
    assert explained(site, "[1]")[1]["refusal"]["code"] == "invalid-payload"


def test_a_rule_that_says_no_is_told_with_its_numbers(site: Site) -> None:
    strategy = factories.strategy(site.owner, site.ours.tenant_id)
    only = {"allowed_tickers": {"source": "own", "value": ["MSFT"]}}
    factories.subscription(site.owner, strategy, settings=only)
    path = f"/strategies/str_{strategy.id.hex}/explain"
    _, told = site.api(site.ours, "POST", path, message={**MESSAGE, "action": "add"})
    [each] = told["subscriptions"]
    assert (each["state"], each["reason"]) == ("SKIPPED", "ticker_not_allowed")
    [verdict] = [rule for rule in each["verdicts"] if not rule["passed"]]
    assert verdict["numbers"] == {"tickers": "MSFT"}
    assert each["execution"] is None


def test_what_is_asked_wrongly_is_said(site: Site) -> None:
    assert explained(site, 5)[1]["param"] == "message"
    assert explained(site, MESSAGE, subscription_ids=["x"])[1]["param"] == "subscription_ids"
    other = factories.subscription(
        site.owner, factories.strategy(site.owner, site.ours.tenant_id), site.ours.tenant_id
    )
    wrong = explained(site, MESSAGE, subscription_ids=[f"sub_{other.id.hex}"])[1]
    assert (wrong["param"], "another strategy" in wrong["detail"]) == ("subscription_ids", True)
    theirs = [site.theirs.shown("subscription")]
    assert explained(site, MESSAGE, subscription_ids=theirs)[0] == 404
    ours = [site.ours.shown("subscription")]
    assert len(explained(site, MESSAGE, subscription_ids=ours)[1]["subscriptions"]) == 1
    path = f"/strategies/{site.theirs.shown('strategy')}/explain"
    assert site.api(site.ours, "POST", path, message=MESSAGE)[0] == 404


def test_a_stored_signal_is_told_for_one_subscription(site: Site) -> None:
    ours, path = site.ours, f"/subscriptions/{site.ours.shown('subscription')}/explain"
    status, told = site.api(ours, "GET", f"{path}?signal={ours.shown('signal')}")
    assert (status, len(told["subscriptions"])) == (200, 1)
    assert site.api(ours, "GET", f"{path}?signal={site.theirs.shown('signal')}")[0] == 404


def test_explaining_stores_nothing(site: Site) -> None:
    def count() -> Any:
        query = "SELECT (SELECT count(*) FROM web.signals), (SELECT count(*) FROM web.trades)"
        return site.owner.execute(query).fetchone()

    before = count()
    explained(site, MESSAGE)
    assert count() == before


def test_a_trade_without_a_record_cannot_be_replayed(site: Site) -> None:
    status, told = site.api(site.ours, "GET", f"/trades/{site.ours.shown('trade')}/replay")
    assert (status, told["code"]) == (409, "not_recorded")


def test_the_tester_tells_and_sends(site: Site) -> None:
    client, here = site.signed_in(site.ours), f"/strategies/{site.ours.shown('strategy')}/tester"
    assert "Explain it" in client.get(here).text
    assert here in client.get(f"/strategies/{site.ours.shown('strategy')}").text
    told = client.get(f"{here}?signal={site.ours.shown('signal')}").text
    assert 'id="told"' in told and "Paper" in told
    form = {"csrf_token": csrf(client, here), "message": json.dumps(MESSAGE)}
    assert '<span class="chip">signal</span>' in client.post(here, data=form).text
    refused = client.post(here, data=form | {"message": '{"ticker":"AAPL"}'}).text
    assert "Refused" in refused
    sent = client.post(here, data=form | {"do": "send"})
    assert sent.status_code == 302 and "/signals/sig_" in sent.headers["Location"]
    assert client.get(f"/strategies/{site.theirs.shown('strategy')}/tester").status_code == 404


@given(settings_values.of_strategy(), settings_values.of_subscription(), settings_values.signals)
@examples(max_examples=500, deadline=None)
def test_explain_form_snapshot_and_api_tell_the_same_values(
    site: Site, strategy: dict[str, Any], stored: dict[str, Any], signal: Signal
) -> None:
    resolved = settings.resolve(signal, strategy, stored, settings.caps_of(strategy))
    names = ("name", "label", "group", "text")
    told = {
        value["name"]: {key: each for key, each in value.items() if key not in names}
        for value in explain.effective(resolved)
    }
    assert told == resolved.to_json() == settings.complete(resolved.snapshot())
    caps = [{"name": cap.name, "by": cap.by} for cap in resolved.refused]
    recalled = settings.recall(json.loads(json.dumps(resolved.snapshot())), caps)
    assert recalled.to_json() == resolved.to_json()
    assert recalled.snapshot() == resolved.snapshot()


def test_the_values_are_those_of_the_settings_screen_and_the_api(site: Site) -> None:
    with site.app.test_request_context(), tenant_scope(site.ours.tenant_id):
        strategy = get_for_tenant(Strategy, site.ours.strategy_id)
        row = get_for_tenant(Subscription, site.ours.subscription_id)
        signal = from_json(
            {"dialect": "traderspost", "ticker": "AAPL", "instrument": "AAPL", "action": "exit"}
        )
        [told] = explain.again(strategy, signal, row)["subscriptions"]
        db.session.rollback()
    path = f"/subscriptions/{site.ours.shown('subscription')}/settings"
    effective = site.api(site.ours, "GET", path)[1]["effective"]
    assert {value["name"]: (value["value"], value["from"]) for value in told["effective"]} == {
        name: (value["value"], value["from"]) for name, value in effective.items()
    }
