"""What keeps a position guarded once its entry filled: who guards how much of it, and what is
to be done so that nothing closes more than is held, and a stop and a target never the same.

Where the venue links a target and a stop itself they are left alone while they fit. All else
is synthetic: the stop rests, targets are watched; what cannot rest is watched as well. Each
target of a ladder closes its part, and the stop is sized to the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from execution.domain import guarding
from execution.domain.decisions import Guard
from execution.domain.orders import ZERO
from execution.domain.words import Leg, Side

# Which leg an order is of; targets are told apart by their price.
Key = tuple[Leg, Decimal | None]
Part = tuple[Guard, Decimal]


class Protection(StrEnum):
    """Where the protection of a position stands."""

    PENDING = "PENDING"
    PROTECTED = "PROTECTED"
    UNPROTECTED = "UNPROTECTED"
    CLOSED = "CLOSED"


class Resting(Struct, frozen=True):
    """An open protective order."""

    cl_ord_id: str
    key: Key
    leaves: Decimal
    cancel_asked: bool = False
    # The venue ends it when its twin fills.
    is_linked: bool = False
    # The broker has it.
    is_known: bool = True


class Cover(Struct, frozen=True):
    """What guards the position that one entry opened."""

    trade_id: UUID
    subscription_id: UUID
    # The closing side.
    side: Side
    # Opened, less what its own legs and others closed.
    left: Decimal
    stop: Guard | None = None
    # The first that the price would come to comes first.
    targets: tuple[Guard, ...] = ()
    orders: tuple[Resting, ...] = ()
    # What each target has closed.
    taken: Mapping[Key, Decimal] = field(default_factory=dict)
    # The legs whose price was reached.
    fired: frozenset[Key] = frozenset()
    rests_stop: bool = True
    # What it closes itself, for no guard could be had.
    closing: Decimal = ZERO
    # What a person said to be closed by orders that the person looks after.
    by_hand: Decimal = ZERO
    # The entry still works, so guards that go with it wait for its fills.
    is_growing: bool = False
    # The broker takes no more of its orders.
    is_refused: bool = False
    # What is left of it is closed for that.
    is_given_up: bool = False

    @property
    def has_legs(self) -> bool:
        """True while something is to guard it."""
        return self.stop is not None or bool(self.targets)

    @property
    def is_linked(self) -> bool:
        """True while the venue itself keeps every leg that was asked for, and links them."""
        legs = [*self.targets, *([self.stop] if self.stop is not None else ())]
        linked = {o.key for o in self.orders if o.is_linked and not o.cancel_asked}
        is_whole = linked == {key(guard) for guard in legs}
        return bool(self.orders) and is_whole and all(o.is_linked for o in self.orders)

    @property
    def may_close(self) -> Decimal:
        """How much its orders may still close, should all of them fill."""
        linked = max((o.leaves for o in self.orders if o.is_linked), default=ZERO)
        return linked + sum((o.leaves for o in self.orders if not o.is_linked), ZERO)

    def parts(self, quantity: Decimal) -> list[Part]:
        """How much of this quantity each target closes, the nearest first."""
        found, left = [], quantity
        for target in self.targets:
            share = left
            if target.quantity is not None:
                share = min(target.quantity - self.taken.get(key(target), ZERO), left)
            if share > 0:
                found.append((target, share))
                left -= share
        return found

    def at_venue(self, quantity: Decimal) -> list[Part]:
        """The legs whose orders are to be at the venue, and their sizes; the stop comes first."""
        parts = self.parts(quantity)
        if self.stop is None:
            return parts
        if key(self.stop) in self.fired:
            return [(guarding.fired_stop(self.stop), quantity)] if quantity else []
        reached = [(target, share) for target, share in parts if key(target) in self.fired]
        rest = quantity - sum((share for _, share in reached), ZERO)
        return [(self.stop, rest), *reached] if self.rests_stop and rest else reached

    @property
    def watched(self) -> tuple[Guard, ...]:
        """The legs that wait for their price here, those reached among them."""
        if self.is_linked or self.is_refused or not self.left or self.stop is None:
            return ()
        if key(self.stop) in self.fired:
            return ()
        targets = [target for target, _ in self.parts(self.left)]
        return tuple(targets if self.rests_stop else [self.stop, *targets])


class Upkeep(Struct, frozen=True):
    """What a cover needs now."""

    cancels: tuple[str, ...] = ()
    sends: tuple[Part, ...] = ()
    # How much is guarded, and how much was to be.
    covered: Decimal = ZERO
    goal: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        """How much more its orders may close from now on."""
        return sum((share for _, share in self.sends), ZERO)


class Step(Struct, frozen=True):
    """One cover, sized to what is held; what of that no exit is about to close; what to do."""

    cover: Cover
    free: Decimal
    upkeep: Upkeep
    # Others hold the opposite side, so that the account as a whole holds less than is its own.
    is_netted: bool = False

    @property
    def state(self) -> Protection:
        """Where the cover stands."""
        if not self.cover.left:
            return Protection.PENDING if self.cover.is_growing else Protection.CLOSED
        is_ours = not (self.is_netted or self.cover.by_hand)
        if 0 < self.upkeep.goal <= self.upkeep.covered and is_ours:
            return Protection.PROTECTED
        return Protection.UNPROTECTED


def key(guard: Guard) -> Key:
    """What tells a leg from the others."""
    return guard.leg, guard.limit_price if guard.leg is Leg.TAKE_PROFIT else None


def keep(
    covers: Sequence[Cover],
    whole: Decimal,
    own: Mapping[UUID, Decimal],
    exits: Iterable[tuple[UUID, Decimal]],
    shares: Mapping[UUID, Decimal] | None = None,
) -> list[Step]:
    """What the covers of a position need, the oldest first. `whole` is the position, `own`
    what each subscription sees of it, and `shares` what is each one's, whatever the others
    hold; `exits` are the owners and sizes of what closes it. A cover lasts as long as what it
    guards is its subscription's, or is there and guarded by nobody else."""
    opened = sum((cover.left for cover in covers), ZERO)
    mine, left = dict(own if shares is None else shares), dict(own)
    parts = _parts(covers)
    theirs, seen = _share(parts, opened, mine), _shared(parts, whole, own, mine)
    covers = [
        replace(cover, left=max(of_all, there))
        for cover, of_all, there in zip(covers, theirs, seen, strict=True)
    ]
    # Its own exit, or a person's order, takes of no other's part.
    covers = [
        replace(cover, closing=cover.closing + min(cover.by_hand, there))
        for cover, there in zip(covers, seen, strict=True)
    ]
    own_exits = [(cover.subscription_id, cover.closing) for cover in covers]
    for owner, leaves in (*exits, *own_exits):
        whole -= leaves
        left[owner] = left.get(owner, ZERO) - leaves
        mine[owner] = mine.get(owner, ZERO) - leaves
    bare = [(cover.subscription_id, max(cover.left - cover.closing, ZERO)) for cover in covers]
    free = _shared(bare, whole, left, mine)
    room = whole - sum((cover.may_close for cover in covers), ZERO)
    # What is about to be closed bare is nobody else's to guard.
    room -= sum((part for cover, part in zip(covers, free, strict=True) if cover.is_given_up), ZERO)
    steps = []
    for cover, quantity, there in zip(covers, free, seen, strict=True):
        upkeep = tend(cover, ZERO if cover.is_refused else quantity, room)
        steps.append(Step(cover, quantity, upkeep, there < cover.left))
        room -= upkeep.quantity
    return steps


def _parts(covers: Sequence[Cover]) -> list[tuple[UUID, Decimal]]:
    """Whose each cover is, and what is left of it."""
    return [(cover.subscription_id, cover.left) for cover in covers]


def _share(
    parts: Sequence[tuple[UUID, Decimal]], whole: Decimal, own: Mapping[UUID, Decimal]
) -> list[Decimal]:
    """How much of a position each part guards: what was opened first is closed first. `whole`
    and each subscription's `own` are what of it may be guarded; parts come oldest first."""
    left, owned, shares = whole, dict(own), []
    for owner, part in reversed(parts):
        mine = owned.get(owner, ZERO)
        found = max(min(part, left, mine), ZERO)
        shares.append(found)
        left -= found
        owned[owner] = mine - found
    return shares[::-1]


def _shared(
    parts: Sequence[tuple[UUID, Decimal]],
    whole: Decimal,
    own: Mapping[UUID, Decimal],
    shares: Mapping[UUID, Decimal],
) -> list[Decimal]:
    """As `_share`, but who sees the whole account takes nothing that is another's share, before
    all of those are guarded."""
    firm = {who: min(seen, shares.get(who, ZERO)) for who, seen in own.items()}
    first, rest = _share(parts, whole, firm), dict(own)
    for (owner, _), found in zip(parts, first, strict=True):
        rest[owner] = rest.get(owner, ZERO) - found
    bare = [(owner, part - found) for (owner, part), found in zip(parts, first, strict=True)]
    more = _share(bare, whole - sum(first, ZERO), rest)
    return [found + further for found, further in zip(first, more, strict=True)]


def tend(cover: Cover, quantity: Decimal, room: Decimal) -> Upkeep:
    """What makes the orders of a cover guard this quantity. Nothing is sent before everything
    that could still close the same part is gone: `room` is what no other order may close."""
    if cover.is_growing and not cover.left:
        return Upkeep()
    linked = max((order.leaves for order in cover.orders if order.is_linked), default=ZERO)
    if cover.by_hand and 0 < linked <= cover.left:
        # What is left of a pair is linked there to what a person looks after.
        return Upkeep()
    if cover.is_linked:
        return _linked(cover, quantity)
    wanted = cover.at_venue(quantity)
    room = min(room, quantity - cover.may_close)
    cancels, sends, covered = _unwanted(cover, wanted), [], ZERO
    for guard, size in wanted:
        kept = [o for o in cover.orders if _is_kept(o, guard, cancels)]
        covered += sum((o.leaves for o in kept if o.is_known), ZERO)
        lacks = min(size - sum((o.leaves for o in kept), ZERO), room)
        if lacks > 0:
            sends.append((guard, lacks))
            room -= lacks
    goal = quantity if cover.stop is not None else sum((size for _, size in wanted), ZERO)
    if cover.stop is not None and not cover.rests_stop and key(cover.stop) not in cover.fired:
        covered += quantity - sum((size for _, size in wanted), ZERO)
    return Upkeep(cancels, tuple(sends), covered, goal)


def _unwanted(cover: Cover, wanted: Sequence[Part]) -> tuple[str, ...]:
    """Orders of legs that are not to be at the venue, or that would close too much."""
    left, cancels = {key(guard): size for guard, size in wanted}, []
    for order in cover.orders:
        if order.cancel_asked:
            continue
        fits = not order.is_linked and order.leaves <= left.get(order.key, ZERO)
        if fits:
            left[order.key] -= order.leaves
        else:
            cancels.append(order.cl_ord_id)
    return tuple(cancels)


def _is_kept(order: Resting, guard: Guard, cancels: Sequence[str]) -> bool:
    is_leg = order.key == key(guard) and not order.is_linked
    return is_leg and not order.cancel_asked and order.cl_ord_id not in cancels


def _linked(cover: Cover, quantity: Decimal) -> Upkeep:
    """The venue sizes linked legs to the fills of their entry; smaller they cannot be made."""
    guarded = max(o.leaves for o in cover.orders)
    if cover.is_growing:
        guarded = min(guarded, cover.left)
    if quantity >= guarded > 0:
        is_known = all(o.is_known for o in cover.orders)
        return Upkeep(covered=guarded if is_known else ZERO, goal=quantity)
    cancels = tuple(o.cl_ord_id for o in cover.orders if not o.cancel_asked)
    return Upkeep(cancels, goal=quantity)
