"""What several integration tests stand on."""

from collections.abc import AsyncIterator, Iterator
from concurrent import futures

import grpc
import psycopg
import pytest

from tests.conftest import Database
from tests.integration.execution_kit import Kit, running
from tests.integration.road_kit import Road, Store
from tests.integration.waiting_kit import Desk
from tests.paper_venue import PaperVenue
from web import config, db
from web.app import create_site
from web.execution_client import ExecutionClient
from web.trades.service import Drain


@pytest.fixture
def road(database: Database) -> Iterator[Road]:
    """A drain between a fresh database and a fresh store."""
    store = Store()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((store.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    pool = db.open_pool(database.url("worker"), size=2, name="test")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        target = f"127.0.0.1:{port}"
        yield Road(owner, store, Drain(pool, ExecutionClient(target)), server, target, pool)
    pool.close()
    server.stop(None).wait()


@pytest.fixture
def desk(road: Road, database: Database) -> Iterator[Desk]:
    """People who decide, on the road's database. No Redis: no bell is ever heard."""
    app = create_site(
        config.read(
            {"FILLWIRE_WEB_DATABASE_URL": database.url("web"), "REDIS_URL": "redis://127.0.0.1:1/0"}
        )
    )
    yield Desk(app, road)
    with app.app_context():
        db.db.engine.dispose()


@pytest.fixture
async def venue(database: Database) -> AsyncIterator[PaperVenue]:
    """A running venue."""
    running = PaperVenue(database.url("paper"))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def kit(database: Database) -> AsyncIterator[Kit]:
    """Execution and its venue, on a fresh database."""
    async with running(database) as kit:
        yield kit


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broker does not answer soon is in doubt."""
    monkeypatch.setattr("execution.limits.session.ANSWER_SECONDS", 0.3)


@pytest.fixture
def watchful(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices are looked at often, too."""
    monkeypatch.setattr("execution.protection.protection.WATCH_SECONDS", 0.1)
