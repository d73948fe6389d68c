"""What a broker fills beyond an order, on the real database: told, and taken back once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from execution.domain.reports import Report
from execution.domain.words import ExecType, OrdStatus, Side
from protos.execution.v1 import execution_pb2 as pb
from tests.conftest import Database
from tests.integration import execution_kit
from tests.integration.execution_kit import Kit

STOPPED = ("SKIPPED", "overfilled")


@pytest.fixture
async def kit(database: Database) -> AsyncIterator[Kit]:
    async with execution_kit.running(database) as kit:
        yield kit


def one_more(kit: Kit, quantity: int) -> Report:
    """The broker's stream says that more was filled of the first order."""
    order = next(f.order_sending.order for f in kit.facts if f.HasField("order_sending"))
    return Report(
        account=kit.account,
        report_id=f"{order.cl_ord_id}:beyond:{quantity}",
        sequence=0,
        cl_ord_id=order.cl_ord_id,
        broker_order_id="",
        exec_type=ExecType.FILL,
        ord_status=OrdStatus.FILLED,
        instrument=order.instrument,
        side=Side.BUY,
        exec_id=f"beyond {quantity}",
        last_qty=Decimal(quantity),
        last_px=Decimal("228.40"),
        fee=None,
        text="",
        time=datetime.now(UTC),
        venue_time=None,
    )


def corrections(kit: Kit) -> list[tuple[str, str]]:
    """Orders that nobody asked for: their side and quantity."""
    sent = [f.order_sending.order for f in kit.facts if f.HasField("order_sending")]
    return [
        (pb.Side.Name(order.side), order.order_qty)
        for order in sent
        if order.origin == pb.ORIGIN_CORRECTION
    ]


@pytest.mark.rule("G5.stop")
async def test_entries_stop_over_a_restart_until_somebody_has_seen_it(kit: Kit) -> None:
    assert (await kit.run(kit.trade("buy", "5")))[0] == "FILLED"
    kit.server._holding.on_report(one_more(kit, 2))
    await kit.until(lambda: any(f.HasField("alarm") for f in kit.facts))
    await kit.restart()
    assert await kit.run(kit.trade("buy", "1", allow_add=True)) == STOPPED
    raised = next(f.alarm for f in kit.facts if f.alarm.kind == pb.ALARM_KIND_OVERFILLED)

    async def see(filled: str) -> None:
        request = pb.SeeOverfillRequest(order_id=raised.order_id, filled=filled, seen_by="me")
        await kit.stub.SeeOverfill(request, timeout=5)

    # That it was filled for six says nothing of the seventh.
    await see("6")
    assert await kit.run(kit.trade("buy", "1", allow_add=True)) == STOPPED
    await see(raised.numbers["filled"])
    assert (await kit.run(kit.trade("buy", "1", allow_add=True)))[0] == "FILLED"
    await kit.restart()
    assert (await kit.run(kit.trade("buy", "1", allow_add=True)))[0] == "FILLED"
    kit.server._holding.on_report(one_more(kit, 3))
    await kit.until(lambda: sum(f.HasField("lane_stop") for f in kit.facts) == 2)
    assert await kit.run(kit.trade("buy", "1", allow_add=True)) == STOPPED


async def test_what_was_taken_back_stops_nothing_after_a_restart(kit: Kit) -> None:
    assert (await kit.run(kit.trade("buy", "5", correct_overfills=True)))[0] == "FILLED"
    kit.server._holding.on_report(one_more(kit, 2))
    await kit.until(lambda: any(f.lane_stop.over for f in kit.facts))
    await kit.restart()
    assert (await kit.run(kit.trade("buy", "1", allow_add=True)))[0] == "FILLED"


@pytest.mark.rule("G5.alarm", "G5.correction")
@pytest.mark.parametrize("corrects", [False, True])
async def test_it_raises_an_alarm_and_is_taken_back_only_where_that_is_wanted(
    kit: Kit, corrects: bool
) -> None:
    enter = kit.trade("buy", "5", correct_overfills=corrects)
    assert (await kit.run(enter))[0] == "FILLED"
    beyond = one_more(kit, 2)
    kit.server._holding.on_report(beyond)
    kit.server._holding.on_report(beyond)
    await kit.until(lambda: any(f.HasField("alarm") for f in kit.facts))
    if corrects:
        await kit.until(lambda: corrections(kit) == [("SIDE_SELL", "2")])
        await kit.until(lambda: any(f.lane_stop.over for f in kit.facts))
    more = kit.trade("buy", "1", allow_add=True)
    assert await kit.run(more) == (("FILLED", "unspecified") if corrects else STOPPED)
    assert (await kit.positions())["AAPL"] == ("6" if corrects else "7")
    raised = [f.alarm for f in await kit.read_facts() if f.HasField("alarm")]
    assert [(a.kind, a.numbers["filled"]) for a in raised] == [(pb.ALARM_KIND_OVERFILLED, "7")]
    await kit.restart()
    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    assert corrections(kit) == ([("SIDE_SELL", "2")] if corrects else [])
