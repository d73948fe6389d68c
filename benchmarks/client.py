"""An open-loop load client, a process of its own: `python -m benchmarks.client < plan.json`.

Requests leave on a schedule that does not wait for answers, and latency counts from the
scheduled time, so a server that stalls cannot hide it. With rate 0 each connection sends
as fast as it is answered. Bodies are made before the clock starts.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from benchmarks import stats

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True)
class Plan:
    """What to send, how fast, for how long."""

    host: str
    port: int
    # (path, body) of each webhook, taken in turn.
    targets: list[tuple[str, str]]
    rate: float
    seconds: float
    connections: int = 32
    # How long to wait for the last answers.
    grace_seconds: float = 5.0


@dataclass(frozen=True)
class Outcome:
    """What came back."""

    sent: int
    seconds: float
    statuses: dict[str, int]
    latencies_ms: list[float]

    @property
    def accepted(self) -> int:
        """Answers of 200."""
        return self.statuses.get("200", 0)

    @property
    def per_second(self) -> float:
        """Accepted answers a second."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def ms(self, share: float) -> float:
        """A percentile of the latency."""
        return stats.percentile(self.latencies_ms, share)


class _Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._scheduled = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no children of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._load.idle(self)

    def send(self, scheduled: float, request: bytes) -> None:
        """Send one request that should have left at `scheduled`."""
        self._scheduled = scheduled
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_ends = self._received.find(END_OF_HEAD)
        if head_ends < 0:
            return
        head = self._received[:head_ends].lower()
        at = head.find(LENGTH)
        length = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._received) < head_ends + len(END_OF_HEAD) + length:
            return
        self._received = b""
        self._load.answered(self._scheduled, head[9:12].decode())
        if b"connection: close" in head and self._transport is not None:
            self._transport.close()
            return
        self._load.idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()


class _Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = [_request(plan, path, body) for path, body in plan.targets]
        self._idle: list[_Connection] = []
        self._late: deque[tuple[float, bytes]] = deque()
        self._statuses: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._sent = 0
        self._running = False
        self._ends_at = 0.0

    async def run(self) -> Outcome:
        for _ in range(self._plan.connections):
            await self._connect()
        started = time.perf_counter()
        self._running, self._ends_at = True, started + self._plan.seconds
        if self._plan.rate:
            await self._on_schedule(started)
        else:
            for connection in list(self._idle):
                self.idle(connection)
            await asyncio.sleep(self._plan.seconds)
        self._running = False
        took = time.perf_counter() - started
        waited = time.perf_counter() + self._plan.grace_seconds
        while self._answers < self._sent and time.perf_counter() < waited:
            await asyncio.sleep(0.01)
        self._statuses["none"] += self._sent - self._answers
        return Outcome(self._sent, took, dict(+self._statuses), self._latencies)

    @property
    def _answers(self) -> int:
        return sum(self._statuses.values())

    def idle(self, connection: _Connection) -> None:
        """A connection is free: give it what is late, or the next of a closed loop."""
        if self._late:
            connection.send(*self._late.popleft())
        elif self._running and not self._plan.rate and time.perf_counter() < self._ends_at:
            connection.send(time.perf_counter(), self._next())
        else:
            self._idle.append(connection)

    def answered(self, scheduled: float, status: str) -> None:
        """Count one answer."""
        self._latencies.append((time.perf_counter() - scheduled) * 1000)
        self._statuses[status] += 1

    def lost(self) -> None:
        """Replace a connection that ended."""
        if self._running:
            self._statuses["broken"] += 1
            self._again = asyncio.ensure_future(self._connect())

    async def _on_schedule(self, started: float) -> None:
        total = int(self._plan.rate * self._plan.seconds)
        for number in range(total):
            scheduled = started + number / self._plan.rate
            ahead = scheduled - time.perf_counter()
            if ahead > 0.0005:
                await asyncio.sleep(ahead)
            request = self._next()
            if self._idle:
                self._idle.pop().send(scheduled, request)
            else:
                self._late.append((scheduled, request))

    def _next(self) -> bytes:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        return request

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: _Connection(self), self._plan.host, self._plan.port)


def _request(plan: Plan, path: str, body: str) -> bytes:
    content = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {plan.host}:{plan.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def main() -> None:
    """Read a plan from standard input, print the outcome."""
    given: dict[str, Any] = json.load(sys.stdin)
    given["targets"] = [(path, body) for path, body in given["targets"]]
    outcome = uvloop.run(_Load(Plan(**given)).run())
    json.dump(outcome.__dict__, sys.stdout)


if __name__ == "__main__":
    main()
