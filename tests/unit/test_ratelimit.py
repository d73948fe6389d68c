"""Limits in virtual time, judged by a referee who counts only what arrived at the venue."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from execution.domain import ratelimit
from execution.domain.ratelimit import DAY, MINUTE, SECOND, Kind, Limit, Penalty, Rank, Scope, Shape
from tests.limits_kit import NOON, Venue, World, a_limit, a_line, micros, violations

SHAPES = {
    "rolling": a_limit(Shape.ROLLING, 6, 10),
    "fixed": a_limit(Shape.FIXED, 6, 60),
    "fixed, elsewhere": Limit(
        "orders", Scope.APP, Shape.FIXED, 6, MINUTE, {Kind.ORDER: 1}, anchor=17 * SECOND
    ),
    "short and fixed": a_limit(Shape.FIXED, 6, 1),
    "tokens": a_limit(Shape.TOKENS, 6, 10),
    "paced": a_limit(Shape.TOKENS, 1, 1),
    "concurrent": a_limit(Shape.CONCURRENT, 3, 0),
    "weighted": Limit(
        "weight", Scope.APP, Shape.ROLLING, 20, 10 * SECOND, {Kind.ORDER: 1, Kind.QUERY: 7}
    ),
}

latencies = st.floats(0.0, 1.5)
offers = st.lists(
    st.tuples(
        st.floats(0.0, 3.0),  # seconds since the one before
        st.sampled_from([Rank.RELIEF, Rank.ENTRY, Rank.QUERY]),
        st.integers(0, 2),
        latencies,
        latencies,
    ),
    min_size=1,
    max_size=60,
)


@pytest.mark.parametrize("limit", SHAPES.values(), ids=SHAPES)
@settings(max_examples=60, deadline=None)
@given(offered=offers, rush=st.booleans())
def test_no_offered_load_ever_breaks_the_venues_own_rule(
    limit: Limit, offered: list[tuple[float, Rank, int, float, float]], rush: bool
) -> None:
    world = World()
    limiter, _ = a_line(world, limit)
    flows = [limiter.flow(name) for name in ("a", "b", "c")]
    venue = Venue(world)

    for pause, rank, number, there, back in offered:
        world.run(0.0 if rush else pause)
        kind = Kind.QUERY if rank is Rank.QUERY and Kind.QUERY in limit.costs else Kind.ORDER
        venue.offer(flows[number], number, rank, there=there, back=back, kind=kind)
    world.run(5_000)

    assert violations(limit, venue.arrivals) == []
    assert len(venue.arrivals) == len(offered)


@pytest.mark.parametrize("skew", [-0.49, -0.2, 0.2, 0.49])
@pytest.mark.parametrize("trip", [0.0, 0.05, 0.3])
def test_a_fixed_window_holds_by_a_clock_that_differs_from_ours(skew: float, trip: float) -> None:
    limit = a_limit(Shape.FIXED, 6, 60)
    for tenths in range(585, 606):
        world = World()
        _, flow = a_line(world, limit)
        venue = Venue(world)
        world.run(tenths / 10)

        for _ in range(20):
            venue.offer(flow, 0, Rank.RELIEF, there=trip, back=trip)
        world.run(300)

        theirs = [replace(a, at=a.at + round(skew * SECOND)) for a in venue.arrivals]
        assert violations(limit, theirs) == []
        assert len(theirs) == 20


@pytest.mark.parametrize("limit", SHAPES.values(), ids=SHAPES)
def test_under_steady_demand_most_of_what_the_venue_allows_is_used(limit: Limit) -> None:
    world = World()
    _, flow = a_line(world, limit)
    venue = Venue(world)

    for _ in range(600):
        world.run(0.05)
        venue.offer(flow, 0, Rank.RELIEF, back=0.01)
    world.run(570)

    if limit.shape is not Shape.CONCURRENT:
        possible = 600 * SECOND * limit.most / limit.window
        assert len(venue.arrivals) >= min(0.9 * possible, 600)


def test_several_limits_hold_at_once() -> None:
    world = World()
    second = a_limit(Shape.ROLLING, 5, 1, name="second")
    minute = a_limit(Shape.FIXED, 60, 60, name="minute")
    day = Limit("day", Scope.APP, Shape.FIXED, 200, DAY, {Kind.ORDER: 1})
    _, flow = a_line(world, second, minute, day)
    venue = Venue(world)

    for _ in range(300):
        venue.offer(flow, 0, Rank.RELIEF, there=0.05, back=0.05)
    world.run(3_600)

    assert [violations(limit, venue.arrivals) for limit in (second, minute, day)] == [[], [], []]
    assert len(venue.arrivals) == 200
    world.run(43_200)
    assert len(venue.arrivals) == 300


@settings(max_examples=60, deadline=None)
@given(
    entries=st.integers(0, 200),
    exits=st.lists(st.floats(0.0, 59.0), max_size=20),
    there=latencies,
)
def test_entries_never_take_what_is_kept_for_exits(
    entries: int, exits: list[float], there: float
) -> None:
    world = World()
    _, flow = a_line(world, a_limit())
    venue = Venue(world)
    for _ in range(entries):
        venue.offer(flow, 0, Rank.ENTRY, there=there, back=0.1)

    for at in sorted(exits):
        world.run(max(at - (world.now() - NOON).total_seconds(), 0.0))
        assert venue.offer(flow, 0, Rank.RELIEF, there=there) is None, "an exit had to wait"
    world.run(3_600)

    assert violations(a_limit(), venue.arrivals) == []


def test_ten_times_the_limit_with_ten_exits_a_minute_among_it() -> None:
    world = World()
    limiter, _ = a_line(world, a_limit())
    flows = [limiter.flow(f"account {n}") for n in range(5)]
    venue = Venue(world)

    for second in range(600):
        for n in range(10):
            world.run(0.1)
            # Ten exits at the end of every second minute, ten more as the next one begins.
            is_exit = (n == 0 and second % 120 >= 110) or (n == 5 and second % 120 < 10)
            rank = Rank.RELIEF if is_exit else Rank.ENTRY
            venue.offer(flows[n % 5], n % 5, rank, there=0.03, back=0.03, deadline=120)

    world.run(300)
    waits = sorted(venue.waits(Rank.RELIEF))
    assert violations(a_limit(), venue.arrivals) == []
    assert len(waits) == 100
    assert waits[-1] < 0.1
    assert max(venue.waits(Rank.ENTRY)) < 120.1
    assert len(venue.refused) > 5_000


def test_a_busy_connection_does_not_starve_the_others() -> None:
    world = World()
    limiter, _ = a_line(world, a_limit())
    flows = [limiter.flow(f"account {n}") for n in range(10)]
    venue = Venue(world)

    for _ in range(2_000):
        venue.offer(flows[0], 0, Rank.ENTRY)
    for number in range(1, 10):
        for _ in range(40):
            venue.offer(flows[number], number, Rank.ENTRY)
    world.run(400)

    sent = [sum(a.flow == number for a in venue.arrivals) for number in range(10)]
    assert max(sent[1:]) - min(sent[1:]) <= 1
    # The burst before the others came is all that it has more.
    assert sent[0] - max(sent[1:]) <= 41


@settings(max_examples=40, deadline=None)
@given(costs=st.lists(st.sampled_from([1, 2, 5]), min_size=2, max_size=4))
def test_turns_are_fair_in_units_not_in_requests(costs: list[int]) -> None:
    world = World()
    prices = {Kind.ORDER: 1, Kind.CANCEL: 2, Kind.LOOK_UP: 5}
    kinds = {cost: kind for kind, cost in prices.items()}
    limit = Limit("weight", Scope.APP, Shape.ROLLING, 30, 10 * SECOND, prices)
    limiter, first = a_line(world, limit)
    venue = Venue(world)
    for _ in range(4):
        venue.offer(first, 99, Rank.ENTRY, kind=Kind.LOOK_UP)

    flows = [limiter.flow(str(number)) for number in range(len(costs))]
    for number, cost in enumerate(costs):
        for _ in range(500):
            venue.offer(flows[number], number, Rank.ENTRY, kind=kinds[cost])
    world.run(200)

    units = [sum(a.cost for a in venue.arrivals if a.flow == n) for n in range(len(costs))]
    assert max(units) - min(units) <= 2 * max(prices.values())


@settings(max_examples=100, deadline=None)
@given(
    before=st.integers(0, 30),
    remaining=st.integers(0, 60),
    most=st.integers(1, 80),
    rank=st.sampled_from([Rank.RELIEF, Rank.ENTRY]),
)
def test_no_more_is_sent_than_the_venue_says_is_left(
    before: int, remaining: int, most: int, rank: Rank
) -> None:
    world = World()
    limiter, flow = a_line(world, a_limit(scope=Scope.ACCOUNT))
    venue = Venue(world)
    for _ in range(before):
        venue.offer(flow, 0, rank)
    world.run(1)

    remaining = min(remaining, most)
    limiter.learn(flow, "orders", most, remaining, world.now().replace(minute=1))
    sent = len(venue.arrivals)
    for _ in range(100):
        venue.offer(flow, 0, rank)
    world.run(50)

    assert len(venue.arrivals) - sent <= remaining


def test_an_older_word_of_the_venue_does_not_outweigh_a_newer_one() -> None:
    meter = ratelimit.meter(a_limit())
    at, resets = micros(NOON), micros(NOON) + MINUTE
    for _ in range(2):
        meter.take(1)

    meter.learn(at, 60, 10, resets, number=2)
    meter.settle(at, at, 1, number=1)
    meter.learn(at + 1, 60, 11, resets, number=2)
    meter.settle(at, at + 1, 1, number=2)

    assert meter.used(at + 1) == 50


def test_a_newer_word_of_the_venue_replaces_the_last_one() -> None:
    meter = ratelimit.meter(a_limit())
    at, resets = micros(NOON), micros(NOON) + MINUTE
    for number, remaining in ((1, 10), (2, 40)):
        meter.take(1)
        meter.learn(at + number, 60, remaining, resets, number=number)
        meter.settle(at, at + number, 1, number=number)

    assert meter.used(at + 20) == 20


def test_limits_of_an_account_are_replaced_and_those_it_shares_stay() -> None:
    shared, own = a_limit(name="app"), a_limit(scope=Scope.ACCOUNT, name="mine")
    _, flow = a_line(World(), shared, own)

    flow.own([structs.replace(own, most=30)])
    assert [(meter.limit.name, meter.most) for meter in flow.meters] == [("app", 60), ("mine", 30)]
    flow.own([])
    assert [meter.limit.name for meter in flow.meters] == ["app"]
    assert len(flow.needs(Kind.ORDER)) == 1
    flow.own([own])
    assert [(meter.limit.name, meter.most) for meter in flow.meters] == [("app", 60), ("mine", 60)]


def test_what_others_used_of_a_shared_limit_is_not_taken_from_our_part_of_it() -> None:
    meter = ratelimit.meter(a_limit())
    at = micros(NOON)
    meter.resize(at, 30)
    meter.learn(at, 60, 25, at + MINUTE)

    assert meter.own(at) == 0
    assert meter.wait(at, 25, Rank.RELIEF) == 0
    assert meter.wait(at, 26, Rank.RELIEF) == MINUTE
    assert meter.wait(at, 5, Rank.ENTRY) == 0
    assert meter.wait(at, 6, Rank.ENTRY) == MINUTE


def test_a_word_of_the_venue_holds_until_its_window_ends() -> None:
    meter = ratelimit.meter(a_limit())
    at = micros(NOON)
    meter.learn(at, 60, 0, at + 30 * SECOND)

    assert meter.wait(at + 10 * SECOND, 1, Rank.RELIEF) == 20 * SECOND
    assert meter.wait(at + 30 * SECOND, 1, Rank.RELIEF) == 0


def test_what_has_no_answer_counts_until_there_is_one() -> None:
    world = World()
    _, flow = a_line(world, a_limit(most=3, seconds=1))
    venue = Venue(world)
    for _ in range(4):
        venue.offer(flow, 0, Rank.RELIEF, there=30, back=0)

    world.run(29)
    assert venue.arrivals == []
    world.run(60)
    assert [round(wait) for wait in venue.waits(Rank.RELIEF)] == [30, 30, 30, 61]


def test_silence_grows_when_the_venue_does_not_say_for_how_long() -> None:
    at, penalty, silences = micros(NOON), None, []
    for _ in range(10):
        penalty = ratelimit.penalise(penalty, at, 0)
        silences.append((penalty.until - at) // SECOND)
        at = penalty.until

    assert silences == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_one_burst_of_refusals_is_one_step() -> None:
    at = micros(NOON)
    first = ratelimit.penalise(None, at, 0)

    assert ratelimit.penalise(first, at + 10, 0).level == 1


def test_a_silence_is_never_shortened() -> None:
    at = micros(NOON)
    ban = Penalty(at + MINUTE)

    assert ratelimit.penalise(ban, at, SECOND).until == at + MINUTE


def test_a_long_quiet_time_is_a_new_beginning() -> None:
    last = Penalty(micros(NOON), level=9)

    assert ratelimit.penalise(last, micros(NOON) + 20 * MINUTE, 0).level == 1


@pytest.mark.parametrize("shape", [Shape.ROLLING, Shape.TOKENS])
@given(used=st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=6), by=st.integers(1, MINUTE))
def test_what_was_counted_is_no_older_when_our_clock_is_set_forward(
    shape: Shape, used: list[int], by: int
) -> None:
    meter, now = ratelimit.meter(a_limit(shape, 6, 10)), micros(NOON)
    for after in used:
        now += after
        meter.take(1)
        meter.settle(now, now, 1)
    meter.learn(now, 6, 1, now + 3 * SECOND)
    waits = [meter.wait(now, units, Rank.RELIEF) for units in (1, 3, 6)]

    meter.step(by)

    assert [meter.wait(now + by, units, Rank.RELIEF) for units in (1, 3, 6)] == waits
