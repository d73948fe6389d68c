"""Doubt, restarts and takeovers: asked before resent, resumed where it stopped."""

import asyncio
import contextlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg
import pytest
from grpc import aio

from execution.paper import config as paper_config
from protos import faults, wire
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit, start_server

DROP = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DROP)
LOST_REPLY = paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LOST_REPLY)


pytestmark = pytest.mark.usefixtures("impatient")


async def arrivals(kit: Kit) -> list[str]:
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        rows = await connection.execute("SELECT result FROM paper.arrivals ORDER BY id")
        return [row[0] for row in await rows.fetchall()]


@pytest.mark.rule("G1.doubt", "G1.asked", "G1.adopted")
async def test_an_order_in_doubt_is_found_and_adopted(kit: Kit) -> None:
    await kit.faults(LOST_REPLY)
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("FILLED", "unspecified")
    assert ("BLOCKED", "in_doubt") in kit.outcomes(trade)
    assert await arrivals(kit) == ["accepted"]
    reports = [f.execution_report for f in kit.facts if f.HasField("execution_report")]
    assert all(report.recovered for report in reports)


@pytest.mark.rule("G1.resent")
async def test_an_order_proven_absent_is_sent_again_with_its_id(kit: Kit) -> None:
    await kit.faults(DROP)
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {"AAPL": "5"}
    sendings = [f for f in kit.facts if f.HasField("order_sending")]
    assert len(sendings) == 1


@pytest.mark.rule("G1.horizon")
@pytest.mark.timeout(90)
async def test_at_the_venue_s_real_horizon_absence_is_proven_after_it_and_not_before(
    kit: Kit,
) -> None:
    horizon = paper_config.read(
        {"FILLWIRE_PAPER_BIND": "", "FILLWIRE_PAPER_DATABASE_URL": ""}
    ).visibility_seconds
    assert horizon == 35
    await kit.faults(DROP, horizon=horizon)
    trade = kit.trade("buy", "5")
    began = time.monotonic()
    await kit.submit(trade)
    assert await kit.outcome(trade, seconds=horizon + 10) == ("FILLED", "unspecified")
    assert time.monotonic() - began > horizon
    assert await arrivals(kit) == ["accepted"]


@pytest.mark.rule("G1.horizon", "G3.takeover")
async def test_its_horizon_is_counted_from_when_it_was_first_taken_over(kit: Kit) -> None:
    await kit.faults(DROP, horizon=3)
    trade = kit.trade("buy", "5")
    await kit.submit(trade)
    await kit.until(lambda: ("BLOCKED", "in_doubt") in kit.outcomes(trade))
    for _ in range(3):
        await kit.restart()
        assert await arrivals(kit) == []
        await asyncio.sleep(1.2)
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    kinds = [f.WhichOneof("kind") or "" for f in kit.facts if f.trade_id == trade.trade_id]
    sendings = [kind for kind in kinds if kind.startswith("order_")]
    assert sendings == ["order_sending", "order_unanswered", "order_resent"]


@pytest.mark.rule("G1.standing", "K.words.nothing", "D3.debt")
async def test_an_exit_behind_a_doubtful_entry_ends_it(kit: Kit) -> None:
    await kit.faults(DROP)
    entry, leave = kit.trade("buy", "5"), kit.trade("exit", "")
    await kit.submit(entry)
    await kit.submit(leave)
    assert await kit.outcome(entry) == ("SKIPPED", "superseded")
    assert await kit.outcome(leave) == ("DONE", "nothing_appeared")
    assert ("BLOCKED", "flatten_debt") in kit.outcomes(leave)
    assert await arrivals(kit) == []


@pytest.mark.rule("D3.remains", "K.words.debt")
async def test_a_flatten_debt_closes_what_appears(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=700))
    entry, leave = kit.trade("buy", "5"), kit.trade("exit", "")
    await kit.submit(entry)
    await kit.submit(leave)
    await kit.outcome(leave)
    await kit.until(lambda: kit.outcomes(leave)[-1][0] in ("FILLED", "DONE"))
    if kit.outcomes(leave)[-1] == ("DONE", "nothing_appeared"):
        # Taken later than the venue's own horizon: the late fill amends the entry.
        await kit.until(lambda: kit.outcomes(entry)[-1][0] == "FILLED")
    else:
        assert await kit.venue_positions() == {}


@pytest.mark.rule("B2.doubt")
async def test_entries_behind_doubt_are_blocked_and_then_go_on(kit: Kit) -> None:
    await kit.faults(DROP)
    first, second = kit.trade("buy", "5"), kit.trade("buy", "2", allow_add=True)
    await kit.submit(first)
    await kit.submit(second)
    assert await kit.outcome(first) == ("FILLED", "unspecified")
    assert await kit.outcome(second) == ("FILLED", "unspecified")
    assert ("BLOCKED", "in_doubt") in kit.outcomes(second)
    assert await kit.venue_positions() == {"AAPL": "7"}


@pytest.mark.rule("G1.unprovable")
async def test_an_absence_that_cannot_be_proven_needs_attention(kit: Kit) -> None:
    await kit.faults(DROP, refuses_repeats=False)
    trade = kit.trade("buy", "5")
    assert await kit.run(trade) == ("NEEDS_ATTENTION", "not_provable")
    assert await arrivals(kit) == []


@pytest.mark.rule("G3.one")
@pytest.mark.parametrize(
    "point",
    [
        "store.before_commit",
        "store.after_commit",
        "sending.before_commit",
        "sending.after_commit",
        "socket.after_write",
        "reports.before_commit",
        "reports.after_commit",
    ],
)
async def test_a_restart_at_each_stage_makes_one_order(
    kit: Kit, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILLWIRE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("FILLWIRE_FAULT", f"execution:{point}:1:raise")
    await kit.faults()
    faults.arm("execution")
    trade = kit.trade("buy", "5")
    with contextlib.suppress(Exception):
        await kit.submit(trade)
    async with asyncio.timeout(5):
        while not list(tmp_path.glob("faults/*")):
            await asyncio.sleep(0.01)
    monkeypatch.delenv("FILLWIRE_FAULT")
    faults.arm("execution")
    await kit.restart()
    await kit.submit(trade)
    assert await kit.outcome(trade) == ("FILLED", "unspecified")
    assert (await arrivals(kit)).count("accepted") == 1
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "5"}
    assert [f.seq for f in kit.facts] == list(range(1, len(kit.facts) + 1))


async def test_fills_missed_while_down_are_resumed(kit: Kit) -> None:
    trade = kit.trade("buy", "5", ord_type=pb.ORD_TYPE_LIMIT, limit_price="1.00")
    await kit.submit(trade)
    await kit.until(lambda: ("WORKING", "unspecified") in kit.outcomes(trade))
    await kit.restart()
    assert await kit.run(kit.trade("cancel", "")) == ("DONE", "unspecified")
    assert await kit.outcome(trade) == ("CANCELED", "canceled_by_signal")


@pytest.mark.rule("G3.paused")
async def test_another_instance_takes_over_and_the_old_one_writes_nothing(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    async with await psycopg.AsyncConnection.connect(kit.database.owner) as connection:
        await connection.execute("UPDATE execution.leases SET epoch = epoch + 1")
    refused = kit.trade("exit", "")
    await kit.submit(refused)
    # The poll finds it again once the lost account was dropped and its lease is free.
    assert await kit.outcome(refused) == ("FILLED", "unspecified")
    assert await kit.venue_positions() == {}
    seqs = [f.seq for f in kit.facts]
    assert seqs == sorted(set(seqs))


async def test_an_instruction_stored_by_another_instance_is_executed_by_the_holder(
    kit: Kit,
) -> None:
    await kit.run(kit.trade("buy", "5"))
    holder = kit.server
    kit.server = await start_server(kit.database, kit.venue, "execution-2")
    await kit.close_channels()
    try:
        assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    finally:
        await kit.close_channels()
        await kit.server.stop()
        kit.server = holder
    assert await kit.venue_positions() == {}


@pytest.mark.rule("G1.expired")
async def test_an_order_too_old_to_resend_expires(kit: Kit) -> None:
    await kit.faults(DROP)
    almost = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=119.5))
    trade = kit.trade("buy", "5", accepted_time=almost, released_time=almost)
    assert await kit.run(trade) == ("EXPIRED", "signal_stale")
    assert await arrivals(kit) == []
    assert os.environ.get("FILLWIRE_FAULT") is None


async def test_a_flip_killed_between_its_halves_ends_as_it_would_have(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "5"))
    flip = kit.trade("sell", "8", allow_swap=True)
    await kit.submit(flip)
    await kit.restart()
    assert await kit.outcome(flip) == ("FILLED", "unspecified")
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "-8"}
    assert (await arrivals(kit)).count("accepted") == 3


async def test_the_database_going_away_loses_nothing(kit: Kit) -> None:
    await kit.run(kit.trade("buy", "1"))
    trades = [kit.trade("buy", "1", allow_add=True) for _ in range(20)]
    for number, trade in enumerate(trades):
        if number % 7 == 3:
            await end_connections(kit, "fillwire_execution")
        async with asyncio.timeout(10):
            while not await stored(kit, trade):
                await asyncio.sleep(0.05)
    for trade in trades:
        assert await kit.outcome(trade) == ("FILLED", "unspecified")
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "21"}
    assert [f.seq for f in kit.facts] == list(range(1, len(kit.facts) + 1))


async def stored(kit: Kit, trade: pb.Trade) -> bool:
    try:
        return (await kit.submit(trade))[0] in ("STORED", "ALREADY_STORED")
    except aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False


async def end_connections(kit: Kit, role: str) -> None:
    async with await psycopg.AsyncConnection.connect(kit.database.url("execution")) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = %s AND pid <> pg_backend_pid()",
            (role,),
        )


@pytest.mark.rule("I.amended")
async def test_a_fill_after_the_end_amends_the_outcome(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2000))
    almost = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=119.5))
    trade = kit.trade("buy", "5", accepted_time=almost, released_time=almost)
    assert await kit.run(trade) == ("EXPIRED", "signal_stale")
    await kit.until(lambda: kit.outcomes(trade)[-1][0] == "FILLED")
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "5"}


async def test_a_late_fill_is_recognised_after_a_restart(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_LATE_ACCEPT, delay_ms=2500))
    almost = wire.to_timestamp(datetime.now(UTC) - timedelta(seconds=119.5))
    trade = kit.trade("buy", "5", accepted_time=almost, released_time=almost)
    assert await kit.run(trade) == ("EXPIRED", "signal_stale")
    await kit.restart()
    assert await kit.run(kit.trade("cancel", "")) == ("SKIPPED", "nothing_to_cancel")
    await kit.until(lambda: kit.outcomes(trade)[-1][0] == "FILLED")
    assert await kit.positions() == await kit.venue_positions() == {"AAPL": "5"}
