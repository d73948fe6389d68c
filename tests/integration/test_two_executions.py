"""Two instances on one database: any may be told, the holder trades, in the order of telling."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from tests.integration.execution_kit import Kit, running, start_server


@asynccontextmanager
async def beside(kit: Kit) -> AsyncIterator[Kit]:
    """The same client at a second instance."""
    server = await start_server(kit.database, kit.venue, "execution-2")
    other = replace(kit, server=server, instance="execution-2")
    try:
        yield other
    finally:
        await other.close_channels()
        await server.stop()


@pytest.fixture
async def other(kit: Kit) -> AsyncIterator[Kit]:
    async with beside(kit) as other:
        yield other


async def test_an_exit_told_to_the_holder_does_not_pass_an_entry_told_to_another(
    kit: Kit, other: Kit
) -> None:
    assert (await kit.run(kit.trade("buy", "1")))[0] == "FILLED"
    entry, leave = kit.trade("buy", "5", allow_add=True), kit.trade("exit", "")

    assert await other.submit(entry) == ["STORED"]
    assert await kit.submit(leave) == ["STORED"]

    assert (await kit.outcome(leave))[0] == "FILLED"
    assert (await kit.outcome(entry))[0] in ("FILLED", "SKIPPED")
    assert await kit.venue_positions() == {}


async def test_who_lost_an_account_takes_no_order_of_its_new_holder_for_a_strangers(
    kit: Kit, other: Kit
) -> None:
    await kit.run(kit.trade("buy", "1"))
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        await connection.execute(
            "UPDATE execution.leases SET instance_id = 'execution-2', epoch = epoch + 1"
        )
    with capture_logs() as logs:
        # Told to the old holder, which may not write; found and traded by the new one.
        assert (await kit.run(kit.trade("buy", "2", allow_add=True)))[0] == "FILLED"
        assert (await other.run(other.trade("exit", "")))[0] == "FILLED"

    assert {"lease_lost"} <= {each["event"] for each in logs}
    assert "external_order" not in {each["event"] for each in logs}
    assert await kit.venue_positions() == {}


async def test_who_stores_for_another_rings_there(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execution.holding.holding.POLL_SECONDS", 600.0)
    async with running(database) as kit, beside(kit) as other:
        await kit.run(kit.trade("buy", "1"))
        leave = other.trade("exit", "")

        assert await other.submit(leave) == ["STORED"]

        assert (await other.outcome(leave, 10))[0] == "FILLED"
