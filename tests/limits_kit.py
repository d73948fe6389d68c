"""A virtual world for limits: a clock that jumps, a venue that is far away, and a referee who
counts what arrived there by the venue's own rule, and knows nothing of ours."""

import heapq
import itertools
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from execution.brokers.base import NewOrder, RateLimited, Report, Usage
from execution.domain.ratelimit import SECOND, Kind, Limit, Rank, Scope, Shape
from execution.domain.words import OrdType, Side
from execution.limits.limiter import Flow, Held, Limiter, Request, Turn

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDERS = {Kind.ORDER: 1, Kind.CANCEL: 1}


def a_limit(
    shape: Shape = Shape.ROLLING,
    most: int = 60,
    seconds: float = 60,
    *,
    scope: Scope = Scope.APP,
    name: str = "orders",
) -> Limit:
    """So many orders and cancels a minute, unless said otherwise."""
    return Limit(name, scope, shape, most, round(seconds * SECOND), ORDERS)


@dataclass(order=True)
class Alarm:
    """A callback that is due; see `Timer`."""

    due: datetime
    number: int
    callback: Callable[[], None] = field(compare=False)
    is_canceled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.is_canceled = True


class Pause:
    """What an adapter awaits here instead of a network."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self.seconds


class World:
    """A runtime whose time is what the next callback says."""

    def __init__(self) -> None:
        self._now = NOON
        self._alarms: list[Alarm] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._now

    def later(self, seconds: float, callback: Callable[[], None]) -> Alarm:
        due = self._now + timedelta(seconds=max(seconds, 0.0))
        alarm = Alarm(due, next(self._numbers), callback)
        heapq.heappush(self._alarms, alarm)
        return alarm

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            seconds = work.send(None)
        except StopIteration:
            return
        self.later(seconds, lambda: self.spawn(work))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self._now + timedelta(seconds=seconds)
        while self._alarms and self._alarms[0].due <= end:
            alarm = heapq.heappop(self._alarms)
            if not alarm.is_canceled:
                self._now = max(self._now, alarm.due)
                alarm.callback()
        self._now = end


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


@dataclass
class Arrival:
    """One request at the venue."""

    at: int
    cost: int
    rank: Rank
    flow: int
    asked: int
    answered: int = 0


@dataclass
class Venue:
    """Far away: requests travel `there` and answers `back`, each for as long as it is told."""

    world: World
    arrivals: list[Arrival] = field(default_factory=list)
    refused: list[Held] = field(default_factory=list)

    def offer(
        self,
        flow: Flow,
        number: int,
        rank: Rank,
        *,
        there: float = 0.0,
        back: float = 0.0,
        deadline: float | None = None,
        kind: Kind = Kind.ORDER,
    ) -> Held | None:
        """Ask for a turn, and travel."""
        world, asked = self.world, micros(self.world.now())

        def go(turn: Turn) -> None:
            cost = sum(cost for _, cost in turn.needs[:1])
            arrival = Arrival(0, cost, rank, number, asked)

            def arrive() -> None:
                arrival.at = micros(world.now())
                self.arrivals.append(arrival)
                world.later(back, answer)

            def answer() -> None:
                arrival.answered = micros(world.now())
                turn.done()

            world.later(there, arrive)

        until = None if deadline is None else world.now() + timedelta(seconds=deadline)
        return flow.ask(Request(flow, kind, rank, go, None, until, self.refused.append))

    def waits(self, rank: Rank) -> list[float]:
        """Seconds from the asking to the arrival."""
        return [(a.at - a.asked) / SECOND for a in self.arrivals if a.rank is rank]


def a_line(world: World, *limits: Limit) -> tuple[Limiter, Flow]:
    """A limiter and the way in of its only account."""
    limiter = Limiter(world, limits)
    return limiter, limiter.flow("acme")


@dataclass
class Broker:
    """An adapter whose network takes time, and that counts requests as a venue does: more than
    `most` in a sliding minute are refused, for `silence` seconds."""

    world: World
    most: int = 0
    seconds: float = 0.03
    silence: float = 0.0
    arrivals: list[Arrival] = field(default_factory=list)
    refused: int = 0
    on_usage: Callable[[Usage], None] = field(default=lambda usage: None)
    rest_after: Callable[[float], float] = field(default=lambda seconds: 0.0)

    async def admit(self, account: str, connection_id: str) -> None:
        """Everybody is."""

    async def submit(self, order: NewOrder) -> Report | None:
        await Pause(self.seconds)
        self._count()
        await Pause(self.seconds)
        return None

    async def cancel(self, account: str, cl_ord_id: str) -> bool:
        await Pause(self.seconds)
        self._count()
        await Pause(self.seconds)
        return True

    def _count(self) -> None:
        now = micros(self.world.now())
        recent = sum(a.at > now - 60 * SECOND for a in self.arrivals[-self.most :])
        if self.most and recent >= self.most:
            self.refused += 1
            raise RateLimited("too many", retry_after_seconds=self.silence)
        self.arrivals.append(Arrival(now, 1, Rank.ENTRY, 0, now))


def an_order(cl_ord_id: str) -> NewOrder:
    """A market order for five."""
    return NewOrder(
        "acme", cl_ord_id, "AAPL", Side.BUY, OrdType.MARKET, Decimal(5), None, "day", None
    )


# -- the referee


def violations(limit: Limit, arrivals: Sequence[Arrival]) -> list[str]:
    """Every breach of the venue's rule, in its own counting."""
    counted = sorted((a.at, a.cost) for a in arrivals)
    match limit.shape:
        case Shape.ROLLING:
            return [*_sliding(limit, counted), *_from_first_call(limit, counted)]
        case Shape.FIXED:
            return _aligned(limit, counted)
        case Shape.TOKENS:
            return _bucket(limit, counted)
        case Shape.CONCURRENT:
            return _at_once(limit, arrivals)


def _sliding(limit: Limit, counted: Sequence[tuple[int, int]]) -> list[str]:
    """Any window at all, both its ends in it: the worst one begins with an arrival."""
    return [
        f"{units} in the window from {start}"
        for start, _ in counted
        if (units := sum(c for at, c in counted if start <= at <= start + limit.window))
        > limit.most
    ]


def _from_first_call(limit: Limit, counted: Sequence[tuple[int, int]]) -> list[str]:
    start, units, found = None, 0, []
    for at, cost in counted:
        if start is None or at >= start + limit.window:
            start, units = at, 0
        units += cost
        if units > limit.most:
            found.append(f"{units} in the window that the call at {start} began")
    return found


def _aligned(limit: Limit, counted: Sequence[tuple[int, int]]) -> list[str]:
    units: dict[int, int] = {}
    for at, cost in counted:
        index = (at - limit.anchor) // limit.window
        units[index] = units.get(index, 0) + cost
    return [f"{n} in window {index}" for index, n in units.items() if n > limit.most]


def _bucket(limit: Limit, counted: Sequence[tuple[int, int]]) -> list[str]:
    tokens, last, found = Fraction(limit.most), None, []
    for at, cost in counted:
        if last is not None:
            gained = Fraction((at - last) * limit.most, limit.window)
            tokens = min(Fraction(limit.most), tokens + gained)
        tokens, last = tokens - cost, at
        if tokens < 0:
            found.append(f"{float(-tokens)} tokens short at {at}")
    return found


def _at_once(limit: Limit, arrivals: Sequence[Arrival]) -> list[str]:
    found = []
    for moment in (a.at for a in arrivals):
        busy = sum(
            a.cost for a in arrivals if a.at <= moment and (moment < a.answered or not a.answered)
        )
        if busy > limit.most:
            found.append(f"{busy} at once at {moment}")
    return found
