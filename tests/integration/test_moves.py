"""Positions that move without a fill, from the venue through execution's facts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from grpc import aio

from execution.paper import writer
from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1 import simulation_pb2, simulation_pb2_grpc
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit, running

# A Friday morning in New York; the venue's clock starts there.
START = datetime(2026, 12, 18, 15, 0, tzinfo=UTC)
CALL = "AAPL261218C00100000"


class Clock:
    """The venue's own time, which runs, and can be moved."""

    def __init__(self) -> None:
        self.ahead = START - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def kit(database: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setattr(writer, "EXPIRE_SECONDS", 0.05)
    async with running(database, venue_clock=clock) as kit:
        yield kit


def moves(kit: Kit) -> list[pb.Fact]:
    return [fact for fact in kit.facts if fact.HasField("position_change")]


async def held(kit: Kit) -> dict[str, str]:
    """What execution says is held."""
    return {symbol: qty for symbol, qty in (await kit.positions()).items() if Decimal(qty)}


async def buy_option(kit: Kit) -> pb.Trade:
    trade = kit.trade(
        "buy",
        "2",
        instrument=CALL,
        signal_price="",
        asset_class=pb.ASSET_CLASS_OPTIONS,
    )
    assert await kit.run(trade) == ("FILLED", "unspecified")
    return trade


async def reset(kit: Kit) -> None:
    async with aio.insecure_channel(f"127.0.0.1:{kit.server.port}") as channel:
        owner: Any = simulation_pb2_grpc.SimulationStub(channel)
        await owner.ResetAccount(
            simulation_pb2.ResetAccountRequest(account=kit.account), timeout=5.0
        )


@pytest.mark.rule("A.moves")
async def test_an_option_that_expires_leaves_execution_s_position(kit: Kit, clock: Clock) -> None:
    trade = await buy_option(kit)
    assert await held(kit) == {CALL: "2"}
    clock.ahead += timedelta(days=1)
    await kit.until(lambda: bool(moves(kit)))
    [fact] = moves(kit)
    change = fact.position_change
    assert (change.cause, change.position.instrument) == ("expiry", CALL)
    assert (change.change_qty, change.position.quantity) == ("-2", "0")
    assert Decimal(change.cash) == 200 * Decimal(change.price)
    assert dict(change.position.own) == {trade.subscription_id: "0"}
    assert (fact.trade_id, fact.tenant_id) == ("", "")
    assert await held(kit) == {}


async def test_what_moved_is_not_moved_again_after_a_restart(kit: Kit, clock: Clock) -> None:
    await buy_option(kit)
    clock.ahead += timedelta(days=1)
    await kit.until(lambda: bool(moves(kit)))
    await kit.restart()
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    assert await held(kit) == {"AAPL": "5"}
    assert len(moves(kit)) == 1


async def test_an_account_that_nobody_held_is_settled_in_the_books_too(
    kit: Kit, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execution.holding.holding.EXPIRED_SECONDS", 0.05)
    monkeypatch.setattr("execution.holding.moving.over", lambda symbols, at: [CALL])
    await buy_option(kit)
    await kit.server.kill()
    clock.ahead += timedelta(days=1)
    await kit.restart()
    await kit.until(lambda: bool(moves(kit)))
    assert await held(kit) == {}


async def test_a_reset_ends_orders_and_positions_and_trading_goes_on(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    resting = kit.trade("buy", "3", instrument="MSFT", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1")
    await kit.submit(resting)
    await kit.until(lambda: kit.outcomes(resting)[-1:] == [("WORKING", "unspecified")])
    await reset(kit)
    await kit.until(lambda: len(moves(kit)) == 2)
    gone, done = (fact.position_change for fact in moves(kit))
    assert (gone.position.instrument, gone.cause, gone.change_qty) == ("AAPL", "reset", "-5")
    assert (done.position.instrument, done.text) == ("", "the account was reset to 100000 USD")
    assert await held(kit) == {}
    await kit.until(lambda: kit.outcomes(resting)[-1][0] == "CANCELED")
    assert await kit.venue_positions() == {}
    assert await kit.run(kit.trade("buy", "2")) == ("FILLED", "unspecified")
    assert await held(kit) == {"AAPL": "2"}


async def test_a_reset_of_an_account_that_nobody_holds_is_recorded(kit: Kit) -> None:
    await kit.venue_stub.GetAccount(paper_pb2.GetAccountRequest(account=kit.account))
    await reset(kit)
    await kit.until(lambda: len(moves(kit)) == 1)


async def test_moves_are_heard_once_however_the_stream_breaks(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await reset(kit)
    await kit.until(lambda: len(moves(kit)) == 2)
    await kit.server._adapters["paper", "paper"].attach([(kit.account, 0)])
    assert await kit.run(kit.trade("buy", "2")) == ("FILLED", "unspecified")
    assert await held(kit) == {"AAPL": "2"}
    assert len(moves(kit)) == 2
