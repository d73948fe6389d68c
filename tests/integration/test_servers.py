"""The private servers and the roles that log in to them."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest
import redis

from tests import scratch
from tests.conftest import Database, Servers
from web.ops import children, places, postgres, roles, valkey


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


def test_a_new_file_of_the_log_keeps_nobody_waiting(module_database: Database) -> None:
    with psycopg.connect(module_database.url("web")) as connection:
        assert connection.execute("SHOW wal_segment_size").fetchone() == ("1MB",)
        assert connection.execute("SHOW min_wal_size").fetchone() == ("80MB",)


def test_data_survives_a_killed_postmaster() -> None:
    with private_folder() as folder:
        server = postgres.Cluster(
            folder=folder / "postgres",
            port=children.free_port(),
            password="secret",
            binaries=postgres.find(places.identity()),
            identity=places.identity(),
        )
        assert server.create()
        first = start(server, folder)
        roles.ensure_owner(server.super_url, "owner")
        first.kill()
        first.wait()
        second = start(server, folder)
        try:
            assert not server.create()
            with psycopg.connect(server.url(roles.OWNER, "owner", roles.DATABASE)) as connection:
                assert connection.execute("SELECT current_user").fetchone() == (roles.OWNER,)
        finally:
            server.end_leftover()
            second.wait()
        assert second.returncode == 0


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that the servers' user can reach, wherever the tests run."""
    folder = scratch.folder("fillwire_test_")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def start(server: postgres.Cluster | valkey.Server, folder: Path) -> Popen[bytes]:
    """Start it until it is ready: a killed one may still be letting go of its memory."""
    for _ in range(40):
        child = children.spawn(
            server.command,
            environment=server.environment,
            log=folder / "log",
            folder=Path("/"),
            identity=server.identity,
            ended_by=postgres.STOP,
        )
        while child.poll() is None:
            if server.is_ready():
                return child
            time.sleep(0.05)
        time.sleep(0.25)
    raise AssertionError((folder / "log").read_text())
