"""An execution that is told to end: it says so, takes nothing more, and gives back what it has."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import grpc
import psycopg
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, Kit, start_server
from web.ops import children

# With a database and a venue that answer, most of it is nothing.
ENDS_SECONDS = 10.0
TOLD_SECONDS = 1.0
TAKEN_OVER_SECONDS = 3.0


async def says(kit: Kit, port: int) -> str:
    """What its health check answers."""
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return "AWAY"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@asynccontextmanager
async def process(kit: Kit) -> AsyncIterator[tuple[asyncio.subprocess.Process, Kit, int]]:
    """Execution as a process of its own, a client of it, and its port."""
    port = children.free_port()
    environment = {
        **os.environ,
        "FILLWIRE_EXECUTION_BIND": f"127.0.0.1:{port}",
        "FILLWIRE_EXECUTION_DATABASE_URL": kit.database.url("execution"),
        "FILLWIRE_PAPER_TARGET": f"127.0.0.1:{kit.venue.port}",
        "FILLWIRE_INSTANCE": "execution-9",
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "execution", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    client = replace(kit, account=f"acct-{uuid4().hex[:8]}", facts=[], cursor="")
    client._channel = aio.insecure_channel(f"127.0.0.1:{port}")
    try:
        async with asyncio.timeout(SECONDS):
            while await says(kit, port) != "SERVING":
                await asyncio.sleep(0.05)
        yield running, client, port
    finally:
        await client.close_channels()
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_sigterm_under_load_is_told_at_once_and_loses_nothing(kit: Kit) -> None:
    async with process(kit) as (running, client, port):
        trades = [client.trade("buy", "1", instrument=t) for t in ("AAPL", "MSFT")]
        assert set(await client.submit(*trades)) == {"STORED"}
        accepted = list(trades)
        is_over = asyncio.Event()

        async def load() -> None:
            while not is_over.is_set():
                trade = client.trade("buy", "1", subscription_id=uuid4().hex, instrument="NVDA")
                try:
                    if await client.submit(trade) == ["STORED"]:
                        accepted.append(trade)
                except grpc.RpcError:
                    return
                await asyncio.sleep(0.01)

        async def reader() -> None:
            # A projector: its stream must not hold up the end.
            try:
                async for _ in client.stub.StreamFacts(pb.StreamFactsRequest()):
                    pass
            except grpc.RpcError:
                return

        busy = [asyncio.create_task(load()) for _ in range(4)]
        reading = asyncio.create_task(reader())
        await asyncio.sleep(1.0)
        running.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        while await says(kit, port) == "SERVING":
            assert time.monotonic() - told_at < TOLD_SECONDS
        assert await asyncio.wait_for(running.wait(), ENDS_SECONDS) == 0
        ended_at = time.monotonic()
        is_over.set()
        await asyncio.gather(*busy, reading)
        assert len(accepted) > 20

        # The other one does not wait until the first is believed dead.
        follower = replace(client, server=kit.server, facts=[], cursor="")
        late = follower.trade("buy", "1", instrument="MSFT", allow_add=True)
        await follower.submit(late)
        await follower.outcome(late)
        assert time.monotonic() - ended_at < TAKEN_OVER_SECONDS
        for trade in accepted:
            assert (await follower.outcome(trade))[0] in ("FILLED", "SKIPPED")
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        rows = await connection.execute(
            "SELECT count(*), count(DISTINCT cl_ord_id) FROM paper.arrivals "
            "WHERE result = 'accepted'"
        )
        assert (found := await rows.fetchone()) is not None
        assert found[0] == found[1]


async def test_leases_are_free_as_soon_as_their_holder_has_ended(kit: Kit) -> None:
    assert (await kit.run(kit.trade("buy", "5")))[0] == "FILLED"
    await kit.close_channels()
    await kit.server.stop()
    began = time.monotonic()
    kit.server = await start_server(kit.database, kit.venue, "execution-2")
    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    assert time.monotonic() - began < TAKEN_OVER_SECONDS


async def test_what_is_stored_while_it_ends_is_begun_by_the_next(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    kit.server._holding.claim_no_more()
    trade = kit.trade("buy", "1", allow_add=True)
    assert await kit.submit(trade) == ["STORED"]
    await asyncio.sleep(1.2)
    await kit.read_facts()
    assert kit.outcomes(trade) == []
    await kit.close_channels()
    await kit.server.stop()
    kit.server = await start_server(kit.database, kit.venue, "execution-2")
    assert (await kit.outcome(trade))[0] == "FILLED"
