"""Positions: signed quantities with an average price, and whose they are."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from execution.domain.words import Side

ZERO = Decimal(0)


class Attribution(StrEnum):
    """Which position a subscription trades: its own share, or all of the account's."""

    OWN = "own"
    ACCOUNT = "account"


class Position(Struct, frozen=True):
    """Negative is short."""

    quantity: Decimal = ZERO
    avg_price: Decimal | None = None

    def after(self, side: Side, quantity: Decimal, price: Decimal) -> "Position":
        """The position after a fill. Reducing keeps the average, crossing zero restarts it."""
        new = self.quantity + side.sign * quantity
        if not new:
            return Position()
        if not self.quantity or (new > 0) != (self.quantity > 0):
            return Position(new, price)
        if abs(new) < abs(self.quantity) or self.avg_price is None:
            return Position(new, self.avg_price)
        cost = abs(self.quantity) * self.avg_price + quantity * price
        return Position(new, cost / abs(new))


FLAT = Position()
# What was filled: the side, how much, and at what price.
Fill = tuple[Side, Decimal, Decimal]


def replayed(known: Position, fills: Iterable[Fill]) -> Position:
    """A position with the average that these fills give it, in their order; as it is known,
    where they are not all that made it."""
    found = FLAT
    for side, quantity, price in fills:
        found = found.after(side, quantity, price)
    return found if found.quantity == known.quantity else known


def in_scope(attribution: Attribution, *, own: Decimal, whole: Decimal) -> Decimal:
    """The position that a subscription's trades see: `own` is capped by the broker's."""
    if attribution is Attribution.ACCOUNT:
        return whole
    if own > 0:
        return max(min(own, whole), ZERO)
    return min(max(own, whole), ZERO)


def shrunk(
    shares: Mapping[UUID, Decimal], whole: Decimal, first: Collection[UUID]
) -> dict[UUID, Decimal]:
    """Shares of a position that somebody else made smaller: together no more than there is.

    What is nobody's here went before. Then goes the share of those who trade the whole account
    (`first`), then the largest one; no share ever grows.
    """
    net, left = sum(shares.values(), ZERO), dict(shares)
    sign = 1 if net > 0 else -1
    gone = max(net * sign - max(whole * sign, ZERO), ZERO)
    mine = [who for who, share in shares.items() if share * sign > 0]
    for who in sorted(mine, key=lambda who: (who not in first, -abs(shares[who]), who)):
        part = min(gone, abs(left[who]))
        left[who] -= part * sign
        gone -= part
    return left


def beyond(difference: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """What of a difference lies outside what may explain it."""
    return difference - min(max(difference, low), high)


def attribute(*, others_trade_here: bool, is_all_own: bool) -> Attribution:
    """Decide at the first trade: the whole account when nobody else is there."""
    if others_trade_here or not is_all_own:
        return Attribution.OWN
    return Attribution.ACCOUNT


def closed_by(
    own: Mapping[UUID, Position], closer: UUID, side: Side, quantity: Decimal, whole: Decimal
) -> dict[UUID, Decimal]:
    """Whose share a closing fill of the whole account's position takes, and how much of it.

    The closer's own goes first, then the others', the largest first. What is left was nobody's;
    but what was filled beyond `whole`, the position before the fill, is the closer's.
    """
    closing = min(quantity, max(-side.sign * whole, ZERO))
    taken = {closer: quantity - closing}
    shares = {who: max(-side.sign * held.quantity, ZERO) for who, held in own.items()}
    for who in sorted(shares, key=lambda who: (who != closer, -shares[who], who)):
        part = min(closing, shares[who])
        closing -= part
        taken[who] = taken.get(who, ZERO) + part
    return {who: part for who, part in taken.items() if part}
