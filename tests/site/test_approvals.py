"""Waiting trades on the site and in the API: seen, decided once, by those who may."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from protos import ids
from tests.site.conftest import Site, Workspace, csrf
from tests.site.roles_kit import add_member, signed_in
from web.signals import waterfall
from web.trades.models import Trade
from web.trades.stages import times_of
from web.trades.words import intent


def said(action: str = "buy", **fields: Any) -> str:
    """A signal, as it is stored with its trade."""
    signal = {"dialect": "traderspost", "ticker": "AAPL", "instrument": "AAPL", "action": action}
    return json.dumps({**signal, "signal_price": "200", **fields})


def add_waiting(site: Site, of: Workspace, **more: Any) -> UUID:
    """A trade of the workspace that waits for approval; returns its id."""
    now = datetime.now(UTC)
    row = {
        "id": uuid4(),
        "signal_id": uuid4(),
        "tenant_id": of.tenant_id,
        "strategy_id": of.strategy_id,
        "subscription_id": of.subscription_id,
        "connection_id": of.connection_id,
        "mode": "paper",
        "state": "WAITING_APPROVAL",
        "instrument": "AAPL",
        "signal": said(message="Gap <up>"),
        "expires": now + timedelta(minutes=9),
        "release": None,
        "at": now,
        "settings": '{"allow_swap":{"value":false,"from":"default"}}',
        **more,
    }
    site.owner.execute(
        "INSERT INTO web.trades (id, tenant_id, signal_id, signal_seq, strategy_id, "
        "subscription_id, connection_id, mode, state, numbers, instrument, signal, settings, "
        "settings_version, received_at, accepted_at, dequeued_at, planned_at, "
        "approval_expires_at, release_at) VALUES (%(id)s, %(tenant_id)s, %(signal_id)s, 1, "
        "%(strategy_id)s, %(subscription_id)s, %(connection_id)s, %(mode)s, %(state)s, "
        '\'{"quantity":"5"}\', %(instrument)s, %(signal)s, '
        "%(settings)s, 1, %(at)s, %(at)s, %(at)s, %(at)s, %(expires)s, %(release)s)",
        row,
    )
    return UUID(str(row["id"]))


def add_delayed(site: Site, of: Workspace) -> UUID:
    release = datetime.now(UTC) + timedelta(minutes=30)
    return add_waiting(site, of, state="DELAYED", expires=None, release=release)


def shown(trade_id: UUID) -> str:
    return ids.show("trade", trade_id)


def test_the_api_lists_what_waits_with_what_a_person_needs(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, instrument="IBM")
    status, listed = site.api(site.ours, "GET", "/approvals")
    assert (status, listed["object"]) == (200, "list")
    [trade] = [row for row in listed["data"] if row["id"] == shown(trade_id)]
    assert trade["state"] == "WAITING_APPROVAL"
    assert trade["signal_message"] == "Gap <up>"
    assert trade["signal_price"] == "200"
    assert trade["quantity"] == "5"
    assert trade["intent"].startswith("Buy 5 AAPL at market.")
    assert trade["approval_expires_at"] > trade["accepted_at"]
    # Nobody filled any, so no price is known.
    assert (trade["last_price"], trade["drift_percent"]) == (None, None)
    assert shown(trade_id) not in str(site.api(site.theirs, "GET", "/approvals"))


def fill(site: Site, trade_id: UUID, instrument: str, price: str) -> None:
    """Somebody's fill a moment ago: what the price is now, as far as we know."""
    site.owner.execute(
        "INSERT INTO web.fills (id, tenant_id, order_id, trade_id, connection_id, exec_id, "
        "instrument, side, qty, price, at) SELECT gen_random_uuid(), tenant_id, id, id, "
        "connection_id, 'x', %s, 'buy', 1, %s, now() FROM web.trades WHERE id = %s",
        (instrument, price, trade_id),
    )


def approve(site: Site, trade_id: UUID, **body: Any) -> tuple[int, Any]:
    return site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve", **body)


@pytest.mark.rule("F.drift")
def test_f_a_price_that_got_worse_is_shown_before_an_entry_goes(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, instrument="DRFT1")
    fill(site, trade_id, "DRFT1", "205")
    status, problem = approve(site, trade_id)
    assert (status, problem["code"]) == (409, "price_drifted")
    numbers = ("signal_price", "price", "drift_percent", "limit_percent", "price_from")
    assert [problem[name] for name in numbers] == ["200", "205", "2.50", "1", "fill"]
    _, trade = site.api(site.ours, "GET", f"/trades/{shown(trade_id)}")
    assert trade["state"] == "WAITING_APPROVAL"
    assert approve(site, trade_id, accept_drift=False)[0] == 409
    status, trade = approve(site, trade_id, accept_drift=True)
    assert (status, trade["state"]) == (200, "PENDING")
    # Once it went, there is nothing left to ask about.
    assert approve(site, trade_id)[0] == 200


@pytest.mark.rule("F.drift")
@pytest.mark.parametrize(
    ("signal", "price"),
    [
        (said("buy"), "202"),
        (said("buy"), "150"),
        (said("sell"), "250"),
        (said("exit"), "150"),
        (said("sell", sentiment="bullish", quantity="1"), "150"),
        (said("buy", order_type="limit", limit_price="201"), "250"),
        (said("buy", signal_price=None), "250"),
    ],
)
def test_f_what_closes_is_bounded_or_got_better_is_not_asked_about(
    site: Site, signal: str, price: str
) -> None:
    settings = json.dumps({"entry_order_type": {"value": "limit", "from": "signal"}})
    is_limit = {"settings": settings} if "limit_price" in signal else {}
    trade_id = add_waiting(site, site.ours, instrument="DRFT2", signal=signal, **is_limit)
    fill(site, trade_id, "DRFT2", price)
    assert approve(site, trade_id)[0] == 200


@pytest.mark.rule("F.drift")
def test_f_the_setting_says_from_where_on_it_is_asked(site: Site) -> None:
    for limit, status in (("3", 200), ("2.49", 409), ("100", 200), ("0", 409)):
        chosen = {"approval_drift_percent": {"value": limit, "from": "yours"}}
        trade_id = add_waiting(
            site, site.ours, instrument="DRFT3", settings=json.dumps(chosen), signal=said("buy")
        )
        fill(site, trade_id, "DRFT3", "205")
        assert approve(site, trade_id)[0] == status


@pytest.mark.rule("F.drift")
def test_f_the_page_asks_again_with_the_numbers_and_then_approves(site: Site) -> None:
    client = site.signed_in(site.ours)
    one, other = (add_waiting(site, site.ours, instrument=f"DRFT{n}") for n in (4, 5))
    fill(site, one, "DRFT4", "210")
    form: dict[str, Any] = {"csrf_token": csrf(client, "/approvals")}
    asked = client.post(f"/trades/{shown(one)}/approve", data=form)
    assert asked.status_code == 409
    assert "Approve it all the same?" in asked.text
    assert "210" in asked.text and "5.00 %" in asked.text
    many = form | {"verb": "approve", "trade_id": [shown(one), shown(other)]}
    asked = client.post("/approvals", data=many)
    # The one whose price did not move has gone.
    assert asked.status_code == 409
    assert shown(one) in asked.text and shown(other) not in asked.text
    _, trade = site.api(site.ours, "GET", f"/trades/{shown(other)}")
    assert trade["state"] == "PENDING"
    again = form | {"verb": "approve", "trade_id": shown(one), "accept_drift": "1"}
    answer = client.post("/approvals", data=again, follow_redirects=True)
    assert "Approved: 1 of 1." in answer.text


def test_drift_is_measured_from_the_signals_price_to_the_last_fill(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, instrument="TSLA")
    site.owner.execute(
        "INSERT INTO web.fills (id, tenant_id, order_id, trade_id, connection_id, exec_id, "
        "instrument, side, qty, price, at) SELECT gen_random_uuid(), tenant_id, id, id, "
        "connection_id, 'x', 'TSLA', 'buy', 1, price, now() - ago FROM web.trades, "
        "(VALUES (203, interval '5 min'), (190, interval '2 h')) AS f(price, ago) WHERE id = %s",
        (trade_id,),
    )
    _, listed = site.api(site.ours, "GET", "/approvals")
    [trade] = [row for row in listed["data"] if row["id"] == shown(trade_id)]
    assert (trade["last_price"], trade["drift_percent"]) == ("203", "1.50")


def test_approving_answers_the_trade_and_again_the_same(site: Site) -> None:
    trade_id = add_waiting(site, site.ours)
    first = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")
    again = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")
    assert first == again
    status, trade = first
    assert (status, trade["state"]) == (200, "PENDING")
    assert trade["stages"]["approved"] is not None


def test_the_loser_is_told_what_became_of_the_trade(site: Site) -> None:
    trade_id = add_waiting(site, site.ours)
    site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/reject")
    status, problem = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")
    assert (status, problem["code"]) == (409, "not_waiting")
    assert (problem["state"], problem["reason"]) == ("SKIPPED", "rejected_by_member")


def test_a_paused_subscription_is_named_as_the_hindrance(site: Site) -> None:
    trade_id = add_waiting(site, site.ours)
    subscription = f"/subscriptions/{site.ours.shown('subscription')}"
    site.api(site.ours, "PATCH", subscription, enabled=False)
    status, problem = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")
    site.api(site.ours, "PATCH", subscription, enabled=True)
    assert (status, problem["code"]) == (409, "subscription_paused")
    assert site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")[0] == 200


def test_a_delayed_trade_is_listed_and_canceled(site: Site) -> None:
    trade_id = add_delayed(site, site.ours)
    _, listed = site.api(site.ours, "GET", "/approvals?state=DELAYED")
    assert [row["id"] for row in listed["data"]] == [shown(trade_id)]
    assert listed["data"][0]["release_at"] is not None
    status, trade = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/cancel")
    assert (status, trade["reason"]) == (200, "canceled_by_member")
    assert site.api(site.ours, "GET", "/approvals?state=NEVER")[1]["code"] == "bad_state"


def test_what_execution_holds_for_the_open_is_ended_by_execution_only(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, state="QUEUED", expires=None)
    page = site.signed_in(site.ours).get(f"/trades/{shown(trade_id)}").text
    assert "Goes by itself when its market opens." in page
    assert f"/trades/{shown(trade_id)}/cancel" in page
    status, problem = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/cancel")
    assert (status, problem["code"]) == (503, "execution_down")
    _, trade = site.api(site.ours, "GET", f"/trades/{shown(trade_id)}")
    assert trade["state"] == "QUEUED"


def test_what_waits_for_the_open_is_listed_with_the_time_and_a_button(site: Site) -> None:
    opens = "2026-11-23T14:30:00+00:00"
    trade_id = add_waiting(site, site.ours, state="QUEUED", expires=None, instrument="QUEUE")
    site.owner.execute(
        "UPDATE web.trades SET reason = 'market_closed', numbers = numbers || "
        "jsonb_build_object('opens_at', %s::text) WHERE id = %s",
        (opens, trade_id),
    )
    _, listed = site.api(site.ours, "GET", "/approvals?state=QUEUED")
    [row] = [each for each in listed["data"] if each["id"] == shown(trade_id)]
    assert row["release_at"] == "2026-11-23T14:30:00.000Z"
    page = site.signed_in(site.ours).get("/approvals").text
    assert "its market to open" in page
    assert f"/trades/{shown(trade_id)}/cancel" in page and opens[:16] in page


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel"])
def test_another_tenants_trade_cannot_be_decided(site: Site, verb: str) -> None:
    trade_id = add_waiting(site, site.theirs)
    assert site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/{verb}")[0] == 404
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    path = f"/trades/{shown(trade_id)}/{verb}"
    assert client.post(path, data={"csrf_token": token}).status_code == 404
    form = {"csrf_token": token, "verb": "approve", "trade_id": shown(trade_id)}
    assert client.post("/approvals", data=form).status_code == 404
    assert site.api(site.theirs, "POST", f"/trades/{shown(trade_id)}/cancel")[0] == 200


def test_a_test_key_touches_paper_only(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, mode="live")
    status, problem = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/approve")
    assert (status, problem["code"]) == (403, "test_key")
    page = site.signed_in(site.ours).get("/approvals").text
    assert "Approve on LIVE" in page


def test_the_page_shows_each_waiting_trade_and_its_buttons_work(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, instrument="NVDA")
    client = site.signed_in(site.ours)
    page = client.get("/approvals").text
    assert "Gap &lt;up&gt;" in page
    assert "8 min" in page and "Approve on PAPER" in page and "No price is known now" in page
    form = {"csrf_token": csrf(client, "/approvals")}
    answer = client.post(f"/trades/{shown(trade_id)}/approve", data=form, follow_redirects=True)
    assert "Approved: buy NVDA on PAPER." in answer.text
    answer = client.post(f"/trades/{shown(trade_id)}/reject", data=form, follow_redirects=True)
    assert "buy NVDA was not waiting any more: it is pending." in answer.text
    again = client.get(f"/trades/{shown(trade_id)}").text
    assert "Waits for approval" not in again


def test_many_are_decided_at_once_and_losers_are_named(site: Site) -> None:
    client = site.signed_in(site.ours)
    ticked = [add_waiting(site, site.ours, instrument="AMD") for _ in range(3)]
    site.owner.execute(
        "UPDATE web.trades SET state = 'EXPIRED', reason = 'approval_expired', "
        "approval_expires_at = NULL WHERE id = %s",
        (ticked[0],),
    )
    form = {
        "csrf_token": csrf(client, "/approvals"),
        "verb": "reject",
        "trade_id": [shown(trade_id) for trade_id in ticked],
    }
    answer = client.post("/approvals", data=form, follow_redirects=True).text
    assert "Rejected: 2 of 3." in answer
    assert "buy AMD was not waiting any more: it is expired (approval_expired)." in answer


@pytest.mark.parametrize(
    ("role", "status"),
    [("approver", 302), ("trader", 302), ("viewer", 403), ("publisher", 403)],
)
def test_only_some_roles_may_decide(site: Site, role: str, status: int) -> None:
    trade_id = add_waiting(site, site.ours)
    client = signed_in(site, add_member(site, role))
    page = client.get("/approvals").text
    path = f"/trades/{shown(trade_id)}/approve"
    answer = client.post(path, data={"csrf_token": csrf(client, "/connections")})
    assert answer.status_code == status
    assert ("Approve on PAPER" in page) == (status == 302)


def test_every_page_counts_what_waits(site: Site) -> None:
    client = site.signed_in(site.theirs)
    assert 'id="approvals-count"' in client.get("/orders").text
    before = client.get("/approvals/count").text
    assert " hidden" in before
    add_waiting(site, site.theirs)
    assert ">1</span>" in client.get("/approvals/count").text
    assert client.get("/approvals/count").text.count("id=") == 1


def test_a_persons_time_is_the_persons_in_the_waterfall() -> None:
    start = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    trade = Trade(
        received_at=start,
        accepted_at=start,
        dequeued_at=start,
        planned_at=start,
        approved_at=start + timedelta(seconds=60),
        submitted_at=start + timedelta(seconds=60.01),
    )
    built = waterfall.build(times_of(trade))
    assert built.by_owner == {"you": 60_000, "Fillwire": pytest.approx(10)}


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ({"action": "buy"}, "Buy 5 MNQ at market. If MNQ is short, it only closes, and"),
        ({"action": "sell", "sentiment": "flat"}, "Close the whole long position in MNQ."),
        ({"action": "exit", "quantity": "2"}, "Close 2 of the position in MNQ."),
        (
            {"action": "add", "order_type": "limit", "limit_price": "9.5"},
            "Add 5 MNQ to the position, by a limit order at 9.5.",
        ),
        ({"action": "cancel"}, "Cancel the open orders in MNQ."),
        ({"action": "reverse"}, "Turn the position in MNQ around, at market."),
        ({"action": "breakeven"}, "Move the stop of MNQ to the entry price."),
    ],
)
def test_what_would_happen_is_said_in_words(signal: dict[str, str], said: str) -> None:
    assert intent({"instrument": "MNQ", **signal}, {"quantity": "5"}, {}).startswith(said)
