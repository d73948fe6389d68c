"""Hostile SQL as the site's own role, working for one tenant: row security alone."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

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
