"""The far half of the latency floor: commit, commit, order at the venue, commit, answer.

What execution must do at the least for one order: store the trade, write the order down,
send it, store what the venue said. `python -m benchmarks.floor_server`; it finds its
database in FLOOR_DATABASE_URL, the venue in FLOOR_PAPER_TARGET, its address in FLOOR_BIND.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import grpc
import uvloop
from psycopg_pool import AsyncConnectionPool

from protos.paper.v1 import paper_pb2, paper_pb2_grpc

METHOD = "/benchmark.Floor/Take"
STEP = "INSERT INTO benchmark.steps (step, name) VALUES (%s, %s)"


class Venue:
    """One session at the paper venue."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = paper_pb2_grpc.VenueStub(channel)
        self._outgoing: asyncio.Queue[paper_pb2.SessionRequest] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def run(self) -> None:
        """Send what is queued, wake whoever is answered."""
        async for response in self._stub.Session(self._requests()):
            for reply in response.replies:
                answered = self._waiting.pop(reply.cl_ord_id, None)
                if answered is not None:
                    answered.set_result(None)

    async def buy(self, account: str, cl_ord_id: str) -> None:
        """One market order; returns with the venue's reply."""
        order = paper_pb2.NewOrder(
            account=account,
            cl_ord_id=cl_ord_id,
            instrument="AAPL",
            side=paper_pb2.SIDE_BUY,
            ord_type=paper_pb2.ORD_TYPE_MARKET,
            order_qty="1",
            time_in_force="day",
            reference_price="228.40",
        )
        self._waiting[cl_ord_id] = answered = asyncio.get_running_loop().create_future()
        self._outgoing.put_nowait(paper_pb2.SessionRequest(new_orders=[order]))
        await answered

    async def _requests(self) -> AsyncIterator[paper_pb2.SessionRequest]:
        while True:
            yield await self._outgoing.get()


async def serve() -> None:
    """Answer until killed."""
    pool = AsyncConnectionPool(
        os.environ["FLOOR_DATABASE_URL"],
        min_size=8,
        max_size=16,
        kwargs={"autocommit": True},
        open=False,
    )
    await pool.open()
    venue = Venue(grpc.aio.insecure_channel(os.environ["FLOOR_PAPER_TARGET"]))

    async def take(request: bytes, context: object) -> bytes:
        account, _, cl_ord_id = request.decode().partition(" ")
        for step in ("instruction", "sending"):
            await _commit(pool, step, cl_ord_id)
        await venue.buy(account, cl_ord_id)
        await _commit(pool, "reports", cl_ord_id)
        return b"filled"

    server = grpc.aio.server()
    _, service, method = METHOD.split("/")
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(take)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    server.add_insecure_port(os.environ["FLOOR_BIND"])
    await server.start()
    await venue.run()


async def _commit(pool: AsyncConnectionPool, step: str, name: str) -> None:
    async with pool.connection() as connection:
        await connection.execute(STEP, (step, name), prepare=True)


if __name__ == "__main__":
    uvloop.run(serve())
