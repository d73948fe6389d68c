"""An instance's wire to the broker, and everything that can go wrong on it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from execution.brokers.base import (
    AccountSnapshot,
    AuthFailed,
    BrokerError,
    Capabilities,
    ChainSnapshot,
    HeldSnapshot,
    InDoubt,
    NewOrder,
    NotSent,
    PositionSnapshot,
    QuoteSnapshot,
    RateLimited,
    Rejected,
    Report,
    Usage,
)
from tests.sim.venue import PRICE, Account, Order, Venue
from tests.sim.world import InstanceLoop, World

Answer = TypeVar("Answer")
CASH = Decimal(100_000)
# How long an adapter waits for a reply.
GIVES_UP_SECONDS = 10.0


@dataclass
class WireFaults:
    """How often a call goes wrong, while it may, and how."""

    drop: float = 0.0
    late: float = 0.0
    lost_reply: float = 0.0
    silent: float = 0.0
    refuse_login: float = 0.0
    look_fails: float = 0.0
    repeat: float = 0.0
    throttled_until: float = -1.0


class SimAdapter:
    """See `execution.brokers.base.Adapter`."""

    def __init__(
        self,
        world: World,
        venue: Venue,
        loop: InstanceLoop,
        faults: WireFaults,
        poke: Callable[[InstanceLoop], None],
    ) -> None:
        self._world = world
        self._venue = venue
        self._loop = loop
        self._faults = faults
        self._poke = poke
        self.on_usage: Callable[[Usage], None] = lambda _usage: None
        self.rest_after: Callable[[float], float] = lambda _seconds: 0.0
        # How much of each account's log was delivered, and is on its way.
        self._delivered: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._last_delivery: dict[str, int] = {}
        self._lines: dict[tuple[int, str, str], deque[int]] = {}
        self._session = 0
        self._down_until = -1.0
        # In order: the same seed fails them in the same order.
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    async def start(
        self, on_report: Callable[[Report], None], on_gap: Callable[[str], None]
    ) -> None:
        self._on_report = on_report
        self._on_gap = on_gap

    async def close(self) -> None:
        """Nothing to let go of."""

    # -- the stream

    async def attach(self, accounts: Sequence[tuple[str, int]]) -> None:
        for name, after in accounts:
            self._delivered[name] = self._sent[name] = after
            self.stream(self._venue.account(name))

    def stream(self, account: Account) -> None:
        """Put what is new of an attached account on its way."""
        if self._loop.is_dead or account.name not in self._sent or self._is_down:
            return
        for number in range(self._sent[account.name], len(account.log)):
            self._post(account, number)
            if self._world.dice.random() < self._faults.repeat:
                self._post(account, number)
        self._sent[account.name] = len(account.log)

    def lose(self, seconds: float) -> None:
        """The stream breaks: every call in flight is in doubt, and reports wait."""
        if self._loop.is_dead:
            return
        self._session += 1
        self._down_until = self._world.seconds + seconds
        self._world.schedule(self._loop, 0, self._gap)
        self._world.after(seconds + 0.001, self._resume)

    def _gap(self) -> None:
        for call in list(self._calls.values()):
            if not call.done():
                call.set_exception(InDoubt("the stream is lost"))
        self._on_gap("lost")

    def _resume(self) -> None:
        if self._is_down:
            return
        for name, delivered in self._delivered.items():
            self._sent[name] = delivered if self._venue.habits.numbers_reports else 0
            self.stream(self._venue.account(name))

    @property
    def _is_down(self) -> bool:
        return self._world.seconds < self._down_until

    def _post(self, account: Account, number: int) -> None:
        """A stream keeps its order; that of a broker that numbers nothing keeps only that of
        what is said of an order and its guards, or not even that."""
        dice, habits = self._world.dice, self._venue.habits
        stream = "" if habits.numbers_reports else self._venue.family(account, number)
        if habits.mixes_reports and not habits.numbers_reports:
            stream = f"{number}"
        at = self._world.now_us + int(dice.uniform(200, 8000))
        at = max(at, self._last_delivery.get(stream, 0) + 1)
        self._last_delivery[stream] = at
        delay = at - self._world.now_us
        # Whoever wakes from a pause finds its streams in order too.
        line = self._lines.setdefault((self._session, account.name, stream), deque())
        line.append(number)
        self._world.schedule(self._loop, delay, self._deliver, (account, line, self._session))

    def _deliver(self, account: Account, line: deque[int], session: int) -> None:
        if session != self._session:
            return
        number = line.popleft()
        self._on_report(account.log[number])
        self._delivered[account.name] = max(self._delivered[account.name], number + 1)
        self._poke(self._loop)

    # -- calls

    async def admit(self, account: str, connection_id: str) -> None:
        if self._world.dice.random() < self._faults.refuse_login:
            raise AuthFailed("log in again")

    async def submit(self, order: NewOrder) -> Report | None:
        self._before_writing()
        dice, faults, horizon = self._world.dice, self._faults, self._venue.habits.horizon
        written = self._world.seconds
        self._world.trace("written", self._loop.name, order.cl_ord_id)
        delay, hidden = dice.uniform(0.0002, 0.01), 0.0
        if dice.random() < faults.late:
            # A horizon that proves nothing may be passed.
            proves = self._venue.habits.refuses_repeats
            delay = dice.uniform(0.0, 0.6 if proves else 3.0) * horizon
        if dice.random() < faults.late:
            hidden = dice.uniform(0.0, 0.3) * horizon
        is_dropped = dice.random() < faults.drop

        def arrive() -> Report | None:
            taken: Order | None = self._venue.take(order, self._loop.name, written, hidden)
            known = self._venue.find(order.account, [order.cl_ord_id])
            reports = taken.reports if taken is not None else known.get(order.cl_ord_id, [])
            return reports[0] if reports else None

        return await self._call(arrive, delay, is_dropped=is_dropped)

    async def cancel(self, account: str, cl_ord_id: str) -> bool:
        self._before_writing()
        dice = self._world.dice
        self._world.trace("cancel", self._loop.name, cl_ord_id)
        is_dropped = dice.random() < self._faults.drop
        return await self._call(
            lambda: self._venue.cancel(account, cl_ord_id, self._loop.name),
            dice.uniform(0.0002, 0.01),
            is_dropped=is_dropped,
        )

    async def find_orders(
        self, account: str, cl_ord_ids: Sequence[str]
    ) -> dict[str, Sequence[Report]]:
        wanted = list(cl_ord_ids)
        return dict(await self._look(lambda: self._venue.find(account, wanted)))

    async def account(self, account: str) -> AccountSnapshot:
        return await self._look(
            lambda: AccountSnapshot(
                CASH, "USD", (), (), self._world.at(), equity=CASH, unrealised=Decimal(0)
            )
        )

    async def held(self, accounts: Sequence[str]) -> Sequence[HeldSnapshot]:
        def told(name: str) -> HeldSnapshot:
            account = self._venue.account(name)
            held = {
                symbol: PositionSnapshot(symbol, quantity, PRICE)
                for symbol, quantity in account.positions.items()
                if quantity
            }
            numbers = len(account.log) if self._venue.habits.numbers_reports else None
            return HeldSnapshot(held, self._world.at(), numbers)

        return await self._look(lambda: [told(name) for name in accounts])

    async def quote(
        self, account: str, instrument: str, *, reference_price: Decimal | None = None
    ) -> QuoteSnapshot | None:
        def quote() -> QuoteSnapshot:
            price, cent = self._venue.price(), Decimal("0.01")
            return QuoteSnapshot(instrument, price - cent, price + cent, price, self._world.at())

        return await self._look(quote)

    async def chain(
        self,
        underlying: str,
        earliest: date,
        *,
        strikes: int,
        reference_price: Decimal | None = None,
    ) -> ChainSnapshot | None:
        return None

    async def capabilities(self, accounts: Sequence[str]) -> Sequence[Capabilities]:
        return await self._look(lambda: [self._venue.capabilities() for _ in accounts])

    def _before_writing(self) -> None:
        if self._is_down:
            raise NotSent("cannot be reached", retry_after_seconds=0.2)
        if self._world.seconds < self._faults.throttled_until:
            raise RateLimited("429", retry_after_seconds=0.3)

    async def _look(self, ask: Callable[[], Answer]) -> Answer:
        dice = self._world.dice
        if self._is_down or dice.random() < self._faults.look_fails:
            raise InDoubt("not known")
        return await self._call(ask, dice.uniform(0.0002, 0.01), is_dropped=False)

    async def _call(self, ask: Callable[[], Answer], delay: float, *, is_dropped: bool) -> Answer:
        """Ask over the wire; what is lost there is in doubt, or never answered at all."""
        dice, faults = self._world.dice, self._faults
        future: asyncio.Future[Answer] = self._loop.create_future()
        is_lost = is_dropped or dice.random() < faults.lost_reply
        is_silent = is_lost and dice.random() < faults.silent
        self._asked += 1
        number = self._asked
        self._calls[number] = future
        self._world.after(delay, self._arrive, future, ask, is_dropped, is_lost, is_silent)
        self._poke(self._loop)
        try:
            return await future
        finally:
            del self._calls[number]

    def _arrive(
        self,
        future: "asyncio.Future[Answer]",
        ask: Callable[[], Answer],
        is_dropped: bool,
        is_lost: bool,
        is_silent: bool,
    ) -> None:
        dice = self._world.dice
        if self._loop.is_dead and dice.random() < 0.4:
            return
        answer: Answer | BrokerError
        answer = InDoubt("the reply is lost")
        if not is_dropped:
            try:
                told = ask()
                answer = answer if is_lost else told
            except (Rejected, RateLimited) as error:
                answer = answer if is_lost else error
        self._poke(self._loop)
        wait = dice.uniform(0.0, 2.0) if is_lost else dice.uniform(0.0002, 0.01)
        if is_silent:
            wait = GIVES_UP_SECONDS
        self._world.schedule(self._loop, int(wait * 1e6), _give, (future, answer))


def _give(future: "asyncio.Future[Any]", answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, BrokerError):
        future.set_exception(answer)
    else:
        future.set_result(answer)
