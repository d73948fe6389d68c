"""One life of execution: the real journal, engine, holding and service, on a virtual loop."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from execution.engine.engine import Engine
from execution.holding.holding import Holding
from execution.journal.facts import Bell
from execution.journal.journal import Journal, StoreUnavailable
from execution.limits.limits import Limits
from execution.runtime import AsyncioRuntime
from execution.service.declaring import Declaring
from execution.service.service import Service
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.adapter import SimAdapter, WireFaults
from tests.sim.database import Database, MemoryStore
from tests.sim.venue import Venue
from tests.sim.world import InstanceLoop, World

BROKER = "sim"
RETRY_SECONDS = 0.2
Answered = Callable[[pb.SubmitTradesResponse | None], None]


class Instance:
    """Born on an empty memory; what it needs to know is in the database."""

    def __init__(
        self,
        world: World,
        database: Database,
        venue: Venue,
        wire: WireFaults,
        *,
        name: str,
        life: int,
        skew: timedelta,
        poke: Callable[[InstanceLoop], None],
    ) -> None:
        self._world = world
        self.name = name
        self.loop = InstanceLoop(world, f"{name}.{life}")
        self.loop.on_death = lambda: database.died(self.loop)
        self.adapter = SimAdapter(world, venue, self.loop, wire, poke)
        store = MemoryStore(database, self.loop)
        runtime = AsyncioRuntime((lambda: world.at() + skew) if skew else world.at)
        journal = Journal(store, self.loop.time)
        engine = Engine(journal=journal, runtime=runtime)
        bell = Bell()
        self._holding = Holding(
            instance=name,
            target=name,
            store=store,
            engine=engine,
            runtime=runtime,
            adapters={(BROKER, BROKER): self.adapter},
            # Elsewhere there is nothing to look up.
            limits=Limits(runtime, store=store, instance=name) if venue.habits.most else None,
        )
        journal.on_commit, bell.is_pressed = bell.ring, journal.pressure.is_high
        journal.on_refused = self._holding.lose
        self._journal = journal
        # As the server: no calls before the first heartbeat is stored.
        self._serves = False
        self._service = Service(store, self._holding, bell)
        self._declaring = Declaring(store, self._holding.believe, lambda _trade_id: True)

    @property
    def is_awake(self) -> bool:
        """It lives, and is not stopped."""
        return not self.loop.is_dead and self.loop.paused_until <= self._world.now_us

    def holds(self, account_id: UUID) -> bool:
        """It has the account, and knows what there is to know of it."""
        return self._holding.held(account_id) is not None

    def start(self) -> None:
        """As the server does it."""
        self._world.schedule(self.loop, 0, self._begin)

    def _begin(self) -> None:
        self.loop.create_task(self._journal.run())
        self.loop.create_task(self._start())

    async def _start(self) -> None:
        await self.adapter.start(self._holding.on_report, self._holding.on_gap)
        while True:
            try:
                await self._holding.start()
                self._serves = True
                return
            except StoreUnavailable:
                future = self.loop.create_future()
                self.loop.call_later(RETRY_SECONDS, future.set_result, None)
                await future

    def submit(self, request: pb.SubmitTradesRequest, answered: Answered) -> None:
        """A call of web's; the answer is None when the call failed."""

        async def call() -> None:
            response: pb.SubmitTradesResponse | None = None
            if self._serves:
                response = await self._store(request)
            self._world.after(0.001, answered, response)

        self._world.schedule(self.loop, 500, lambda: self.loop.create_task(call()))

    async def _store(self, request: pb.SubmitTradesRequest) -> pb.SubmitTradesResponse | None:
        try:
            return await self._service.submit_trades(request)
        except StoreUnavailable:
            return None

    def declare(self, request: pb.ResolveDoubtRequest) -> None:
        """A person says what became of an order; told once, as it comes."""

        async def call() -> None:
            with suppress(StoreUnavailable):
                await self._declaring.resolve(request)

        self._world.schedule(self.loop, 500, lambda: self.loop.create_task(call()))

    def withdraw(self, request: pb.CancelTradesRequest) -> None:
        """A member cancels trades; told once, as it comes."""

        async def call() -> None:
            with suppress(StoreUnavailable):
                await self._service.cancel_trades(request)

        self._world.schedule(self.loop, 500, lambda: self.loop.create_task(call()))
