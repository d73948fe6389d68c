"""Positions on the site and in the API: both numbers, what moved them, and closing them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from protos import ids
from tests.site.conftest import NOW, Site, csrf
from web.execution_client import ExecutionDown


class Execution:
    """The far end of the wire: closes, or does not."""

    def __init__(self) -> None:
        self.closed: list[dict[str, Any]] = []
        self.trades = [uuid4()]
        self.is_down = False

    def close_position(
        self, tenant_id: UUID, connection_id: UUID, account: Any, instrument: str, **more: Any
    ) -> list[UUID]:
        if self.is_down:
            raise ExecutionDown("away")
        self.closed.append({"connection": connection_id, "instrument": instrument, **more})
        return self.trades


@pytest.fixture
def execution(site: Site) -> Iterator[Execution]:
    real, there = site.app.extensions["fillwire.execution"], Execution()
    site.app.extensions["fillwire.execution"] = there
    yield there
    site.app.extensions["fillwire.execution"] = real


@pytest.fixture
def moved(site: Site) -> Iterator[None]:
    """Ten more were bought at the broker, of which one was sold there again."""
    ours = site.ours
    site.owner.execute(
        "UPDATE web.positions SET quantity = 14 WHERE connection_id = %s", (ours.connection_id,)
    )
    for at, change, text in ((0, 10, "by phone"), (1, -1, "traded at the broker")):
        site.owner.execute(
            "INSERT INTO web.position_changes (id, connection_id, tenant_id, instrument, cause, "
            "change_qty, price, text, at) VALUES (gen_random_uuid(), %s, %s, 'AAPL', 'external', "
            "%s, 230, %s, %s::timestamptz + make_interval(secs => %s))",
            (ours.connection_id, ours.tenant_id, change, text, NOW, at),
        )
    yield
    site.owner.execute("DELETE FROM web.position_changes")
    site.owner.execute("UPDATE web.positions SET quantity = 5")


@pytest.mark.rule("A.both")
def test_both_numbers_are_shown_with_what_moved_them(site: Site, moved: None) -> None:
    page = site.signed_in(site.ours).get("/positions").text
    assert "not from here" in page
    assert "traded at the broker" in page
    assert "by phone" not in page
    _, listed = site.api(site.ours, "GET", "/positions")
    (position,) = listed["data"]
    assert (position["quantity"], position["foreign"]) == ("14", "9")
    assert position["own"] == {site.ours.shown("subscription"): "5"}
    change = position["last_change"]
    assert (change["cause"], change["change_qty"]) == ("external", "-1")


@pytest.mark.rule("A.origin")
def test_closing_asks_once_more_and_is_written_down(site: Site, execution: Execution) -> None:
    client = site.signed_in(site.ours)
    connection = site.ours.shown("connection")
    path = f"/positions/close?connection_id={connection}&instrument=AAPL"
    page = client.get(path).text
    assert f"/positions/close?connection_id={connection}" in client.get("/positions").text
    form = {
        "csrf_token": csrf(client, path),
        "key": page.partition('name="key" value="')[2].partition('"')[0],
        "connection_id": connection,
        "instrument": "AAPL",
    }
    answer = client.post("/positions/close", data=form, follow_redirects=True)
    assert "A trade closes AAPL" in answer.text
    [closed] = execution.closed
    assert (closed["instrument"], closed["quantity"], len(closed["key"])) == ("AAPL", "", 32)
    assert closed["asked_by"].startswith("person:")
    rows = site.owner.execute(
        "SELECT action FROM web.audit_events WHERE subject = %s AND action LIKE 'position:%%' "
        "AND after ->> 'key' = %s ORDER BY id",
        (connection, form["key"]),
    )
    assert rows.fetchall() == [("position:ask_close",), ("position:close",)]


@pytest.mark.rule("A.origin")
def test_the_api_closes_a_part_of_a_subscription(site: Site, execution: Execution) -> None:
    body = {
        "connection_id": site.ours.shown("connection"),
        "subscription_id": site.ours.shown("subscription"),
        "instrument": "AAPL",
        "quantity": "2",
        "key": "k1",
    }
    status, told = site.api(site.ours, "POST", "/positions/close", **body)
    assert (status, told["trade_ids"]) == (200, [ids.show("trade", execution.trades[0])])
    [closed] = execution.closed
    assert (closed["quantity"], closed["key"]) == ("2", "k1")
    assert closed["subscription_id"] == site.ours.subscription_id


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"quantity": "none"}, 400, "invalid_field"),
        ({"quantity": "2", "subscription_id": None}, 400, "invalid_field"),
        ({"key": None}, 400, "invalid_field"),
        ({"instrument": ""}, 400, "invalid_field"),
    ],
)
def test_the_api_says_what_is_wrong(
    site: Site, execution: Execution, change: dict[str, Any], status: int, code: str
) -> None:
    body = {
        "connection_id": site.ours.shown("connection"),
        "subscription_id": site.ours.shown("subscription"),
        "instrument": "AAPL",
        "key": "k2",
        **change,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    answered, told = site.api(site.ours, "POST", "/positions/close", **sent)
    assert (answered, told["code"]) == (status, code)
    assert execution.closed == []


def test_what_nobody_holds_is_a_conflict_and_silence_is_not_success(
    site: Site, execution: Execution
) -> None:
    body = {"connection_id": site.ours.shown("connection"), "instrument": "MSFT", "key": "k3"}
    execution.trades = []
    status, told = site.api(site.ours, "POST", "/positions/close", **body)
    assert (status, told["code"]) == (409, "no_position")
    execution.is_down = True
    assert site.api(site.ours, "POST", "/positions/close", **body)[0] == 503


def test_another_tenants_connection_is_not_found(site: Site, execution: Execution) -> None:
    body = {"connection_id": site.theirs.shown("connection"), "instrument": "AAPL", "key": "k4"}
    assert site.api(site.ours, "POST", "/positions/close", **body)[0] == 404
    client = site.signed_in(site.ours)
    path = f"/positions/close?connection_id={body['connection_id']}&instrument=AAPL"
    assert client.get(path).status_code == 404
    assert execution.closed == []


def test_an_order_that_was_placed_at_the_broker_is_listed_without_a_trade(site: Site) -> None:
    site.owner.execute(
        "INSERT INTO web.orders (id, tenant_id, connection_id, cl_ord_id, leg, revision, origin, "
        "instrument, side, ord_type, time_in_force, order_qty, cum_qty, ord_status, created_at, "
        "updated_at) VALUES (gen_random_uuid(), %s, %s, 'theirs', '', 0, 'external', 'AAPL', "
        "'sell', 'market', '', 3, 3, 'FILLED', now(), now())",
        (site.ours.tenant_id, site.ours.connection_id),
    )
    assert "placed at the broker" in site.signed_in(site.ours).get("/orders").text
    _, listed = site.api(site.ours, "GET", "/orders")
    [order] = [row for row in listed["data"] if row["origin"] == "external"]
    assert (order["trade_id"], order["cl_ord_id"]) == (None, "theirs")
    site.owner.execute("DELETE FROM web.orders WHERE origin = 'external'")


# -- beside what others hold


@pytest.mark.rule("A.acknowledge")
def test_enabling_beside_a_foreign_position_asks_a_person_first(site: Site, moved: None) -> None:
    client, here = site.signed_in(site.ours), f"/subscriptions/{site.ours.shown('subscription')}"

    def switch(**fields: str) -> Any:
        form = fields | {"csrf_token": csrf(client, here)}
        return client.post(f"{here}/enabled", data=form, follow_redirects=True)

    switch(enabled="0")
    asked = switch(enabled="1")
    assert asked.status_code == 409 and "Held there already" in asked.text and "+9" in asked.text
    assert "Enable on PAPER" in client.get(here).text
    assert "the next signal is traded" in switch(enabled="1", accept_foreign="1").text
    [told] = site.owner.execute(
        "SELECT DISTINCT after FROM web.audit_events "
        "WHERE action = 'connection:acknowledge_foreign'"
    ).fetchall()
    assert told == ({"AAPL": "9"},)
    # What trades already is not asked about again.
    assert switch(enabled="1").status_code == 200


@pytest.mark.rule("A.acknowledge")
def test_the_api_asks_the_same(site: Site, moved: None) -> None:
    path = f"/subscriptions/{site.ours.shown('subscription')}"
    assert site.api(site.ours, "PATCH", path, enabled=False)[0] == 200
    status, problem = site.api(site.ours, "PATCH", path, enabled=True)
    assert (status, problem["code"], problem["foreign"]) == (
        409,
        "foreign_positions",
        {"AAPL": "9"},
    )
    status, changed = site.api(site.ours, "PATCH", path, enabled=True, accept_foreign=True)
    assert (status, changed["enabled"]) == (200, True)


@pytest.mark.rule("A.told")
def test_people_are_told_that_a_connection_shares_its_account(site: Site) -> None:
    client = site.signed_in(site.ours)
    assert "also traded through" not in client.get("/connections").text
    [before] = site.owner.execute(
        "SELECT broker_account_id FROM web.connections WHERE id = %s", (site.theirs.connection_id,)
    ).fetchall()
    moved = (
        "UPDATE web.connections SET broker_account_id = (SELECT broker_account_id FROM "
        "web.connections WHERE id = %s) WHERE id = %s"
    )
    site.owner.execute(moved, (site.ours.connection_id, site.theirs.connection_id))
    page = client.get("/connections").text
    assert "also traded through somebody else: one position, one set of limits" in page
    site.owner.execute(
        "UPDATE web.connections SET broker_account_id = %s WHERE id = %s",
        (*before, site.theirs.connection_id),
    )
