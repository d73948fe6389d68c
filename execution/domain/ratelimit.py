"""A venue's limits as arithmetic on virtual time: how much is used, and when there is room.

Nobody knows when the venue counts a request, only that it is between sending and answer.
So a request takes its place when it is sent, and its time runs from the answer. Whatever
the latencies, the venue then counts no more than we do, in any window of its own.

Times are whole microseconds, so that nothing is lost to rounding.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from enum import Enum, IntEnum

from msgspec import Struct

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
# One part in three of every limit is for what lowers risk. A third, because as many exits
# as come in one minute may come at its end, and as many again when the next one begins.
RESERVED = 3
# How far apart our clock and the venue's may be where it counts by its own clock.
SKEW = SECOND // 2
SHORTEST_FIXED = 20 * SECOND


class Kind(Enum):
    """What a request is, as venues tell them apart."""

    ORDER = "order"
    CANCEL = "cancel"
    LOOK_UP = "look_up"
    QUERY = "query"


class Rank(IntEnum):
    """Who goes first. Only the first may use what is reserved."""

    # Exits, protection and cancels.
    RELIEF = 0
    # Asking about orders in doubt: lanes wait for the answer.
    DOUBT = 1
    ENTRY = 2
    QUERY = 3


class Shape(Enum):
    """How a venue counts."""

    # So many in any window. Also right where a window starts with the first call, wherever
    # that was: it is one of them.
    ROLLING = "rolling"
    # So many in each window of the venue's clock, counted from midnight UTC and `anchor`.
    # Short ones are metered as rolling: clocks are not the same to the second.
    FIXED = "fixed"
    # A bucket of so many, full again after a window: token and leaky buckets, and pacing.
    TOKENS = "tokens"
    # So many unanswered at once.
    CONCURRENT = "concurrent"


class Scope(Enum):
    """Whose requests are counted together."""

    ACCOUNT = "account"
    # One login, which may have several accounts.
    CONNECTION = "connection"
    # Everything that we send with our own key or name.
    APP = "app"
    # Everything that comes from our address.
    ADDRESS = "address"

    @property
    def is_shared(self) -> bool:
        """True where other instances send too."""
        return self in (Scope.APP, Scope.ADDRESS)


class Limit(Struct, frozen=True):
    """One limit of a venue. A kind that `costs` does not name is not counted."""

    name: str
    scope: Scope
    shape: Shape
    most: int
    # In microseconds; of no meaning for CONCURRENT.
    window: int
    costs: Mapping[Kind, int]
    # Where the venue's windows begin, in microseconds after midnight UTC.
    anchor: int = 0


class Meter(ABC):
    """What a scope has used of a limit. `most` may differ from the limit's own: it is our
    share of it, or what the venue says that it is."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.most = limit.most
        self.in_flight = 0
        self._heaviest = max(limit.costs.values())
        # The venue's word: what is used, of how much, and until when that holds.
        self._told = self._told_most = self._told_until = 0
        # The last request that was sent before it was heard, and the units that were on
        # their way then, and still are.
        self._told_after = self._older = 0

    def own(self, now: int) -> int:
        """What we have used that counts at this moment, unanswered requests included."""
        return self._counted(now) + self.in_flight

    def used(self, now: int) -> int:
        """What anybody has used, as far as the venue told."""
        told = self._told if now < self._told_until else 0
        return max(self._counted(now), told) + self.in_flight

    def wait(self, now: int, units: int, rank: Rank) -> int:
        """Microseconds until `units` more would have gone, if nothing else came; 0 for now."""
        if self.most <= 0:
            # Our share of it is not settled yet.
            return SECOND
        room = self._room(self.most, rank)
        excess = self._counted(now) + self.in_flight + units - room
        wait = max(self._until_freed(now, excess, room), 1) if excess > 0 else 0
        if now < self._told_until:
            # The venue speaks of all of it, also where only a part is ours.
            room = self._room(self._told_most, rank)
            if self._told + self.in_flight + units > room:
                wait = max(wait, self._told_until - now)
        return wait

    def take(self, cost: int) -> None:
        """A request is sent."""
        self.in_flight += cost

    def settle(
        self, sent: int, now: int, cost: int, *, number: int = 0, is_answered: bool = True
    ) -> None:
        """The request of a number is answered, or given up. It counts either way; the venue's
        last word may be without it when there was no answer."""
        self.in_flight -= cost
        self._count(sent, now, cost)
        was_on_its_way = number <= self._told_after
        if was_on_its_way:
            self._older -= min(cost, self._older)
        if now < self._told_until and not (is_answered and was_on_its_way):
            self._told += cost

    def resize(self, now: int, most: int) -> None:
        """From now on it is so much that may be used."""
        self.most = most

    def step(self, by: int) -> None:
        """Our clock was set forward: what was counted is no older for that. (One that is set back
        stands still for its users instead.)"""
        if self._told_until:
            self._told_until += by

    def charge(self, now: int, cost: int) -> None:
        """Count what was sent before this process began."""
        self._count(now, now, cost)

    def learn(self, now: int, most: int, remaining: int, resets: int, *, number: int = 0) -> None:
        """Take the venue's word, to be called before the request it came with is settled;
        the last request so far had this number.

        Words may overtake each other: while anything is on its way that was so when the last
        one was heard, the larger use counts.
        """
        if most <= 0:
            return
        if not self.limit.scope.is_shared:
            self.resize(now, most)
        used = most - remaining
        if now < self._told_until and self._older and used <= self._told:
            self._told_until = max(self._told_until, resets)
            return
        self._told, self._told_most, self._told_until = used, most, resets
        self._told_after, self._older = number, self.in_flight

    def _room(self, most: int, rank: Rank) -> int:
        if rank is Rank.RELIEF:
            return most
        return most - max(min(most // RESERVED, most - self._heaviest), 0)

    @abstractmethod
    def _counted(self, now: int) -> int: ...

    @abstractmethod
    def _count(self, sent: int, now: int, cost: int) -> None: ...

    @abstractmethod
    def _until_freed(self, now: int, excess: int, room: int) -> int: ...


class _Rolling(Meter):
    """A log of what was answered, and when."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self._log: deque[tuple[int, int]] = deque()
        self._sum = 0

    def _counted(self, now: int) -> int:
        # Strictly older: a window may have both its ends in it.
        while self._log and now - self._log[0][0] > self.limit.window:
            self._sum -= self._log.popleft()[1]
        return self._sum

    def _count(self, sent: int, now: int, cost: int) -> None:
        self._log.append((now, cost))
        self._sum += cost

    def _until_freed(self, now: int, excess: int, room: int) -> int:
        windows, rest = divmod(excess - 1, room)
        freed = 0
        for at, cost in self._log:
            freed += cost
            if freed > rest:
                return at + self.limit.window + 1 - now + windows * self.limit.window
        return (windows + 1) * self.limit.window

    def step(self, by: int) -> None:
        super().step(by)
        self._log = deque((at + by, cost) for at, cost in self._log)


class _Fixed(Meter):
    """A count for each window of the venue's clock that a request may have fallen into."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self._counts: dict[int, int] = {}

    def _index(self, at: int) -> int:
        return (at - self.limit.anchor) // self.limit.window

    def _counted(self, now: int) -> int:
        first, last = self._index(now - SKEW), self._index(now + SKEW)
        for index in [index for index in self._counts if index < first]:
            del self._counts[index]
        return max(self._counts.get(index, 0) for index in range(first, last + 1))

    def _count(self, sent: int, now: int, cost: int) -> None:
        for index in range(self._index(sent - SKEW), self._index(now + SKEW) + 1):
            self._counts[index] = self._counts.get(index, 0) + cost

    def _until_freed(self, now: int, excess: int, room: int) -> int:
        window = self.limit.window
        ends = (self._index(now - SKEW) + 1) * window + self.limit.anchor + SKEW
        return ends - now + (excess - 1) // room * window


class _Tokens(Meter):
    """A level that runs down evenly. It is kept in units times window, so that it falls by
    `most` every microsecond."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self._level = 0
        self._at = 0

    def resize(self, now: int, most: int) -> None:
        self._level, self._at = self._left(now), max(now, self._at)
        self.most = most

    def _left(self, now: int) -> int:
        return max(self._level - max(now - self._at, 0) * self.most, 0)

    def _counted(self, now: int) -> int:
        return -(-self._left(now) // self.limit.window)

    def _count(self, sent: int, now: int, cost: int) -> None:
        self._level = self._left(now) + cost * self.limit.window
        self._at = max(now, self._at)

    def _until_freed(self, now: int, excess: int, room: int) -> int:
        # What is counted was rounded up; as much of it as is over may go at once.
        window = self.limit.window
        over = self._left(now) - (self._counted(now) - excess) * window
        return -(-over // self.most)

    def step(self, by: int) -> None:
        super().step(by)
        self._at += by


class _Concurrent(Meter):
    """Nothing but what is on its way."""

    def _counted(self, now: int) -> int:
        return 0

    def _count(self, sent: int, now: int, cost: int) -> None:
        return

    def _until_freed(self, now: int, excess: int, room: int) -> int:
        # Unknown: an answer may come at any moment, and is acted on when it does.
        return SECOND


_SHAPES: Mapping[Shape, type[_Rolling | _Fixed | _Tokens | _Concurrent]] = {
    Shape.ROLLING: _Rolling,
    Shape.FIXED: _Fixed,
    Shape.TOKENS: _Tokens,
    Shape.CONCURRENT: _Concurrent,
}


def meter(limit: Limit) -> Meter:
    """A meter that nothing has been counted on."""
    if limit.shape is Shape.FIXED and limit.window < SHORTEST_FIXED:
        return _Rolling(limit)
    return _SHAPES[limit.shape](limit)


class Penalty(Struct, frozen=True):
    """The venue wants silence until then; `level` counts how often in a row."""

    until: int
    level: int = 1


# Without a time from the venue: one second, doubled each time, to five minutes.
FIRST_PENALTY = SECOND
LONGEST_PENALTY = 300 * SECOND


def penalise(last: Penalty | None, now: int, retry_after: int) -> Penalty:
    """The silence after one more refusal; it is never shortened. A refusal within twice the
    longest silence after the last one is one more in a row."""
    level = 1
    if last is not None and now < last.until + 2 * LONGEST_PENALTY:
        level = last.level if now < last.until else last.level + 1
    seconds = retry_after or min(FIRST_PENALTY << (level - 1), LONGEST_PENALTY)
    until = now + seconds
    return Penalty(until if last is None else max(until, last.until), level)
