"""Alarms on the site and in the API: shown, acknowledged once, and over by themselves."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from protos import ids
from tests.site.conftest import Site, Workspace, add_alarm, csrf
from tests.site.roles_kit import add_member, signed_in
from tests.site.test_approvals import add_waiting
from web.alarms import raising
from web.execution_client import ExecutionDown

NOTICE = "needs your attention"


@pytest.fixture(autouse=True)
def nothing_open(site: Site) -> Iterator[None]:
    yield
    site.owner.execute("DELETE FROM web.alarms WHERE acknowledged_at IS NULL")


def shown(alarm_id: UUID) -> str:
    return ids.show("alarm", alarm_id)


def is_open(site: Site, of: Workspace) -> list[str]:
    return [row["id"] for row in site.api(of, "GET", "/alarms?open=true")[1]["data"]]


def row_of(site: Site, alarm_id: UUID) -> tuple[Any, ...]:
    found = site.owner.execute(
        "SELECT acknowledged_by, ended_at IS NOT NULL FROM web.alarms WHERE id = %s", (alarm_id,)
    ).fetchone()
    assert found is not None
    return found


def test_every_page_and_the_trades_own_tell_of_an_open_alarm(site: Site) -> None:
    client = site.signed_in(site.ours)
    assert NOTICE not in client.get("/strategies").text
    alarm_id = add_alarm(site.owner, site.ours)
    page = client.get("/strategies").text
    assert NOTICE in page and "Look at AAPL." in page
    assert shown(alarm_id) in client.get("/alarms").text
    assert "Look at AAPL." in client.get(f"/trades/{site.ours.shown('trade')}").text
    assert NOTICE in client.get("/alarms/banner").text
    assert NOTICE not in site.signed_in(site.theirs).get("/strategies").text


def test_every_page_counts_open_alarms_beside_the_link(site: Site) -> None:
    client = site.signed_in(site.ours)
    assert 'id="alarms-count"' in client.get("/orders").text
    before = client.get("/alarms/count").text
    assert " hidden" in before and before.count("id=") == 1
    alarm_id = add_alarm(site.owner, site.ours)
    after = client.get("/alarms/count").text
    assert ">1</span>" in after and " hidden" not in after
    assert " hidden" in site.signed_in(site.theirs).get("/alarms/count").text
    site.api(site.ours, "POST", f"/alarms/{shown(alarm_id)}/acknowledge")
    assert " hidden" in client.get("/alarms/count").text


def test_acknowledging_ends_it_once_and_keeps_who_did(site: Site) -> None:
    alarm_id = add_alarm(site.owner, site.ours)
    client = site.signed_in(site.ours)
    token = csrf(client, "/alarms")
    path = f"/alarms/{shown(alarm_id)}/acknowledge"
    assert is_open(site, site.ours) == [shown(alarm_id)]
    answer = client.post(path, data={"csrf_token": token}, follow_redirects=True)
    assert "Acknowledged." in answer.text and NOTICE not in answer.text
    by = row_of(site, alarm_id)[0]
    assert by.startswith("person:") and is_open(site, site.ours) == []

    status, alarm = site.api(site.ours, "POST", path)
    assert (status, alarm["open"], alarm["acknowledged_by"]) == (200, False, by)
    audited = site.owner.execute(
        "SELECT actor FROM web.audit_events WHERE subject = %s", (shown(alarm_id),)
    ).fetchall()
    assert audited == [(by,)]


def test_an_acknowledgement_is_told_to_live_pages(site: Site) -> None:
    alarm_id = add_alarm(site.owner, site.ours)
    site.api(site.ours, "POST", f"/alarms/{shown(alarm_id)}/acknowledge")
    kinds = site.owner.execute("SELECT kind FROM web.changes WHERE object_id = %s", (alarm_id,))
    assert kinds.fetchall() == [("alarm",)]


def test_the_api_tells_open_alarms_from_past_ones(site: Site) -> None:
    open_id, past = add_alarm(site.owner, site.ours), site.ours.shown("alarm")
    assert is_open(site, site.ours) == [shown(open_id)]
    ended = {row["id"] for row in site.api(site.ours, "GET", "/alarms?open=false")[1]["data"]}
    both = {row["id"] for row in site.api(site.ours, "GET", "/alarms")[1]["data"]}
    assert past in ended and both == ended | {shown(open_id)}
    assert site.api(site.ours, "GET", "/alarms?open=maybe")[0] == 400


def test_somebody_who_may_only_look_acknowledges_nothing(site: Site) -> None:
    alarm_id = add_alarm(site.owner, site.ours)
    client = signed_in(site, add_member(site, "viewer"))
    form = {"csrf_token": csrf(client, "/connections")}
    assert client.post(f"/alarms/{shown(alarm_id)}/acknowledge", data=form).status_code == 403
    assert row_of(site, alarm_id)[0] is None


@pytest.mark.parametrize(
    ("kind", "lasts", "stands", "becomes"),
    [
        ("not_provable", "NEEDS_ATTENTION", "state = 'NEEDS_ATTENTION'", "state = 'FILLED'"),
        ("exit_outside_window", "BLOCKED", "state = 'BLOCKED'", "state = 'SKIPPED'"),
        ("unprotected", "UNPROTECTED", "protection = 'UNPROTECTED'", "protection = 'PROTECTED'"),
        (
            "guard_not_provable",
            "DOUBTED",
            """protection_details = '{"doubted": ["a"]}'""",
            """protection_details = '{"doubted": null}'""",
        ),
    ],
)
def test_what_lasts_is_over_when_its_trade_has_gone_on(
    site: Site, kind: str, lasts: str, stands: str, becomes: str
) -> None:
    trade_id = add_waiting(site, site.ours, state="WORKING", expires=None)
    site.owner.execute(f"UPDATE web.trades SET {stands} WHERE id = %s", (trade_id,))
    alarm_id = add_alarm(site.owner, site.ours, trade_id=trade_id, kind=kind, lasts=lasts)
    site.owner.execute("UPDATE web.trades SET message = 'x' WHERE id = %s", (trade_id,))
    assert is_open(site, site.ours) == [shown(alarm_id)]
    site.owner.execute(f"UPDATE web.trades SET {becomes} WHERE id = %s", (trade_id,))
    assert (is_open(site, site.ours), row_of(site, alarm_id)) == ([], (None, True))
    assert "over" in site.signed_in(site.ours).get("/alarms").text


def test_raising_it_again_changes_nothing_and_what_is_over_is_raised_as_over(site: Site) -> None:
    trade_id = add_waiting(site, site.ours, state="WORKING", expires=None)
    rows = [raising.of_trade("late_exit", trade_id, "AAPL", {"age": "901"})]
    with psycopg.connect(site.database.url("worker"), autocommit=True) as worker:
        [(tenant, kind, alarm_id)] = raising.write(worker, rows)
        assert (tenant, kind) == (site.ours.tenant_id, "alarm")
        assert raising.write(worker, rows) == []
    # By then it does not wait any more.
    assert row_of(site, alarm_id) == (None, True)


@pytest.mark.parametrize(
    ("origin", "says"), [("correction", "filled more than an order asked"), ("kill_switch", "kill")]
)
def test_a_trade_that_no_signal_asked_for_says_what_did(site: Site, origin: str, says: str) -> None:
    trade_id = add_waiting(site, site.ours, state="WORKING", expires=None)
    site.owner.execute(
        "UPDATE web.trades SET signal_id = NULL, origin = %s WHERE id = %s", (origin, trade_id)
    )
    page = site.signed_in(site.ours).get(f"/trades/{ids.show('trade', trade_id)}").text
    assert "No signal asked for this" in page and says in page


def test_a_held_exit_waits_with_its_reason_and_two_ways_out(site: Site) -> None:
    trade_id = add_waiting(site, site.ours)
    site.owner.execute(
        "UPDATE web.trades SET state = 'BLOCKED', reason = 'outside_window', "
        "message = 'It was night.', release_at = now() + interval '1 hour' WHERE id = %s",
        (trade_id,),
    )
    client = site.signed_in(site.ours)
    for path in ("/approvals", f"/trades/{ids.show('trade', trade_id)}"):
        page = client.get(path).text
        assert "It was night." in page and "Goes by itself in" in page
        assert f"/trades/{ids.show('trade', trade_id)}/approve" in page
    # That it goes without anybody comes before that somebody may let it go.
    assert page.index("Goes by itself in") < page.index("Waits for approval")
    listed = site.api(site.ours, "GET", "/approvals")[1]["data"]
    assert ids.show("trade", trade_id) in [row["id"] for row in listed]
    site.owner.execute("DELETE FROM web.trades WHERE id = %s", (trade_id,))


class Execution:
    """The far end of the wire: hears that somebody looked, or is away."""

    def __init__(self) -> None:
        self.seen: list[tuple[UUID, str]] = []
        self.is_down = False

    def see_overfill(self, order_id: UUID, filled: str, *, tenant_id: UUID, seen_by: str) -> None:
        if self.is_down:
            raise ExecutionDown("away")
        self.seen.append((order_id, filled))


@pytest.mark.rule("G5.stop")
def test_acknowledging_that_too_much_was_filled_lets_entries_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, order_id = Execution(), uuid4()
    monkeypatch.setitem(site.app.extensions, "fillwire.execution", far)
    alarm_id = add_alarm(site.owner, site.ours, kind="overfilled")
    site.owner.execute(
        "UPDATE web.alarms SET order_id = %s, numbers = %s WHERE id = %s",
        (order_id, Jsonb({"quantity": "5", "filled": "7"}), alarm_id),
    )
    path, client = f"/alarms/{shown(alarm_id)}/acknowledge", site.signed_in(site.ours)
    far.is_down = True
    token = csrf(client, "/alarms")
    answer = client.post(path, data={"csrf_token": token}, follow_redirects=True)
    assert "Execution does not answer" in answer.text
    assert is_open(site, site.ours) == [shown(alarm_id)]
    assert site.api(site.ours, "POST", path)[0] == 503
    far.is_down = False
    assert site.api(site.ours, "POST", path)[0] == 200
    assert far.seen == [(order_id, "7")] and is_open(site, site.ours) == []
