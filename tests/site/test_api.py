"""The API: shapes as published, problems with a cure, few queries, history kept."""

from datetime import timedelta
from typing import Any

import pytest

from tests.site.conftest import BODY, NOW, Site, add_signal, add_trade

SIGNAL_KEYS = [
    "object",
    "id",
    "strategy_id",
    "seq",
    "dialect",
    "accepted_at",
    "duplicate_of",
    "ticker",
    "action",
    "payload",
    "warnings",
    "counts",
    "trades",
    "trades_has_more",
]
TRADE_KEYS = [
    "object",
    "id",
    "signal_id",
    "subscription_id",
    "connection_id",
    "mode",
    "state",
    "reason",
    "message",
    "instrument",
    "contract",
    "protection",
    "protection_details",
    "warnings",
    "stages",
    "orders",
]
ORDER_KEYS = [
    "object",
    "id",
    "cl_ord_id",
    "broker_order_id",
    "leg",
    "origin",
    "side",
    "ord_type",
    "time_in_force",
    "order_qty",
    "cum_qty",
    "leaves_qty",
    "avg_px",
    "limit_price",
    "stop_price",
    "synthetic",
    "ord_status",
    "reason",
    "resent_at",
    "fills",
]
STAGES = [
    "sent",
    "received",
    "accepted",
    "dequeued",
    "planned",
    "approved",
    "submitted",
    "acknowledged",
    "first_fill",
    "filled",
]


def test_a_signal_with_its_trades_has_the_published_shape(site: Site) -> None:
    path = f"/signals/{site.ours.shown('signal')}"
    status, signal = site.api(site.ours, "GET", f"{path}?expand=trades")
    assert status == 200
    assert list(signal) == SIGNAL_KEYS
    assert signal["accepted_at"] == "2026-11-20T14:30:00.000Z"
    assert signal["payload"] == {
        "ticker": "AAPL",
        "action": "buy",
        "quantity": 5,
        "price": "228.40",
    }
    assert signal["counts"] == {
        "trades": 1,
        "filled": 1,
        "skipped": 0,
        "failed": 0,
        "has_more": False,
    }
    (trade,) = signal["trades"]
    assert list(trade) == TRADE_KEYS
    assert list(trade["stages"]) == STAGES
    (order,) = trade["orders"]
    assert list(order) == ORDER_KEYS
    assert (order["order_qty"], order["leaves_qty"], order["avg_px"]) == ("5", "0", "228.40")
    (fill,) = order["fills"]
    named = ["object", "id", "qty", "price", "fee", "at", "busted", "amended_at"]
    assert list(fill) == named
    assert "trades" not in site.api(site.ours, "GET", path)[1]


def test_numbers_of_a_payload_come_back_exactly(site: Site) -> None:
    raw = site.client().get(
        f"/api/v1/signals/{site.ours.shown('signal')}",
        headers={"Authorization": f"Bearer {site.ours.key}"},
    )
    assert BODY.decode()[1:-1] in raw.text


def test_a_position_names_whose_part_is_how_large(site: Site) -> None:
    _, listed = site.api(site.ours, "GET", "/positions")
    (position,) = listed["data"]
    assert position == {
        "object": "position",
        "connection_id": site.ours.shown("connection"),
        "instrument": "AAPL",
        "quantity": "5",
        "avg_price": "228.40",
        "own": {site.ours.shown("subscription"): "5"},
        "foreign": "0",
        "last_change": None,
        "updated_at": "2026-11-20T14:30:00.000Z",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "param"),
    [
        ("POST", "/strategies", {}, 400, "invalid_field", "name"),
        ("POST", "/strategies", {"name": ""}, 400, "invalid_field", "name"),
        ("POST", "/strategies", {"name": 5}, 400, "invalid_field", "name"),
        ("POST", "/strategies", {"name": "x", "typo": 1}, 400, "invalid_field", "typo"),
        ("POST", "/connections", {"name": "x", "mode": "live"}, 400, "invalid_field", "mode"),
        ("POST", "/subscriptions", {"strategy_id": "sig_1"}, 400, "invalid_field", "strategy_id"),
        ("GET", "/signals?cursor=zz", {}, 400, "bad_cursor", "cursor"),
        ("GET", "/signals?limit=201", {}, 400, "bad_limit", "limit"),
        ("GET", "/signals?strategy_id=5", {}, 400, "bad_id", "strategy_id"),
        ("GET", "/nothing", {}, 404, "not_found", None),
        ("DELETE", "/signals", {}, 405, "method_not_allowed", None),
    ],
)
def test_every_problem_names_its_cure(
    site: Site, method: str, path: str, body: Any, status: int, code: str, param: str | None
) -> None:
    found, problem = site.api(site.ours, method, path, **body)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert problem.get("param") == param
    assert problem["fix"]
    assert problem["instance"].startswith("req_")
    assert (problem["retryable"], problem["money_at_risk"]) == (False, False)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer fw_test_wrong", "Basic eDp5"])
def test_without_a_known_key_nothing_is_told(site: Site, header: str) -> None:
    answer = site.client().get("/api/v1/signals", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_a_strategy_is_made_and_joined_and_its_history_kept(site: Site) -> None:
    api = site.api
    _, strategy = api(site.ours, "POST", "/strategies", name="Made", asset_class="crypto")
    _, connection = api(site.ours, "POST", "/connections", name="Made")
    status, made = api(
        site.ours,
        "POST",
        "/subscriptions",
        strategy_id=strategy["id"],
        connection_id=connection["id"],
        settings={"quantity": "2.5", "auto_submit": True},
    )
    assert (status, made["enabled"], made["version"]) == (201, False, 1)
    assert made["settings"]["quantity"] == {"source": "own", "value": "2.5"}
    path = f"/subscriptions/{made['id']}"

    for enabled in (True, False, True, True):
        assert api(site.ours, "PATCH", path, enabled=enabled)[1]["enabled"] is enabled
    _, changed = api(site.ours, "PATCH", path, settings={"sides": "bullish", "quantity": None})
    assert changed["version"] == 2
    assert set(changed["settings"]) == {"auto_submit", "sides"}

    raw = made["id"].removeprefix("sub_")
    spans = site.owner.execute(
        "SELECT disabled_at IS NULL FROM web.subscription_spans WHERE subscription_id = %s "
        "ORDER BY enabled_at",
        (raw,),
    ).fetchall()
    assert spans == [(False,), (True,)]
    versions = site.owner.execute(
        "SELECT version FROM web.settings_versions WHERE subscription_id = %s ORDER BY version",
        (raw,),
    ).fetchall()
    assert versions == [(1,), (2,)]
    events = site.owner.execute(
        "SELECT action, actor FROM web.audit_events WHERE subject = %s ORDER BY id", (made["id"],)
    ).fetchall()
    assert [action for action, _ in events] == ["subscription:create"] + 4 * ["subscription:change"]
    assert all(actor.startswith("key:key_") for _, actor in events)
    version = site.owner.execute(
        "SELECT version FROM web.strategy_intake WHERE strategy_id = %s",
        (strategy["id"].removeprefix("str_"),),
    ).fetchone()
    assert version is not None
    assert version[0] > 5


def test_a_second_subscription_to_the_same_connection_is_refused(site: Site) -> None:
    status, problem = site.api(
        site.ours,
        "POST",
        "/subscriptions",
        strategy_id=site.ours.shown("strategy"),
        connection_id=site.ours.shown("connection"),
    )
    assert (status, problem["code"]) == (409, "already_subscribed")


@pytest.mark.parametrize(
    ("settings", "param"),
    [
        ({"quantity": "-1"}, "settings.quantity"),
        ({"quantity": "many"}, "settings.quantity"),
        ({"sides": "up"}, "settings.sides"),
        ({"nothing": 1}, "settings.nothing"),
        ({"auto_submit": {"source": "signal"}}, "settings.auto_submit"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(site: Site, settings: Any, param: str) -> None:
    path = f"/subscriptions/{site.ours.shown('subscription')}"
    status, problem = site.api(site.ours, "PATCH", path, settings=settings)
    assert (status, problem["param"]) == (400, param)


def test_a_webhook_url_leads_to_its_strategy(site: Site) -> None:
    _, strategy = site.api(site.ours, "POST", "/strategies", name="Webhook")
    path = strategy["webhook_url"].removeprefix("http://localhost")
    answer = site.client().post(path, data=BODY)
    assert answer.status_code == 200
    _, listed = site.api(site.ours, "GET", f"/signals?strategy_id={strategy['id']}")
    assert [row["id"] for row in listed["data"]] == [answer.json["id"]]  # type: ignore[index]


def test_pages_of_signals_meet_and_cost_the_same(site: Site) -> None:
    _, strategy = site.api(site.theirs, "POST", "/strategies", name="Many")
    strategy_id = strategy["id"].removeprefix("str_")
    for number in range(1, 26):
        signal_id = add_signal(
            site.owner,
            tenant_id=site.theirs.tenant_id,
            strategy_id=strategy_id,
            seq=number,
            accepted_at=NOW + timedelta(seconds=number // 2),
        )
        add_trade(site.owner, site.theirs, signal_id)
    seqs: list[int] = []
    cursor, costs = "", []
    while cursor is not None:
        query = f"/signals?strategy_id={strategy['id']}&expand=trades&limit=10&cursor={cursor}"
        with site.counted() as statements:
            _, page = site.api(site.theirs, "GET", query)
        costs.append(len(statements))
        seqs += [row["seq"] for row in page["data"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        cursor = page["next_cursor"]
    assert sorted(seqs) == list(range(1, 26))
    assert len(costs) == 3
    assert max(costs) <= 7


@pytest.mark.parametrize(
    ("path", "most"),
    [("/strategies", 4), ("/signals", 6), ("/trades", 6), ("/orders", 6), ("/positions", 6)],
)
def test_list_pages_cost_few_queries(site: Site, path: str, most: int) -> None:
    client = site.signed_in(site.ours)
    with site.counted() as statements:
        assert client.get(path).status_code == 200
    assert len(statements) <= most, statements
