"""Execution on the wire: thin, the service does the work; and the assembly of it all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import grpc
import structlog
from grpc import aio
from grpc_health.v1 import health_pb2

from execution import guard
from execution.accounts import accounts
from execution.allowed import ALLOWED
from execution.brokers.base import Adapter
from execution.brokers.paper import PaperAdapter
from execution.brokers.paper_simulation import PaperSimulator
from execution.config import Config
from execution.engine.controls import Controls, Watch
from execution.engine.engine import Engine
from execution.engine.queueing import NextOpen, exchange_opens
from execution.errors import BadRequest, NotFound
from execution.holding.holding import Holding
from execution.holding.rules import Venue
from execution.journal import ringing
from execution.journal.digests import Digests
from execution.journal.facts import Bell
from execution.journal.journal import Journal, StoreUnavailable
from execution.journal.store import Store
from execution.journal.switch_store import SwitchStore
from execution.limits.limits import Limits
from execution.refreshing import Refreshing
from execution.runtime import AsyncioRuntime
from execution.service.declaring import Declaring
from execution.service.manual import Manual
from execution.service.service import Service
from execution.service.simulation import SimulationServicer
from execution.service.switching import Switching
from execution.vault.assembly import Assembly
from protos import certificates, tasks
from protos import log as lines
from protos.execution.v1 import (
    credentials_pb2,
    execution_pb2_grpc,
    simulation_pb2,
    simulation_pb2_grpc,
)
from protos.execution.v1 import execution_pb2 as pb

log = structlog.get_logger()

Answered = TypeVar("Answered")
Context = aio.ServicerContext[Any, Any]

MESSAGE_BYTES = 64 * 1024 * 1024
# SIGTERM: calls get this long, then the journal.
STOP_SECONDS = 2.0
DRAIN_SECONDS = 4.0
RELEASE_SECONDS = 1.0
START_RETRY_SECONDS = 0.2
_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    # Clients ask every 2 s whether we live.
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class Servicer(execution_pb2_grpc.ExecutionServicer):
    """The service of `protos/execution/v1`."""

    def __init__(
        self,
        service: Service,
        digests: Digests,
        switching: Switching,
        declaring: Declaring,
        manual: Manual,
        refreshing: Refreshing,
    ) -> None:
        self._service = service
        self._digests = digests
        self._switching = switching
        self._declaring = declaring
        self._manual = manual
        self._refreshing = refreshing

    async def SubmitTrades(
        self, request: pb.SubmitTradesRequest, context: Context
    ) -> pb.SubmitTradesResponse:
        return await _answer(self._service.submit_trades(request), context)

    async def CancelTrades(
        self, request: pb.CancelTradesRequest, context: Context
    ) -> pb.CancelTradesResponse:
        return await _answer(self._service.cancel_trades(request), context)

    async def GetAccountState(
        self, request: pb.GetAccountStateRequest, context: Context
    ) -> pb.GetAccountStateResponse:
        return await _answer(self._service.account_state(request.account), context)

    async def GetConnectionState(
        self, request: pb.GetConnectionStateRequest, context: Context
    ) -> pb.GetAccountStateResponse:
        return await _answer(self._service.connection_state(request), context)

    async def PreviewTrades(
        self, request: pb.PreviewTradesRequest, context: Context
    ) -> pb.PreviewTradesResponse:
        return await _answer(self._service.preview_trades(request), context)

    async def StreamFacts(
        self, request: pb.StreamFactsRequest, context: Context
    ) -> AsyncIterator[Any]:
        try:
            async for response in self._service.stream_facts(request):
                yield response
        except (StoreUnavailable, BadRequest) as error:
            await _abort(error, context)

    def add_to(self, server: aio.Server) -> None:
        """The service, and in place of its StreamFacts one whose answers are bytes already."""
        execution_pb2_grpc.add_ExecutionServicer_to_server(self, server)
        facts: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(
            self.StreamFacts, request_deserializer=pb.StreamFactsRequest.FromString
        )
        name = pb.DESCRIPTOR.services_by_name["Execution"].full_name
        server.add_registered_method_handlers(name, {"StreamFacts": facts})

    async def ListFacts(
        self, request: pb.ListFactsRequest, context: Context
    ) -> pb.ListFactsResponse:
        return await _answer(self._service.list_facts(request), context)

    async def DigestFacts(
        self, request: pb.DigestFactsRequest, context: Context
    ) -> pb.DigestFactsResponse:
        return await _answer(self._digests.digest_facts(request), context)

    async def ListFactRange(
        self, request: pb.ListFactRangeRequest, context: Context
    ) -> pb.ListFactRangeResponse:
        return await _answer(self._digests.list_range(request), context)

    async def SetSwitch(
        self, request: pb.SetSwitchRequest, context: Context
    ) -> pb.SetSwitchResponse:
        return await _answer(self._switching.set_switch(request), context)

    async def ListSwitches(
        self, request: pb.ListSwitchesRequest, context: Context
    ) -> pb.ListSwitchesResponse:
        return await _answer(self._switching.list_switches(request), context)

    async def ForgetWords(
        self, request: pb.ForgetWordsRequest, context: Context
    ) -> pb.ForgetWordsResponse:
        return await _answer(self._switching.forget_words(request), context)

    async def SetLimits(
        self, request: pb.SetLimitsRequest, context: Context
    ) -> pb.SetLimitsResponse:
        return await _answer(self._switching.set_limits(request), context)

    async def SeeOverfill(
        self, request: pb.SeeOverfillRequest, context: Context
    ) -> pb.SeeOverfillResponse:
        return await _answer(self._switching.see_overfill(request), context)

    async def ResolveDoubt(
        self, request: pb.ResolveDoubtRequest, context: Context
    ) -> pb.ResolveDoubtResponse:
        return await _answer(self._declaring.resolve(request), context)

    async def ClosePosition(
        self, request: pb.ClosePositionRequest, context: Context
    ) -> pb.ClosePositionResponse:
        return await _answer(self._manual.close(request), context)

    async def RefreshAccount(
        self, request: pb.RefreshAccountRequest, context: Context
    ) -> pb.RefreshAccountResponse:
        return await _answer(self._refreshing.refresh(request), context)


class ExecutionServer:
    """The whole program: start it, stop it, start another one on the same database."""

    def __init__(self, config: Config, *, next_open: NextOpen = exchange_opens) -> None:
        self._config = config
        self._next_open = next_open
        self._store = Store(config.database_url)
        self._journal = Journal(self._store)
        self._runtime = AsyncioRuntime()
        shown = self._certificates = certificates.at(config.certificates)
        self._limits = Limits(
            self._runtime, store=self._store, instance=config.instance, redis_url=config.redis_url
        )
        self._vault = Assembly(config, self._store, shown)
        self._adapters: dict[Venue, Adapter] = {
            ("paper", "paper"): PaperAdapter(config.paper_target, shown),
            **self._vault.adapters,
        }
        self._simulator = PaperSimulator(config.paper_target, shown)
        self._writing: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Bind, connect, take back what was open, and serve."""
        bell = self._bell = Bell()
        controls, switches = Controls(), SwitchStore(self._store)
        engine = Engine(
            journal=self._journal,
            runtime=self._runtime,
            controls=controls,
            next_open=self._next_open,
        )
        holding = self._holding = Holding(
            instance=self._config.instance,
            target=self._config.bind,
            store=self._store,
            engine=engine,
            runtime=self._runtime,
            adapters=self._adapters,
            limits=self._limits,
        )
        watch = Watch(
            controls,
            switches,
            self._runtime,
            on_stop=lambda scopes: _halt(engine, holding, scopes),
            on_read=lambda: engine.halting.bind_anew(holding.accounts()),
        )
        engine.halting.on_stopped = watch.look_now
        self._journal.on_commit, bell.is_pressed = bell.ring, self._journal.pressure.is_high
        self._journal.on_refused = holding.lose
        self._vault.tell(holding.on_login)
        self._server = guard.server(_OPTIONS, ALLOWED if self._certificates else None)
        check = partial(_check, engine, holding)
        refreshing = Refreshing(self._store, holding, engine, self._vault.adapters)
        servicer = Servicer(
            Service(self._store, holding, bell),
            Digests(self._store),
            Switching(self._store, switches, holding, watch.read),
            Declaring(self._store, holding.believe, check),
            Manual(self._store, holding),
            refreshing,
        )
        servicer.add_to(self._server)
        simulation = SimulationServicer(self._simulator, holding.hold)
        simulation_pb2_grpc.add_SimulationServicer_to_server(simulation, self._server)
        self._vault.add_to(self._server, self._runtime.spawn)
        self._health = await guard.add_health(self._server)
        if self._certificates is None:
            guard.add_reflection(
                self._server, pb.DESCRIPTOR, simulation_pb2.DESCRIPTOR, credentials_pb2.DESCRIPTOR
            )
        self.port = certificates.listen(self._server, self._config.bind, self._certificates)
        await self._store.open()
        self._writing = asyncio.create_task(self._journal.run())
        for venue, adapter in self._adapters.items():
            adapter.on_usage = partial(self._limits.hear, venue)
            adapter.rest_after = self._journal.pressure.rest_after
            await adapter.start(holding.on_report, holding.on_gap)
        await _until_stored(watch.start)
        await _until_stored(holding.start)
        self._runtime.spawn(self._vault.run())
        url, name = self._config.database_url, self._config.instance
        rung = partial(_spawn, self._runtime, refreshing)
        self._runtime.spawn(ringing.answer(url, name, holding.look, check, rung))
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)

    async def failed(self) -> None:
        """Return when the journal's writer ended, which it never should."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            log.error("journal_ended", exc_info=self._writing.exception())

    async def stop(self) -> None:
        """Say so, take nothing more, let the journal finish, give the leases back, disconnect.

        What was written down and has no answer is left as it is: whoever takes the account
        asks about it.
        """
        await self._health.enter_graceful_shutdown()
        self._holding.claim_no_more()
        self._bell.close()
        await self._server.stop(STOP_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._journal.drained()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._holding.release()
        await self.kill()

    async def kill(self) -> None:
        """End without finishing anything, as a crash would."""
        await self._server.stop(None)
        if self._writing is not None:
            await tasks.end([self._writing])
        await self._runtime.close()
        for adapter in self._adapters.values():
            await adapter.close()
        await self._limits.stop()
        await self._simulator.close()
        await self._store.close()


def _halt(engine: Engine, holding: Holding, scopes: Sequence[tuple[str, str]]) -> None:
    """A switch came on: what waits ends, and what it closes is looked for at once."""
    engine.halting.end_waiting(holding.accounts(), scopes)
    holding.look_now()


def _check(engine: Engine, holding: Holding, trade_id: UUID) -> bool:
    """Ask the broker about a doubtful trade now, or let an exit go that its filter holds; False
    when another instance has it."""
    held = [account for account in holding.accounts() if trade_id in account.runs]
    for account in held:
        run = account.runs[trade_id]
        if accounts.let_go(run):
            engine.go_on(account, run)
        else:
            engine.check(account, run)
    return bool(held)


def _spawn(runtime: AsyncioRuntime, refreshing: Refreshing, account_id: UUID) -> None:
    runtime.spawn(refreshing.rung(account_id))


async def _until_stored(start: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await start()
        except StoreUnavailable as error:
            log.warning("waiting_for_database", cause=error)
            await asyncio.sleep(START_RETRY_SECONDS)


async def _answer(work: Awaitable[Answered], context: Context) -> Answered:
    lines.begin_as_told(context.invocation_metadata())
    try:
        return await work
    except (StoreUnavailable, BadRequest, NotFound) as error:
        await _abort(error, context)


async def _abort(error: Exception, context: Context) -> NoReturn:
    match error:
        case StoreUnavailable():
            log.warning("store_unavailable", cause=error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the database is away")
        case NotFound():
            await context.abort(grpc.StatusCode.NOT_FOUND, "the account was never used")
        case _:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
