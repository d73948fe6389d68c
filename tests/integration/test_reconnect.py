"""A database that was away for a while is found again soon, however long it was away."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from execution.journal.journal import StoreUnavailable
from execution.journal.store import Store
from tests.chaos.proxy import FaultProxy
from web import db
from web.ops import children

AWAY_SECONDS = 3.3  # Doubling pauses would try again after three seconds, then after seven.
FOUND_SECONDS = 1.5


def behind(url: str) -> tuple[str, FaultProxy]:
    """The database behind a proxy that does not listen yet."""
    there = conninfo_to_dict(url)
    port = children.free_port()
    proxy = FaultProxy(port=port, server_port=int(str(there["port"])))
    return make_conninfo(url, port=port), proxy


async def test_execution_finds_its_database_again(database: Any) -> None:
    url, proxy = behind(database.url("execution"))
    store = Store(url)
    await store.open()
    try:
        assert not await _answers(store, AWAY_SECONDS)
        proxy.start()
        assert await _answers(store, FOUND_SECONDS)
    finally:
        await store.close()
        proxy.stop()


async def _answers(store: Store, seconds: float) -> bool:
    """Asked several times a second, as execution does, until it answers or time is over."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with suppress(StoreUnavailable, TimeoutError):
            return await asyncio.wait_for(store.ask("SELECT 1 AS one", ()), 0.25) == [{"one": 1}]
    return False


def test_web_finds_its_database_again(database: Any) -> None:
    url, proxy = behind(database.url("web"))
    pool = db.open_pool(url, size=2, name="reconnect")

    def answers() -> bool:
        try:
            with pool.connection() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    try:
        assert not any(_for(AWAY_SECONDS, answers))
        proxy.start()
        back = time.monotonic()
        assert any(_for(FOUND_SECONDS, answers))
        assert time.monotonic() - back < FOUND_SECONDS
    finally:
        pool.close()
        proxy.stop()


def _for(seconds: float, asked: Callable[[], bool]) -> list[bool]:
    """What is answered, again and again, until the time is over or it is yes."""
    found: list[bool] = []
    began = time.monotonic()
    while not any(found) and time.monotonic() - began < seconds:
        found.append(asked())
    return found
