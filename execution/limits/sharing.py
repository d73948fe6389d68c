"""How much of a limit is ours, where several instances send under it.

Half of it is divided among the instances for good, so that each may always send; the other
half is lent through Redis to whoever needs it. Nothing is asked per request, and Redis holds
no truth: each call says what it borrows anew. A pool that does not know what was lent, after
a flush, a restart or a lost write, lends nothing until that cannot count at the venue any
more; a borrower that does not reach it gives back by itself. So the worst that a lost Redis
does is to leave the divided half.
"""

from collections import deque
from dataclasses import dataclass, field

from execution.domain.ratelimit import SECOND, Meter


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast instances learn of each other, in microseconds."""

    # How often we look who lives, and what is forbidden; and how often loans are renewed.
    look: int = SECOND
    borrow: int = SECOND // 5
    # By then every instance that lives has learned of a new one.
    known_after: int = 3 * SECOND
    # A heartbeat that failed for so long may have let others forget us.
    stale: int = 4 * SECOND
    # A loan that is not renewed ends.
    loan: int = 3 * SECOND
    # How long the others' forgetting of one that died takes, and a request to arrive.
    late: int = 8 * SECOND


PACE = Pace()


@dataclass(slots=True, eq=False)
class Share:
    """Our part of one limit."""

    name: str
    venue: tuple[str, str]
    meter: Meter
    # The first moment at which we may send, once we know what went before us.
    opens: int
    pace: Pace = PACE
    is_charged: bool = False
    loan: int = 0
    loan_ends: int = 0
    # The pool may believe that something is lent to us.
    owes: bool = False
    # No more than this is to be borrowed while others want it.
    fair: int = 1 << 62
    # Instances, as counted of late: the most within a window is what holds.
    _seen: deque[tuple[int, int]] = field(default_factory=deque)

    def count(self, now: int, instances: int) -> None:
        """So many instances live."""
        oldest = now - self.meter.limit.window - self.pace.late
        while self._seen and self._seen[0][0] < oldest:
            self._seen.popleft()
        while self._seen and self._seen[-1][1] <= instances:
            self._seen.pop()
        self._seen.append((now, instances))

    @property
    def instances(self) -> int:
        """How many the limit is divided among."""
        return self._seen[0][1] if self._seen else 1

    @property
    def own(self) -> int:
        """What is ours for good."""
        most, instances = self.meter.limit.most, self.instances
        return most if instances == 1 else most // (2 * instances)

    @property
    def pool(self) -> int:
        """What is lent."""
        most, instances = self.meter.limit.most, self.instances
        return 0 if instances == 1 else most - instances * (most // (2 * instances))

    def allow(self, now: int, *, is_known: bool) -> None:
        """Set what may be used now; nothing while others may not know of us."""
        if now >= self.loan_ends:
            self.loan = 0
        most = self.own + min(self.loan, self.pool)
        most = most if is_known and self.is_charged else 0
        if most != self.meter.most:
            self.meter.resize(now, most)

    def want(self, now: int, queued: int) -> int:
        """What to borrow. What is given back is not used from here on."""
        used = self.meter.own(now)
        # Entries see two parts of three of what there is.
        wanted = 0 if not queued and 2 * used < self.own else (used + queued) * 3 // 2 + 1
        kept = max(used - self.own, 0)
        want = max(min(wanted - self.own, max(self.fair, kept), self.pool), kept, 0)
        self.loan = min(self.loan, want)
        return want

    def borrowed(self, asked_at: int, units: int, fair: int) -> None:
        """The pool answered."""
        self.loan, self.loan_ends, self.fair = units, asked_at + self.pace.loan, fair
