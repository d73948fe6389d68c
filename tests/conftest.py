"""Servers for the tests: one private PostgreSQL and Valkey a run, a clone a test."""

import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest
import redis
import structlog
from psycopg import sql

from tests import scratch
from web.ops import children, places, postgres, roles, valkey

PASSWORD = "fillwire_test"
TEMPLATE = "fillwire_test_template"
_SAID_LINES = 40
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",
    "max_wal_size": "128MB",
}


@dataclass(frozen=True)
class Servers:
    """The embedded servers of this run."""

    postgres: postgres.Cluster
    valkey: valkey.Server

    def owner_url(self, database: str) -> str:
        return self.postgres.url(roles.OWNER, PASSWORD, database)


@dataclass(frozen=True)
class Database:
    """One migrated database; `url("web")` is the way in of that role."""

    owner: str
    name: str

    def url(self, role: str) -> str:
        """The URL for owner, web, worker, staff, execution or paper."""
        if role == "owner":
            return self.owner
        return roles.url_for(self.owner, roles.RUNTIME[role][0], PASSWORD)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, or it would be waited for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


class SaidAtOnce:
    """Tells of each failure as it comes: a run that is cut off shows its failures all the same."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"{report.nodeid} failed in its {report.when}:")
            self._terminal.write_line("\n".join(report.longreprtext.splitlines()[-_SAID_LINES:]))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SaidAtOnce(terminal))


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """Drawing every local of an account would stop the event loop for seconds."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    before = structlog.get_config()["processors"][:-1]
    structlog.configure(processors=[*before, plain])


@pytest.fixture(scope="session", autouse=True)
def _no_network_beyond_loopback() -> Iterator[None]:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        if not str(host).startswith(LOOPBACK):
            raise PermissionError(f"tests stay on the loopback; {host} was asked")

    def guarded(self: socket.socket, address: object) -> None:
        check(address)
        connect(self, address)  # type: ignore[arg-type]

    def guarded_ex(self: socket.socket, address: object) -> int:
        check(address)
        return connect_ex(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[Servers]:
    """The servers of this run."""
    with embedded() as servers:
        yield servers


@contextmanager
def embedded() -> Iterator[Servers]:
    """Servers on folders that disappear with them, and a migrated template."""
    who = places.identity()
    folder = scratch.folder("fillwire_test_")
    servers = Servers(
        postgres.Cluster(
            folder=folder / "postgres",
            port=children.free_port(),
            password=secrets.token_urlsafe(),
            binaries=postgres.find(who),
            identity=who,
            settings=UNSAFE_BUT_FAST,
        ),
        valkey.Server(
            folder=folder / "valkey",
            port=children.free_port(),
            password=secrets.token_urlsafe(),
            binary=valkey.find(who),
            identity=who,
        ),
    )
    servers.postgres.create()
    servers.valkey.create()
    running = [_start(servers.postgres, folder), _start(servers.valkey, folder)]
    try:
        _wait(servers.postgres.is_ready)
        _wait(servers.valkey.is_ready)
        _make_template(servers)
        yield servers
    finally:
        for child, number in zip(running, (signal.SIGQUIT, signal.SIGKILL), strict=True):
            child.send_signal(number)
            child.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(cluster: Servers) -> Iterator[Database]:
    """A fresh migrated database for one test."""
    yield from _clone(cluster)


@pytest.fixture(scope="module")
def module_database(cluster: Servers) -> Iterator[Database]:
    """A fresh migrated database shared by the tests of one module."""
    yield from _clone(cluster)


@pytest.fixture
def redis_url(cluster: Servers) -> str:
    """A flushed Valkey."""
    with redis.Redis.from_url(cluster.valkey.url) as client:
        client.flushall()
    return cluster.valkey.url


def _start(server: postgres.Cluster | valkey.Server, folder: Path) -> Popen[bytes]:
    return children.spawn(
        server.command,
        environment=server.environment,
        log=folder / "servers.log",
        folder=Path("/"),
        identity=server.identity,
        ended_by=signal.SIGQUIT,
    )


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start within 30 s")
        time.sleep(0.05)


def _make_template(servers: Servers) -> None:
    roles.ensure_owner(servers.postgres.super_url, PASSWORD, TEMPLATE)
    owner = servers.owner_url(TEMPLATE)
    roles.upgrade(owner)
    roles.let_in(owner, dict.fromkeys(roles.RUNTIME, PASSWORD))


def _clone(servers: Servers) -> Iterator[Database]:
    name = f"fillwire_test_{secrets.token_hex(6)}"
    with psycopg.connect(servers.postgres.super_url, autocommit=True) as connection:
        # Without fsync the checkpoints that copying files asks for cost nothing.
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE), sql.Identifier(roles.OWNER)
            )
        )
    yield Database(owner=servers.owner_url(name), name=name)
    with psycopg.connect(servers.postgres.super_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
