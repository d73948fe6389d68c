"""Who goes next: the higher rank first, and within a rank the connections in turn.

The turns are a deficit round robin: in a round each connection may send what the dearest
request costs, and keeps what it left over while it has more to send. However much one
connection wants, another one's next request waits for at most one round.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from execution.domain.ratelimit import Rank


class Asks(Protocol):
    """A request in line."""

    @property
    def flow(self) -> Hashable:
        """Whose it is."""

    @property
    def rank(self) -> Rank:
        """Which line it stands in."""

    @property
    def cost(self) -> int:
        """What it takes of the turn of its flow."""


Request = TypeVar("Request", bound=Asks)


@dataclass(slots=True)
class _Line(Generic[Request]):
    """The waiting requests of one flow in one rank."""

    waiting: deque[Request] = field(default_factory=deque)
    deficit: int = 0
    units: int = 0


class Turns(Generic[Request]):
    """Requests that wait, by rank and flow."""

    def __init__(self) -> None:
        self._lines: dict[Rank, dict[Hashable, _Line[Request]]] = {rank: {} for rank in Rank}
        self._order: dict[Rank, deque[Hashable]] = {rank: deque() for rank in Rank}
        self._quantum = 1

    def __len__(self) -> int:
        return sum(len(line.waiting) for lines in self._lines.values() for line in lines.values())

    def __iter__(self) -> Iterator[Request]:
        for lines in self._lines.values():
            for line in lines.values():
                yield from line.waiting

    def add(self, request: Request) -> None:
        """Stand at the end of the flow's line."""
        lines = self._lines[request.rank]
        line = lines.get(request.flow)
        if line is None:
            line = lines[request.flow] = _Line()
            self._order[request.rank].append(request.flow)
        line.waiting.append(request)
        line.units += request.cost
        self._quantum = max(self._quantum, request.cost)

    def drop(self, request: Request) -> bool:
        """Leave the line; False when it had left already."""
        line = self._lines[request.rank].get(request.flow)
        if line is None or request not in line.waiting:
            return False
        line.waiting.remove(request)
        self._left(request, line)
        return True

    def ahead(self, request: Request, queued: int) -> int:
        """Units of its rank that go before one that would come now, of `queued` in all: no
        flow gets further ahead than it has come itself."""
        lines = self._lines[request.rank]
        own = lines[request.flow].units if request.flow in lines else 0
        others = len(lines) - (request.flow in lines)
        return min(queued, own + others * (own + max(request.cost, self._quantum)))

    def next(self, may_leave: Callable[[Request], bool]) -> Request | None:
        """Take out the next one that may leave; None when nobody may."""
        for rank in Rank:
            if (found := self._next_of(rank, may_leave)) is not None:
                return found
        return None

    def _next_of(self, rank: Rank, may_leave: Callable[[Request], bool]) -> Request | None:
        order, lines = self._order[rank], self._lines[rank]
        for _ in range(len(order)):
            line = lines[order[0]]
            request = line.waiting[0]
            if line.deficit < request.cost:
                line.deficit += self._quantum
            if not may_leave(request):
                # It keeps its turn: the others could not go either, or need something else.
                order.rotate(-1)
                continue
            line.deficit -= request.cost
            line.waiting.popleft()
            if line.waiting and line.deficit < line.waiting[0].cost:
                order.rotate(-1)
            self._left(request, line)
            return request
        return None

    def _left(self, request: Request, line: _Line[Request]) -> None:
        line.units -= request.cost
        if not line.waiting:
            del self._lines[request.rank][request.flow]
            self._order[request.rank].remove(request.flow)
