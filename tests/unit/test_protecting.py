"""Whatever fills, is canceled, shrinks from outside or is forgotten, and in whatever order: what
guards a position never closes more than there is of it, and none of it outlives the position."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from execution.domain import guarding, protecting
from execution.domain.decisions import Guard
from execution.domain.market import Quote
from execution.domain.protecting import Cover, Key, Part, Protection, Resting, Step
from execution.domain.words import Leg, OrdType, Side

ZERO = Decimal(0)
STOP = Guard(Leg.STOP, Side.SELL, OrdType.STOP, stop_price=Decimal(90))
TRAIL = Guard(
    Leg.STOP,
    Side.SELL,
    OrdType.TRAILING_STOP,
    stop_price=Decimal(90),
    trail_percent=Decimal(10),
)
OURS, THEIRS = UUID(int=1), UUID(int=2)
AMOUNTS = st.integers(1, 12).map(Decimal)


def target(price: int, quantity: int | None = None) -> Guard:
    """A leg that takes the profit of a part, or of all that others leave."""
    part = None if quantity is None else Decimal(quantity)
    return Guard(
        Leg.TAKE_PROFIT, Side.SELL, OrdType.LIMIT, limit_price=Decimal(price), quantity=part
    )


LADDERS = st.sampled_from(
    [(), (target(110),), (target(105, 2), target(110, 3)), (target(105, 1), target(110))]
)


@dataclass
class Sent:
    """A protective order at the venue, or on its way there."""

    cl_ord_id: str
    key: Key
    quantity: Decimal
    cum: Decimal = ZERO
    is_open: bool = True
    cancel_asked: bool = False
    is_linked: bool = False
    is_known: bool = False

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.cum if self.is_open else ZERO


@dataclass
class Entry:
    """An entry that filled, and what guards what it opened."""

    trade_id: UUID
    owner: UUID
    opened: Decimal
    stop: Guard | None
    targets: tuple[Guard, ...]
    rests_stop: bool
    lost: Decimal = ZERO
    fired: frozenset[Key] = frozenset()
    sent: list[Sent] = field(default_factory=list)

    def cover(self) -> Cover:
        taken: dict[Key, Decimal] = {}
        for order in self.sent:
            taken[order.key] = taken.get(order.key, ZERO) + order.cum
        closed = sum(taken.values(), ZERO)
        return Cover(
            trade_id=self.trade_id,
            subscription_id=self.owner,
            side=Side.SELL,
            left=max(self.opened - closed - self.lost, ZERO),
            stop=self.stop,
            targets=self.targets,
            orders=tuple(
                Resting(o.cl_ord_id, o.key, o.leaves, o.cancel_asked, o.is_linked, o.is_known)
                for o in self.sent
                if o.is_open
            ),
            taken=taken,
            fired=self.fired,
            rests_stop=self.rests_stop,
        )

    @property
    def keys(self) -> list[Key]:
        legs = [*self.targets, *([self.stop] if self.stop else [])]
        return [protecting.key(guard) for guard in legs]


class Guarded(RuleBasedStateMachine):
    """One long position of two subscriptions, and a venue that answers when it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = ZERO
        self.own = {OURS: ZERO, THEIRS: ZERO}
        self.entries: list[Entry] = []
        # Owner and leaves of exits that work.
        self.exits: list[tuple[UUID, Decimal]] = []
        self.has_shrunk = False
        self.names = 0

    def tend(self) -> list[Step]:
        """Ask what is needed, and do it."""
        if not self.whole:
            self.exits.clear()
        own = {owner: min(quantity, self.whole) for owner, quantity in self.own.items()}
        found = [entry.cover() for entry in self.entries]
        steps = protecting.keep(found, self.whole, own, self.exits)
        for entry, cover, step in zip(self.entries, found, steps, strict=True):
            entry.lost += cover.left - step.cover.left
            if not step.cover.left:
                entry.fired = frozenset()
            for order in entry.sent:
                order.cancel_asked |= order.cl_ord_id in step.upkeep.cancels
            for guard, quantity in step.upkeep.sends:
                assert quantity > 0
                self.send(entry, protecting.key(guard), quantity)
        if any(step.upkeep.sends for step in steps):
            assert self.may_close() <= self.whole
        return steps

    def send(self, entry: Entry, key: Key, quantity: Decimal, *, is_linked: bool = False) -> None:
        self.names += 1
        entry.sent.append(Sent(f"o{self.names}", key, quantity, is_linked=is_linked))

    def may_close(self) -> Decimal:
        """All that could be sold, should everything fill that can."""
        guards = sum((entry.cover().may_close for entry in self.entries), ZERO)
        return guards + sum((leaves for _, leaves in self.exits), ZERO)

    def working(self) -> list[tuple[Entry, Sent]]:
        return [(e, o) for e in self.entries for o in e.sent if o.is_open]

    # -- what happens

    @precondition(lambda self: len(self.entries) < 4)
    @rule(
        owner=st.sampled_from([OURS, THEIRS]),
        quantity=AMOUNTS,
        stop=st.sampled_from([STOP, TRAIL, None]),
        ladder=LADDERS,
        rests=st.booleans(),
        is_native=st.booleans(),
    )
    def an_entry_fills(
        self,
        owner: UUID,
        quantity: Decimal,
        stop: Guard | None,
        ladder: tuple[Guard, ...],
        rests: bool,
        is_native: bool,
    ) -> None:
        entry = Entry(UUID(int=10 + len(self.entries)), owner, quantity, stop, ladder, rests)
        self.whole += quantity
        self.own[owner] += quantity
        self.entries.append(entry)
        if is_native and rests and len(ladder) <= 1:
            for key in entry.keys:
                self.send(entry, key, quantity, is_linked=True)
        self.tend()

    @precondition(lambda self: bool(self.working()))
    @rule(data=st.data(), part=AMOUNTS)
    def a_leg_fills(self, data: st.DataObject, part: Decimal) -> None:
        entry, order = data.draw(st.sampled_from(self.working()))
        # A venue sells no more than there is of a position.
        quantity = min(part, order.leaves, self.whole)
        order.is_known = True
        order.cum += quantity
        order.is_open = order.cum < order.quantity
        self.whole -= quantity
        self.own[entry.owner] -= quantity
        for twin in entry.sent:
            if order.is_linked and twin.is_linked and twin is not order and twin.is_open:
                twin.quantity -= quantity
                twin.is_open = twin.cum < twin.quantity
        self.tend()

    @precondition(lambda self: bool(self.working()))
    @rule(data=st.data(), is_wished=st.booleans())
    def the_venue_answers(self, data: st.DataObject, is_wished: bool) -> None:
        _, order = data.draw(st.sampled_from(self.working()))
        order.is_known = True
        if order.cancel_asked or not is_wished:
            order.is_open = False
        self.tend()

    @rule(owner=st.sampled_from([OURS, THEIRS]), part=AMOUNTS)
    def an_exit_is_sent(self, owner: UUID, part: Decimal) -> None:
        free = min(self.whole, self.own[owner]) - self.may_close()
        if free > 0:
            self.exits.append((owner, min(part, free)))
        self.tend()

    @precondition(lambda self: bool(self.exits))
    @rule(fills=st.booleans())
    def an_exit_ends(self, fills: bool) -> None:
        owner, leaves = self.exits.pop()
        if fills:
            quantity = min(leaves, self.whole)
            self.whole -= quantity
            self.own[owner] -= quantity
        self.tend()

    @precondition(lambda self: self.whole > 0)
    @rule(part=AMOUNTS)
    def somebody_else_sells(self, part: Decimal) -> None:
        self.whole -= min(part, self.whole)
        self.has_shrunk = True
        self.tend()

    @precondition(lambda self: bool(self.entries))
    @rule(data=st.data(), has_come=st.booleans())
    def a_price_comes_or_goes(self, data: st.DataObject, has_come: bool) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        watched = [protecting.key(guard) for guard in entry.cover().watched]
        if watched:
            key = data.draw(st.sampled_from(watched))
            entry.fired = entry.fired | {key} if has_come else entry.fired - {key}
        self.tend()

    @rule()
    def another_instance_takes_over(self) -> None:
        for entry in self.entries:
            entry.fired = frozenset()
        self.tend()

    # -- what must be so

    @invariant()
    def nothing_closes_more_than_there_is(self) -> None:
        assert self.has_shrunk or self.may_close() <= self.whole

    @invariant()
    def a_stop_and_the_targets_never_close_the_same(self) -> None:
        for entry in self.entries:
            closed = sum((order.cum for order in entry.sent), ZERO)
            assert entry.cover().may_close <= entry.opened - closed

    def teardown(self) -> None:
        """Once the venue answered everything, all fits and nothing is left over."""
        for _ in range(30):
            for _, order in self.working():
                order.is_known = True
                order.is_open = not order.cancel_asked
            before = self.names
            steps = self.tend()
            if not any(o.cancel_asked for _, o in self.working()) and self.names == before:
                break
        else:
            raise AssertionError("it never comes to rest")
        # An exit that somebody forestalled is not protection's to take back.
        exits = sum((leaves for _, leaves in self.exits), ZERO)
        assert self.may_close() - exits <= max(self.whole - exits, ZERO)
        if not self.whole:
            assert not self.working()
        for step in steps:
            if step.cover.stop is not None and step.free > 0:
                assert step.upkeep.covered == step.upkeep.goal
                is_whole = step.state is Protection.PROTECTED
                # Shares of more than the account holds are told as bare.
                assert is_whole or (step.is_netted and self.has_shrunk)


TestGuarded = Guarded.TestCase
TestGuarded.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


def part(guard: Guard, quantity: int) -> Part:
    """A leg, and how much of the position it closes."""
    return guard, Decimal(quantity)


def laddered(**fields: object) -> Cover:
    """Ten with a stop, and two targets."""
    values: dict[str, object] = {
        "trade_id": UUID(int=9),
        "subscription_id": OURS,
        "side": Side.SELL,
        "left": Decimal(10),
        "stop": STOP,
        "targets": (target(105, 3), target(110)),
    }
    return Cover(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.rule("H.ladder")
def test_h_the_stop_is_resized_after_each_rung() -> None:
    near, far = target(105, 3), target(110)
    assert laddered().at_venue(Decimal(10)) == [part(STOP, 10)]
    reached = laddered(fired=frozenset({protecting.key(near)}))
    assert reached.at_venue(Decimal(10)) == [part(STOP, 7), part(near, 3)]
    after = laddered(left=Decimal(7), taken={protecting.key(near): Decimal(3)})
    assert after.at_venue(Decimal(7)) == [part(STOP, 7)]
    both = laddered(
        left=Decimal(7),
        taken={protecting.key(near): Decimal(3)},
        fired=frozenset({protecting.key(far)}),
    )
    assert both.at_venue(Decimal(7)) == [part(far, 7)]


@pytest.mark.rule("H.target")
def test_a_rung_goes_out_only_when_the_stop_that_covers_it_is_gone() -> None:
    near = target(105, 3)
    stop = Resting("s1", protecting.key(STOP), Decimal(10))
    fired = frozenset({protecting.key(near)})
    first = protecting.tend(laddered(fired=fired, orders=(stop,)), Decimal(10), ZERO)
    assert (first.cancels, first.sends) == (("s1",), ())
    gone = protecting.tend(laddered(fired=fired), Decimal(10), Decimal(10))
    assert gone.sends == (part(STOP, 7), part(near, 3))


def test_a_linked_pair_takes_the_room_of_all_that_its_entry_opened() -> None:
    pair = Resting("p1", protecting.key(STOP), Decimal(2), is_linked=True)
    # Half of what it opened closed a position of the other side.
    growing = laddered(
        targets=(), left=Decimal(2), orders=(pair,), is_growing=True, subscription_id=THEIRS
    )
    older = laddered(trade_id=UUID(int=8), left=Decimal(2))
    own = {OURS: Decimal(2), THEIRS: Decimal(1)}
    steps = protecting.keep([older, growing], Decimal(3), own, [(OURS, Decimal(1))])
    assert [step.upkeep.sends for step in steps] == [(), ()]


def test_targets_without_a_stop_rest_side_by_side() -> None:
    near, far = target(105, 3), target(110)
    bare = laddered(stop=None)
    assert bare.at_venue(Decimal(10)) == [part(near, 3), part(far, 7)]
    assert bare.watched == ()
    # The nearest keeps its part when the position shrinks.
    assert bare.at_venue(Decimal(4)) == [part(near, 3), part(far, 1)]


def test_a_watched_trail_follows_the_price_and_never_goes_back() -> None:
    up = guarding.trailed(TRAIL, Quote(Decimal(200), Decimal(201), None))
    assert up.stop_price == 180
    down = guarding.trailed(up, Quote(Decimal(190), Decimal(191), None))
    assert down.stop_price == 180
    assert not guarding.is_reached(down, Quote(Decimal(181), None, None))
    assert guarding.is_reached(down, Quote(Decimal(180), None, None))


def test_what_is_written_of_guards_reads_the_same() -> None:
    guards = (target(105, 3), target(110), STOP)
    kept = guarding.written(guards, is_native=False)
    assert guarding.read(Side.SELL, kept) == guards


def test_what_another_side_nets_stays_and_is_guarded_again() -> None:
    long, theirs = laddered(targets=()), {OURS: Decimal(10)}
    [step] = protecting.keep([long], Decimal(4), {OURS: Decimal(4)}, [], theirs)
    assert (step.cover.left, step.free, step.is_netted) == (Decimal(10), Decimal(4), True)
    assert (step.state, step.upkeep.sends) == (Protection.UNPROTECTED, ((STOP, Decimal(4)),))
    [step] = protecting.keep([long], ZERO, {OURS: ZERO}, [], theirs)
    assert (step.cover.left, step.state) == (Decimal(10), Protection.UNPROTECTED)
    [step] = protecting.keep([long], Decimal(10), theirs, [], theirs)
    assert (step.is_netted, step.upkeep.sends) == (False, ((STOP, Decimal(10)),))


def test_who_sees_the_whole_account_guards_nothing_that_is_anothers() -> None:
    theirs = laddered(trade_id=UUID(int=8), subscription_id=THEIRS, left=Decimal(1), targets=())
    ours = laddered(left=Decimal(3), targets=())
    # A part of the three that were bought closed what was short before.
    seen, shares = {THEIRS: Decimal(1), OURS: Decimal(3)}, {THEIRS: Decimal(1), OURS: Decimal(2)}
    steps = protecting.keep([theirs, ours], Decimal(3), seen, [], shares)
    assert [(s.cover.left, s.is_netted) for s in steps] == [
        (Decimal(1), False),
        (Decimal(2), False),
    ]
    assert [s.upkeep.sends for s in steps] == [(part(STOP, 1),), (part(STOP, 2),)]
    # An exit leaves one of them.
    closing = [(OURS, Decimal(2))]
    steps = protecting.keep([theirs, ours], Decimal(3), seen, closing, shares)
    assert [s.free for s in steps] == [Decimal(1), Decimal(0)]
