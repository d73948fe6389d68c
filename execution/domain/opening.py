"""What waits for the market to open, for one subscription and underlying.

Newest wins, but only among entries: an exit is displaced by nothing but a wider exit, and an
exit followed by an entry stays in that order. See also `trades.Trade.supersedes`.
"""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace


class Intent(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    # An exit of everything, then an entry on the other side.
    FLIP = "flip"
    # Ends what waits to enter; never waits itself.
    CANCEL = "cancel"


class Queued(Struct, frozen=True):
    """A trade that waits for the open."""

    trade_id: UUID
    intent: Intent
    # How much an exit closes; None for all of it.
    exit_quantity: Decimal | None = None

    @property
    def exits(self) -> bool:
        """Whether it reduces the position."""
        return self.intent in (Intent.EXIT, Intent.FLIP)

    def is_wider(self, other: "Queued") -> bool:
        """Whether its exit closes more."""
        if other.exit_quantity is None:
            return False
        return self.exit_quantity is None or self.exit_quantity > other.exit_quantity


class Queue(Struct, frozen=True):
    """What waits now, in the order of release, and what this arrival ended.

    `superseded` never start; `halved` flips lost their entry and keep their exit;
    `is_closing` says that the arrival adds nothing to an exit that waits already.
    """

    waiting: tuple[Queued, ...] = ()
    superseded: tuple[UUID, ...] = ()
    halved: tuple[UUID, ...] = ()
    is_closing: bool = False


def add(waiting: tuple[Queued, ...], new: Queued) -> Queue:
    """The queue after one more trade that finds the market closed."""
    kept: list[Queued] = []
    superseded: list[UUID] = []
    halved: list[UUID] = []
    for earlier in waiting:
        if earlier.intent is Intent.ENTRY or (
            earlier.exits and new.exits and new.is_wider(earlier)
        ):
            superseded.append(earlier.trade_id)
        elif earlier.intent is Intent.FLIP:
            halved.append(earlier.trade_id)
            kept.append(replace(earlier, intent=Intent.EXIT))
        else:
            kept.append(earlier)
    is_closing = new.exits and any(earlier.exits for earlier in kept)
    left = _left_of(new, is_closing=is_closing)
    if left is not None:
        kept.append(left)
    return Queue(tuple(kept), tuple(superseded), tuple(halved), is_closing and left is None)


def _left_of(new: Queued, *, is_closing: bool) -> Queued | None:
    """What of the arrival waits: a flip whose exit waits already is its entry."""
    if new.intent is Intent.CANCEL:
        return None
    if not is_closing:
        return new
    return replace(new, intent=Intent.ENTRY) if new.intent is Intent.FLIP else None
