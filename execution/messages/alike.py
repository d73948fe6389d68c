"""Trades of one signal that see the same are planned and spelled once.

Both are functions of values, so what they gave for values that are spelled alike is what they
give. Only what nothing was done for yet, and what needs no market, is often alike.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import msgspec

from execution.domain import judging
from execution.domain.decisions import Decision, Progress, Scope
from execution.domain.judging import Seen
from execution.domain.trades import Trade

Value = TypeVar("Value")

# Remembered at once; one signal needs as many as its followers differ.
MOST = 256
UNTOUCHED = Progress()
# Whose a trade is comes before this in its spelling, all that it wants from here on.
_WISHES = b',"accepted_at":'

_spelling = msgspec.json.Encoder(order="deterministic")


def spell(value: Trade | Scope) -> bytes:
    """All of a value. Leaves out what nobody said anything of; what a mapping holds has no
    order. Numbers may be equal and spelled differently."""
    return _spelling.encode(value)


class Kept(Generic[Value]):
    """The newest answers to a question."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Value] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, asked: Hashable, answer: Callable[[], Value]) -> Value:
        """As before, or anew."""
        found = self._answers.get(asked)
        if found is None:
            if len(self._answers) >= MOST:
                self._answers.clear()
            found = self._answers[asked] = answer()
        return found


class Alike:
    """What was planned of late."""

    def __init__(self) -> None:
        self._planned: Kept[Decision] = Kept()

    def plan(self, trade: Trade, seen: Seen) -> Decision:
        """As `judging.plan` does."""
        if seen.market is not None or seen.progress != UNTOUCHED:
            return judging.plan(trade, seen)
        asked = (spell(trade).partition(_WISHES)[2], spell(seen.scope), seen.venue)
        return self._planned.get(asked, lambda: judging.plan(trade, seen))
