"""Trades that need attention on the site and in the API: seen, said once, by those who may."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.site.conftest import Site, Workspace, add_alarm, csrf
from tests.site.test_approvals import add_waiting
from web.execution_client import ExecutionDown

ABSENT, PRESENT = pb.DOUBT_WORD_ABSENT, pb.DOUBT_WORD_PRESENT


class Execution:
    """The far end of the wire: takes words, or does not."""

    def __init__(self) -> None:
        self.said: list[tuple[UUID, int]] = []
        self.named: list[str] = []
        self.takes = True
        self.is_down = False

    def resolve_doubt(
        self, trade_id: UUID, word: int, *, tenant_id: UUID, doubts: Iterable[str] = ()
    ) -> bool:
        if self.is_down:
            raise ExecutionDown("away")
        self.named = [*doubts]
        self.said.append((trade_id, word))
        return self.takes


@pytest.fixture
def execution(site: Site) -> Iterator[Execution]:
    real, there = site.app.extensions["fillwire.execution"], Execution()
    site.app.extensions["fillwire.execution"] = there
    yield there
    site.app.extensions["fillwire.execution"] = real
    site.owner.execute("UPDATE web.trades SET state = 'SKIPPED' WHERE state = 'NEEDS_ATTENTION'")
    site.owner.execute(
        "UPDATE web.trades SET protection_details = NULL "
        "WHERE protection_details->>'doubted' IS NOT NULL"
    )


def add_doubtful(site: Site, of: Workspace, **more: Any) -> UUID:
    """A trade that the projector hears to need attention."""
    trade_id = add_waiting(site, of, state="WORKING", expires=None, **more)
    tell(site, trade_id, "NEEDS_ATTENTION", "not_provable")
    add_alarm(site.owner, of, trade_id=trade_id, kind="not_provable", lasts="NEEDS_ATTENTION")
    site.owner.execute(
        "INSERT INTO web.orders (id, tenant_id, trade_id, connection_id, cl_ord_id, leg, "
        "revision, origin, instrument, side, ord_type, time_in_force, order_qty, cum_qty, "
        "ord_status, created_at, updated_at) SELECT gen_random_uuid(), tenant_id, id, "
        "connection_id, %s, 'entry', 0, 'signal', 'AAPL', 'buy', 'market', 'day', 5, 0, "
        "'PENDING_NEW', now(), now() FROM web.trades WHERE id = %s",
        (uuid4().hex[:22], trade_id),
    )
    return trade_id


def tell(site: Site, trade_id: UUID, state: str, reason: str | None) -> None:
    site.owner.execute(
        "UPDATE web.trades SET state = %s, reason = %s WHERE id = %s", (state, reason, trade_id)
    )


def audited(site: Site, trade_id: UUID) -> list[tuple[str, str]]:
    rows = site.owner.execute(
        "SELECT action, actor FROM web.audit_events WHERE subject = %s ORDER BY id",
        (shown(trade_id),),
    )
    return [(action, actor.partition(":")[0]) for action, actor in rows.fetchall()]


def shown(trade_id: UUID) -> str:
    return ids.show("trade", trade_id)


def listed(site: Site, of: Workspace) -> list[str]:
    return [row["id"] for row in site.api(of, "GET", "/attention")[1]["data"]]


@pytest.mark.rule("I.attention")
def test_every_page_says_that_something_needs_attention_until_it_does_not(
    site: Site, execution: Execution
) -> None:
    notice = "needs your attention"
    client = site.signed_in(site.ours)
    assert notice not in client.get("/strategies").text
    trade_id = add_doubtful(site, site.ours)
    assert notice in client.get("/strategies").text
    assert listed(site, site.ours) == [shown(trade_id)]
    assert listed(site, site.theirs) == []
    assert notice not in site.signed_in(site.theirs).get("/strategies").text

    tell(site, trade_id, "FILLED", None)
    assert notice not in client.get("/strategies").text
    assert listed(site, site.ours) == []


def test_what_failed_inside_us_is_no_doubt_to_be_resolved(site: Site, execution: Execution) -> None:
    trade_id = add_doubtful(site, site.ours)
    tell(site, trade_id, "NEEDS_ATTENTION", "internal_error")
    assert listed(site, site.ours) == []
    answer = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/check")
    assert (answer[0], answer[1]["code"], execution.said) == (409, "not_waiting", [])


@pytest.mark.rule("G1.declare")
@pytest.mark.parametrize(("word", "said"), [("absent", ABSENT), ("present", PRESENT)])
def test_a_declaration_reaches_execution_and_the_audit_and_repeats_alike(
    site: Site, execution: Execution, word: str, said: int
) -> None:
    trade_id = add_doubtful(site, site.ours)
    path = f"/trades/{shown(trade_id)}/declare"
    status, trade = site.api(site.ours, "POST", path, order=word)
    assert (status, trade["state"]) == (200, "NEEDS_ATTENTION")
    assert execution.said == [(trade_id, said)]
    assert audited(site, trade_id) == [(f"trade:declare_{word}", "key")]

    tell(site, trade_id, "DONE", f"declared_{word}")
    status, trade = site.api(site.ours, "POST", path, order=word)
    assert (status, trade["reason"]) == (200, f"declared_{word}")
    other = {"absent": "present", "present": "absent"}[word]
    status, problem = site.api(site.ours, "POST", path, order=other)
    assert (status, problem["reason"]) == (409, f"declared_{word}")
    assert execution.said == [(trade_id, said)]


def test_only_two_words_can_be_declared(site: Site, execution: Execution) -> None:
    path = f"/trades/{shown(add_doubtful(site, site.ours))}/declare"
    assert site.api(site.ours, "POST", path, order="filled")[0] == 400
    assert site.api(site.ours, "POST", path)[0] == 400
    assert execution.said == []


def test_what_was_resolved_meanwhile_says_so(site: Site, execution: Execution) -> None:
    trade_id = add_doubtful(site, site.ours)
    execution.takes = False
    status, problem = site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/check")
    assert (status, problem["code"]) == (409, "not_waiting")


def test_without_execution_nothing_is_declared_and_the_click_can_be_repeated(
    site: Site, execution: Execution
) -> None:
    trade_id = add_doubtful(site, site.ours)
    path = f"/trades/{shown(trade_id)}/declare"
    execution.is_down = True
    status, problem = site.api(site.ours, "POST", path, order="absent")
    assert (status, problem["code"]) == (503, "execution_down")
    execution.is_down = False
    assert site.api(site.ours, "POST", path, order="absent")[0] == 200
    assert execution.said == [(trade_id, ABSENT)]


@pytest.mark.parametrize("page", ["/approvals", "/trades/{}"])
def test_a_person_sees_the_client_id_and_three_buttons(
    site: Site, execution: Execution, page: str
) -> None:
    trade_id = add_doubtful(site, site.ours)
    client = site.signed_in(site.ours)
    row = site.owner.execute("SELECT cl_ord_id FROM web.orders WHERE trade_id = %s", (trade_id,))
    [[cl_ord_id]] = row.fetchall()
    path = page.format(shown(trade_id))
    text = client.get(path).text
    assert cl_ord_id in text
    token = csrf(client, path)
    for verb in ("check", "declare_absent", "declare_present"):
        assert f"/trades/{shown(trade_id)}/{verb}" in text
    answer = client.post(
        f"/trades/{shown(trade_id)}/check", data={"csrf_token": token}, follow_redirects=True
    )
    assert "The broker is asked again" in answer.text
    assert execution.said == [(trade_id, pb.DOUBT_WORD_CHECK)]
    assert audited(site, trade_id) == [("trade:check", "person")]


def add_doubted_guard(site: Site, of: Workspace) -> tuple[UUID, str]:
    """A trade that filled, whose stop the broker neither shows nor denies."""
    trade_id = add_doubtful(site, of)
    site.owner.execute("UPDATE web.alarms SET ended_at = now() WHERE trade_id = %s", (trade_id,))
    tell(site, trade_id, "FILLED", None)
    [[name]] = site.owner.execute(
        "UPDATE web.orders SET leg = 'stop' WHERE trade_id = %s RETURNING cl_ord_id", (trade_id,)
    ).fetchall()
    guard(site, trade_id, "UNPROTECTED", {"reason": "not_provable", "doubted": [name]})
    add_alarm(site.owner, of, trade_id=trade_id, kind="guard_not_provable", lasts="DOUBTED")
    return trade_id, name


def guard(site: Site, trade_id: UUID, state: str, details: dict[str, Any]) -> None:
    site.owner.execute(
        "UPDATE web.trades SET protection = %s, protection_details = %s WHERE id = %s",
        (state, Jsonb(details), trade_id),
    )


@pytest.mark.rule("G1.declare")
@pytest.mark.parametrize("page", ["/approvals", "/trades/{}"])
def test_a_guard_in_doubt_is_shown_and_said_as_any_order(
    site: Site, execution: Execution, page: str
) -> None:
    trade_id, name = add_doubted_guard(site, site.ours)
    assert listed(site, site.ours) == [shown(trade_id)]
    client = site.signed_in(site.ours)
    path = page.format(shown(trade_id))
    text = client.get(path).text
    assert name in text and f"/trades/{shown(trade_id)}/declare_absent" in text
    answer = client.post(
        f"/trades/{shown(trade_id)}/declare_absent",
        data={"csrf_token": csrf(client, path)},
        follow_redirects=True,
    )
    assert "Declared as never arrived" in answer.text
    assert execution.said == [(trade_id, ABSENT)]
    assert audited(site, trade_id) == [("trade:declare_absent", "person")]
    # The trade is what it was: it is its guard that was in doubt.
    assert site.api(site.ours, "GET", f"/trades/{shown(trade_id)}")[1]["state"] == "FILLED"
    guard(site, trade_id, "PROTECTED", {"reason": None})
    assert listed(site, site.ours) == []
    assert "needs your attention" not in client.get("/strategies").text


def test_what_was_said_of_a_guard_repeats_alike_and_nobody_else_says_it(
    site: Site, execution: Execution
) -> None:
    trade_id, name = add_doubted_guard(site, site.ours)
    path = f"/trades/{shown(trade_id)}/declare"
    assert site.api(site.ours, "POST", path, order="absent")[0] == 200
    guard(site, trade_id, "PROTECTED", {"reason": None})
    site.owner.execute(
        "UPDATE web.orders SET reason = 'declared_absent' WHERE cl_ord_id = %s", (name,)
    )
    assert site.api(site.ours, "POST", path, order="absent")[0] == 200
    assert site.api(site.ours, "POST", path, order="present")[0] == 409
    assert site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/check")[0] == 409
    assert audited(site, trade_id) == [("trade:declare_absent", "key")]


@pytest.mark.rule("G1.declare")
@pytest.mark.parametrize("page", ["/approvals", "/trades/{}"])
def test_a_click_says_nothing_of_a_doubt_that_its_page_did_not_show(
    site: Site, execution: Execution, page: str
) -> None:
    trade_id, name = add_doubted_guard(site, site.ours)
    client = site.signed_in(site.ours)
    path = page.format(shown(trade_id))
    text, token = client.get(path).text, csrf(client, path)
    assert re.findall('name="doubts" value="([^"]*)"', text) == [name, name]
    # The broker showed it meanwhile, and does not find it any more.
    again = {"reason": "not_provable", "doubted": [f"{name}.1"]}
    guard(site, trade_id, "UNPROTECTED", again)
    execution.takes = False
    answer = client.post(
        f"/trades/{shown(trade_id)}/declare_present",
        data={"csrf_token": token, "doubts": name},
        follow_redirects=True,
    )
    assert execution.named == [name]
    assert "in doubt about another order by now" in answer.text
    # What calls the API means what stands now.
    site.api(site.ours, "POST", f"/trades/{shown(trade_id)}/declare", order="absent")
    assert execution.named == [f"{name}.1"]


def test_an_entry_that_vanished_is_named_for_whoever_looks_for_it(
    site: Site, execution: Execution
) -> None:
    trade_id = add_doubtful(site, site.ours)
    [[name]] = site.owner.execute(
        "UPDATE web.orders SET ord_status = 'NEW' WHERE trade_id = %s RETURNING cl_ord_id",
        (trade_id,),
    ).fetchall()
    numbers = Jsonb({"doubted": f"{name}.1"})
    site.owner.execute("UPDATE web.trades SET numbers = %s WHERE id = %s", (numbers, trade_id))
    text = site.signed_in(site.ours).get("/approvals").text
    assert f">{name}<" in text and f'value="{name}.1"' in text


def test_another_tenants_doubt_is_not_ours_to_resolve(site: Site, execution: Execution) -> None:
    trade_id = add_doubtful(site, site.theirs)
    path = f"/trades/{shown(trade_id)}"
    assert site.api(site.ours, "POST", f"{path}/check")[0] == 404
    assert site.api(site.ours, "POST", f"{path}/declare", order="absent")[0] == 404
    client = site.signed_in(site.ours)
    token = csrf(client, "/connections")
    assert client.post(f"{path}/declare_absent", data={"csrf_token": token}).status_code == 404
    assert execution.said == []


@pytest.mark.rule("D6.click", "D6.spread")
def test_an_exit_that_its_spread_filter_holds_has_its_click_from_the_beginning(
    site: Site, execution: Execution
) -> None:
    trade_id = add_waiting(site, site.ours, state="WORKING", expires=None)
    tell(site, trade_id, "BLOCKED", "spread_too_wide")
    site.owner.execute(
        "UPDATE web.trades SET decision = %s WHERE id = %s",
        (Jsonb({"web": {"numbers": {"quantity": "5"}}}), trade_id),
    )
    client = site.signed_in(site.ours)
    path = f"/trades/{shown(trade_id)}"
    assert "Let it go on PAPER" in client.get(path).text
    assert site.api(site.ours, "POST", f"{path}/approve")[0] == 200
    assert execution.said == [(trade_id, pb.DOUBT_WORD_LET_GO)]
    assert audited(site, trade_id) == [("trade:approve", "key")]
    [(told,)] = site.owner.execute(
        "SELECT decision->'web'->'released' FROM web.trades WHERE id = %s", (trade_id,)
    ).fetchall()
    assert told == {"quantity": "5", "let_go": "yes"}
    tell(site, trade_id, "FILLED", None)
    assert "Let it go" not in client.get(path).text
    assert site.api(site.ours, "POST", f"{path}/approve")[0] == 409
