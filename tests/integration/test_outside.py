"""What happens at the broker without us: orders by hand, and positions that no report tells of."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from execution.holding import reconciling
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit, running

STOP = pb.Protection(ord_type=pb.ORD_TYPE_STOP, price="200")


@pytest.fixture
async def kit(database: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setattr(reconciling, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(reconciling, "SOON_SECONDS", 0.05)
    async with running(database) as kit:
        yield kit


def externals(kit: Kit) -> list[pb.ExternalReport]:
    return [f.external_report for f in kit.facts if f.HasField("external_report")]


async def held(kit: Kit) -> Decimal:
    return Decimal((await kit.positions()).get("AAPL", "0"))


async def stops_become(
    kit: Kit, wanted: list[str], ord_type: paper_pb2.OrdType = paper_pb2.ORD_TYPE_STOP
) -> None:
    """Until so many stops work at the venue, of these sizes; or so many orders of a type."""
    asked = paper_pb2.GetAccountRequest(account=kit.account)
    async with asyncio.timeout(15):
        while True:
            orders = (await kit.venue_stub.GetAccount(asked)).open_orders
            if [o.order_qty for o in orders if o.ord_type == ord_type] == wanted:
                return
            await kit.read_facts()


@pytest.mark.rule("A.external", "D5.position")
async def test_a_fill_by_hand_moves_the_position_once(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    name = await kit.by_hand("sell", "3")
    await kit.until(lambda: bool(kit.changes()))
    [change] = kit.changes()
    assert (change.cause, change.change_qty, change.position.quantity) == ("external", "-3", "2")
    assert dict(change.position.own) == {kit.subscription.hex: "2"}
    new, fill = externals(kit)
    assert (new.order.cl_ord_id, new.order.origin) == (name, pb.ORIGIN_EXTERNAL)
    assert (new.order.order_qty, fill.order.cum_qty, fill.last_px) == ("3", "3", "228.40")
    assert {f.trade_id for f in kit.facts if f.HasField("external_report")} == {""}
    # A look at the broker finds nothing more.
    await kit.server._adapters["paper", "paper"].attach([(kit.account, 0)])
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}
    assert await held(kit) == 0
    assert len(kit.changes()) == 1


@pytest.mark.rule("D5.position")
async def test_what_was_done_by_hand_while_nobody_looked_is_found(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await kit.server.kill()
    await kit.by_hand("sell", "3")
    await kit.restart()
    exit_ = kit.trade("exit", "")
    assert await kit.run(exit_) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}
    [change] = kit.changes()
    assert (change.change_qty, change.position.quantity) == ("-3", "2")


@pytest.mark.rule("D4.outside", "D2.quantity")
async def test_an_exit_that_rests_gives_way_to_a_smaller_one_also_after_a_restart(
    kit: Kit,
) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    far = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="900", time_in_force="gtc")
    await kit.submit(kit.trade("exit", "", exit=far))
    await stops_become(kit, ["5"], paper_pb2.ORD_TYPE_LIMIT)
    await kit.by_hand("sell", "1")
    await stops_become(kit, ["4"], paper_pb2.ORD_TYPE_LIMIT)
    await kit.server.kill()
    await kit.by_hand("sell", "2")
    await kit.restart()
    await stops_become(kit, ["2"], paper_pb2.ORD_TYPE_LIMIT)


@pytest.mark.rule("D5.position", "A.moves")
async def test_a_position_that_no_report_tells_of_is_found_by_asking(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await kit.transfer("-2")
    await kit.until(lambda: bool(kit.changes()))
    [change] = kit.changes()
    assert (change.cause, change.change_qty, change.position.quantity) == ("external", "-2", "3")
    assert change.text == "the broker holds 3, 5 was known"
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}


@pytest.mark.rule("D5.unknown")
async def test_a_broker_that_cannot_be_asked_is_not_flat(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await kit.venue.stop()
    await kit.server._holding._reconciling._ask(kit.server._holding.accounts())
    assert await held(kit) == 5
    assert kit.changes() == []


@pytest.mark.rule("D4.outside")
async def test_protection_shrinks_with_a_position_that_is_sold_by_hand(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5", stop_loss=STOP)) == ("FILLED", "unspecified")
    await kit.by_hand("sell", "3")
    await kit.until(lambda: bool(kit.changes()))
    await stops_become(kit, ["2"])
    await kit.by_hand("sell", "2")
    await stops_become(kit, [])
    await kit.until(lambda: len(kit.changes()) == 2)
    assert await held(kit) == 0


@pytest.mark.rule("A.own")
async def test_shares_together_are_no_more_than_the_broker_holds(kit: Kit) -> None:
    first, second = kit.subscription, uuid4()
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    assert await kit.run(kit.trade("buy", "4", subscription_id=second.hex)) == (
        "FILLED",
        "unspecified",
    )
    await kit.by_hand("sell", "7")
    await kit.until(lambda: bool(kit.changes()))
    [alarm] = [f.alarm for f in kit.facts if f.HasField("alarm")]
    assert alarm.kind == pb.ALARM_KIND_SHARE_TAKEN
    assert dict(alarm.numbers) == {"taken": "7", "left": "2"}
    # Whose trades close the whole account goes first.
    own = dict(kit.changes()[0].position.own)
    assert own == {first.hex: "0", second.hex: "2"}
    assert await kit.run(kit.trade("exit", "", subscription_id=second.hex)) == (
        "FILLED",
        "unspecified",
    )
    assert await kit.venue_positions() == {}


@pytest.mark.rule("A.default")
async def test_a_subscription_beside_a_foreign_position_trades_its_own(kit: Kit) -> None:
    await kit.by_hand("buy", "10")
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {"AAPL": "10"}
    assert await held(kit) == 10


@pytest.mark.rule("A.whole")
async def test_an_account_wide_subscription_plans_from_what_was_bought_by_hand(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await kit.by_hand("buy", "2")
    await kit.until(lambda: bool(kit.changes()))
    assert dict(kit.changes()[0].position.own) == {kit.subscription.hex: "5"}
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}


async def test_an_order_by_hand_that_rests_is_told_of_and_moves_nothing(kit: Kit) -> None:
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    await kit.by_hand("sell", "5", limit="100000")
    await kit.until(lambda: bool(externals(kit)))
    [new] = externals(kit)
    assert (new.order.ord_type, new.order.limit_price) == (pb.ORD_TYPE_LIMIT, "100000")
    assert new.order.ord_status == pb.ORD_STATUS_NEW
    assert kit.changes() == []
    assert await held(kit) == 5


@pytest.mark.rule("D5.fill")
async def test_an_answer_from_before_a_fill_takes_nothing_from_it(kit: Kit) -> None:
    await kit.by_hand("buy", "1", symbol="MSFT")
    assert await kit.run(kit.trade("buy", "1", instrument="MSFT")) == ("FILLED", "unspecified")
    [account] = kit.server._holding.accounts()
    [before] = await account.adapter.held([kit.account])
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    account.outside.told = before
    kit.server._holding._reconciling.compare(account)
    assert await held(kit) == 5
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {"MSFT": "2"}
