"""What a switch that stops everything does to the protection we keep ourselves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, running
from tests.integration.protection_kit import guarded, restrict, stands, until_resting
from tests.integration.switches_kit import ALL, OFF, Desk

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(autouse=True)
def halted_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.protection.protection.HALTED_SECONDS", 0.1)


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        yield Desk(kit.database, kit.venue, kit.server, kit.instance)


async def test_stop_all_keeps_a_stop_back_and_says_so_until_it_is_over(desk: Desk) -> None:
    await restrict(desk, no_brackets=True)
    enter = desk.trade("buy", "5", **guarded())
    await desk.run(enter)
    await stands(desk, enter, "PROTECTED", "5")
    at_300 = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="300")
    leave = desk.trade("exit", "2", exit=at_300)
    await desk.submit(leave)
    await until_resting(desk, ("LIMIT", 2), ("STOP", 3))
    await desk.switch(ALL)
    await desk.stub.CancelTrades(
        pb.CancelTradesRequest(trade_ids=[leave.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER),
        timeout=SECONDS,
    )
    # What the exit set free has no stop, and gets none yet.
    told = await stands(desk, enter, "UNPROTECTED", "5")
    assert (told.reason, told.numbers["covered"]) == (pb.REASON_HALTED, "3")
    await until_resting(desk, ("STOP", 3))
    await desk.switch(OFF)
    assert (await stands(desk, enter, "PROTECTED", "5")).reason == pb.REASON_UNSPECIFIED
    await until_resting(desk, ("STOP", 2), ("STOP", 3))


async def test_an_entry_that_a_switch_stops_leaves_nothing_to_guard(desk: Desk) -> None:
    await restrict(desk, no_brackets=True)
    await desk.switch(ALL)
    enter = desk.trade("buy", "5", **guarded())
    assert (await desk.run(enter))[0] == "HALTED"
    await desk.switch(OFF)
    assert await desk.run(desk.trade("buy", "5", **guarded())) == ("FILLED", "unspecified")
    assert not [
        f for f in desk.facts if f.trade_id == enter.trade_id and f.HasField("trade_protection")
    ]
