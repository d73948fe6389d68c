"""The latency floor with the paper process in the path, measured in the same run.

The smallest chain with the same durable steps: commit the signal, commit the trade, one
gRPC call to a server that commits the instruction and the order, sends it to the paper
venue, and commits the reply; then commit the read model. No bell, no rules, no lanes.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from psycopg_pool import AsyncConnectionPool

from benchmarks.bare import free_port, wait_for
from benchmarks.bench import Bench, Part, Row, both
from benchmarks.floor_server import METHOD, STEP
from benchmarks.latency import RATES, Stages
from protos import ids
from protos.paper.v1 import paper_pb2, paper_pb2_grpc

ACCOUNTS = 200
TABLE = """
    CREATE SCHEMA IF NOT EXISTS benchmark;
    CREATE TABLE IF NOT EXISTS benchmark.steps (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        step text NOT NULL,
        name text NOT NULL,
        body text NOT NULL DEFAULT repeat('x', 300)
    )
"""
_ARRIVALS = """
    SELECT cl_ord_id, extract(epoch FROM arrived_at) FROM paper.arrivals WHERE cl_ord_id = ANY(%s)
"""


def measure(bench: Bench) -> Part:
    """p50 and p99 of the minimal chain at the same rates."""
    part = Part("floor")
    bench.owner.execute(TABLE)
    seconds = 3.0 if bench.quick else 6.0
    with _serving(bench) as target:
        _open_accounts(bench.stack.ready["paper_target"])
        asyncio.run(_offer(bench, target, rate=50, seconds=2))
        for rate in RATES:
            sent, done = asyncio.run(_offer(bench, target, rate=rate, seconds=seconds))
            arrived = dict(bench.owner.execute(_ARRIVALS, [list(sent)]).fetchall())
            submitted = Stages.pair(
                [(float(arrived[name]) - sent[name]) * 1000 for name in arrived]
            )
            stored = Stages.pair([value * 1000 for value in done])
            part.rows += [
                Row(f"floor: accept to submitted at {rate}/s, p50 / p99", both(submitted)),
                Row(f"floor: accept to stored at {rate}/s, p50 / p99", both(stored)),
            ]
            part.figures[str(rate)] = {
                "sent": len(sent),
                "submitted_ms": submitted,
                "stored_ms": stored,
            }
    return part


async def _offer(
    bench: Bench, target: str, *, rate: float, seconds: float
) -> tuple[dict[str, float], list[float]]:
    """When each order was due to be sent, by name; how long each chain took."""
    pool = AsyncConnectionPool(
        bench.stack.ready["database_url"],
        min_size=8,
        max_size=16,
        kwargs={"autocommit": True},
        open=False,
    )
    await pool.open(wait=True)
    sent: dict[str, float] = {}
    took: list[float] = []
    async with grpc.aio.insecure_channel(target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)

        async def chain(name: str, number: int) -> None:
            for step in ("signal", "trade"):
                async with pool.connection() as connection:
                    await connection.execute(STEP, (step, name), prepare=True)
            await call(f"FLOOR{number % ACCOUNTS} {name}".encode())
            async with pool.connection() as connection:
                await connection.execute(STEP, ("read model", name), prepare=True)
            took.append(time.time() - sent[name])

        started, chains = time.time(), []
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            name = ids.new().hex[:22]
            sent[name] = due
            chains.append(asyncio.create_task(chain(name, number)))
        await asyncio.gather(*chains)
    await pool.close()
    return sent, took


@contextmanager
def _serving(bench: Bench) -> Iterator[str]:
    port = free_port()
    environ = {
        **os.environ,
        "FLOOR_DATABASE_URL": bench.stack.ready["database_url"],
        "FLOOR_PAPER_TARGET": bench.stack.ready["paper_target"],
        "FLOOR_BIND": f"127.0.0.1:{port}",
    }
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.floor_server"], env=environ)
    try:
        wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _open_accounts(paper_target: str) -> None:
    with grpc.insecure_channel(paper_target) as channel:
        stub = paper_pb2_grpc.VenueStub(channel)
        for number in range(ACCOUNTS):
            stub.GetAccount(paper_pb2.GetAccountRequest(account=f"FLOOR{number}"), timeout=5)
