"""The real session under limits, in virtual time, at a broker that refuses one too many."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.brokers.base import Adapter
from execution.domain.ratelimit import Limit, Scope, Shape
from execution.limits.limiter import Limiter
from execution.limits.session import Answer, Session, Submitted, Waiting
from tests.limits_kit import NOON, ORDERS, Broker, World, a_limit, an_order, violations

A_MINUTE = a_limit(scope=Scope.ACCOUNT)
AGE = timedelta(seconds=120)


@dataclass
class Desk:
    """A session, and what became of the orders given to it."""

    world: World
    broker: Broker
    session: Session
    answers: dict[str, Submitted] = field(default_factory=dict)
    held: dict[str, Mapping[str, str]] = field(default_factory=dict)
    asked: dict[str, datetime] = field(default_factory=dict)
    sent: dict[str, datetime] = field(default_factory=dict)
    canceled: list[bool | None] = field(default_factory=list)

    def submit(self, name: str, *, is_exit: bool = False) -> None:
        asked = self.asked.setdefault(name, self.world.now())

        def may_go() -> bool:
            self.sent[name] = self.world.now()
            return True

        def answered(submitted: Submitted) -> None:
            self.answers[name] = submitted
            if submitted.answer is Answer.NOT_SENT:
                # As dispatch does.
                self.world.later(0.05, lambda: self.submit(name, is_exit=is_exit))

        def hold(numbers: Mapping[str, str]) -> None:
            self.held[name] = numbers

        self.session.submit(
            Waiting(an_order(name), is_exit, may_go, answered, lambda: asked + AGE, hold)
        )

    def cancel(self, name: str) -> None:
        self.session.cancel("acme", name, self.canceled.append)

    def waits(self, prefix: str) -> list[float]:
        """Seconds from the asking to the socket, sorted."""
        sent = self.sent.items()
        return sorted(
            (at - self.asked[name]).total_seconds() for name, at in sent if name.startswith(prefix)
        )

    def count(self) -> Counter[Answer]:
        return Counter(submitted.answer for submitted in self.answers.values())


def a_desk(limit: Limit | None = A_MINUTE, **broker: Any) -> Desk:
    world = World()
    venue = Broker(world, **broker)
    flow = Limiter(world, () if limit is None else (limit,)).flow("acme")
    return Desk(world, venue, Session(cast(Adapter, venue), world, flow))


@pytest.mark.rule("D6.limiter")
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_ten_times_the_load_on_sixty_a_minute_breaks_nothing_and_exits_go_at_once(
    seed: int,
) -> None:
    dice, desk = random.Random(seed), a_desk(most=60)
    minutes = 6
    offers = [(dice.uniform(0, 60 * minutes), "entry") for _ in range(590 * minutes)]
    for minute in range(minutes):
        offers += [(dice.uniform(60 * minute, 60 * minute + 60), "exit") for _ in range(10)]

    for number, (at, what) in enumerate(sorted(offers)):
        desk.world.run(at - (desk.world.now() - NOON).total_seconds())
        desk.submit(f"{what}-{number}", is_exit=what == "exit")
    desk.world.run(200)

    exits, entries = desk.waits("exit"), desk.waits("entry")
    assert violations(A_MINUTE, desk.broker.arrivals) == []
    assert desk.broker.refused == 0
    assert len(exits) == 10 * minutes
    assert exits[int(0.99 * len(exits))] <= 2.0
    assert entries[-1] <= AGE.total_seconds()
    # What was not sent was told so, at once and with its numbers.
    assert desk.count()[Answer.TOO_LATE] == 590 * minutes - len(entries)
    assert len(desk.answers) == 600 * minutes


def test_an_entry_whose_turn_would_come_too_late_is_refused_at_once() -> None:
    desk = a_desk()
    for number in range(150):
        desk.submit(str(number))

    refused = {n: a for n, a in desk.answers.items() if a.answer is Answer.TOO_LATE}
    assert len(refused) == 150 - 3 * 40
    assert refused["149"].numbers == {
        "limit": "60",
        "window": "60",
        "limited_by": "orders",
        "wait": "180.0",
    }


@pytest.mark.rule("D6.limiter")
def test_exits_and_cancels_are_never_refused() -> None:
    desk = a_desk()
    for number in range(300):
        desk.submit(str(number), is_exit=True)
        desk.cancel(str(number))
    desk.world.run(700)

    assert desk.count() == {Answer.TAKEN: 300}
    assert desk.canceled == [True] * 300
    assert violations(A_MINUTE, desk.broker.arrivals) == []


def test_who_has_to_wait_is_told_what_for() -> None:
    desk = a_desk()
    for number in range(41):
        desk.submit(str(number))

    assert list(desk.held) == ["40"]
    assert desk.held["40"]["wait"] == "60.0"


def test_an_order_that_waits_can_be_withdrawn() -> None:
    desk = a_desk()
    for number in range(45):
        desk.submit(str(number))

    assert not desk.session.withdraw("0")
    assert desk.session.withdraw("42")
    assert not desk.session.withdraw("42")
    desk.world.run(100)
    assert "42" not in desk.sent
    assert len(desk.sent) == 44


def test_one_refusal_silences_everything_for_as_long_as_the_broker_says() -> None:
    desk = a_desk(limit=None, most=5, silence=30.0)
    for number in range(8):
        desk.submit(str(number), is_exit=True)
    desk.world.run(1)
    assert desk.broker.refused == 3

    desk.submit("later", is_exit=True)
    desk.cancel("0")
    desk.world.run(28)
    assert "later" not in desk.sent
    assert desk.canceled == []
    desk.world.run(90)

    assert desk.count() == {Answer.TAKEN: 9}
    # Whether to ask again is for dispatch to say.
    assert desk.canceled == [None]


def test_an_entry_too_old_after_the_silence_is_refused_at_once() -> None:
    desk = a_desk(limit=None, most=1, silence=600.0)
    desk.submit("first")
    desk.submit("second")
    desk.world.run(1)

    assert desk.answers["second"].answer is Answer.TOO_LATE
    assert desk.answers["second"].numbers["limited_by"] == "penalty"


def test_a_limit_that_is_too_generous_learns_from_refusals() -> None:
    desk = a_desk(limit=a_limit(most=600, scope=Scope.ACCOUNT), most=60)
    for number in range(200):
        desk.submit(str(number), is_exit=True)
    desk.world.run(900)

    assert desk.count() == {Answer.TAKEN: 200}
    # 140 at once, then fewer and fewer attempts for each window.
    assert desk.broker.refused < 2_000


def test_cancels_count_where_the_broker_counts_them() -> None:
    limit = Limit("orders", Scope.ACCOUNT, Shape.ROLLING, 60, 60_000_000, ORDERS)
    desk = a_desk(limit, most=60)
    for number in range(60):
        desk.submit(str(number), is_exit=True)
        desk.cancel(str(number))
    desk.world.run(30)
    assert len(desk.broker.arrivals) == 60
    desk.world.run(60)
    assert len(desk.broker.arrivals) == 120
    assert desk.broker.refused == 0
