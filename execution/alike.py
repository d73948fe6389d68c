"""Trades of one signal that see the same are planned once.

Planning is a function of values, so the step that it gave for equal ones is the step. Only
what nothing was done for yet, and what needs no market, is often alike.
"""

import msgspec

from execution.domain import judging
from execution.domain.decisions import Decision, Progress, Scope, VenueRules
from execution.domain.judging import Seen
from execution.domain.trades import Trade

# Remembered at once; one signal needs as many as its followers differ.
MOST = 256
_UNTOUCHED = Progress()
# Whose a trade is comes before this in its spelling, all that it wants from here on.
_WISHES = b',"accepted_at":'

_spelling = msgspec.json.Encoder(order="deterministic")


def spell(trade: Trade) -> bytes:
    """All of a trade. Leaves out what nobody said anything of; what a mapping holds has no
    order."""
    return _spelling.encode(trade)


class Alike:
    """What was planned of late."""

    def __init__(self) -> None:
        self._planned: dict[tuple[bytes, Scope, VenueRules], Decision] = {}

    def plan(self, trade: Trade, seen: Seen) -> Decision:
        """As `judging.plan` does."""
        if seen.market is not None or seen.progress != _UNTOUCHED:
            return judging.plan(trade, seen)
        key = (spell(trade).partition(_WISHES)[2], seen.scope, seen.venue)
        step = self._planned.get(key)
        if step is None:
            if len(self._planned) >= MOST:
                self._planned.clear()
            step = self._planned[key] = judging.plan(trade, seen)
        return step
