"""What hurts the stack, and when: a schedule drawn from a seed, and who carries it out."""

import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests.chaos.proxy import FaultProxy
from tests.e2e.stack import Stack

VICTIMS = ("worker", "execution", "relay", "paper", "live", "redis", "web", "postgres")
# Between the kills: these, of which each lasts for a while or is over at once.
OTHERS = ("term", "pause", "flushall", "cut", "delay", "hold")
PAUSABLE = ("worker", "execution", "relay", "web")
HOLDER = "lease holder"
_MOST_LEASES = "SELECT instance_id FROM execution.leases GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"


@dataclass(frozen=True)
class Fault:
    """One fault: when, what, whom, which of its processes, and for how long."""

    at: float
    kind: str
    victim: str = ""
    pick: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:.1f} s: {' '.join(filter(None, (self.kind, self.victim)))}{lasting}"


def schedule(
    seed: int, *, kills: int, gap: float, start: float = 2.0, longest: float = 3.0
) -> list[Fault]:
    """`kills` kills, `gap` seconds apart, everybody in turn in a drawn order; between two of
    them, every other time, something that does not kill."""
    draw = random.Random(seed)
    faults: list[Fault] = []
    turn: list[str] = []
    for number in range(kills):
        turn = turn or draw.sample(VICTIMS, len(VICTIMS))
        at = start + number * gap
        faults.append(Fault(at, "kill", turn.pop(), draw.randrange(8)))
        if draw.random() < 0.5:
            faults.append(_other(draw, at + gap / 2, longest))
    return faults


def _other(draw: random.Random, at: float, longest: float) -> Fault:
    kind = draw.choice(OTHERS)
    victim = draw.choice(PAUSABLE) if kind in ("term", "pause") else ""
    seconds = draw.uniform(0.5, longest) if kind in ("pause", "delay", "hold") else 0.0
    if kind == "hold":
        victim = draw.choice(("there", "back"))
    return Fault(at, kind, victim, draw.randrange(8), seconds)


@dataclass
class Nemesis:
    """Carries a schedule out, in a thread of its own, and writes down what it did."""

    stack: Stack
    proxy: FaultProxy | None
    faults: Sequence[Fault]
    done: list[tuple[float, str]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    _over: list[tuple[float, str, list[int]]] = field(default_factory=list)

    def start(self) -> threading.Thread:
        """Begin; join the thread to know that everything is healed."""
        thread = threading.Thread(target=self._run, name="nemesis", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        started = time.monotonic()
        try:
            for fault in self.faults:
                self._wait(started + fault.at)
                pids = self._strike(fault)
                at = time.monotonic() - started
                self.done.append((round(at, 1), str(fault).partition(": ")[2]))
                if fault.seconds:
                    self._over.append((started + fault.at + fault.seconds, fault.kind, pids))
        finally:
            self._wait(max((each[0] for each in self._over), default=0.0))
            self._heal(float("inf"))

    def _wait(self, until: float) -> None:
        while (now := time.monotonic()) < until:
            self._heal(now)
            time.sleep(min(0.05, until - now))

    def _heal(self, now: float) -> None:
        for each in [each for each in self._over if each[0] <= now]:
            self._over.remove(each)
            if each[1] == "pause":
                _signal(each[2], signal.SIGCONT)
            elif self.proxy is not None:
                self.proxy.heal()

    def _strike(self, fault: Fault) -> list[int]:
        match fault.kind:
            case "kill":
                _signal(self._pick(fault), signal.SIGKILL)
            case "term":
                _signal(self._pick(fault), signal.SIGTERM)
            case "pause":
                pids = self._pick(fault)
                _signal(pids, signal.SIGSTOP)
                return pids
            case "flushall":
                self._flush()
            case "cut" if self.proxy is not None:
                self.proxy.cut()
            case "delay" if self.proxy is not None:
                self.proxy.delay(0.2)
            case "hold" if self.proxy is not None:
                self.proxy.hold("there" if fault.victim == "there" else "back")
        return []

    def _pick(self, fault: Fault) -> list[int]:
        """One process of the victim; if it is just being started again, it is waited for."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            pids = self._holder() if fault.victim == HOLDER else self.stack.pids(fault.victim)
            if pids:
                return [pids[fault.pick % len(pids)]]
            time.sleep(0.05)
        self.missed.append(str(fault))
        return []

    def _holder(self) -> list[int]:
        """The instance of execution that holds most leases."""
        with suppress(psycopg.OperationalError), self.stack.database() as connection:
            row = connection.execute(_MOST_LEASES).fetchone()
            name = f"FILLWIRE_INSTANCE={row[0]}".encode() if row else b""
            return [
                pid
                for pid in self.stack.pids("execution")
                if name in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            ]
        return []

    def _flush(self) -> None:
        # A server that was just killed holds nothing.
        with suppress(redis.RedisError):
            client: Any = redis.Redis.from_url(self.stack.ready["redis_url"], socket_timeout=1)
            client.flushall()
            client.close()


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
