"""Two instances under one limit, with a real Valkey between them that is flushed and killed.

Time is real here, so windows are short. What arrived is judged by the referee of the unit
tests, who knows nothing of shares.
"""

import asyncio
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
import redis

from execution.domain import ratelimit
from execution.domain.ratelimit import SECOND, Kind, Rank
from execution.limits.lending import Pool
from execution.limits.limiter import Request, Turn, micros
from execution.limits.limits import Limits
from execution.limits.sharing import Pace, Share
from execution.runtime import AsyncioRuntime
from tests.limits_kit import Arrival, a_limit, violations
from web.ops import children, places, valkey

VENUE = ("paper", "paper")
LIMIT = a_limit(most=40, seconds=0.5)
# Everything ten times as fast as it is.
FAST = Pace(
    look=SECOND // 10,
    borrow=SECOND // 50,
    known_after=SECOND // 3,
    stale=SECOND * 2 // 5,
    loan=SECOND // 3,
    late=SECOND * 4 // 5,
)


class Database:
    """What limits read of PostgreSQL: who else lives; nothing was sent before."""

    def __init__(self, others: int) -> None:
        self.others = others

    async def ask(self, statement: str, parameters: Any) -> list[dict[str, Any]]:
        return [{"others": self.others, "penalties": None, "sent": 0}]


class Instance:
    """One execution instance, as far as limits go, that always has more to send."""

    def __init__(self, name: str, redis_url: str, arrivals: list[Arrival], others: int) -> None:
        self.runtime = AsyncioRuntime()
        self.database = Database(others)
        self.limits = Limits(
            self.runtime, store=self.database, instance=name, redis_url=redis_url, pace=FAST
        )
        self.name = name
        self.arrivals = arrivals
        self.backlog = 100
        self.sent = 0
        self.is_stopped = False

    async def start(self) -> None:
        self.limits.count(VENUE, self.name, [LIMIT])
        self.flow = self.limits.flow(VENUE, self.name)
        await self.limits.start()
        self.offer()

    def offer(self) -> None:
        """Have as much waiting as the backlog says."""
        if self.is_stopped:
            return
        (meter,) = self.flow.meters
        for _ in range(self.backlog - self.flow.limiter.queued(meter)):
            self.flow.ask(Request(self.flow, Kind.ORDER, Rank.ENTRY, self.go))
        self.runtime.later(0.01, self.offer)

    def go(self, turn: Turn) -> None:
        self.sent += 1
        self.runtime.later(random.uniform(0, 0.02), lambda: self.arrive(turn))

    def arrive(self, turn: Turn) -> None:
        at = micros(self.runtime.now())
        self.arrivals.append(Arrival(at, 1, Rank.ENTRY, 0, 0))
        self.runtime.later(random.uniform(0, 0.02), turn.done)

    async def sends(self, seconds: float) -> int:
        """How much it sends in so much time."""
        before = self.sent
        await asyncio.sleep(seconds)
        return self.sent - before

    async def stop(self) -> None:
        self.is_stopped = True
        await self.limits.stop()
        await self.runtime.close()


@asynccontextmanager
async def running(
    redis_url: str, count: int = 2, others: int = 1, idle: int = 0
) -> AsyncIterator[tuple[list[Instance], list[Arrival]]]:
    arrivals: list[Arrival] = []
    instances = [Instance(f"i{n}", redis_url, arrivals, others) for n in range(count)]
    for number, instance in enumerate(instances):
        instance.backlog = 100 if number < count - idle else 0
        await instance.start()
    try:
        yield instances, arrivals
    finally:
        for instance in instances:
            await instance.stop()


@contextmanager
def own_valkey() -> Iterator[tuple[valkey.Server, list[Popen[bytes]]]]:
    """One that may be killed; start it with `start`."""
    who = places.identity()
    base = "/tmp" if who is not None else tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="fillwire_limits_", dir=base) as name:
        Path(name).chmod(0o711)
        server = valkey.Server(
            folder=Path(name) / "valkey",
            port=children.free_port(),
            password="secret",
            binary=valkey.find(who),
            identity=who,
        )
        server.create()
        running: list[Popen[bytes]] = []
        try:
            yield server, running
        finally:
            for child in running:
                child.kill()
                child.wait(timeout=10)


async def start(server: valkey.Server, running: list[Popen[bytes]]) -> None:
    running.append(
        children.spawn(
            server.command,
            environment=server.environment,
            log=server.folder.parent / "log",
            folder=Path("/"),
            identity=server.identity,
            ended_by=signal.SIGKILL,
        )
    )
    async with asyncio.timeout(10):
        while not server.is_ready():
            await asyncio.sleep(0.02)


async def lending_begins(instances: list[Instance]) -> None:
    """Wait until the pool lends; its first words are that it does not know."""
    async with asyncio.timeout(20):
        while not all(share.loan for i in instances for share in i.limits._shares.values()):
            await asyncio.sleep(0.02)


async def test_two_instances_together_keep_the_limit_and_use_it(redis_url: str) -> None:
    async with running(redis_url) as (instances, arrivals):
        await lending_begins(instances)
        first, second = await asyncio.gather(*(i.sends(3.0) for i in instances))

    assert violations(LIMIT, arrivals) == []
    # Entries may use two parts of three; half of what would be possible is a slow machine's.
    possible = 6 * LIMIT.most * 2 / 3
    assert first + second > possible / 2
    assert min(first, second) > max(first, second) / 3


async def test_one_that_has_nothing_to_send_lends_its_part(redis_url: str) -> None:
    async with running(redis_url, idle=1) as ((busy, idle), arrivals):
        await lending_begins([busy])
        await asyncio.sleep(0.5)
        alone = await busy.sends(2.0)
        (share,) = busy.limits._shares.values()

        assert share.meter.most > LIMIT.most // 2
        idle.backlog = 100
        await asyncio.sleep(1.5)
        assert await idle.sends(2.0) > alone / 4

    assert violations(LIMIT, arrivals) == []


async def test_flushing_valkey_again_and_again_breaks_no_limit(redis_url: str) -> None:
    async with running(redis_url) as (instances, arrivals):
        await lending_begins(instances)
        with redis.Redis.from_url(redis_url) as client:
            for _ in range(12):
                client.flushall()
                await asyncio.sleep(0.15)
            sent = await asyncio.gather(*(i.sends(1.0) for i in instances))
            await lending_begins(instances)

    assert violations(LIMIT, arrivals) == []
    assert min(sent) > 0


async def test_without_valkey_each_instance_goes_on_with_less() -> None:
    with own_valkey() as (server, processes):
        await start(server, processes)
        async with running(server.url) as (instances, arrivals):
            await lending_begins(instances)
            processes[-1].kill()
            await asyncio.sleep(0.5)
            alone = await asyncio.gather(*(i.sends(2.0) for i in instances))
            most = [share.meter.most for i in instances for share in i.limits._shares.values()]
            await start(server, processes)
            await lending_begins(instances)
            await asyncio.sleep(1)

    assert violations(LIMIT, arrivals) == []
    assert most == [LIMIT.most // 4] * 2
    assert min(alone) > 0


async def test_a_stopped_valkey_holds_nobody_up() -> None:
    with own_valkey() as (server, processes):
        await start(server, processes)
        async with running(server.url) as (instances, arrivals):
            await lending_begins(instances)
            processes[-1].send_signal(signal.SIGSTOP)
            sent = await asyncio.gather(*(i.sends(2.5) for i in instances))
            processes[-1].send_signal(signal.SIGCONT)
            await asyncio.sleep(1)

    assert violations(LIMIT, arrivals) == []
    assert min(sent) > 0


async def test_an_instance_that_comes_later_breaks_no_limit(redis_url: str) -> None:
    async with running(redis_url, count=1, others=0) as ((first,), arrivals):
        await asyncio.sleep(0.6)
        assert next(iter(first.limits._shares.values())).meter.most == LIMIT.most
        second = Instance("late", redis_url, arrivals, others=1)
        await second.start()
        first.database.others = 1
        await asyncio.sleep(2.5)
        await second.stop()

        assert second.sent
    assert violations(LIMIT, arrivals) == []


async def test_one_that_lost_the_database_sends_nothing_that_others_count_on(
    redis_url: str,
) -> None:
    async with running(redis_url, count=1, others=0) as ((instance,), _):
        await asyncio.sleep(0.6)
        assert instance.sent
        instance.limits._store = None
        await asyncio.sleep(0.8)

        assert await instance.sends(0.5) == 0


@pytest.mark.parametrize("most", [1, 2, 3, 40, 61])
def test_what_is_divided_and_what_is_lent_is_never_more_than_the_limit(most: int) -> None:
    for instances in range(1, 9):
        share = Share("limit", VENUE, ratelimit.meter(a_limit(most=most)), 0)
        share.count(1, instances)

        assert share.own * instances + share.pool == most


async def test_what_the_pool_does_not_know_it_does_not_lend(redis_url: str) -> None:
    pool = Pool(redis_url, "one")
    shares = [Share(f"limit:{n}", VENUE, ratelimit.meter(LIMIT), 0) for n in range(20)]
    for share in shares:
        share.count(1, 2)

    answers = await pool.borrow([(share, 3) for share in shares])
    await pool.close()

    assert answers == [(0, 20)] * 20
