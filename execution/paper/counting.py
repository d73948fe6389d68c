"""How many requests an account may make, counted as a broker would: so many in any minute.

Kept in memory only: a venue that restarts has forgotten what it counted, in our favour.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from protos import wire
from protos.paper.v1 import paper_pb2 as pb

WINDOW = timedelta(minutes=1)


@dataclass(slots=True)
class Counter:
    """The requests of an account within the last minute; `most` is 0 for no limit."""

    most: int = 0
    _taken: deque[datetime] = field(default_factory=deque)

    def take(self, at: datetime) -> bool:
        """Count a request; False when it is one too many, which is not counted."""
        while self._taken and at - self._taken[0] > WINDOW:
            self._taken.popleft()
        if self.most and len(self._taken) >= self.most:
            return False
        if self.most:
            self._taken.append(at)
        return True

    def fill(self, reply: pb.OrderReply, at: datetime) -> pb.OrderReply:
        """Say on a reply what is left, and, of one that was refused, for how long to wait."""
        if not self.most:
            return reply
        more = self._taken[0] + WINDOW if self._taken else at
        reply.limit_use.most = self.most
        reply.limit_use.remaining = max(self.most - len(self._taken), 0)
        reply.limit_use.resets_time.CopyFrom(wire.to_timestamp(more))
        if reply.status == pb.REPLY_STATUS_TOO_MANY_REQUESTS:
            reply.retry_after_ms = max((more - at) // timedelta(milliseconds=1) + 1, 1)
        return reply
