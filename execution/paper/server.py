"""The venue on the wire: thin, the writer and the store do the work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import grpc
import psycopg
import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2

from execution import guard, reference
from execution.paper import answers, matching, sessions, store
from execution.paper.allowed import ALLOWED
from execution.paper.config import Config
from execution.paper.desk import Desk
from execution.paper.gate import SESSION, Gate, KeysServicer
from execution.paper.jobs import Frame
from execution.paper.keys import Keys
from execution.paper.market import Market
from execution.paper.sessions import Sessions
from execution.paper.writer import Unavailable, Writer
from protos import certificates, tasks
from protos.paper.v1 import keys_pb2, keys_pb2_grpc, paper_pb2_grpc
from protos.paper.v1 import paper_pb2 as pb

log = structlog.get_logger()

Answer = TypeVar("Answer")

DEFAULT_MISDEEDS, MOST_MISDEEDS = 100, 2000
MESSAGE_BYTES = 64 * 1024 * 1024
STOP_SECONDS = 1.0
_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
)


class Venue(paper_pb2_grpc.VenueServicer):
    """The service of `protos/paper/v1`."""

    def __init__(self, writer: Writer, opened: Sessions, gate: Gate, database_url: str) -> None:
        self._writer = writer
        self._gate = gate
        self._desk = writer.desk
        self._sessions = opened
        self._database_url = database_url
        self._one_reader = asyncio.Lock()
        self._reader: store.Connection | None = None

    async def Session(
        self,
        request_iterator: AsyncIterator[pb.SessionRequest],
        context: aio.ServicerContext[pb.SessionRequest, pb.SessionResponse],
    ) -> AsyncIterator[pb.SessionResponse]:
        if not self._writer.is_connected:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")
        await self._gate.open(context)
        session = self._sessions.open()
        await context.send_initial_metadata(((SESSION, session.id),))
        reading = asyncio.create_task(self._read(session, request_iterator))
        try:
            async for frame in session.frames():
                yield frame
        finally:
            reading.cancel()
            self._sessions.close(session)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "session ended; resume by sequence")

    async def ListMisdeeds(
        self,
        request: pb.ListMisdeedsRequest,
        context: aio.ServicerContext[pb.ListMisdeedsRequest, pb.ListMisdeedsResponse],
    ) -> pb.ListMisdeedsResponse:
        most = min(request.most or DEFAULT_MISDEEDS, MOST_MISDEEDS)
        try:
            return await self._reading(lambda reader: store.misdeeds(reader, request.account, most))
        except psycopg.OperationalError as error:
            log.warning("venue_read_failed", error=error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def GetOrders(
        self,
        request: pb.GetOrdersRequest,
        context: aio.ServicerContext[pb.GetOrdersRequest, pb.GetOrdersResponse],
    ) -> pb.GetOrdersResponse:
        await self._gate.check((request.account,), context)
        try:
            return await self._reading(
                lambda reader: store.find_orders(reader, request.account, request.cl_ord_ids)
            )
        except psycopg.OperationalError as error:
            log.warning("venue_read_failed", error=error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def GetAccount(
        self,
        request: pb.GetAccountRequest,
        context: aio.ServicerContext[pb.GetAccountRequest, pb.GetAccountResponse],
    ) -> pb.GetAccountResponse:
        await _check_name(request.account, context)
        await self._gate.check((request.account,), context)
        try:
            return await self._writer.look(request.account)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def GetOptions(
        self,
        request: pb.GetOptionsRequest,
        context: aio.ServicerContext[pb.GetOptionsRequest, pb.GetOptionsResponse],
    ) -> pb.GetOptionsResponse:
        try:
            return await self._writer.options(request.accounts)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def GetQuotes(
        self,
        request: pb.GetQuotesRequest,
        context: aio.ServicerContext[pb.GetQuotesRequest, pb.GetQuotesResponse],
    ) -> pb.GetQuotesResponse:
        account = self._desk.accounts.get(request.account)
        now = self._writer.clock()
        try:
            return answers.quotes(request.quotes, account, now, self._desk.market)
        except matching.Refused as refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused.text)

    async def GetChain(
        self,
        request: pb.GetChainRequest,
        context: aio.ServicerContext[pb.GetChainRequest, pb.GetChainResponse],
    ) -> pb.GetChainResponse:
        try:
            return answers.chain(request, self._writer.clock(), self._desk.market)
        except matching.Refused as refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused.text)

    async def GetPositions(
        self,
        request: pb.GetPositionsRequest,
        context: aio.ServicerContext[pb.GetPositionsRequest, pb.GetPositionsResponse],
    ) -> pb.GetPositionsResponse:
        await self._gate.check(request.accounts, context)
        try:
            return await self._writer.positions(request.accounts)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def TransferPosition(
        self,
        request: pb.TransferPositionRequest,
        context: aio.ServicerContext[pb.TransferPositionRequest, pb.TransferPositionResponse],
    ) -> pb.TransferPositionResponse:
        await _check_name(request.account, context)
        try:
            return await self._writer.transfer(request)
        except matching.Refused as refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused.text)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def BustFill(
        self,
        request: pb.BustFillRequest,
        context: aio.ServicerContext[pb.BustFillRequest, pb.BustFillResponse],
    ) -> pb.BustFillResponse:
        await _check_name(request.account, context)
        try:
            return await self._writer.bust(request)
        except matching.Refused as refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused.text)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def ConfigureAccount(
        self,
        request: pb.ConfigureAccountRequest,
        context: aio.ServicerContext[pb.ConfigureAccountRequest, pb.ConfigureAccountResponse],
    ) -> pb.ConfigureAccountResponse:
        await _check_name(request.account, context)
        if request.options.requests_per_minute < 0:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a limit is not negative")
        try:
            return await self._writer.configure(request)
        except matching.Refused as refused:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused.text)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def ResetAccount(
        self,
        request: pb.ResetAccountRequest,
        context: aio.ServicerContext[pb.ResetAccountRequest, pb.ResetAccountResponse],
    ) -> pb.ResetAccountResponse:
        await _check_name(request.account, context)
        try:
            return await self._writer.reset(request.account)
        except Unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    async def close(self) -> None:
        """Let go of the reading connection."""
        if self._reader is not None:
            await self._reader.close()

    async def _reading(self, read: Callable[[store.Connection], Awaitable[Answer]]) -> Answer:
        async with self._one_reader:
            if self._reader is None or self._reader.closed:
                self._reader = await store.connect(self._database_url)
            return await read(self._reader)

    async def _read(
        self, session: sessions.Session, requests: AsyncIterator[pb.SessionRequest]
    ) -> None:
        try:
            async for request in requests:
                if not session.is_open:
                    return
                admitted = self._gate.admit(session, request)
                self._writer.offer(Frame(session, admitted, asyncio.get_running_loop().time()))
        except Unavailable:
            pass
        finally:
            self._sessions.close(session)


class PaperServer:
    """The whole venue: start it, stop it, start another one on the same database."""

    def __init__(self, config: Config, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._sessions = Sessions()
        market = Market(config.seed, reference.load())
        desk = Desk(market, config.visibility_seconds, self._sessions)
        self._writer = Writer(desk, config.database_url, clock)
        self._keys = Keys(config.database_url)
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    async def start(self) -> None:
        """Bind, and serve; `port` is the one that was bound."""
        shown = certificates.at(self._config.certificates)
        self._server = guard.server(_OPTIONS, ALLOWED if shown else None)
        gate = Gate(self._keys, self._sessions)
        self._venue = Venue(self._writer, self._sessions, gate, self._config.database_url)
        paper_pb2_grpc.add_VenueServicer_to_server(self._venue, self._server)
        writer = self._writer
        keys = KeysServicer(self._keys, self._sessions, writer.look, writer.clock)
        keys_pb2_grpc.add_KeysServicer_to_server(keys, self._server)
        health_servicer = await guard.add_health(self._server)
        if shown is None:
            guard.add_reflection(self._server, pb.DESCRIPTOR, keys_pb2.DESCRIPTOR)
        self.port = certificates.listen(self._server, self._config.bind, shown)
        self._tasks = [
            asyncio.create_task(self._writer.run()),
            asyncio.create_task(self._writer.tick()),
            asyncio.create_task(self._announce(health_servicer)),
        ]
        await self._server.start()

    async def ready(self) -> None:
        """Wait until orders can be taken."""
        await self._writer.ready.wait()

    async def stop(self) -> None:
        """Finish the sessions and stop; an unfinished batch is in doubt for its client."""
        await tasks.end(self._tasks)
        self._sessions.close_all()
        await self._server.stop(STOP_SECONDS)
        await self._venue.close()

    async def _announce(self, servicer: health.aio.HealthServicer) -> None:
        await self._writer.ready.wait()
        await servicer.set("", health_pb2.HealthCheckResponse.SERVING)


async def _check_name(account: str, context: aio.ServicerContext[Any, Any]) -> None:
    if not matching.is_name(account):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "account is missing")
