"""Stop entries at a broker that holds no stops: watched here, and sent at their price."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from execution.limits.session import Session, Waiting
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.integration.execution_kit import SECONDS, Kit, running
from tests.integration.protection_kit import (
    guarded,
    move_price,
    resting,
    restrict,
    stands,
    until_resting,
)
from tests.integration.switches_kit import ALL, ENTRIES, Desk

WATCHED = ("WORKING", "entry_watched")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.limits.session.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("execution.engine.watching.WATCH_SECONDS", 0.1)


@pytest.fixture
async def kit(database: Any) -> AsyncIterator[Desk]:
    async with running(database) as kit:
        desk = Desk(kit.database, kit.venue, kit.server, kit.instance)
        await restrict(desk, no_brackets=True, no_stops=True)
        yield desk
        await desk.close_channels()
        kit.server = desk.server


def stop_at(price: str, limit: str = "", **fields: Any) -> dict[str, Any]:
    """An entry as a stop, or with a limit as a stop-limit."""
    kind = pb.ORD_TYPE_STOP_LIMIT if limit else pb.ORD_TYPE_STOP
    style = pb.OrderStyle(ord_type=kind, stop_price=price, limit_price=limit, **fields)
    return {"entry": style, "exit": pb.OrderStyle()}


async def watch(kit: Kit, action: str = "buy", price: str = "250", **fields: Any) -> pb.Trade:
    """A stop entry that waits for its price."""
    trade = kit.trade(action, "5", **stop_at(price), **fields)
    await kit.submit(trade)
    await kit.until(lambda: WATCHED in kit.outcomes(trade))
    return trade


async def at_venue(kit: Kit) -> list[str]:
    """The ClOrdID of every order that ever came there and was taken."""
    async with await psycopg.AsyncConnection.connect(kit.database.url("owner")) as owner:
        found = await owner.execute(
            "SELECT cl_ord_id FROM paper.orders WHERE account = %s", (kit.account,)
        )
        return [name for (name,) in await found.fetchall()]


def sent(kit: Kit, trade: pb.Trade) -> list[pb.Order]:
    """The orders of a trade, as they were written down."""
    return [
        f.order_sending.order
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("order_sending")
    ]


@pytest.mark.rule("K.price.stop")
async def test_k_a_stop_entry_that_the_broker_lacks_goes_to_market_at_its_price(kit: Desk) -> None:
    trade = await watch(kit)
    [order] = sent(kit, trade)
    assert (order.synthetic, order.ord_type, order.stop_price) == (True, pb.ORD_TYPE_STOP, "250")
    assert await resting(kit) == []
    await move_price(kit, "240")
    await asyncio.sleep(0.5)
    assert kit.outcomes(trade)[-1] == WATCHED
    await move_price(kit, "260")
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    assert ids.order_ids(UUID(hex=trade.trade_id), "entry", 0)[1] in await at_venue(kit)
    assert await kit.venue_positions() == {"AAPL": "7"}


@pytest.mark.rule("K.price.stop")
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_k_a_watched_entry_pays_what_its_price_came_to_be(
    kit: Desk, is_restarted: bool
) -> None:
    trade = await watch(kit, **guarded())
    if is_restarted:
        await kit.restart()
    await move_price(kit, "260")
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    paid = [
        f.execution_report.last_px
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.execution_report.last_qty
    ]
    assert len(paid) == 1 and 257 < float(paid[0]) < 263


@pytest.mark.rule("K.price.stop", "C4.never")
async def test_c4_a_stop_limit_entry_becomes_the_limit_it_asked_for(kit: Desk) -> None:
    await move_price(kit, "240")
    style = stop_at("250", "251", time_in_force="gtc")
    trade = kit.trade("buy", "5", signal_price="", **style)
    await kit.submit(trade)
    await kit.until(lambda: WATCHED in kit.outcomes(trade))
    # Far beyond its limit, so it rests there.
    await move_price(kit, "280")
    await until_resting(kit, ("LIMIT", 5))
    await move_price(kit, "240")
    assert await kit.outcome(trade) == ("FILLED", "unspecified")


@pytest.mark.rule("K.price.stop")
async def test_k_a_watched_sell_goes_when_the_price_has_fallen_to_it(kit: Desk) -> None:
    trade = await watch(kit, "sell", "200")
    await move_price(kit, "190")
    assert await kit.outcome(trade) == ("FILLED", "unspecified")


@pytest.mark.rule("K.price.stop")
async def test_k_a_watched_entry_is_watched_on_after_a_restart_and_goes_once(kit: Desk) -> None:
    trade = await watch(kit, **guarded())
    await kit.restart()
    assert await kit.run(kit.trade("buy", "5", **stop_at("255"))) == ("SKIPPED", "entry_working")
    await move_price(kit, "260")
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    assert (await stands(kit, trade, "PROTECTED", "5")).synthetic
    await kit.restart()
    await move_price(kit, "262")
    assert (await at_venue(kit)).count(sent(kit, trade)[0].cl_ord_id) == 1


@pytest.mark.rule("K.price.stop")
async def test_k_a_restart_between_the_price_and_the_socket_asks_before_it_sends(
    kit: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = await watch(kit)
    submit, name = Session.submit, sent(kit, trade)[0].cl_ord_id

    def all_but_it(session: Session, waiting: Waiting) -> None:
        if waiting.order.cl_ord_id != name:
            submit(session, waiting)

    with monkeypatch.context() as dying:
        dying.setattr(Session, "submit", all_but_it)
        await move_price(kit, "260")
        await kit.until(lambda: "fired_at" in last_numbers(kit, trade))
        await kit.server.kill()
    await kit.restart()
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    assert (await at_venue(kit)).count(name) == 1


@pytest.mark.rule("C2.exit")
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("exit", ("DONE", "entry_canceled")),
        ("cancel", ("DONE", "unspecified")),
        ("sell", ("FILLED", "unspecified")),
    ],
)
async def test_c2_a_watched_entry_is_canceled_like_one_that_rests(
    kit: Desk, action: str, outcome: tuple[str, str], restarts: bool
) -> None:
    trade = await watch(kit)
    if restarts:
        await kit.restart()
    quantity = "5" if action == "sell" else ""
    told = await kit.run(kit.trade(action, quantity, allow_swap=True))
    assert told == outcome
    assert await kit.outcome(trade) == ("CANCELED", "canceled_by_signal")
    await move_price(kit, "260")
    await asyncio.sleep(0.5)
    assert sent(kit, trade)[0].cl_ord_id not in await at_venue(kit)


@pytest.mark.rule("K.price.stop")
async def test_a_watched_entry_ends_after_its_time_and_when_a_member_ends_it(kit: Desk) -> None:
    timed = kit.trade("buy", "5", **stop_at("250", cancel_after_seconds=1))
    assert await kit.run(timed) == ("CANCELED", "canceled_in_time")
    trade = await watch(kit)
    await kit.stub.CancelTrades(
        pb.CancelTradesRequest(trade_ids=[trade.trade_id], reason=pb.REASON_CANCELED_BY_MEMBER),
        timeout=SECONDS,
    )
    assert await kit.outcome(trade) == ("CANCELED", "canceled_by_member")
    assert await at_venue(kit) == []


@pytest.mark.rule("B3.switch", "I.halted")
@pytest.mark.parametrize("mode", [ENTRIES, ALL])
@pytest.mark.parametrize("restarts", [False, True])
async def test_b3_a_kill_switch_ends_a_watched_entry(
    kit: Desk, mode: "pb.SwitchMode", restarts: bool
) -> None:
    trade = await watch(kit)
    if restarts:
        await kit.restart()
    await kit.switch(mode)
    assert await kit.outcome(trade) == ("HALTED", "halted")
    numbers, word = last_numbers(kit, trade), "stop entries" if mode == ENTRIES else "stop all"
    assert (numbers["scope"], numbers["mode"]) == ("connection", word)
    assert await at_venue(kit) == []


def last_numbers(kit: Kit, trade: pb.Trade) -> dict[str, str]:
    """What was told of a trade last."""
    found = [f for f in kit.facts if f.trade_id == trade.trade_id and f.HasField("trade_outcome")]
    return dict(found[-1].trade_outcome.numbers)
