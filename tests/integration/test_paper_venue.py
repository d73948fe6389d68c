"""The paper venue over the wire, on a real database."""

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from execution.brokers.base import InDoubt, NotSent, Rejected
from execution.domain.words import ExecType, Side
from protos import faults
from protos.paper.v1 import paper_pb2 as pb
from tests.conftest import Database
from tests.paper_venue import Listener, PaperVenue, an_order, listening, until
from web.ops.children import free_port

NEW, FILL = ExecType.NEW, ExecType.FILL
# What was answered before a fault is armed has passed the fault's place by then, on a busy machine.
SETTLED_SECONDS = 0.2


async def test_it_remembers_its_book_its_reports_and_its_arrivals(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as before:
        await before.adapter.submit(an_order("filled"))
        await before.adapter.submit(an_order("rests", limit_price="150"))
        told = before.reports
    await venue.restart()
    async with listening(venue, ["acme"]) as after:
        await until(lambda: len(after.reports) == len(told))
        assert after.reports == told
        snapshot = await after.adapter.account("acme")
        assert list(snapshot.open_cl_ord_ids) == ["rests"]
        assert [(p.instrument, p.quantity) for p in snapshot.positions] == [("AAPL", Decimal(5))]
        assert snapshot.cash == Decimal(100_000) - 5 * Decimal("228.40")
        assert await after.adapter.cancel("acme", "rests")
    assert await venue.arrivals() == [("filled", "accepted"), ("rests", "accepted")]


async def test_a_repeated_cl_ord_id_is_refused_also_after_a_restart(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("once"))
    await venue.restart()
    async with listening(venue, []) as client:
        again = await client.adapter.submit(an_order("once"))
    assert again is not None
    assert again.exec_type is NEW
    assert await venue.arrivals() == [("once", "accepted"), ("once", "duplicate")]
    assert await venue.rows("SELECT count(*) FROM paper.orders") == [(1,)]


async def test_an_account_may_take_repeated_ids_as_new_orders(venue: PaperVenue) -> None:
    async with venue.stub() as stub, listening(venue, ["acme"]) as client:
        options = pb.Options(visibility_horizon_seconds=2, refuses_repeats=False)
        await stub.ConfigureAccount(pb.ConfigureAccountRequest(account="acme", options=options))
        await client.adapter.submit(an_order("again"))
        await client.adapter.submit(an_order("again"))
        assert not (await client.adapter.capabilities(["acme"]))[0].refuses_repeats
    assert await venue.rows("SELECT count(*) FROM paper.orders") == [(2,)]


async def test_whoever_is_told_to_rest_hears_everything_later(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        heard_for: list[float] = []
        loop = asyncio.get_running_loop()

        def rest(seconds: float) -> float:
            heard_for.append(seconds)
            return 0.3

        client.adapter.rest_after = rest
        started = loop.time()
        for name in ("one", "two"):
            await client.adapter.submit(an_order(name))
        assert loop.time() - started >= 0.3 and all(0 < each < 0.3 for each in heard_for)
        await until(lambda: len(client.reports) == 4)
    assert client.sequences("acme") == [1, 2, 3, 4]


async def test_two_equal_ids_in_one_frame_make_one_order(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await asyncio.gather(*(client.adapter.submit(an_order("same")) for _ in range(2)))
    results = Counter(result for _, result in await venue.arrivals())
    assert results == {"accepted": 1, "duplicate": 1}


async def test_a_late_order_that_was_resent_and_filled_is_a_repeat(venue: PaperVenue) -> None:
    late = pb.Fault(nth=1, kind=pb.FAULT_KIND_LATE_ACCEPT, delay_ms=600)
    await venue.plan("acme", late)
    async with listening(venue, ["acme"], timeout_seconds=0.2) as client:
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("twice"))
        await client.adapter.submit(an_order("twice"))
        await until(lambda: client.sequences("acme") == [1, 2])
        await asyncio.sleep(0.7)
        await client.adapter.submit(an_order("after"))
    assert await venue.arrivals() == [
        ("twice", "accepted"),
        ("twice", "duplicate"),
        ("after", "accepted"),
    ]


async def test_a_late_order_is_unknown_until_it_is_taken(venue: PaperVenue) -> None:
    late = pb.Fault(nth=1, kind=pb.FAULT_KIND_LATE_ACCEPT, delay_ms=600)
    await venue.plan("acme", late)
    async with listening(venue, ["acme"], timeout_seconds=0.2) as client:
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("late"))
        assert await client.adapter.find_orders("acme", ["late"]) == {}
        await until(lambda: len(client.reports) == 2)
        assert "late" in await client.adapter.find_orders("acme", ["late"])


async def test_a_delayed_reply_keeps_the_account_s_reports_in_order(venue: PaperVenue) -> None:
    await venue.plan("acme", pb.Fault(nth=1, kind=pb.FAULT_KIND_DELAY, delay_ms=300))
    async with listening(venue, ["acme", "other"]) as client:
        slow = asyncio.create_task(client.adapter.submit(an_order("slow")))
        await asyncio.sleep(0.05)
        await client.adapter.submit(an_order("quick"))
        await client.adapter.submit(an_order("elsewhere", account="other"))
        assert not slow.done()
        assert client.sequences("acme") == []
        assert client.sequences("other") == [1, 2]
        await slow
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4])


async def test_a_lost_reply_is_heard_by_the_next_session(venue: PaperVenue) -> None:
    await venue.plan("acme", pb.Fault(nth=2, kind=pb.FAULT_KIND_LOST_REPLY))
    async with listening(venue, ["acme"], timeout_seconds=0.2) as client:
        await client.adapter.submit(an_order("one"))
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("two"))
        assert client.sequences("acme") == [1, 2]
        await venue.restart()
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4])


async def test_the_fault_plan_counts_on_across_a_restart(venue: PaperVenue) -> None:
    await venue.plan("acme", pb.Fault(nth=2, kind=pb.FAULT_KIND_REJECT))
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("one"))
        await venue.restart()
        await until(lambda: len(client.gaps) == 1)
        with pytest.raises(Rejected, match="fault plan"):
            await client.adapter.submit(an_order("two"))
        await client.adapter.submit(an_order("three"))


async def test_reports_are_resumed_from_a_sequence_without_loss_or_repeat(
    venue: PaperVenue,
) -> None:
    async with listening(venue, ["acme"]) as client:
        for number in range(3):
            await client.adapter.submit(an_order(f"order-{number}"))
        await client.adapter.attach([("acme", 4)])
        await client.adapter.submit(an_order("more"))
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8])


async def test_a_thousand_orders_to_new_accounts_at_once(venue: PaperVenue) -> None:
    names = [f"account-{number}" for number in range(1000)]
    async with listening(venue, names) as client:
        acknowledged = await asyncio.gather(
            *(client.adapter.submit(an_order(f"o-{name}", account=name)) for name in names)
        )
        await until(lambda: len(client.reports) == 2000)
    assert {report.account for report in acknowledged if report} == set(names)
    assert await venue.rows(
        "SELECT count(*), sum(quantity) FROM paper.positions WHERE avg_price = 228.40"
    ) == [(1000, Decimal(5000))]


async def test_a_resting_order_fills_when_the_feed_comes_to_it(venue: PaperVenue) -> None:
    # Well inside the feed's swing around 1,000, so the first seconds reach one of them.
    async with listening(venue, ["acme"]) as client:
        for number, price in enumerate(("999.99", "995", "991")):
            order = an_order(f"buy-{number}", limit_price=price, reference_price="1000")
            await client.adapter.submit(order)
            order = an_order(
                f"sell-{number}",
                side=Side.SELL,
                limit_price=str(2000 - Decimal(price)),
                reference_price="1000",
            )
            await client.adapter.submit(order)
        await until(lambda: any(report.exec_type is FILL for report in client.reports))
    (fill, *_) = [report for report in client.reports if report.exec_type is FILL]
    assert fill.last_px in {Decimal("999.99"), Decimal("1000.01")}


async def test_a_sell_at_the_quote_fills_without_a_price_from_the_client(
    venue: PaperVenue,
) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("quoted", reference_price=None, side=Side.SELL))
        await until(lambda: len(client.reports) == 2)
        snapshot = await client.adapter.account("acme")
    assert snapshot.positions[0].quantity == Decimal(-5)
    assert client.reports[1].last_px == snapshot.positions[0].avg_price


async def test_unacceptable_terms_are_rejected_and_logged_as_arrived(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        with pytest.raises(Rejected, match="quantity must be above zero"):
            await client.adapter.submit(an_order("zero", qty="0"))
    assert await venue.arrivals() == [("zero", "rejected")]


async def test_it_outlives_its_database_connection(venue: PaperVenue, database: Database) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("before"))
        await _end_connections(database)
        await until(lambda: len(client.gaps) == 1)
        await client.adapter.submit(an_order("after"))
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4])
        assert "before" in await client.adapter.find_orders("acme", ["before"])


@pytest.mark.parametrize(
    ("point", "results"),
    [
        ("venue.before_commit", [("doubt", "accepted")]),
        ("venue.after_commit", [("doubt", "accepted"), ("doubt", "duplicate")]),
    ],
)
async def test_a_failed_batch_says_nothing_and_can_be_sent_again(
    venue: PaperVenue,
    point: str,
    results: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.account("acme")
        await asyncio.sleep(SETTLED_SECONDS)
        _arm(monkeypatch, tmp_path, f"paper:{point}:1:raise")
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("doubt"))
        again = await client.adapter.submit(an_order("doubt"))
        await until(lambda: client.sequences("acme") == [1, 2])
        assert again == client.reports[0]
    assert await venue.arrivals() == results


async def test_an_order_that_waited_too_long_is_not_taken_in(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.account("acme")
        async with venue.locked("acme"):
            first = asyncio.create_task(client.adapter.submit(an_order("first")))
            await asyncio.sleep(0.1)
            waited = asyncio.create_task(client.adapter.submit(an_order("waited")))
            await asyncio.sleep(1.2)
        with pytest.raises(InDoubt):
            await waited
        await first
    assert await venue.arrivals() == [("first", "accepted")]


async def test_what_was_written_when_the_stream_broke_is_in_doubt(
    venue: PaperVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("one"))
        await asyncio.sleep(SETTLED_SECONDS)
        _arm(monkeypatch, tmp_path, "execution:socket.after_write:1:raise")
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("two"))
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4])


async def test_a_venue_that_is_down_was_not_sent_anything(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("one"))
        await venue.stop()
        await until(lambda: len(client.gaps) == 1)
        with pytest.raises(NotSent):
            await client.adapter.submit(an_order("two"))
        await venue.start()
        await client.adapter.submit(an_order("two"))
    assert [name for name, _ in await venue.arrivals()] == ["one", "two"]


async def test_the_same_orders_give_the_same_ids(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("stable"))
        await until(lambda: len(client.reports) == 2)
    assert [report.exec_id for report in client.reports] == [
        "cf6cfe64b37a14446cc97dad6350691b-1",
        "cf6cfe64b37a14446cc97dad6350691b-2",
    ]


async def test_it_answers_the_standard_health_check(venue: PaperVenue) -> None:
    async with aio.insecure_channel(venue.target) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_the_process_survives_kill_9_and_stops_on_sigterm(database: Database) -> None:
    venue = PaperVenue(database.url("paper"), port=free_port())
    first = await _spawn(venue)
    async with listening(venue, ["acme"]) as client:
        await _submit_when_up(client, "one")
        first.send_signal(signal.SIGKILL)
        await first.wait()
        await until(lambda: len(client.gaps) == 1)
        second = await _spawn(venue)
        await _submit_when_up(client, "two")
        await until(lambda: client.sequences("acme") == [1, 2, 3, 4])
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0
    assert await venue.arrivals() == [("one", "accepted"), ("two", "accepted")]


async def _spawn(venue: PaperVenue) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "execution.paper",
        env={
            **os.environ,
            "FILLWIRE_PAPER_BIND": venue.target,
            "FILLWIRE_PAPER_DATABASE_URL": venue.database_url,
        },
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _submit_when_up(client: Listener, cl_ord_id: str) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(NotSent):
                await client.adapter.submit(an_order(cl_ord_id))
                return


def _arm(monkeypatch: pytest.MonkeyPatch, folder: Path, spec: str) -> None:
    monkeypatch.setenv("FILLWIRE_FAULT", spec)
    monkeypatch.setenv("FILLWIRE_DATA_DIR", str(folder))
    faults.arm(spec.partition(":")[0])


async def _end_connections(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url("paper")) as connection:
        await connection.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE usename = current_user AND datname = current_database()
                AND pid <> pg_backend_pid()"""
        )
