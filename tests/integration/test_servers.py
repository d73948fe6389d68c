"""The private servers and the roles that log in to them."""

import psycopg
import pytest
import redis

from tests.conftest import Database, Servers
from web.ops import roles, valkey


@pytest.mark.parametrize("role", roles.RUNTIME)
def test_each_runtime_role_logs_in_and_owns_nothing(module_database: Database, role: str) -> None:
    with psycopg.connect(module_database.url(role)) as connection:
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        ).fetchone()
        rights = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert owned == (0,)
    assert rights == (False, False, False)


def test_a_wrong_password_is_refused(module_database: Database) -> None:
    wrong = roles.url_for(module_database.url("owner"), "fillwire_web", "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_migrating_twice_changes_nothing(database: Database) -> None:
    roles.upgrade(database.url("owner"))


def test_a_redis_that_may_evict_is_refused(cluster: Servers, redis_url: str) -> None:
    valkey.refuse_eviction(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(valkey.MayEvict):
                valkey.refuse_eviction(redis_url)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "0")
