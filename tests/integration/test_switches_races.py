"""Kill switches against whatever is on its way: in doubt, waiting for a limit, half closed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, running, start_server
from tests.integration.switches_kit import ALL, ENTRIES, FLATTEN, OFF, SCOPES, Desk, numbered


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        desk = Desk(kit.database, kit.venue, kit.server, kit.instance)
        yield desk
        await desk.close_channels()
        kit.server = desk.server


async def limit(desk: Desk, requests_per_minute: int) -> None:
    """Have the venue take so many requests of the account."""
    options = paper_pb2.Options(
        visibility_horizon_seconds=0.5,
        refuses_repeats=True,
        requests_per_minute=requests_per_minute,
    )
    await desk.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(account=desk.account, options=options), timeout=SECONDS
    )


def elsewhere(desk: Desk, count: int) -> list[pb.Trade]:
    """Entries, each of a subscription of its own."""
    return [desk.trade(subscription_id=uuid4().hex, instrument="MSFT") for _ in range(count)]


def seconds_after(desk: Desk, moment: datetime) -> float:
    """How long after it the venue still got an order; below zero for not at all."""
    with psycopg.connect(desk.database.url("owner")) as owner:
        [(last,)] = owner.execute("SELECT max(arrived_at) FROM paper.arrivals").fetchall()
    assert isinstance(last, datetime)
    return (last - moment).total_seconds()


async def doubtful(desk: Desk) -> pb.Trade:
    """An entry of which nobody knows whether it arrived."""
    entry = desk.trade()
    await desk.submit(entry)
    await desk.until(lambda: ("BLOCKED", "in_doubt") in desk.outcomes(entry))
    return entry


async def closed(desk: Desk, answer: pb.SetSwitchResponse) -> list[tuple[str, str]]:
    """How the trades of a flatten ended."""
    return [await desk.outcome(pb.Trade(trade_id=trade_id)) for trade_id in answer.trade_ids]


# -- waiting for the broker's limit


async def test_what_waits_for_the_brokers_limit_ends_at_once_and_stays_ended(desk: Desk) -> None:
    await limit(desk, 6)
    trades = elsewhere(desk, 5)
    await desk.submit(*trades)
    await desk.until(lambda: any(("WORKING", "rate_limited") in desk.outcomes(t) for t in trades))
    await desk.switch(ENTRIES)
    await desk.switch(OFF)
    ends = [await desk.outcome(trade) for trade in trades]
    assert ends.count(("FILLED", "unspecified")) == 4
    assert ends.count(("SKIPPED", "superseded")) == 1
    assert len(desk.arrivals()) == 4
    await numbered(desk)


async def test_an_exit_that_waits_for_a_limit_is_halted_at_once_by_stop_all(desk: Desk) -> None:
    await limit(desk, 3)
    for ticker in ("AAPL", "MSFT"):
        await desk.run(desk.trade(instrument=ticker))
    exits = [desk.trade("exit", "", instrument=ticker) for ticker in ("AAPL", "MSFT")]
    assert await desk.run(exits[0]) == ("FILLED", "unspecified")
    await desk.submit(exits[1])
    await desk.until(lambda: ("WORKING", "rate_limited") in desk.outcomes(exits[1]))
    answer = await desk.switch(ALL)
    assert await desk.outcome(exits[1]) == ("HALTED", "halted")
    assert [left.quantity for left in answer.switch.unprotected] == ["5"]
    assert await desk.venue_positions() == {"MSFT": "5"}
    assert len(desk.arrivals()) == 3
    await numbered(desk)


# -- in the middle of a batch


async def test_a_switch_amid_a_burst_lets_nothing_out_a_second_later(desk: Desk) -> None:
    await desk.run(desk.trade())
    trades = elsewhere(desk, 150)

    async def send() -> None:
        for trade in trades:
            await desk.submit(trade)

    async def halt() -> datetime:
        await asyncio.sleep(0.05)
        answer = await desk.switch(ENTRIES, "platform")
        return answer.switch.set_time.ToDatetime(tzinfo=UTC)

    _, on = await asyncio.gather(send(), halt())
    ends = [await desk.outcome(trade) for trade in trades]
    assert set(ends) == {("FILLED", "unspecified"), ("HALTED", "halted")}
    late = seconds_after(desk, on)
    print(f"the last order reached the venue {late:.3f} s after the commit")
    # The promise is one second; a busy machine gets two more.
    assert late < 3
    assert len(desk.arrivals()) == 1 + ends.count(("FILLED", "unspecified"))


# -- in doubt


@pytest.mark.parametrize("mode", [ENTRIES, ALL, FLATTEN])
async def test_an_entry_in_doubt_across_a_restart_under_a_switch_is_not_sent_again(
    desk: Desk, mode: Any
) -> None:
    await desk.drop_the_first(seconds=7)
    entry = await doubtful(desk)
    answer = await desk.switch(mode)
    await desk.restart()
    assert await desk.outcome(entry, 20) == ("SKIPPED", "superseded")
    # Whether it was still asked about when the flatten was planned, or known to be absent.
    assert [state for state, _ in await closed(desk, answer)] == ["DONE"] * (mode == FLATTEN)
    assert desk.arrivals() == []


@pytest.mark.rule("D3.remains")
async def test_flatten_closes_what_appears_late(desk: Desk) -> None:
    late = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=1500)
    await desk.faults(late)
    entry = desk.trade()
    await desk.submit(entry)
    await desk.until(lambda: bool(desk.orders(entry.trade_id)))
    answer = await desk.switch(FLATTEN)
    assert await closed(desk, answer) == [("FILLED", "unspecified")]
    assert await desk.venue_positions() == {}


# -- flatten, again and again


async def test_flattens_of_all_scopes_at_once_close_what_is_held_once(desk: Desk) -> None:
    await desk.run(desk.trade())
    answers = await asyncio.gather(*(desk.switch(FLATTEN, scope) for scope in SCOPES))
    ends = [end for answer in answers for end in await closed(desk, answer)]
    assert ends.count(("FILLED", "unspecified")) == 1
    assert await desk.venue_positions() == {}
    assert len(desk.arrivals()) == 2


async def test_flatten_after_it_was_let_go_closes_what_was_opened_since(desk: Desk) -> None:
    for _ in range(2):
        await desk.run(desk.trade())
        assert await closed(desk, await desk.switch(FLATTEN)) == [("FILLED", "unspecified")]
        await desk.switch(OFF)
    assert await desk.venue_positions() == {}


async def test_flatten_beside_an_exit_on_its_way_does_not_sell_twice(desk: Desk) -> None:
    for _ in range(5):
        await desk.run(desk.trade())
        leaving = desk.trade("exit", "")
        _, answer = await asyncio.gather(desk.submit(leaving), desk.switch(FLATTEN))
        await desk.outcome(leaving)
        await closed(desk, answer)
        assert await desk.venue_positions() == {}
        await desk.switch(OFF)


async def test_what_flatten_stored_is_closed_after_a_restart(desk: Desk) -> None:
    await desk.run(desk.trade())
    await desk.server.stop()
    other = await start_server(desk.database, desk.venue, "execution-2")
    asks = Desk(desk.database, desk.venue, other, "execution-2")
    try:
        asks.connection = desk.connection
        answer = await asks.switch(FLATTEN)
        assert [await asks.outcome(pb.Trade(trade_id=t), 20) for t in answer.trade_ids] == [
            ("FILLED", "unspecified")
        ]
        assert await desk.venue_positions() == {}
    finally:
        await asks.close_channels()
        await desk.restart()
        await other.stop()
