"""Hostile SQL as the site's own role, working for one tenant: row security alone."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege

from tests.isolation import owners
from tests.isolation.world import World


@pytest.fixture
def web(two: World) -> Iterator[psycopg.Connection]:
    """The web role in a transaction of ours."""
    with psycopg.connect(two.site.database.url("web")) as connection:
        connection.execute(
            "SELECT set_config('app.tenant_id', %s, true), set_config('app.person_id', %s, true)",
            (str(two.ours.tenant_id), str(two.ours.person_id)),
        )
        yield connection
        connection.rollback()


def refused(web: psycopg.Connection, statement: str, **values: Any) -> bool:
    try:
        with web.transaction():
            web.execute(statement.encode(), values)
    except (InsufficientPrivilege, FeatureNotSupported):
        return True
    return False


def test_no_table_shows_a_row_of_theirs(two: World, web: psycopg.Connection) -> None:
    theirs = {"tenant": two.theirs.tenant_id, "person": two.theirs.person_id}
    for table, where in owners.of_tenants(two.site.owner).items():
        seen = f"SELECT count(*) FROM web.{table} x WHERE {where}"
        try:
            with web.transaction():
                assert web.execute(seen.encode(), theirs).fetchone() == (0,), table
        except InsufficientPrivilege:
            pass


def test_without_a_tenant_there_is_nothing(two: World) -> None:
    with psycopg.connect(two.site.database.url("web"), autocommit=True) as nobody:
        for table in ("strategies", "trades", "signals", "sessions", "audit_events", "people"):
            count = f"SELECT count(id) FROM web.{table}"
            assert nobody.execute(count.encode()).fetchone() == (0,), table


def test_copy_goes_no_way_around(web: psycopg.Connection) -> None:
    with web.cursor().copy("COPY web.strategies (name) TO STDOUT") as copy:
        told = b"".join(bytes(part) for part in copy)
    assert b"ours strategy" in told
    assert b"okapi" not in told
    assert refused(web, "COPY web.strategies FROM STDIN")
    assert refused(web, "COPY (SELECT 1) TO PROGRAM 'true'")
    assert refused(web, "COPY web.strategies FROM '/etc/hostname'")


def test_row_security_cannot_be_left_out(web: psycopg.Connection) -> None:
    web.execute("SET LOCAL row_security = off")
    assert refused(web, "SELECT count(*) FROM web.strategies")
    for role in ("fillwire_owner", "fillwire_worker", "fillwire_staff"):
        assert refused(web, f"SET ROLE {role}")


def test_their_strategy_cannot_be_followed_by_its_id(two: World, web: psycopg.Connection) -> None:
    follow = (
        "INSERT INTO web.subscriptions (id, tenant_id, strategy_tenant_id, strategy_id, "
        "connection_id) VALUES (%(id)s, %(us)s, %(of)s, %(strategy)s, %(connection)s)"
    )
    space = two.ours.space
    ids = {"id": uuid4(), "us": two.ours.tenant_id, "connection": space.connection_id}
    theirs = {"of": two.theirs.tenant_id, "strategy": two.theirs.space.strategy_id}
    nobodys = {"of": uuid4(), "strategy": uuid4()}
    assert refused(web, follow, **ids, **theirs)
    assert refused(web, follow, **ids, **nobodys)
    moved = "UPDATE web.subscriptions SET strategy_tenant_id = %(of)s, strategy_id = %(strategy)s"
    assert refused(web, moved, **theirs)


@pytest.mark.parametrize("scope", ["strategy", "connection", "tenant"])
def test_a_switch_cannot_be_put_on_what_is_theirs(
    two: World, web: psycopg.Connection, scope: str
) -> None:
    put = (
        "INSERT INTO web.switches (scope, scope_id, tenant_id, mode, why, set_by, set_at, version) "
        "VALUES (%(scope)s, %(id)s, %(us)s, 'stop_all', '', 'person:x', now(), 9) "
        "ON CONFLICT (scope, scope_id) DO UPDATE SET mode = excluded.mode"
    )
    of = {"strategy": two.theirs.space.strategy_id, "connection": two.theirs.space.connection_id}
    given = {"scope": scope, "id": of.get(scope, two.theirs.tenant_id)}
    assert refused(web, put, us=two.ours.tenant_id, **given)
    assert refused(web, put, us=two.theirs.tenant_id, **given)


def test_a_row_cannot_be_given_away(two: World, web: psycopg.Connection) -> None:
    give = "UPDATE web.strategies SET tenant_id = %(them)s WHERE id = %(id)s"
    assert refused(web, give, them=two.theirs.tenant_id, id=two.ours.space.strategy_id)
    add = "INSERT INTO web.audit_events (tenant_id, actor, action, subject) VALUES (%(t)s,'','','')"
    assert refused(web, add, t=two.theirs.tenant_id)
    assert refused(web, add, t=None)


@pytest.fixture
def staff(two: World) -> Iterator[tuple[psycopg.Connection, UUID, UUID]]:
    """Staff's role in a transaction of one of them, and a colleague."""
    me, colleague = uuid4(), uuid4()
    for each in (me, colleague):
        two.site.owner.execute(
            "INSERT INTO web.staff (id, email, role) VALUES (%s, %s, 'owner')",
            (each, f"{each.hex}@staff.test"),
        )
    with psycopg.connect(two.site.database.url("staff")) as connection:
        connection.execute("SELECT set_config('app.person_id', %s, true)", (str(me),))
        yield connection, me, colleague
        connection.rollback()


def test_staff_ask_for_what_takes_two_as_themselves_and_undecided(
    staff: tuple[psycopg.Connection, UUID, UUID],
) -> None:
    role, me, colleague = staff
    ask = (
        "INSERT INTO web.staff_requests (id, kind, subject_id, reason, asked_by, expires_at, "
        "outcome, decided_by, decided_at) VALUES (%(id)s, 'reset_staff', %(me)s, 'because of it', "
        "%(by)s, now() + %(lasts)s, %(outcome)s, %(decider)s, %(at)s)"
    )
    right = {"me": me, "by": me, "lasts": "1 day", "outcome": None, "decider": None, "at": None}
    decided = {"outcome": "approved", "decider": colleague, "at": "2026-11-22"}
    for wrong in ({"by": colleague}, {"lasts": "2 days"}, decided):
        assert refused(role, ask, id=uuid4(), **(right | wrong)), wrong
    assert not refused(role, ask, id=uuid4(), **right)
    assert refused(role, "UPDATE web.staff_requests SET outcome = 'approved'")
    assert refused(role, "DELETE FROM web.staff_requests")


def test_nobody_decides_what_they_asked_for(
    two: World, staff: tuple[psycopg.Connection, UUID, UUID]
) -> None:
    role, me, colleague = staff
    request = uuid4()
    two.site.owner.execute(
        "INSERT INTO web.staff_requests (id, kind, subject_id, reason, asked_by) "
        "VALUES (%s, 'reset_staff', %s, 'because of it', %s)",
        (request, colleague, me),
    )
    decide = "SELECT web.decide_staff_request(%s, 'approved')"
    assert role.execute(decide, (request,)).fetchone() == (None,)
    # Not even whoever owns the table.
    with pytest.raises(psycopg.errors.CheckViolation):
        two.site.owner.execute(
            "UPDATE web.staff_requests SET outcome = 'approved', decided_at = now(), "
            "decided_by = asked_by WHERE id = %s",
            (request,),
        )
    role.execute("SELECT set_config('app.person_id', %s, true)", (str(colleague),))
    assert role.execute(decide, (request,)).fetchone() == (request,)


def test_staff_note_and_look_as_themselves(
    two: World, staff: tuple[psycopg.Connection, UUID, UUID]
) -> None:
    role, me, colleague = staff
    sessions = {}
    for each in (me, colleague):
        sessions[each] = uuid4()
        two.site.owner.execute(
            "INSERT INTO web.staff_sessions (id, token_hash, staff_id, expires_at, pending, "
            "enrols, device, address) VALUES (%s, %s, %s, now() + interval '1 hour', false, "
            "false, '', '')",
            (sessions[each], each.bytes, each),
        )
    note = "INSERT INTO web.staff_notes (tenant_id, staff_id, note) VALUES (%(of)s, %(by)s, 'x')"
    assert refused(role, note, of=two.ours.tenant_id, by=colleague)
    assert not refused(role, note, of=two.ours.tenant_id, by=me)
    look = (
        "INSERT INTO web.view_as (id, token_hash, staff_id, staff_session_id, tenant_id, "
        "person_id, expires_at) VALUES (%(id)s, %(hash)s, %(by)s, %(session)s, %(tenant)s, "
        "%(person)s, now() + %(lasts)s)"
    )
    right = {
        "by": me,
        "session": sessions[me],
        "tenant": two.ours.tenant_id,
        "person": two.ours.person_id,
        "lasts": "15 minutes",
    }
    for wrong in ({"by": colleague}, {"session": sessions[colleague]}, {"lasts": "1 hour"}):
        assert refused(role, look, id=uuid4(), hash=uuid4().bytes, **(right | wrong)), wrong
    assert not refused(role, look, id=uuid4(), hash=uuid4().bytes, **right)
