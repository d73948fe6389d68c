"""What is known of an account beside its own orders: what others do there, and what its broker
says that it holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from execution.brokers.base import HeldSnapshot
from execution.domain.orders import ZERO
from execution.domain.reports import Report

# Reports of others' orders that are remembered: those before are in the store.
REMEMBERED = 1000


@dataclass(slots=True)
class Found:
    """A difference that was found by asking; the report that it is of may still come."""

    quantity: Decimal
    as_of: datetime


@dataclass(slots=True, eq=False)
class Outside:
    """Of one account."""

    # The last number of the broker's stream that was worked in.
    heard: int = 0
    # The one that was worked in before the account was taken.
    began: int = 0
    # What it was said to hold, until that can be compared.
    told: HeldSnapshot | None = None
    # Its first answer is on its way.
    is_asked: bool = False
    # By instrument: a difference seen, how often the position had moved by then, and since when.
    suspected: dict[str, tuple[tuple[Decimal, int], datetime]] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    # What is done once all is heard that came before the account was taken; nothing is
    # planned until then.
    then: Callable[[], None] | None = None
    _adopted: dict[str, None] = field(default_factory=dict)

    @property
    def is_behind(self) -> bool:
        """True while something that its broker told of already was not heard."""
        told = self.told
        return told is not None and told.sequence is not None and self.heard < told.sequence

    @property
    def is_outdated(self) -> bool:
        """True for an answer from before all that was known when the account was taken: it was
        asked for long ago, and came to a process that had slept."""
        told = self.told
        return told is not None and told.sequence is not None and told.sequence < self.began

    @property
    def is_unknown(self) -> bool:
        """True while nothing is to be planned by what is known."""
        return self.is_behind or self.is_asked

    @property
    def opening(self) -> int:
        """Where to begin to listen to an account that was never held: what it holds already is
        taken from the answer, and how it came to that is not asked."""
        told = self.told
        return told.sequence or 0 if told is not None and told.positions else 0

    def begin(self, heard: int) -> None:
        """The account is taken, and its past is loaded."""
        self.heard = self.began = heard
        self.suspected.clear()
        self.found.clear()
        self._adopted.clear()

    def adopt(self, said: Report) -> bool:
        """Take a report of somebody else's order; False for one that was taken before."""
        if said.report_id in self._adopted:
            return False
        self._adopted[said.report_id] = None
        if len(self._adopted) > REMEMBERED:
            del self._adopted[next(iter(self._adopted))]
        return True

    def settle(self, said: Report, quantity: Decimal) -> Decimal:
        """How much of a fill was found by asking before it was heard."""
        found = self.found.get(said.instrument)
        if found is None or said.time > found.as_of or found.quantity * quantity <= 0:
            return ZERO
        known = min(abs(found.quantity), abs(quantity)).copy_sign(quantity)
        found.quantity -= known
        return known
