"""What is held of each contract of a lane, and by whom."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from execution.domain import positions
from execution.domain.decisions import Lot, OpenOrder, most
from execution.domain.instruments import Instrument
from execution.domain.orders import ZERO
from execution.domain.positions import FLAT, Attribution, Position
from execution.domain.words import Side


@dataclass(slots=True, eq=False)
class Book:
    """What is held of one instrument: by the whole account, and by each subscription."""

    # None for what nobody could tell.
    instrument: Instrument | None = None
    whole: Position = FLAT
    own: dict[UUID, Position] = field(default_factory=dict)
    # How often it moved, and by which of the broker's reports last.
    moves: int = 0
    moved_by: int = 0

    @property
    def point_value(self) -> Decimal:
        """Money for one whole unit of price and one of quantity."""
        return Decimal(1) if self.instrument is None else self.instrument.point_value

    def position(self, subscription: UUID, attribution: Attribution) -> Position:
        """What a subscription's trades see of it."""
        own = self.own.get(subscription, FLAT)
        held = self.whole if attribution is Attribution.ACCOUNT else own
        seen = positions.in_scope(attribution, own=own.quantity, whole=self.whole.quantity)
        return Position(seen, held.avg_price)

    def fill(
        self, of: UUID, side: Side, quantity: Decimal, price: Decimal, *, closes_all: bool
    ) -> set[UUID]:
        """A fill of a subscription's order; whose shares changed. `closes_all`: the order closes
        whatever the account holds, whosever it is."""
        parts = {of: quantity}
        if closes_all:
            parts = positions.closed_by(self.own, of, side, quantity, self.whole.quantity)
        self.whole = self.whole.after(side, quantity, price)
        for who, part in parts.items():
            self.own[who] = self.own.get(who, FLAT).after(side, part, price)
        return {of, *parts}

    def note(self, sequence: int) -> None:
        """It moved; 0 for what the broker does not number."""
        self.moves += 1
        self.moved_by = max(self.moved_by, sequence)

    def move(self, whole: Position, first: Collection[UUID]) -> Decimal:
        """Somebody else moved it; how much of the shares that took. `first`: whose go first where
        there is less than the shares come to."""
        before, self.whole = self.whole.quantity, whole
        if whole.quantity * before >= 0 and abs(whole.quantity) >= abs(before):
            return ZERO
        held = {who: own.quantity for who, own in self.own.items()}
        left = positions.shrunk(held, whole.quantity, first)
        for who in held:
            self.own[who] = Position(left[who], self.own[who].avg_price) if left[who] else FLAT
        return sum((abs(held[who] - left[who]) for who in held), ZERO)


def ends(held: tuple[str, Book]) -> tuple[date, str]:
    """The order of exits: the contract that ends first."""
    symbol, book = held
    return (book.instrument and book.instrument.expiry) or date.max, symbol


def taken_by(others: list[OpenOrder], lot: Lot, whole: Decimal) -> OpenOrder | None:
    """What exits of other subscriptions, which may close the whole account, and some guards take
    of this position: as one order on the closing side, for it must not be closed twice."""
    side = Side.SELL if lot.quantity > 0 else Side.BUY
    closing = [o for o in others if o.side is side and o.instrument == lot.instrument]
    left = max(whole - most(closing), ZERO)
    taken = abs(lot.quantity) - left
    if not closing or taken <= 0:
        return None
    in_doubt = any(o.in_doubt for o in closing)
    return OpenOrder("", side, taken, in_doubt=in_doubt, instrument=lot.instrument)
