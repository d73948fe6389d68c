"""Fills that a broker takes back or corrects: positions, guards and outcomes follow."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import grpc
import psycopg
import pytest
from grpc import aio

from execution.holding import hearing
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit, running
from tests.integration.test_outside import stops_become

STOP = pb.Protection(ord_type=pb.ORD_TYPE_STOP, price="200")
FILLED = ("FILLED", "unspecified")


@pytest.fixture
async def kit(database: Any) -> AsyncIterator[Kit]:
    async with running(database) as kit:
        yield kit


def fill_of(kit: Kit, trade: pb.Trade) -> str:
    """The ExecID of a trade's last fill."""
    fills = [
        f.execution_report.exec_id
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.execution_report.exec_type == pb.EXEC_TYPE_FILL
    ]
    return fills[-1]


async def bust(kit: Kit, exec_id: str, **now: str) -> None:
    await kit.venue_stub.BustFill(
        paper_pb2.BustFillRequest(account=kit.account, exec_id=exec_id, **now), timeout=SECONDS
    )


async def held(kit: Kit) -> Decimal:
    return Decimal((await kit.positions()).get("AAPL", "0"))


@pytest.mark.rule("I.bust", "I.amended")
async def test_a_fill_that_is_taken_back_amends_the_trade_and_sends_nothing(kit: Kit) -> None:
    trade = kit.trade("buy", "5", stop_loss=STOP)
    assert await kit.run(trade) == FILLED
    await stops_become(kit, ["5"])
    await bust(kit, fill_of(kit, trade))
    await kit.until(lambda: kit.outcomes(trade)[-1] == ("CANCELED", "busted"))
    assert await held(kit) == 0
    assert await kit.venue_positions() == {}
    await stops_become(kit, [])
    report = next(
        f.execution_report
        for f in kit.facts
        if f.execution_report.exec_type == pb.EXEC_TYPE_TRADE_CANCEL
    )
    assert (report.ref_exec_id, report.last_qty) == (fill_of(kit, trade), "5")
    assert (report.cum_qty, report.position_qty) == ("0", "0")
    orders = [f for f in kit.facts if f.order_sending.order.leg == pb.LEG_ENTRY]
    assert len(orders) == 1
    [alarm] = [f.alarm for f in kit.facts if f.HasField("alarm")]
    assert (alarm.kind, alarm.order_id) == (pb.ALARM_KIND_BUSTED, report.order_id)
    assert (alarm.instrument, dict(alarm.numbers)) == ("AAPL", {"quantity": "5", "filled": "0"})


@pytest.mark.rule("I.bust", "I.amended")
async def test_a_corrected_fill_leaves_a_part_and_a_guard_that_fits(kit: Kit) -> None:
    trade = kit.trade("buy", "5", stop_loss=STOP)
    assert await kit.run(trade) == FILLED
    await stops_become(kit, ["5"])
    await bust(kit, fill_of(kit, trade), quantity="2", price="228.00")
    await kit.until(lambda: kit.outcomes(trade)[-1] == ("PARTIALLY_FILLED", "busted"))
    assert await held(kit) == 2
    assert await kit.venue_positions() == {"AAPL": "2"}

    def is_guarded() -> bool:
        told = [f.trade_protection for f in kit.facts if f.HasField("trade_protection")]
        last = told[-1]
        return (last.state, last.numbers.get("held")) == (pb.PROTECTION_STATE_PROTECTED, "2")

    await kit.until(is_guarded)
    assert await kit.run(kit.trade("exit", "")) == FILLED
    assert await kit.venue_positions() == {}


@pytest.mark.rule("I.bust", "I.amended")
async def test_an_exit_that_is_taken_back_leaves_the_position_and_its_trade_says_so(
    kit: Kit,
) -> None:
    assert await kit.run(kit.trade("buy", "5")) == FILLED
    leave = kit.trade("exit", "")
    assert await kit.run(leave) == FILLED
    await bust(kit, fill_of(kit, leave))
    await kit.until(lambda: kit.outcomes(leave)[-1] == ("CANCELED", "busted"))
    assert await held(kit) == 5
    again = kit.trade("exit", "")
    assert await kit.run(again) == FILLED
    assert await kit.venue_positions() == {}


@pytest.mark.rule("I.bust", "I.amended")
async def test_a_fill_taken_back_while_nobody_listened_is_found_once(kit: Kit) -> None:
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == FILLED
    await kit.server.kill()
    await bust(kit, fill_of(kit, trade))
    await kit.restart()
    assert await kit.run(kit.trade("buy", "1")) == FILLED
    await kit.until(lambda: kit.outcomes(trade)[-1] == ("CANCELED", "busted"))
    assert await held(kit) == 1
    await kit.restart()
    assert await kit.run(kit.trade("exit", "")) == FILLED
    assert await kit.venue_positions() == {}


@pytest.mark.rule("I.bust")
async def test_a_trade_that_cannot_be_read_keeps_no_other_from_its_reports(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "UNREAD_SECONDS", 0.2)
    bad, good = kit.trade("buy", "5"), kit.trade("buy", "3", allow_add=True)
    assert [await kit.run(bad), await kit.run(good)] == [FILLED, FILLED]
    fills = [fill_of(kit, bad), fill_of(kit, good)]
    await kit.server.kill()
    trade_id = UUID(hex=bad.trade_id)
    keep = "UPDATE execution.instructions SET trade = %s WHERE trade_id = %s"
    with psycopg.connect(kit.database.owner, autocommit=True) as owner:
        owner.execute(keep, (b"\xff", trade_id))
        for exec_id in fills:
            await bust(kit, exec_id)
        await kit.restart()
        # Somebody has to hold the account, that it is heard.
        assert await kit.run(kit.trade("buy", "1", allow_add=True)) == FILLED
        await kit.until(lambda: kit.outcomes(good)[-1] == ("CANCELED", "busted"))
        assert kit.outcomes(bad)[-1] == FILLED
        owner.execute(keep, (bad.SerializeToString(deterministic=True), trade_id))
        await kit.until(lambda: kit.outcomes(bad)[-1] == ("CANCELED", "busted"))
    # Asking had found it meanwhile: it moves the position once.
    async with asyncio.timeout(SECONDS):
        while await held(kit) != 1:
            await kit.read_facts()


async def test_the_venue_takes_a_fill_back_once(kit: Kit) -> None:
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == FILLED
    for exec_id in ("nothing", "nothing-1"):
        with pytest.raises(aio.AioRpcError) as refused:
            await bust(kit, exec_id)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    await bust(kit, fill_of(kit, trade))
    with pytest.raises(aio.AioRpcError):
        await bust(kit, fill_of(kit, trade))
