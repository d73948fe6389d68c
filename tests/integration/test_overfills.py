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


@pytest.fixture
async def kit(database: Database) -> AsyncIterator[Kit]:
    async with execution_kit.running(database) as kit:
        yield kit


def one_more(kit: Kit, quantity: int) -> Report:
    """The broker's stream says that more was filled of the first order."""
    order = next(f.order_sending.order for f in kit.facts if f.HasField("order_sending"))
    return Report(
        account=kit.account,
        report_id=f"{order.cl_ord_id}:beyond",
        sequence=0,
        cl_ord_id=order.cl_ord_id,
        broker_order_id="",
        exec_type=ExecType.FILL,
        ord_status=OrdStatus.FILLED,
        instrument=order.instrument,
        side=Side.BUY,
        exec_id="beyond",
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
        await kit.until(lambda: kit.facts[-1].HasField("trade_outcome"))
    more = kit.trade("buy", "1", allow_add=True)
    assert await kit.run(more) == ("SKIPPED", "overfilled")
    assert (await kit.positions())["AAPL"] == ("5" if corrects else "7")
    raised = [f.alarm for f in await kit.read_facts() if f.HasField("alarm")]
    assert [(a.kind, a.numbers["filled"]) for a in raised] == [(pb.ALARM_KIND_OVERFILLED, "7")]
    await kit.restart()
    assert (await kit.run(kit.trade("exit", "")))[0] == "FILLED"
    assert corrections(kit) == ([("SIDE_SELL", "2")] if corrects else [])
