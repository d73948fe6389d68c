"""What staff change asks for a role and a reason, and leaves an event the customer reads."""

from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import grpc
import pyotp
import pytest
from flask.testing import FlaskClient

from protos import ids
from protos.execution.v1 import execution_pb2_grpc
from tests.site.conftest import Site, add_alarm, csrf
from tests.site.staff_kit import (
    PASSWORD,
    REASON,
    Execution,
    Member,
    do,
    given_password,
    opened,
    sign_in,
)
from web.accounts import passwords
from web.admin import rules
from web.execution_client import ExecutionClient

ACCOUNT = "/admin/accounts/{tenant}"


@pytest.fixture(scope="module")
def execution(site: Site) -> Iterator[Execution]:
    servicer = Execution()  # type: ignore[abstract]
    server = grpc.server(futures.ThreadPoolExecutor(2))
    execution_pb2_grpc.add_ExecutionServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    before = site.app.extensions["fillwire.execution"]
    site.app.extensions["fillwire.execution"] = ExecutionClient(f"127.0.0.1:{port}")
    yield servicer
    site.app.extensions["fillwire.execution"] = before
    server.stop(None)


@dataclass(frozen=True)
class Deed:
    """One change: who may, where, and what the trail says in whose chain."""

    role: str
    path: str
    action: str
    form: dict[str, str] = field(default_factory=dict)
    # Ours: the customer reads it.
    of_tenant: bool = True
    before: Callable[[Site], dict[str, Any]] = lambda site: {}


def person(site: Site) -> str:
    row = site.owner.execute(
        "SELECT person_id FROM web.members WHERE tenant_id = %s", (site.ours.tenant_id,)
    ).fetchone()
    assert row is not None
    return ids.show("person", row[0])


def with_alarm(site: Site) -> dict[str, Any]:
    return {"alarm": ids.show("alarm", add_alarm(site.owner, site.ours))}


def colleague(site: Site) -> dict[str, Any]:
    return {"staff": ids.show("staff", Member(site, "viewer").id)}


def asked(site: Site) -> dict[str, Any]:
    """A reset that another asked for."""
    other, request = Member(site, "support"), uuid4()
    site.owner.execute(
        "INSERT INTO web.staff_requests (id, kind, subject_id, tenant_id, reason, asked_by) "
        "VALUES (%s, 'reset_second_factor', %s, %s, %s, %s)",
        (request, ids.read("person", person(site)), site.ours.tenant_id, REASON, other.id),
    )
    return {"request": ids.show("staff_request", request)}


def put_aside(site: Site) -> dict[str, Any]:
    """A fact that could not be read."""
    canonical = uuid4().hex
    site.owner.execute(
        "INSERT INTO web.quarantined_facts (broker, environment, account, canonical_id, fact, "
        "error) VALUES ('paper', 'paper', 'P1', %s, '', 'unknown kind of fact')",
        (canonical,),
    )
    return {"fact": f"paper|paper|P1|{canonical}"}


HOLD = {"mode": "stop_entries"}
DEEDS = {
    "staff_accounts.note": Deed("billing", f"{ACCOUNT}/note", "tenant:note", of_tenant=False),
    "staff_accounts.suspend": Deed(
        "support", f"{ACCOUNT}/suspended", "tenant:suspend", {"suspended": "1"}
    ),
    "staff_accounts.plan": Deed("billing", f"{ACCOUNT}/plan", "tenant:plan", {"plan": "starter"}),
    "staff_accounts.override": Deed(
        "billing",
        f"{ACCOUNT}/override",
        "tenant:entitlement",
        {"key": "strategies", "value": "7", "days": "30"},
    ),
    "staff_accounts.resend": Deed(
        "support", f"{ACCOUNT}/resend", "person:ask_confirm", {"person_id": "{person}"}
    ),
    "staff_accounts.reset": Deed(
        "support", f"{ACCOUNT}/reset", "reset_second_factor:ask", {"person_id": "{person}"}
    ),
    "staff_accounts.view_as": Deed(
        "support", f"{ACCOUNT}/view-as", "view_as:begin", {"person_id": "{person}"}
    ),
    "staff_trades.handled": Deed(
        "support", "/admin/trades/alarms/{alarm}/handled", "alarm:handled", before=with_alarm
    ),
    "staff_connections.halt": Deed(
        "engineer", "/admin/connections/{connection}/halt", "switch:set", {"mode": "stop_all"}
    ),
    "staff_requests.approve": Deed(
        "support", "/admin/requests/{request}/approve", "reset_second_factor:approve", before=asked
    ),
    "staff_requests.refuse": Deed(
        "engineer", "/admin/requests/{request}/refuse", "reset_second_factor:refuse", before=asked
    ),
    "staff_brokers.notice": Deed(
        "support",
        "/admin/brokers/paper/notice",
        "broker:notice",
        {"level": "degraded", "message": "Quotes come late.", "hours": "2"},
        of_tenant=False,
    ),
    "staff_brokers.end_notice": Deed(
        "support", "/admin/brokers/paper/notice/end", "broker:end_notice", of_tenant=False
    ),
    "staff_connections.refresh": Deed(
        "support", "/admin/connections/{connection}/refresh", "connection:refresh"
    ),
    "staff_brokers.hold_one": Deed(
        "engineer", "/admin/brokers/paper/paper/hold", "switch:set", HOLD, of_tenant=False
    ),
    "staff_brokers.hold": Deed(
        "engineer", "/admin/brokers/hold", "switch:set", HOLD, of_tenant=False
    ),
    "staff_queues.requeue_facts": Deed(
        "engineer",
        "/admin/queues/facts/requeue",
        "fact:requeue",
        {"fact": "{fact}"},
        of_tenant=False,
        before=put_aside,
    ),
    "staff_queues.discard_facts": Deed(
        "engineer",
        "/admin/queues/facts/discard",
        "fact:discard",
        {"fact": "{fact}"},
        of_tenant=False,
        before=put_aside,
    ),
    "staff_queues.requeue_jobs": Deed(
        "engineer", "/admin/queues/jobs/requeue", "job:requeue", {"job": "j1"}, of_tenant=False
    ),
    "staff_queues.discard_jobs": Deed(
        "engineer", "/admin/queues/jobs/discard", "job:discard", {"job": "j1"}, of_tenant=False
    ),
    "staff_plans.limit": Deed(
        "billing",
        "/admin/plans/starter/limit",
        "plan:limit",
        {"key": "strategies", "value": "5"},
        of_tenant=False,
    ),
    "staff_flags.save": Deed(
        "engineer",
        "/admin/flags/game_days",
        "flag:set",
        {"mode": "accounts", "accounts": "{tenant}", "days": "3", "owner": "ann"},
        of_tenant=False,
    ),
    "staff_abuse.throttle": Deed(
        "support",
        "/admin/abuse/{strategy}/throttle",
        "webhook:throttle",
        {"per_minute": "6", "per_hour": "50"},
    ),
    "staff_abuse.rotate": Deed("support", "/admin/abuse/{strategy}/rotate", "webhook:replace"),
    "staff_people.change_role": Deed(
        "owner",
        "/admin/staff/{staff}/role",
        "change_role:ask",
        {"role": "engineer"},
        of_tenant=False,
        before=colleague,
    ),
    "staff_people.reset": Deed(
        "owner",
        "/admin/staff/{staff}/reset",
        "reset_staff:ask",
        of_tenant=False,
        before=colleague,
    ),
}
# Their own comings and goings need no reason.
COMINGS = {
    "staff_entrance.complete": "staff:sign_in",
    "staff_entrance.close_session": "staff:sign_out",
    "staff_entrance.choose_password": "staff:choose_password",
    "staff_entrance.confirm_totp": "staff:sign_in",
    "staff_entrance.add_passkey": "staff:sign_in",
    "staff_view_as.stop": "view_as:end",
}


def ready(site: Site, deed: Deed) -> tuple[str, dict[str, str]]:
    """Where to post, and what."""
    names = {
        "tenant": f"ten_{site.ours.tenant_id.hex}",
        "person": person(site),
        "connection": site.ours.shown("connection"),
        "strategy": site.ours.shown("strategy"),
        **deed.before(site),
    }
    given = {name: value.format(**names) for name, value in deed.form.items()}
    return deed.path.format(**names), given


def events(site: Site, after: int) -> list[dict[str, Any]]:
    names = ("tenant_id", "actor", "action", "reason", "origin")
    rows = site.owner.execute(
        f"SELECT {', '.join(names)} FROM web.audit_events WHERE id > %s ORDER BY id", (after,)
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def newest(site: Site) -> int:
    row = site.owner.execute("SELECT coalesce(max(id), 0) FROM web.audit_events").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def clients(site: Site) -> dict[str, FlaskClient]:
    return {role: sign_in(site, Member(site, role)) for role in rules.ROLES}


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_a_change_leaves_an_event_with_its_reason(
    site: Site, execution: Execution, clients: dict[str, FlaskClient], name: str
) -> None:
    deed = DEEDS[name]
    path, form = ready(site, deed)
    before = newest(site)
    answer = do(clients[deed.role], path, **form)
    assert answer.status_code == 302, answer.text[:2000]
    found = [each for each in events(site, before) if each["action"] == deed.action]
    assert len(found) == 1, events(site, before)
    assert opened(site, found[0]["reason"]) == REASON
    # Of whom it is said, it goes with them.
    assert (found[0]["reason"] != REASON) == (deed.of_tenant or name == "staff_accounts.note")
    assert found[0]["actor"].startswith("staff:stf_")
    assert found[0]["tenant_id"] == (site.ours.tenant_id if deed.of_tenant else None)
    assert found[0]["origin"]["request"].startswith("req_")


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_without_a_reason_or_the_role_nothing_is_changed(
    site: Site, execution: Execution, clients: dict[str, FlaskClient], name: str
) -> None:
    deed = DEEDS[name]
    path, form = ready(site, deed)
    before = newest(site)
    may = {
        role
        for role in rules.ROLES
        if do(clients[role], path, reason="short", **form).status_code == 400
    }
    assert deed.role in may
    assert "viewer" not in may
    for role in set(rules.ROLES) - may:
        assert do(clients[role], path, **form).status_code == 403
    unconfirmed = clients[deed.role].post(
        path, data=form | {"csrf_token": csrf(clients[deed.role], "/admin/"), "reason": REASON}
    )
    assert unconfirmed.status_code == 200
    assert "Why" in unconfirmed.text
    assert events(site, before) == []


def test_no_change_goes_without_the_token_of_its_form(
    site: Site, clients: dict[str, FlaskClient]
) -> None:
    path, form = ready(site, DEEDS["staff_accounts.note"])
    answer = clients["owner"].post(path, data=form | {"reason": REASON, "confirmed": "1"})
    assert answer.status_code == 400


def test_comings_and_goings_are_noted(site: Site) -> None:
    before = newest(site)
    who = Member(site, "viewer")
    client = site.client()
    given_password(client, who, "something else entirely")
    client = sign_in(site, who)
    client.post("/admin/sign-out", data={"csrf_token": csrf(client, "/admin/")})
    assert client.get("/admin/").status_code == 302
    told = [each["action"] for each in events(site, before)]
    assert told == ["staff:refused", "staff:sign_in", "staff:sign_out"]


def test_a_link_opens_once_and_asks_for_a_second_factor(site: Site) -> None:
    who, token = uuid4(), passwords.new_token()
    site.owner.execute(
        "INSERT INTO web.staff (id, email, role) VALUES (%s, 'new@staff.test', 'owner')", (who,)
    )
    site.owner.execute(
        "INSERT INTO web.staff_links VALUES (%s, %s, now() + interval '1 day')",
        (passwords.hash_token(token), who),
    )
    client, link = site.client(), f"/admin/enrol/{token}"
    before = newest(site)
    form = {"password": PASSWORD, "csrf_token": csrf(client, link)}
    assert client.post(link, data=form).location == "/admin/second-factor"
    assert client.get("/admin/").status_code == 302
    assert site.client().get(link).status_code == 404
    page = "/admin/second-factor"
    client.post("/admin/second-factor/totp", data={"csrf_token": csrf(client, page)})
    secret = client.get(page).text.partition('id="totp-secret">')[2].partition("<")[0]
    code = pyotp.TOTP(secret).now()
    answer = client.post(
        f"{page}/totp/confirm", data={"code": code, "csrf_token": csrf(client, page)}
    )
    assert answer.location == "/admin/"
    assert client.get("/admin/").status_code == 200
    told = [each["action"] for each in events(site, before)]
    assert told == ["staff:choose_password", "staff:sign_in"]


def requested(site: Site, by: Member, kind: str, subject: UUID, wanted: str | None = None) -> str:
    request = uuid4()
    site.owner.execute(
        "INSERT INTO web.staff_requests (id, kind, subject_id, wanted, reason, asked_by) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (request, kind, subject, wanted, REASON, by.id),
    )
    return f"/admin/requests/{ids.show('staff_request', request)}/approve"


def test_who_asked_cannot_approve(site: Site) -> None:
    asker, subject = Member(site, "owner"), Member(site, "viewer")
    path = requested(site, asker, "change_role", subject.id, "owner")
    assert do(sign_in(site, asker), path).status_code == 403
    assert do(sign_in(site, Member(site, "support")), path).status_code == 403
    assert do(sign_in(site, Member(site, "owner")), path).status_code == 302
    row = site.owner.execute("SELECT role FROM web.staff WHERE id = %s", (subject.id,)).fetchone()
    assert row == ("owner",)


def test_what_nobody_decided_in_time_is_over(site: Site) -> None:
    path = requested(site, Member(site, "owner"), "reset_staff", Member(site, "viewer").id)
    site.owner.execute("UPDATE web.staff_requests SET expires_at = now() WHERE outcome IS NULL")
    assert do(sign_in(site, Member(site, "owner")), path).status_code == 403


def test_an_approved_reset_takes_the_factors_and_the_sessions(site: Site) -> None:
    subject = Member(site, "viewer")
    client = sign_in(site, subject)
    path = requested(site, Member(site, "owner"), "reset_staff", subject.id)
    assert do(sign_in(site, Member(site, "owner")), path).status_code == 302
    assert client.get("/admin/").status_code == 302
    left = site.owner.execute("SELECT FROM web.totp WHERE person_id = %s", (subject.id,)).fetchone()
    assert left is None


def test_a_halt_of_the_workspaces_own_outlives_a_suspension(
    site: Site, execution: Execution, clients: dict[str, FlaskClient]
) -> None:
    site.owner.execute(
        "INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version) "
        "VALUES ('tenant', %s, %s, 'stop_all', '', 'person:per_1', now(), 1) "
        "ON CONFLICT (scope, scope_id) DO UPDATE SET mode = 'stop_all', set_by = 'person:per_1'",
        (site.ours.tenant_id, site.ours.tenant_id),
    )
    asked_before = len(execution.asked)
    try:
        path = f"/admin/accounts/ten_{site.ours.tenant_id.hex}/suspended"
        for suspended in ("1", "0"):
            assert do(clients["support"], path, suspended=suspended).status_code == 302
        assert execution.asked[asked_before:] == []
    finally:
        site.owner.execute("DELETE FROM web.switches WHERE scope = 'tenant'")
        site.owner.execute("UPDATE web.tenants SET suspended_at = NULL")
