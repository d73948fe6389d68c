"""The fault plan: what the venue does wrong on purpose, and to which order. Pure: the same
seed, plan and orders give the same misdeeds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from execution.paper import quotes
from execution.paper.matching import Refused
from protos import wire
from protos.paper.v1 import paper_pb2 as pb

MOST_FAULTS = 50
REMEMBERED = 500
_LONGEST_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Struck:
    """What is to happen to an order; `delay_ms` as it was drawn."""

    kind: pb.FaultKind
    delay_ms: int

    @property
    def seconds(self) -> float:
        """The delay, for timers."""
        return self.delay_ms / 1000


@dataclass(slots=True)
class Planned:
    """A fault of a plan, and how often it has struck."""

    fault: pb.Fault
    struck: int = 0

    def may_strike(self, number: int, at: datetime) -> bool:
        """Whether the order of this number, arriving now, could meet it."""
        fault = self.fault
        if fault.nth not in (0, number) or (fault.most and self.struck >= fault.most):
            return False
        begins, ends = wire.to_datetime(fault.from_time), wire.to_datetime(fault.until_time)
        return (begins is None or begins <= at) and (ends is None or at < ends)


@dataclass(slots=True)
class Plan:
    """An account's faults, and how many orders they have seen."""

    faults: list[Planned]
    seed: int = 0
    counted: int = 0
    # The last orders that were struck, oldest first.
    spared: dict[str, None] = field(default_factory=dict)
    # Until then everything is answered with TOO_MANY_REQUESTS; forgotten by a restart.
    limited_until: datetime | None = field(default=None, compare=False)

    def strike(self, account: str, cl_ord_id: str, at: datetime) -> Struck | None:
        """Count one more new order; what happens to it. One that was struck and comes again
        is spared by what is drawn, or a part of the orders would never end."""
        self.counted += 1
        is_spared = cl_ord_id in self.spared
        for place, planned in enumerate(self.faults):
            drawn = f"{place}:{self.counted}"
            if not planned.may_strike(self.counted, at):
                continue
            fault = planned.fault
            if fault.percent and is_spared:
                continue
            if fault.percent and _draw(self.seed, account, drawn) % 100 >= fault.percent:
                continue
            planned.struck += 1
            self._spare(cl_ord_id)
            delay = fault.delay_ms
            if fault.draws_delay:
                delay = _draw(self.seed, account, f"{drawn}:delay") % (delay + 1)
            if fault.kind == pb.FAULT_KIND_RATE_LIMIT:
                self.limited_until = at + timedelta(milliseconds=max(delay, 1))
            return Struck(fault.kind, delay)
        return None

    def _spare(self, cl_ord_id: str) -> None:
        self.spared[cl_ord_id] = None
        if len(self.spared) > REMEMBERED:
            del self.spared[next(iter(self.spared))]

    def limited_ms(self, at: datetime) -> int:
        """How long nothing is taken; 0 when something is."""
        if self.limited_until is None or self.limited_until <= at:
            return 0
        return int((self.limited_until - at) / timedelta(milliseconds=1)) + 1


def read(request: pb.ConfigureAccountRequest) -> Plan | None:
    """The plan that a client asks for; None without a fault. Raises Refused."""
    if len(request.faults) > MOST_FAULTS:
        raise Refused(f"a fault plan has at most {MOST_FAULTS} faults")
    for fault in request.faults:
        if fault.kind == pb.FAULT_KIND_UNSPECIFIED:
            raise Refused("a fault needs its kind")
        if not 0 <= fault.percent <= 100 or min(fault.nth, fault.most) < 0:
            raise Refused("a fault strikes none to all of a hundred orders")
        if not 0 <= fault.delay_ms <= _LONGEST_MS:
            raise Refused("a fault delays by ten minutes at most")
    faults = [Planned(fault) for fault in request.faults]
    return Plan(faults, request.fault_seed) if faults else None


def _draw(seed: int, account: str, what: str) -> int:
    return quotes.draw(seed, account, f"fault{what}")
