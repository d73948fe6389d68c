"""Kill switches on the whole of execution: server, venue and database are real."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from grpc import aio

from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, running, start_server
from tests.integration.switches_kit import ALL, ENTRIES, FLATTEN, OFF, SCOPES, Desk, numbered


@pytest.fixture
async def desk(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        desk = Desk(kit.database, kit.venue, kit.server, kit.instance)
        yield desk
        await desk.close_channels()
        kit.server = desk.server


def resting(**fields: Any) -> dict[str, Any]:
    """A limit far below the market."""
    return {"ord_type": pb.ORD_TYPE_LIMIT, "limit_price": "100", **fields}


@pytest.mark.rule("I.halted")
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("mode", [ENTRIES, ALL, FLATTEN])
async def test_no_entry_passes_a_switch_of_any_scope(desk: Desk, scope: str, mode: Any) -> None:
    await desk.switch(mode, scope)
    assert await desk.run(desk.trade()) == ("HALTED", "halted")
    assert desk.arrivals() == []
    await desk.switch(OFF, scope)
    assert await desk.run(desk.trade()) == ("FILLED", "unspecified")


@pytest.mark.parametrize("scope", ["broker", "tenant", "strategy", "connection"])
async def test_a_switch_of_others_stops_nobody_here(desk: Desk, scope: str) -> None:
    await desk.switch(ALL, scope, uuid4().hex)
    assert await desk.run(desk.trade()) == ("FILLED", "unspecified")


async def test_a_broker_is_halted_by_no_tenant(desk: Desk) -> None:
    request = pb.SetSwitchRequest(
        scope=SCOPES["broker"],
        scope_id=desk.id_of("broker"),
        mode=ALL,
        set_by="person:test",
        tenant_id=desk.tenant,
    )
    with pytest.raises(aio.AioRpcError) as refused:
        await desk.stub.SetSwitch(request, timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert await desk.run(desk.trade()) == ("FILLED", "unspecified")


@pytest.mark.rule("I.finish")
async def test_exits_pass_where_only_entries_are_stopped(desk: Desk) -> None:
    await desk.run(desk.trade())
    await desk.switch(ENTRIES)
    assert await desk.run(desk.trade("exit", "")) == ("FILLED", "unspecified")
    assert await desk.venue_positions() == {}


@pytest.mark.rule("K.words.refused", "I.half")
async def test_a_flip_is_halved_where_entries_are_stopped(desk: Desk) -> None:
    await desk.run(desk.trade())
    await desk.switch(ENTRIES)
    flip = desk.trade("sell", "5", allow_swap=True)
    assert await desk.run(flip) == ("PARTIALLY_FILLED", "halted")
    assert await desk.venue_positions() == {}


async def test_stop_all_stops_exits_too_and_keeps_what_guards(desk: Desk) -> None:
    await desk.run(desk.trade(stop_loss=pb.Protection(percent="5"), price_type=pb.PRICE_TYPE_LAST))
    await desk.switch(ALL)
    assert await desk.run(desk.trade("exit", "")) == ("HALTED", "halted")
    assert len(await desk.open_orders()) == 1
    assert await desk.venue_positions() == {"AAPL": "5"}


@pytest.mark.rule("I.all")
async def test_stop_all_lists_what_no_stop_guards(desk: Desk) -> None:
    guarded = uuid4()
    stop = pb.Protection(percent="5")
    await desk.run(desk.trade())
    await desk.run(
        desk.trade(
            subscription_id=guarded.hex,
            instrument="MSFT",
            stop_loss=stop,
            price_type=pb.PRICE_TYPE_LAST,
        )
    )
    answer = await desk.switch(ALL)
    left = [(u.instrument, u.quantity, u.protected_quantity) for u in answer.switch.unprotected]
    assert left == [("AAPL", "5", "0")]
    assert answer.switch.unprotected[0].connection_id == desk.connection
    assert (await desk.listed()).switches[0].unprotected[0].instrument == "AAPL"


@pytest.mark.rule("A.origin")
@pytest.mark.parametrize("scope", SCOPES)
async def test_flatten_cancels_and_closes_what_is_in_scope(desk: Desk, scope: str) -> None:
    await desk.run(desk.trade(stop_loss=pb.Protection(percent="5"), price_type=pb.PRICE_TYPE_LAST))
    waiting = desk.trade(subscription_id=uuid4().hex, instrument="MSFT", **resting())
    await desk.submit(waiting)
    await desk.until(lambda: ("WORKING", "unspecified") in desk.outcomes(waiting))

    answer = await desk.switch(FLATTEN, scope)
    assert len(answer.trade_ids) == 2
    closing = [pb.Trade(trade_id=trade_id) for trade_id in answer.trade_ids]
    ends = {await desk.outcome(trade) for trade in closing}
    assert ends == {("FILLED", "unspecified"), ("DONE", "entry_canceled")}
    assert await desk.venue_positions() == {}
    assert await desk.open_orders() == []
    origins = {o.origin for trade in closing for o in desk.orders(trade.trade_id)}
    assert origins == {pb.ORIGIN_KILL_SWITCH}
    told = [f.origin for f in desk.facts if f.trade_id in answer.trade_ids]
    assert set(told) == {pb.ORIGIN_KILL_SWITCH}
    assert await desk.run(desk.trade()) == ("HALTED", "halted")


async def test_flatten_closes_the_contract_that_is_held(desk: Desk) -> None:
    future = desk.trade(
        instrument="MNQ1!", asset_class=pb.ASSET_CLASS_FUTURES, quantity="1", signal_price="25000"
    )
    assert await desk.run(future) == ("FILLED", "unspecified")
    [held] = await desk.venue_positions()
    answer = await desk.switch(FLATTEN)
    [closing] = [pb.Trade(trade_id=trade_id) for trade_id in answer.trade_ids]
    assert await desk.outcome(closing) == ("FILLED", "unspecified")
    assert [o.instrument for o in desk.orders(closing.trade_id)] == [held]
    assert await desk.venue_positions() == {}


async def test_flatten_again_closes_nothing_twice(desk: Desk) -> None:
    await desk.run(desk.trade())
    first = await desk.switch(FLATTEN)
    await desk.outcome(pb.Trade(trade_id=first.trade_ids[0]))
    again = await desk.switch(FLATTEN)
    assert list(again.trade_ids) == []
    assert again.switch.version == first.switch.version


async def test_flatten_leaves_what_is_out_of_scope(desk: Desk) -> None:
    await desk.run(desk.trade())
    other = desk.trade(subscription_id=uuid4().hex, instrument="MSFT", connection_id=uuid4().hex)
    await desk.run(other)
    answer = await desk.switch(FLATTEN)
    for trade_id in answer.trade_ids:
        await desk.outcome(pb.Trade(trade_id=trade_id))
    assert await desk.venue_positions() == {"MSFT": "5"}


async def test_a_switch_outlives_a_restart(desk: Desk) -> None:
    await desk.switch(ENTRIES, "platform")
    await desk.restart()
    assert [s.mode for s in (await desk.listed()).switches] == [ENTRIES]
    assert await desk.run(desk.trade()) == ("HALTED", "halted")


async def test_another_instance_obeys_within_a_second(desk: Desk) -> None:
    await desk.run(desk.trade())
    other = await start_server(desk.database, desk.venue, "execution-2")
    try:
        elsewhere = Desk(desk.database, desk.venue, other, "execution-2")
        elsewhere.connection = desk.connection
        began = time.monotonic()
        await elsewhere.switch(FLATTEN)
        while await desk.venue_positions():
            assert time.monotonic() - began < SECONDS
            await asyncio.sleep(0.02)
        print(f"flat {time.monotonic() - began:.3f} s after it was asked for elsewhere")
        assert await desk.run(desk.trade()) == ("HALTED", "halted")
        await elsewhere.close_channels()
    finally:
        await other.stop()


@pytest.mark.rule("G1.standing")
async def test_an_entry_in_doubt_behind_a_switch_is_not_sent_again(desk: Desk) -> None:
    await desk.drop_the_first(seconds=7)
    entry = desk.trade()
    await desk.submit(entry)
    await desk.until(lambda: ("BLOCKED", "in_doubt") in desk.outcomes(entry))
    await desk.switch(ENTRIES)
    assert await desk.outcome(entry) == ("SKIPPED", "superseded")
    assert await desk.venue_positions() == {}


@pytest.mark.rule("B3.switch", "B3.never", "B3.blocked")
async def test_an_entry_that_waited_is_not_revived(desk: Desk) -> None:
    await desk.drop_the_first(seconds=7)
    doubtful, waiting = desk.trade(), desk.trade(allow_add=True)
    await desk.submit(doubtful)
    await desk.until(lambda: ("BLOCKED", "in_doubt") in desk.outcomes(doubtful))
    await desk.submit(waiting)
    await desk.until(lambda: ("BLOCKED", "in_doubt") in desk.outcomes(waiting))
    await desk.switch(ENTRIES)
    assert await desk.outcome(waiting) == ("SKIPPED", "superseded")
    await desk.switch(OFF)
    await desk.outcome(doubtful)
    assert await desk.venue_positions() == {}


# -- between planning and the commit


async def set_unseen(desk: Desk, mode: Any, scope: str = "connection") -> None:
    """A switch as another instance commits it: this one has not looked since."""
    with psycopg.connect(desk.database.url("execution")) as connection:
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('execution.switches', 0))"
        )
        connection.execute(
            "INSERT INTO execution.switches (scope, scope_id, name, value, set_by, version) "
            "SELECT %s, %s, 'stop', jsonb_build_object('mode', %s::text, 'why', ''), 'test', "
            "coalesce(max(version), 0) + 1 FROM execution.switches",
            [scope, desk.id_of(scope), pb.SwitchMode.Name(mode)[12:].lower()],
        )


@pytest.mark.rule("I.halted")
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_switch_between_planning_and_sending_stops_the_order(
    desk: Desk, scope: str
) -> None:
    await desk.run(desk.trade())
    sent = len(desk.arrivals())
    trades = [desk.trade(subscription_id=uuid4().hex, instrument="MSFT") for _ in range(20)]
    await set_unseen(desk, ENTRIES, scope)
    await desk.submit(*trades)
    ends = [await desk.outcome(trade) for trade in trades]
    assert ends == [("HALTED", "halted")] * 20
    assert len(desk.arrivals()) == sent
    await numbered(desk)


async def test_an_exit_goes_on_where_an_unseen_switch_stopped_it(desk: Desk) -> None:
    await desk.run(desk.trade())
    await set_unseen(desk, ENTRIES)
    assert await desk.run(desk.trade("exit", "")) == ("FILLED", "unspecified")
    await numbered(desk)


async def test_toggled_under_load_no_order_is_written_after_the_commit(desk: Desk) -> None:
    await desk.run(desk.trade())
    trades = [desk.trade(subscription_id=uuid4().hex, instrument="MSFT") for _ in range(300)]

    async def send() -> None:
        for trade in trades:
            await desk.submit(trade)

    async def toggle() -> list[tuple[Any, Any]]:
        spans = []
        for _ in range(8):
            on = (await desk.switch(ENTRIES, "platform")).switch
            await asyncio.sleep(0.05)
            off = (await desk.switch(OFF, "platform")).switch
            spans.append((on.set_time.ToDatetime(), off.set_time.ToDatetime()))
            await asyncio.sleep(0.05)
        return spans

    _, spans = await asyncio.gather(send(), toggle())
    ends = {await desk.outcome(trade) for trade in trades}
    assert ends == {("FILLED", "unspecified"), ("HALTED", "halted")}
    with psycopg.connect(desk.database.url("owner")) as owner:
        # A switch that comes between the commit and the socket leaves an order that never went.
        arrived = owner.execute(
            "SELECT count(*) FROM execution.orders JOIN paper.arrivals USING (cl_ord_id) "
            "WHERE instrument = 'MSFT'"
        ).fetchone()
        inside = [
            owner.execute(
                "SELECT count(*) FROM execution.orders o JOIN execution.facts f "
                "ON f.order_id = o.id AND f.kind = 'sending' "
                "WHERE o.created_at > %s AND o.created_at < %s",
                [on.replace(tzinfo=UTC), off.replace(tzinfo=UTC)],
            ).fetchone()
            for on, off in spans
        ]
    halted = sum(desk.outcomes(t)[-1][0] == "HALTED" for t in trades)
    assert arrived == (300 - halted,)
    assert inside == [(0,)] * 8
    await numbered(desk)
