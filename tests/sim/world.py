"""Virtual time: one heap of callbacks for everything that happens in a run.

What is due at the same instant runs in an order that the seed chooses. Each instance has
an event loop of its own here, so that it can be killed (its callbacks never run again) or
paused (they run when it wakes).
"""

import asyncio
import hashlib
import random
from asyncio import events
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, cast

SECOND = 1_000_000
_START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
# A run that needs more callbacks than this goes in circles.
MOST_STEPS = 60_000


class Runaway(Exception):
    """The run does not come to rest."""


class Handle(list[Any]):
    """A callback that will run, unless canceled: when, a throw of the dice, a number, whose it is,
    the callback and its arguments. A list, as the heap compares lists without a frame of ours."""

    __slots__ = ()

    def cancel(self) -> None:
        """Do not run it."""
        self[4] = None


class World:
    """The clock, the dice and the record of a run."""

    def __init__(self, seed: int, *, keeps_trace: bool = False) -> None:
        # Apart, so that one more callback does not change what the scenario is.
        self.dice = random.Random(seed)
        self._order = random.Random(seed ^ 0x5EED)
        self.now_us = 0
        self.steps = 0
        self.errors: list[str] = []
        self.lines: list[str] = []
        # Who was paused, and until when.
        self.wakings: list[tuple[str, float]] = []
        self._keeps_trace = keeps_trace
        # What happened, for the hash.
        self._said: list[str] = []
        self._heap: list[Handle] = []
        # Due at this very instant: of an instance, a callback with its arguments.
        self._ready: list[tuple[InstanceLoop, Callable[..., object], tuple[Any, ...]]] = []
        self._at, self._at_us = _START, 0
        self._count = 0
        self._loops: list[InstanceLoop] = []
        self._is_over = False

    # -- time

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self.now_us / SECOND

    @property
    def started(self) -> float:
        """When the run began, in seconds since 1970."""
        return _START.timestamp()

    def at(self) -> datetime:
        """The instant, as the database's clock says it."""
        if self._at_us != self.now_us:
            self._at, self._at_us = _START + timedelta(0, 0, self.now_us), self.now_us
        return self._at

    def schedule(
        self,
        owner: "InstanceLoop | None",
        delay_us: int,
        callback: Callable[..., object],
        args: tuple[Any, ...] = (),
    ) -> Handle:
        """Have a callback run; one of an instance dies and sleeps with it."""
        self._count += 1
        order = self._order.random()
        handle = Handle((self.now_us + delay_us, order, self._count, owner, callback, args))
        heappush(self._heap, handle)
        return handle

    def after(self, seconds: float, callback: Callable[..., object], *args: Any) -> Handle:
        """Have something happen outside the instances."""
        return self.schedule(None, int(seconds * SECOND), callback, args)

    def stop(self) -> None:
        """Let `run` return."""
        self._is_over = True

    def run_for(self, seconds: float) -> None:
        """Run for so long, and perhaps go on later."""
        self.after(seconds, self.stop)
        self.run()
        self._is_over = False

    def run(self) -> None:
        """Run until it is stopped. Raises Runaway."""
        set_loop: Callable[[Any], None] = events._set_running_loop
        running: InstanceLoop | None = None
        ready, heap, dice = self._ready, self._heap, self._order.random
        try:
            while not self._is_over:
                # What is due first; of what is due now, the dice choose.
                owner: InstanceLoop | None
                if ready:
                    if (most := len(ready)) > 1:
                        at = int(dice() * most)
                        ready[at], ready[-1] = ready[-1], ready[at]
                    timer, when, (owner, callback, args) = None, self.now_us, ready.pop()
                elif heap:
                    timer = heappop(heap)
                    when, _, _, owner, callback, args = timer
                    if callback is None:
                        continue
                else:
                    break
                if owner is not None:
                    if owner.is_dead:
                        continue
                    if (until := owner.paused_until) > when:
                        self._put_off(timer or Handle((0, 0.0, 0, owner, callback, args)), until)
                        continue
                    if owner is not running:
                        set_loop(owner)
                        running = owner
                self.now_us = when
                self.steps += 1
                if self.steps > MOST_STEPS:
                    raise Runaway(f"{self.steps} callbacks in {self.seconds:.1f} virtual seconds")
                callback(*args)
                if owner is not None and owner.dies_in is not None:
                    owner.has_stepped()
        finally:
            set_loop(None)

    def _put_off(self, handle: Handle, when: int) -> None:
        self._count += 1
        handle[:3] = when, self._order.random(), self._count
        heappush(self._heap, handle)

    # -- what is on record

    def trace(self, *words: object, more: Callable[[], str] | None = None) -> None:
        """One line of the run; `more` is only for who reads it."""
        text = " ".join(map(str, words))
        self._said.append(f"{self.now_us} {text}")
        if self._keeps_trace:
            self.lines.append(f"{self.seconds:10.6f} {text} {more() if more else ''}".rstrip())

    def fail(self, text: str) -> None:
        """The core raised where it must not."""
        self.trace("error", text)
        self.errors.append(text)

    def digest(self) -> str:
        """The hash of the trace."""
        said = "".join((*self._said, f"{self.steps} {self.now_us}"))
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()

    # -- instances

    def add(self, loop: "InstanceLoop") -> None:
        """An instance was born; it is kept until the end, so that nothing of it is collected
        in the middle of another's callback."""
        self._loops.append(loop)

    def close(self) -> None:
        """End what still waits, without letting it do anything."""
        self._is_over = True
        self._heap.clear()
        self._ready.clear()
        for loop in self._loops:
            loop.bury()


class InstanceLoop:
    """The event loop of one instance: as much of one as tasks and timers ask for."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name
        self.is_dead = False
        self.paused_until = -1
        self.steps = 0
        # Killed when it has run so many callbacks more.
        self.dies_in: int | None = None
        self.on_death: Callable[[], None] = _nobody
        self._tasks: list[asyncio.Task[Any]] = []
        world.add(self)

    def has_stepped(self) -> None:
        """Between two callbacks: the only places where an instance can be killed."""
        self.dies_in = (self.dies_in or 0) - 1
        if self.dies_in < 0 and not self.is_dead:
            self.kill()

    def pause(self, seconds: float) -> None:
        """Stop it; what is due meanwhile runs when it wakes."""
        self.paused_until = self._world.now_us + int(seconds * SECOND)
        self._world.wakings.append((self.name, self.paused_until / SECOND))
        self._world.trace("paused", self.name, seconds)

    def kill(self) -> None:
        """End it; nothing of it runs any more."""
        self.is_dead = True
        self._world.trace("killed", self.name)
        self.on_death()

    def bury(self) -> None:
        """Close what it left unfinished."""
        self.is_dead = True
        events._set_running_loop(cast(Any, self))
        for task in self._tasks:
            if not task.done():
                with suppress(RuntimeError):
                    task.get_coro().close()
        self._tasks.clear()
        events._set_running_loop(None)

    # -- what asyncio asks of a loop

    def time(self) -> float:
        return self._world.seconds

    # Every future and task asks: False, without a frame of ours.
    get_debug = staticmethod(bool)

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        self._world._ready.append((self, callback, args))

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        # Some time passes, as it does: else a loop over tiny waits would stand still.
        return self._world.schedule(self, max(round(delay * SECOND), 1), callback, args)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_later(when - self.time(), callback, *args)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)  # type: ignore[arg-type]

    def create_task(self, coro: Coroutine[Any, Any, Any], **_options: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name="task")  # type: ignore[arg-type]
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.is_dead:
            self._world.fail(f"{context.get('message')}: {context.get('exception')!r}")


def _nobody() -> None:
    """Until somebody wants to know."""
