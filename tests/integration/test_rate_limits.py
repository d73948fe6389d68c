"""Orders of a paper account with a limit: what goes, what waits, what is refused, and what a
restart still knows."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg

from execution.journal.store import Store
from execution.limits.limiter import micros
from execution.limits.limits import Limits
from execution.limits.sharing import Pace
from execution.runtime import AsyncioRuntime
from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.conftest import Database
from tests.integration.execution_kit import SECONDS, Kit
from tests.limits_kit import a_limit

TICKERS = ("AAPL", "MSFT", "NVDA", "AMZN", "META", "TSLA", "AMD", "INTC", "IBM", "ORCL")


async def limit(kit: Kit, requests_per_minute: int) -> None:
    """Have the venue take so many requests of the account."""
    await kit.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(
            account=kit.account,
            options=paper_pb2.Options(
                visibility_horizon_seconds=0.5,
                refuses_repeats=True,
                requests_per_minute=requests_per_minute,
            ),
        ),
        timeout=SECONDS,
    )


def entries(kit: Kit, count: int) -> list[pb.Trade]:
    """Market buys, each of a lane and a subscription of its own."""
    return [kit.trade(instrument=ticker, subscription_id=uuid4().hex) for ticker in TICKERS[:count]]


def told(kit: Kit, trade: pb.Trade, reason: str) -> bool:
    return any(said == reason for _, said in kit.outcomes(trade))


def arrivals(database: Database) -> list[str]:
    """Results of the venue's arrival log."""
    with psycopg.connect(database.url("paper")) as connection:
        rows = connection.execute("SELECT result FROM paper.arrivals ORDER BY id").fetchall()
    return [row[0] for row in rows]


async def test_entries_leave_room_for_exits_and_are_told_to_wait(
    kit: Kit, database: Database
) -> None:
    await limit(kit, 6)
    trades = entries(kit, 5)
    await kit.submit(*trades)
    for trade in trades[:4]:
        assert await kit.outcome(trade) == ("FILLED", "unspecified")

    await kit.until(lambda: told(kit, trades[4], "rate_limited"))
    assert kit.outcomes(trades[4]) == [("WORKING", "rate_limited")]
    leaving = kit.trade("exit", "", subscription_id=trades[0].subscription_id)
    assert await kit.run(leaving) == ("FILLED", "unspecified")
    assert arrivals(database) == ["accepted"] * 5


async def test_an_exit_ends_an_entry_that_waits_at_once(kit: Kit, database: Database) -> None:
    await limit(kit, 3)
    trades = entries(kit, 3)
    await kit.submit(*trades)
    await kit.until(lambda: told(kit, trades[2], "rate_limited"))

    leaving = kit.trade(
        "exit", "", instrument=trades[2].instrument, subscription_id=trades[2].subscription_id
    )
    started = asyncio.get_running_loop().time()
    assert await kit.run(leaving) == ("SKIPPED", "no_position")
    assert asyncio.get_running_loop().time() - started < 2
    assert await kit.outcome(trades[2]) == ("SKIPPED", "superseded")
    assert arrivals(database) == ["accepted"] * 2


async def test_an_entry_whose_turn_would_come_too_late_is_skipped_at_once(kit: Kit) -> None:
    await limit(kit, 2)
    trades = entries(kit, 10)
    await kit.submit(*trades)

    assert await kit.outcome(trades[9]) == ("SKIPPED", "rate_limited")
    said = [f.trade_outcome for f in kit.facts if f.trade_id == trades[9].trade_id][-1]
    assert said.numbers["limit"] == "2"
    assert said.numbers["window"] == "60"
    assert float(said.numbers["wait"]) >= 119


async def test_an_entry_that_its_sender_wants_for_seconds_only_does_not_wait_for_a_minute(
    kit: Kit,
) -> None:
    await limit(kit, 2)
    first, second, third = entries(kit, 3)
    soon = datetime.now(UTC) + timedelta(seconds=10)
    third.reject_after_time.CopyFrom(wire.to_timestamp(soon))
    await kit.submit(first, second)
    await kit.outcome(second)

    assert await kit.run(third) == ("SKIPPED", "rate_limited")


async def test_a_restart_knows_what_was_sent_within_the_window(
    kit: Kit, database: Database
) -> None:
    await limit(kit, 6)
    trades = entries(kit, 4)
    await kit.submit(*trades)
    for trade in trades:
        await kit.outcome(trade)

    await kit.restart()
    (later,) = entries(kit, 1)
    await kit.submit(later)

    await kit.until(lambda: told(kit, later, "rate_limited"))
    assert arrivals(database) == ["accepted"] * 4


async def test_a_silence_that_the_venue_asked_for_outlives_a_restart(
    kit: Kit, database: Database
) -> None:
    first, second = entries(kit, 2)
    assert (await kit.run(first))[0] == "FILLED"
    silence = paper_pb2.Fault(kind=paper_pb2.FAULT_KIND_RATE_LIMIT, nth=1, delay_ms=60_000)
    await kit.faults(silence)
    await kit.submit(second)
    await kit.until(lambda: told(kit, second, "rate_limited"))
    await _until_kept(database)
    await kit.faults()

    await kit.restart()
    leaving = kit.trade("exit", "", subscription_id=first.subscription_id)
    await kit.submit(leaving)

    await kit.until(lambda: told(kit, leaving, "rate_limited"))
    assert arrivals(database) == ["accepted"]


async def test_who_shares_a_limit_counts_what_the_others_sent_before(
    kit: Kit, database: Database
) -> None:
    for trade in entries(kit, 3):
        assert (await kit.run(trade))[0] == "FILLED"
    store, runtime, venue = Store(database.url("execution")), AsyncioRuntime(), ("paper", "paper")
    await store.open()
    limits = Limits(
        runtime, store=store, instance="execution-2", pace=Pace(look=50_000, known_after=100_000)
    )
    limits.count(venue, "other", [a_limit(most=60)])
    (meter,) = limits.flow(venue, "other").meters
    assert meter.most == 0

    await limits.start()
    async with asyncio.timeout(SECONDS):
        while not meter.most:
            await asyncio.sleep(0.02)
    await limits.stop()
    await store.close()

    # A half is divided between the two of us, and nobody lends the other one.
    assert meter.most == 15
    assert meter.used(micros(runtime.now())) == 3


async def _until_kept(database: Database) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            with psycopg.connect(database.url("execution")) as connection:
                if connection.execute("SELECT FROM execution.penalties").fetchall():
                    return
            await asyncio.sleep(0.02)
