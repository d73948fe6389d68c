"""One venue's limits, for all its accounts in this process: a request goes when every limit
that counts it has room, all of them at once.

Plain callbacks on the engine's loop; nothing here waits for anything. What other instances
send is accounted for by how much of a shared limit is ours (`sharing`), never by asking.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from execution.domain import ratelimit
from execution.domain.ratelimit import SECOND, Kind, Limit, Meter, Penalty, Rank, Scope
from execution.domain.turns import Turns
from execution.runtime import Runtime, Timer

log = structlog.get_logger()

Key = tuple[Scope, str]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """A time in whole microseconds."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


@dataclass(frozen=True, slots=True)
class Held:
    """What a request waits for, and how long."""

    name: str
    most: int
    window: int
    wait: int

    @property
    def numbers(self) -> dict[str, str]:
        """For people."""
        return {
            "limit": str(self.most),
            "window": format(self.window / SECOND, "g"),
            "limited_by": self.name,
            "wait": format(self.wait / SECOND, ".1f"),
        }


@dataclass(slots=True, eq=False)
class Request:
    """Something that wants to be sent. `may_go` is asked at its turn, immediately before."""

    flow: "Flow"
    kind: Kind
    rank: Rank
    go: Callable[["Turn"], None]
    may_go: Callable[[], bool] | None = None
    # It is refused as soon as its turn would come later.
    deadline: datetime | None = None
    refuse: Callable[[Held], None] | None = None
    needs: Sequence[tuple[Meter, int]] = ()
    cost: int = 1


@dataclass(slots=True)
class Turn:
    """A request on its way: `done` once it is answered, or given up."""

    limiter: "Limiter"
    needs: Sequence[tuple[Meter, int]]
    sent: int
    number: int

    def done(self, *, is_answered: bool = True) -> None:
        """Its time runs from now."""
        self.limiter.settle(self, is_answered=is_answered)


@dataclass(slots=True, eq=False)
class Flow:
    """One account's way into the venue: which meters count its requests."""

    limiter: "Limiter"
    keys: Mapping[Scope, str]
    meters: list[Meter] = field(default_factory=list)
    _needs: dict[Kind, Sequence[tuple[Meter, int]]] = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        """True when nothing is counted, and nothing is forbidden."""
        return not self.meters and not self.limiter.penalties

    def needs(self, kind: Kind) -> Sequence[tuple[Meter, int]]:
        """The meters that count a kind of request, and what it costs on each."""
        if kind not in self._needs:
            self._needs[kind] = tuple(
                (meter, meter.limit.costs[kind])
                for meter in self.meters
                if kind in meter.limit.costs
            )
        return self._needs[kind]

    def count_by(self, limits: Iterable[Limit]) -> None:
        """Count requests by these limits too."""
        for limit in limits:
            meter = self.limiter.meter((limit.scope, self.keys[limit.scope]), limit)
            if meter not in self.meters:
                self.meters.append(meter)
        self._needs.clear()

    def own(self, limits: Sequence[Limit]) -> None:
        """The account's own limits are these now; what it shares stays."""
        most = {limit.name: limit.most for limit in limits if not limit.scope.is_shared}
        self.meters = [m for m in self.meters if m.limit.scope.is_shared or m.limit.name in most]
        self.count_by(limits)
        for meter in self.meters:
            if not meter.limit.scope.is_shared:
                meter.resize(self.limiter.now(), most[meter.limit.name])

    def ask(self, request: Request) -> Held | None:
        """Send at its turn. What it waits for, unless it is gone, or refused, already."""
        request.needs = self.needs(request.kind)
        request.cost = max((cost for _, cost in request.needs), default=1)
        return self.limiter.ask(request)


class Limiter:
    """The meters of one venue, and who waits for them."""

    def __init__(self, runtime: Runtime, limits: Sequence[Limit] = ()) -> None:
        self._runtime = runtime
        self._limits = limits
        # Of what other instances count on too, nothing is ours until it is divided.
        self.divides = False
        self._meters: dict[tuple[Key, str], Meter] = {}
        self._turns: Turns[Request] = Turns()
        self._queued: dict[Meter, list[int]] = {}
        # Meters without room for what waits, and the rank of that.
        self._blocked: dict[Meter, Rank] = {}
        self._timer: Timer | None = None
        self._wake_at = self._latest = self._soonest = 0
        self._is_serving = False
        self._sent = 0
        self.penalties: dict[Key, Penalty] = {}
        self.on_penalty: Callable[[Key, Penalty], None] = _nobody

    def flow(self, account: str, limits: Sequence[Limit] = ()) -> Flow:
        """The way in for one account, which may have limits of its own."""
        keys = {scope: "" if scope.is_shared else account for scope in Scope}
        flow = Flow(self, keys)
        flow.count_by((*self._limits, *limits))
        return flow

    def meter(self, key: Key, limit: Limit) -> Meter:
        """The meter of a scope for a limit."""
        if (key, limit.name) not in self._meters:
            meter = self._meters[key, limit.name] = ratelimit.meter(limit)
            if self.divides and limit.scope.is_shared:
                meter.resize(self.now(), 0)
        return self._meters[key, limit.name]

    def shared(self) -> Iterable[tuple[Key, Meter]]:
        """The meters that other instances count on too."""
        return [(key, meter) for (key, _), meter in self._meters.items() if key[0].is_shared]

    def now(self) -> int:
        """Microseconds; time never runs backwards here."""
        self._latest = max(self._latest, micros(self._runtime.now()))
        return self._latest

    def step(self, by: int) -> None:
        """The clock was set forward by so many microseconds, and nothing became older."""
        for meter in self._meters.values():
            meter.step(by)

    # -- requests

    def ask(self, request: Request) -> Held | None:
        """Let it go, refuse it, or have it wait."""
        now = self.now()
        self._forget_old_penalties(now)
        if not self._is_behind(request) and self._wait(request, now) == 0:
            self._send(request, now)
            return None
        held = self._predict(request, now)
        if self._is_too_late(request, held.wait):
            self._refuse(request, held)
            return None
        self._turns.add(request)
        self._count_queued(request, 1)
        self._mark(request, now)
        self._wake_in(self._wait(request, now) or SECOND)
        return held

    def withdraw(self, request: Request) -> bool:
        """It is not wanted any more; False when it is gone already."""
        if not self._turns.drop(request):
            return False
        self._count_queued(request, -1)
        self._serve()
        return True

    def settle(self, turn: Turn, *, is_answered: bool) -> None:
        """A request is answered; what it kept busy may serve others."""
        now = self.now()
        for meter, cost in turn.needs:
            meter.settle(turn.sent, now, cost, number=turn.number, is_answered=is_answered)
        if len(self._turns):
            self._serve()

    # -- what the venue says

    def learn(self, flow: Flow, name: str, most: int, remaining: int, resets: datetime) -> None:
        """The venue told how much of a limit is left."""
        until = micros(resets)
        for meter in flow.meters:
            if meter.limit.name == name:
                meter.learn(self.now(), most, remaining, until, number=self._sent)

    def penalise(self, flow: Flow, scope: Scope, retry_after_seconds: float) -> None:
        """The venue wants silence from a scope: from everybody in it."""
        key, now = (scope, flow.keys[scope]), self.now()
        last, retry = self.penalties.get(key), round(retry_after_seconds * SECOND)
        penalty = ratelimit.penalise(last, now, retry)
        if last is None or last.until < now:
            seconds = (penalty.until - now) / SECOND
            log.warning("venue_limits_us", scope=scope.value, of=key[1], seconds=seconds)
        self.remember(key, penalty)
        self.on_penalty(key, penalty)

    def remember(self, key: Key, penalty: Penalty) -> None:
        """A silence that was asked for, here, by another instance, or before a restart."""
        known = self.penalties.get(key)
        if known is None or known.until < penalty.until:
            self.penalties[key] = penalty
            self._serve()

    # -- taking turns

    def serve(self) -> None:
        """There may be more room than before."""
        self._serve()

    def _serve(self) -> None:
        """Let go whatever may; callbacks may ask for more meanwhile."""
        if self._is_serving:
            return
        self._is_serving = True
        try:
            now = self.now()
            self._forget_old_penalties(now)
            while (request := self._next(now)) is not None:
                self._count_queued(request, -1)
                wait = self._wait(request, now)
                if self._is_too_late(request, wait):
                    self._refuse(request, self._predict(request, now, is_next=True))
                else:
                    self._send(request, now)
        finally:
            self._is_serving = False
        if len(self._turns):
            self._wake_in(self._soonest)

    def _next(self, now: int) -> Request | None:
        self._blocked.clear()
        self._soonest = SECOND
        return self._turns.next(lambda request: self._may_leave(request, now))

    def _may_leave(self, request: Request, now: int) -> bool:
        if self._is_behind(request):
            return self._is_too_late(request, 0)
        wait = self._wait(request, now)
        if self._is_too_late(request, wait):
            return True
        if wait:
            self._mark(request, now)
            self._soonest = min(self._soonest, wait)
            return False
        return True

    def _send(self, request: Request, now: int) -> None:
        if request.may_go is not None and not request.may_go():
            return
        for meter, cost in request.needs:
            meter.take(cost)
        self._sent += 1
        request.go(Turn(self, request.needs, now, self._sent))

    def _refuse(self, request: Request, held: Held) -> None:
        if request.refuse is not None:
            request.refuse(held)

    def _is_behind(self, request: Request) -> bool:
        """True when somebody waits for the same room who goes first."""
        if not self._blocked:
            return False
        rank = request.rank
        return any(self._blocked.get(meter, Rank.QUERY + 1) <= rank for meter, _ in request.needs)

    def _mark(self, request: Request, now: int) -> None:
        for meter, cost in request.needs:
            if meter not in self._blocked and meter.wait(now, cost, request.rank):
                self._blocked[meter] = request.rank

    def _wait(self, request: Request, now: int) -> int:
        wait = self.silence(request.flow, now)
        for meter, cost in request.needs:
            wait = max(wait, meter.wait(now, cost, request.rank))
        return wait

    def silence(self, flow: Flow, now: int) -> int:
        """For how long nothing of an account may be sent."""
        if not self.penalties:
            return 0
        waits = [
            penalty.until - now
            for (scope, of), penalty in self.penalties.items()
            if flow.keys[scope] == of
        ]
        return max([0, *waits])

    def _predict(self, request: Request, now: int, *, is_next: bool = False) -> Held:
        """How long it would wait behind what waits already, and for which limit."""
        silence = self.silence(request.flow, now)
        held = Held("penalty", 0, silence, silence)
        for meter, cost in request.needs:
            queued = self._queued.get(meter)
            before = 0
            if queued is not None and not is_next:
                before = sum(queued[: request.rank])
                before += self._turns.ahead(request, queued[request.rank])
            wait = meter.wait(now, before + cost, request.rank)
            if wait >= held.wait:
                held = Held(meter.limit.name, meter.most, meter.limit.window, wait)
        return held

    def _is_too_late(self, request: Request, wait: int) -> bool:
        if request.deadline is None:
            return False
        return self._runtime.now() + timedelta(microseconds=wait) > request.deadline

    def _count_queued(self, request: Request, sign: int) -> None:
        for meter, cost in request.needs:
            self._queued.setdefault(meter, [0] * len(Rank))[request.rank] += sign * cost

    def queued(self, meter: Meter) -> int:
        """Units that wait for a meter."""
        return sum(self._queued.get(meter, ()))

    def _forget_old_penalties(self, now: int) -> None:
        long_ago = now - 2 * ratelimit.LONGEST_PENALTY
        for key in [key for key, p in self.penalties.items() if p.until < long_ago]:
            del self.penalties[key]

    def _wake_in(self, wait: int) -> None:
        """Serve again then, unless an earlier moment is set."""
        at = self._latest + wait
        if self._timer is not None:
            if self._wake_at <= at:
                return
            self._timer.cancel()
        self._wake_at = at
        self._timer = self._runtime.later(wait / SECOND, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._serve()


def _nobody(key: Key, penalty: Penalty) -> None:
    """Until somebody keeps penalties."""
