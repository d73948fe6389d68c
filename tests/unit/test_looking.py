"""What planning needs is asked for again where the settings say so, and never for ever."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.accounts.accounts import Account
from execution.accounts.reserving import Reserved
from execution.brokers.base import AccountSnapshot, Adapter, NotSent, QuoteSnapshot
from execution.domain.decisions import Decision, Look, Send
from execution.domain.market import Figures
from execution.domain.trades import Retry
from execution.domain.words import SizeType
from execution.engine import looking
from execution.engine.looking import Looking
from execution.lanes.lanes import Lane, Run
from execution.limits.session import Session
from execution.runtime import Timer
from tests.unit.planning_kit import NOON, a_trade, decide, held

PRICE = Decimal("228.40")


class Clockwork:
    """Time that passes only when something waits for it."""

    def __init__(self) -> None:
        self.at = NOON
        self.waiting: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self.at

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        entry = (self.at + timedelta(seconds=seconds), callback)
        self.waiting.append(entry)
        return cast("Timer", SimpleNamespace(cancel=lambda: self.waiting.remove(entry)))

    def run(self) -> None:
        while self.waiting:
            entry = min(self.waiting, key=lambda each: each[0])
            self.waiting.remove(entry)
            self.at = entry[0]
            entry[1]()


class Reluctant:
    """A broker that has no quote at first."""

    def __init__(self, clock: Clockwork, refusals: int) -> None:
        self.clock, self.refusals = clock, refusals
        self.asked: list[timedelta] = []

    async def admit(self, account: str, connection_id: str) -> None:
        """Everybody is."""

    async def quote(self, account: str, symbol: str, *, reference_price: object) -> QuoteSnapshot:
        self.asked.append(self.clock.at - NOON)
        if len(self.asked) <= self.refusals:
            raise NotSent("no quotes yet")
        return QuoteSnapshot(symbol, PRICE, PRICE, PRICE, self.clock.at)


def look(refusals: int, retry: Retry | None) -> tuple[Run, Reluctant]:
    clock = Clockwork()
    broker = Reluctant(clock, refusals)
    trade = a_trade("buy", "1", retry=retry)
    run = Run(trade, Lane("AAPL"), 1)
    session = Session(cast("Adapter", broker), clock)
    account = cast(
        "Account",
        SimpleNamespace(adapter=broker, ref=trade.account, session=session, reserved=Reserved()),
    )
    planned: list[datetime] = []
    Looking(clock).look(account, run, Look("AAPL"), lambda: planned.append(clock.at))
    clock.run()
    assert len(planned) == 1 and not run.is_looking
    return run, broker


def milliseconds(*values: int) -> list[timedelta]:
    return [timedelta(milliseconds=value) for value in values]


RETRY = Retry(3, timedelta(milliseconds=500), Decimal(2), timedelta(milliseconds=1500))


def test_without_a_retry_the_broker_is_asked_once() -> None:
    run, broker = look(1, None)
    assert len(broker.asked) == 1
    assert run.market is not None and run.market.quote is None


@pytest.mark.parametrize(
    ("refusals", "asked"),
    [
        (0, milliseconds(0)),
        (2, milliseconds(0, 500, 1500)),
        (3, milliseconds(0, 500, 1500, 3000)),
        (9, milliseconds(0, 500, 1500, 3000)),
    ],
)
def test_a_retry_asks_again_after_growing_pauses(refusals: int, asked: list[timedelta]) -> None:
    run, broker = look(refusals, RETRY)
    assert broker.asked == asked
    assert run.market is not None
    assert (run.market.quote is not None) == (refusals <= 3)


@given(
    times=st.integers(1, 10),
    delay=st.integers(50, 30_000),
    multiplier=st.decimals(1, 10, places=2),
    longest=st.integers(50, 60_000),
)
def test_pauses_grow_up_to_the_longest_and_end(
    times: int, delay: int, multiplier: Decimal, longest: int
) -> None:
    most = timedelta(milliseconds=longest)
    pauses = list(Retry(times, timedelta(milliseconds=delay), multiplier, most).pauses())
    assert len(pauses) == times and pauses == sorted(pauses)
    assert timedelta() < pauses[0] and pauses[-1] <= most


class Figured:
    """A broker that tells its own account's figures."""

    def __init__(self, unrealised: Decimal | None) -> None:
        self.unrealised = unrealised
        self.asked: list[str] = []

    async def admit(self, account: str, connection_id: str) -> None:
        """Everybody is."""

    async def quote(self, account: str, symbol: str, *, reference_price: object) -> QuoteSnapshot:
        return QuoteSnapshot(symbol, PRICE, PRICE, PRICE, NOON)

    async def account(self, account: str) -> AccountSnapshot:
        self.asked.append(account)
        return AccountSnapshot(
            Decimal(4000),
            "USD",
            [],
            [],
            NOON,
            equity=Decimal(11_500),
            unrealised=self.unrealised,
        )


def figures(unrealised: Decimal | None) -> Figures | None:
    """What sizes are worked out from."""
    clock, broker = Clockwork(), Figured(unrealised)
    trade = a_trade("buy", "10", size_type=SizeType.PERCENT_OF_EQUITY)
    session = Session(cast("Adapter", broker), clock)
    account = cast("Account", SimpleNamespace(adapter=broker, ref=trade.account, session=session))
    seen = asyncio.run(looking.ask_market(account, trade, "AAPL", clock.now))
    assert broker.asked == [trade.account.account]
    return seen.figures


@pytest.mark.rule("C6.own", "K.size.equity")
def test_equity_is_the_connection_s_own_without_what_is_won_or_lost_on_paper() -> None:
    found = figures(Decimal(1500))
    assert found is not None and found.equity == 10_000
    losing = figures(Decimal(-500))
    assert losing is not None and losing.equity == 12_000


@pytest.mark.rule("C6.unknown")
def test_without_knowing_what_is_open_there_is_no_equity() -> None:
    assert figures(None) is None


@pytest.mark.rule("C6.age", "E1.size")
def test_what_was_seen_more_than_five_seconds_ago_is_asked_for_again() -> None:
    clock, broker = Clockwork(), Figured(Decimal(0))
    trade = a_trade("buy", "10", size_type=SizeType.PERCENT_OF_EQUITY)
    run = Run(trade, Lane("AAPL"), 1)
    session = Session(cast("Adapter", broker), clock)
    account = cast(
        "Account",
        SimpleNamespace(adapter=broker, ref=trade.account, session=session, reserved=Reserved()),
    )
    eyes = Looking(clock)

    def decided() -> Decision:
        return decide(trade, held("0"), seen=eyes.seen(account, run))

    assert decided() == Look("AAPL")
    eyes.look(account, run, Look("AAPL"), lambda: None)
    clock.run()
    seen_at = clock.at
    clock.at = seen_at + timedelta(seconds=5)
    assert isinstance(decided(), Send)
    clock.at = seen_at + timedelta(seconds=5.001)
    assert decided() == Look("AAPL")
