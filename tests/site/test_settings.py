"""Settings through the API and on their pages: nothing overwritten, nothing typed lost."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as examples
from werkzeug.test import TestResponse

from tests import factories, settings_values
from tests.site.conftest import Site
from web.db import db, get_for_tenant, tenant_scope
from web.strategies.models import Strategy
from web.subscriptions import service, settings


def call(
    site: Site, method: str, path: str, body: Any = None, if_match: str | None = None
) -> TestResponse:
    headers = {"Authorization": f"Bearer {site.ours.key}"}
    if if_match:
        headers["If-Match"] = if_match
    return site.client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


@pytest.fixture
def here(site: Site) -> str:
    """A subscription of its own for each test."""
    _, strategy = site.api(site.ours, "POST", "/strategies", name="Tuned")
    _, connection = site.api(site.ours, "POST", "/connections", name="Tuned")
    _, made = site.api(
        site.ours,
        "POST",
        "/subscriptions",
        strategy_id=strategy["id"],
        connection_id=connection["id"],
    )
    return f"/subscriptions/{made['id']}"


def strategy_of(site: Site, here: str) -> str:
    return f"/strategies/{call(site, 'GET', here).json['strategy_id']}"  # type: ignore[index]


def test_settings_tell_what_is_set_and_what_results(site: Site, here: str) -> None:
    call(site, "PATCH", f"{strategy_of(site, here)}/settings", {"settings": {"stop_loss": "2"}})
    answer = call(site, "PATCH", f"{here}/settings", {"settings": {"sides": "bullish"}})
    told = answer.json
    assert told is not None
    assert told["settings"] == {"sides": {"source": "own", "value": "bullish"}}
    assert told["effective"]["sides"] == {"value": "bullish", "from": "yours"}
    assert told["effective"]["stop_loss"] == {"value": "2", "from": "strategy"}
    assert told["effective"]["allow_add"] == {"value": False, "from": "default"}
    assert set(told["effective"]) == set(settings.BY_NAME)


def test_a_change_made_from_what_is_no_more_is_refused(site: Site, here: str) -> None:
    for path in (here, strategy_of(site, here)):
        tag = call(site, "GET", f"{path}/settings").headers["ETag"]
        first = call(site, "PATCH", f"{path}/settings", {"settings": {"sides": "none"}}, tag)
        assert first.status_code == 200
        assert first.headers["ETag"] != tag
        late = call(site, "PATCH", f"{path}/settings", {"settings": {"sides": "both"}}, tag)
        assert late.status_code == 412
        assert late.content_type == "application/problem+json"
        now = call(site, "GET", f"{path}/settings")
        assert now.headers["ETag"] == first.headers["ETag"]
        again = {"settings": {"sides": "both"}}
        assert call(site, "PATCH", f"{path}/settings", again, "*").status_code == 200


def test_every_wrong_field_is_named_with_its_cure(site: Site, here: str) -> None:
    wrong = {"quantity": "-1", "sides": "bullish", "exit_fill_wait_seconds": "5", "windows": "late"}
    answer = call(site, "PATCH", f"{here}/settings", {"settings": wrong})
    problem = answer.json
    assert problem is not None
    assert (answer.status_code, problem["param"]) == (400, "settings.quantity")
    assert [error["param"] for error in problem["errors"]] == [
        "settings.quantity",
        "settings.exit_fill_wait_seconds",
        "settings.windows",
    ]
    assert all(error["fix"] for error in problem["errors"])
    assert call(site, "GET", f"{here}/settings").json["settings"] == {}  # type: ignore[index]


def test_the_schema_is_told(site: Site) -> None:
    schema = call(site, "GET", "/settings/schema").json
    assert schema is not None
    assert schema["properties"]["sides"]["default"] == "both"
    of_strategy = call(site, "GET", "/settings/schema?of=strategy").json
    assert of_strategy is not None
    assert "locked" in of_strategy["properties"]
    assert "locked" not in schema["properties"]


def test_settings_of_another_workspace_are_not_there(site: Site) -> None:
    for kind in ("subscription", "strategy"):
        plural = {"subscription": "subscriptions", "strategy": "strategies"}[kind]
        path = f"/{plural}/{site.theirs.shown(kind)}/settings"
        assert call(site, "GET", path).status_code == 404
        assert call(site, "PATCH", path, {"settings": {}}).status_code == 404
    client = site.signed_in(site.ours)
    assert client.get(f"/strategies/{site.theirs.shown('strategy')}/settings").status_code == 404


@contextmanager
def anybody_may_follow(site: Site) -> Iterator[None]:
    """As it will be where a publisher allows it; so far row security knows nobody who may."""
    check = "ALTER POLICY own_strategy ON web.subscriptions WITH CHECK ({})"
    site.owner.execute(check.format("true"))
    try:
        yield
    finally:
        site.owner.execute(check.format("strategy_tenant_id = web.current_tenant()"))


def test_a_follower_starts_with_copies(site: Site) -> None:
    publisher = factories.strategy(site.owner, settings={"sides": "bullish", "stop_loss": "3"})
    follower = factories.subscription(site.owner, publisher, site.ours.tenant_id)
    site.owner.execute(
        "DELETE FROM web.subscription_spans WHERE subscription_id = %s", [follower.id]
    )
    site.owner.execute("DELETE FROM web.subscriptions WHERE id = %s", [follower.id])
    with anybody_may_follow(site), site.app.app_context(), tenant_scope(site.ours.tenant_id):
        from web.connections.models import Connection

        strategy = Strategy(
            id=publisher.id,
            tenant_id=publisher.tenant_id,
            name="Theirs",
            asset_class="stocks",
            settings={"sides": "bullish", "stop_loss": "3"},
        )
        made = service.create(
            strategy,
            get_for_tenant(Connection, follower.connection_id),
            actor="person:test",
            new_settings={"quantity": "2"},
        )
        stored = dict(made.settings)
        db.session.rollback()
    assert stored["sides"] == {"source": "own", "value": "bullish"}
    assert stored["stop_loss"] == {"source": "signal", "value": "3"}
    assert stored["quantity"] == {"source": "own", "value": "2"}
    assert stored["take_profit"] == {"source": "signal", "value": "none"}


def typed(client: FlaskClient, path: str) -> dict[str, str]:
    """What the page's form holds, as a browser would send it."""
    page = client.get(path).text
    form = page[page.index('class="settings"') :]
    found = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    }
    for name, value in re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', form):
        found[name] = html.unescape(value)
    for name, inside in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside)
        first = re.search(r'value="([^"]*)"', inside)
        assert first is not None
        found[name] = html.unescape((chosen or first)[1])
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S
    ):
        found[name] = html.unescape(text)
    return found


def test_a_page_saved_untouched_changes_nothing(site: Site, here: str) -> None:
    chosen = {
        "windows": "mon-fri 09:30-16:00",
        "quantity": "2",
        "allowed_tickers": ["AAPL", "BRK.B"],
    }
    call(site, "PATCH", f"{here}/settings", {"settings": chosen})
    before = call(site, "GET", f"{here}/settings").json
    client = site.signed_in(site.ours)
    answer = client.post(here, data=typed(client, here))
    assert answer.status_code == 302
    assert call(site, "GET", f"{here}/settings").json == before


def test_two_people_editing_meet_a_merge_screen(site: Site, here: str) -> None:
    client = site.signed_in(site.ours)
    mine = typed(client, here)
    theirs = {"sides": "bullish", "quantity": "9"}
    call(site, "PATCH", f"{here}/settings", {"settings": theirs})
    mine |= {"quantity.source": "own", "quantity.value": "4", "stop_loss.value": "2"}
    answer = client.post(here, data=mine)
    assert answer.status_code == 409
    assert "Not saved: somebody changed these meanwhile." in answer.text
    assert "they set Use my value: 9" in answer.text
    stored = call(site, "GET", f"{here}/settings").json["settings"]  # type: ignore[index]
    assert stored["quantity"]["value"] == "9"
    # What the screen shows now, sent, keeps their sides and my quantity and stop.
    base = re.search(r'name="base" value="([^"]*)"', answer.text)
    assert base is not None
    assert json.loads(html.unescape(base[1])) == stored
    assert '<option value="bullish" selected>' in answer.text
    assert re.search(r'name="quantity.value" value="4"', answer.text)
    assert re.search(r'name="stop_loss.value" value="2"', answer.text)


def test_what_is_wrong_is_listed_with_links_and_nothing_typed_is_lost(
    site: Site, here: str
) -> None:
    client = site.signed_in(site.ours)
    mine = typed(client, here) | {
        "quantity.value": "lots",
        "stop_loss.value": "far",
        "windows.value": "mon 09:30-16:00 Mars",
        "take_profit.value": "7",
    }
    answer = client.post(here, data=mine)
    assert answer.status_code == 400
    for name in ("quantity", "stop_loss", "windows"):
        assert f'<a href="#{name}-value">' in answer.text
        assert f'id="{name}-value"' in answer.text
    for kept in ('value="lots"', 'value="far"', "mon 09:30-16:00 Mars", 'value="7"'):
        assert kept in answer.text


def test_the_preview_works_without_script_and_saves_nothing(site: Site, here: str) -> None:
    client = site.signed_in(site.ours)
    mine = typed(client, here) | {
        "quantity.source": "own",
        "quantity.value": "50",
        "stop_loss.value": "10",
        "stop_loss_unit.value": "amount",
        "do": "preview",
    }
    page = client.post(here, data=mine).text
    assert "50 × 10 = 500, before fees and slippage" in page
    assert 'value="50"' in page
    assert call(site, "GET", f"{here}/settings").json["settings"] == {}  # type: ignore[index]
    part = client.post(f"{here}/preview", data=mine).text
    assert "50 × 10 = 500" in part
    assert "<html" not in part
    wrong = client.post(f"{here}/preview", data=mine | {"stop_loss.value": "far"})
    assert "As saved: stop loss cannot be so yet." in wrong.text


def test_the_preview_names_the_rule_that_lets_nothing_through(site: Site, here: str) -> None:
    client = site.signed_in(site.ours)
    mine = typed(client, here) | {
        "allowed_tickers.source": "own",
        "allowed_tickers.value": "MSFT",
        "do": "preview",
    }
    assert "This subscription trades only MSFT." in client.post(here, data=mine).text


def test_a_search_shows_what_matches_and_leaves_the_rest_alone(site: Site, here: str) -> None:
    call(site, "PATCH", f"{here}/settings", {"settings": {"quantity": "2", "sides": "bullish"}})
    client = site.signed_in(site.ours)
    page = f"{here}?q=stop+loss"
    mine = typed(client, page)
    assert "stop_loss.value" in mine
    assert "quantity.value" not in mine
    client.post(here, data=mine | {"stop_loss.value": "3"})
    stored = call(site, "GET", f"{here}/settings").json["settings"]  # type: ignore[index]
    assert set(stored) == {"quantity", "sides", "stop_loss"}


def test_a_change_of_defaults_names_whom_it_reaches_and_asks_once(site: Site, here: str) -> None:
    strategy = strategy_of(site, here)
    client = site.signed_in(site.ours)
    page = f"{strategy}/settings"
    assert "used by 1 subscription" in client.get(page).text
    mine = typed(client, page) | {"sides.value": "bearish"}
    asked = client.post(page, data=mine)
    assert asked.status_code == 409
    assert "Tuned: Sides" in asked.text
    assert call(site, "GET", f"{strategy}/settings").json["settings"] == {}  # type: ignore[index]
    assert client.post(page, data=mine | {"do": "confirmed"}).status_code == 302
    told = call(site, "GET", f"{here}/settings").json
    assert told is not None
    assert told["effective"]["sides"] == {"value": "bearish", "from": "strategy"}


def test_a_lock_shows_a_padlock_and_binds(site: Site, here: str) -> None:
    strategy = strategy_of(site, here)
    lock = {"locked": ["sides"], "sides": "bullish"}
    call(site, "PATCH", f"{strategy}/settings", {"settings": lock})
    call(site, "PATCH", f"{here}/settings", {"settings": {"sides": "both"}})
    told = call(site, "GET", f"{here}/settings").json
    assert told is not None
    assert told["effective"]["sides"] == {"value": "bullish", "from": "locked"}
    page = site.signed_in(site.ours).get(here).text
    assert "locked: never more than the strategy" in page
    assert '<span class="num">bullish</span> <span class="chip">locked</span>' in page


def test_the_page_shows_what_the_api_tells(site: Site, here: str) -> None:
    client = site.signed_in(site.ours)

    @given(settings_values.of_subscription())
    @examples(max_examples=20, deadline=None)
    def same(stored: dict[str, Any]) -> None:
        everything = {name: None for name in settings.BY_NAME if name not in stored}
        everything = {n: v for n, v in everything.items() if n in _OF_SUBSCRIPTION}
        answer = call(site, "PATCH", f"{here}/settings", {"settings": everything | stored})
        told = answer.json
        assert told is not None
        assert told["settings"] == stored
        page = client.get(here).text
        for name in ("sides", "allow_add", "quantity", "cancel_open_orders"):
            row = page[page.index(f'id="{name}"') :]
            chip = re.search(
                r'<span class="chip">([a-z:]+)</span>', row[row.index("setting-effect") :]
            )
            assert chip is not None
            assert chip[1] == told["effective"][name]["from"]

    same()


_OF_SUBSCRIPTION = {row.name for row in settings.OF_SUBSCRIPTION}
