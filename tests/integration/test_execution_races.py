"""Races that once made an order too many, or left a trade waiting for ever."""

import asyncio
from uuid import uuid4

import psycopg
import pytest

from execution.service.service import Service
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit

pytestmark = pytest.mark.usefixtures("impatient")


async def test_a_trade_stored_by_a_call_that_broke_off_still_goes_first(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.run(kit.trade("buy", "1"))
    first, second = kit.trade("buy", "5", allow_add=True), kit.trade("exit", "")
    with monkeypatch.context() as broken:
        # The deadline passed between the commit and what follows it.
        broken.setattr(Service, "_let_run", lambda *_: None)
        await kit.submit(first)
    assert await kit.submit(first, second) == ["ALREADY_STORED", "STORED"]
    assert await kit.outcome(second) == ("FILLED", "unspecified")
    assert await kit.outcome(first) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}


@pytest.mark.rule("D3.cancels")
async def test_an_exit_cancels_a_doubtful_entry_that_appears_after_the_first_try(
    kit: Kit,
) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=1400))
    await kit.venue_stub.ConfigureAccount(
        paper_pb2.ConfigureAccountRequest(
            account=kit.account,
            options=paper_pb2.Options(visibility_horizon_seconds=5, refuses_repeats=True),
        ),
        timeout=5,
    )
    entry = kit.trade("buy", "5", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1.00")
    leave = kit.trade("exit", "")
    await kit.submit(entry)
    await asyncio.sleep(0.4)
    await kit.submit(leave)
    assert (await kit.outcome(leave, 5))[0] == "DONE"
    assert (await kit.outcome(entry, 5))[0] == "CANCELED"


@pytest.mark.rule("A.whole")
async def test_two_exits_of_one_account_at_once_do_not_flip_it(kit: Kit) -> None:
    other = uuid4().hex
    await kit.run(kit.trade("buy", "5"))
    await kit.run(kit.trade("buy", "3", subscription_id=other))
    both = kit.trade("exit", ""), kit.trade("exit", "", subscription_id=other)
    await kit.submit(*both)
    for trade in both:
        await kit.outcome(trade)
    assert await kit.venue_positions() == {}


@pytest.mark.rule("B3.never", "B3.half", "I.half")
async def test_a_restart_does_not_revive_the_dropped_half_of_a_flip(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=800))
    flip = kit.trade("sell", "8", allow_swap=True)
    leave = kit.trade("exit", "")
    await kit.submit(flip)
    await asyncio.sleep(0.1)
    await kit.submit(leave)
    await kit.server.kill()
    await asyncio.sleep(1)
    await kit.restart()
    assert (await kit.outcome(flip))[0] == "PARTIALLY_FILLED"
    await kit.outcome(leave)
    sides = [
        f.order_sending.order.leg
        for f in kit.facts
        if f.trade_id == flip.trade_id and f.HasField("order_sending")
    ]
    assert sides == [pb.LEG_EXIT]
    assert await kit.venue_positions() == {}


@pytest.mark.rule("B3.half", "B3.cancel")
@pytest.mark.parametrize(("swaps", "said"), [(True, "flip_halved"), (False, "nothing_to_cancel")])
async def test_a_cancel_says_that_it_dropped_the_second_half_of_a_flip(
    kit: Kit, swaps: bool, said: str
) -> None:
    await kit.run(kit.trade("buy", "5"))
    far = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="900", time_in_force="day")
    flip = kit.trade("sell", "8", allow_swap=swaps, exit=far)
    await kit.submit(flip)
    await kit.until(lambda: [outcome[0] for outcome in kit.outcomes(flip)] == ["WORKING"])
    cancel = kit.trade("cancel", "")
    state, reason = await kit.run(cancel)
    assert (state, reason) == ("DONE" if swaps else "SKIPPED", said)
    await kit.run(kit.trade("exit", ""))
    state, _ = await kit.outcome(flip)
    assert state == "CANCELED" and await kit.venue_positions() == {}


async def test_an_account_that_cannot_be_read_stops_no_other(kit: Kit) -> None:
    sound = pb.Account(broker="paper", environment="paper", account=f"{kit.account}-b")
    resting = {"ord_type": pb.ORD_TYPE_LIMIT, "limit_price": "1.00"}
    poison = kit.trade("buy", "5", **resting)
    waiting = kit.trade("buy", "5", account=sound, **resting)
    await kit.submit(poison, waiting)
    await kit.until(lambda: bool(kit.outcomes(poison) and kit.outcomes(waiting)))
    await kit.server.kill()
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        await connection.execute(
            "UPDATE execution.instructions SET trade = '\\xffff' WHERE trade_id = %s",
            (poison.trade_id,),
        )
    await kit.restart()
    await kit.submit(kit.trade("cancel", "", account=sound), kit.trade("cancel", ""))
    assert await kit.outcome(waiting) == ("CANCELED", "canceled_by_signal")
