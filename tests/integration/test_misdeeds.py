"""What the venue does wrong on purpose, over the wire, and what execution makes of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from execution.brokers.base import InDoubt, NotSent
from execution.domain.words import ExecType
from protos.paper.v1 import paper_pb2 as pb
from tests.integration.execution_kit import Kit, running
from tests.paper_venue import PaperVenue, an_order, listening, until

NEW, FILL = ExecType.NEW, ExecType.FILL


@pytest.fixture
async def kit(database: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    monkeypatch.setattr("execution.limits.session.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("execution.accounts.dispatch.MARKET_CHECK_SECONDS", 0.2)
    async with running(database) as kit:
        yield kit


def every(kind: pb.FaultKind | int, **more: Any) -> pb.Fault:
    return pb.Fault(kind=pb.FaultKind.Name(kind), **more)


@pytest.mark.parametrize(
    "kind", [pb.FAULT_KIND_STREAM_GAP, pb.FAULT_KIND_DUPLICATE, pb.FAULT_KIND_REORDER]
)
async def test_reports_heard_wrongly_are_put_right(venue: PaperVenue, kind: pb.FaultKind) -> None:
    await venue.plan("acme", every(kind))
    async with listening(venue, ["acme"]) as client:
        for number in range(5):
            await client.adapter.submit(an_order(f"order-{number}"))
        await until(lambda: client.sequences("acme") == list(range(1, 11)))


async def test_missing_reports_are_noticed_when_nothing_follows(venue: PaperVenue) -> None:
    await venue.plan("acme", every(pb.FAULT_KIND_STREAM_GAP))
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("only"))
        assert client.reports == []
        await until(lambda: client.sequences("acme") == [1, 2])


async def test_a_window_of_refusals_takes_nothing_and_says_how_long(venue: PaperVenue) -> None:
    await venue.plan("acme", every(pb.FAULT_KIND_RATE_LIMIT, nth=1, delay_ms=400))
    async with listening(venue, ["acme", "other"]) as client:
        with pytest.raises(NotSent) as refused:
            await client.adapter.submit(an_order("one"))
        assert 0.3 < refused.value.retry_after_seconds < 0.5
        with pytest.raises(NotSent):
            await client.adapter.cancel("acme", "one")
        await client.adapter.submit(an_order("elsewhere", account="other"))
        await asyncio.sleep(refused.value.retry_after_seconds)
        await client.adapter.submit(an_order("one"))
    assert await venue.arrivals() == [("elsewhere", "accepted"), ("one", "accepted")]


async def test_an_order_that_was_taken_and_forgotten_is_unknown(venue: PaperVenue) -> None:
    await venue.plan("acme", every(pb.FAULT_KIND_ACCEPT_THEN_DROP, most=1))
    async with listening(venue, ["acme"]) as client:
        taken = await client.adapter.submit(an_order("gone"))
        assert taken is not None and taken.exec_type is NEW
        assert await client.adapter.find_orders("acme", ["gone"]) == {}
        assert not await client.adapter.cancel("acme", "gone")
        assert (await client.adapter.account("acme")).positions == []
        await client.adapter.submit(an_order("gone"))
        await until(lambda: client.sequences("acme") == [1, 2, 3])


async def test_a_broken_fill_comes_in_parts_and_survives_a_restart(venue: PaperVenue) -> None:
    await venue.plan("acme", every(pb.FAULT_KIND_PARTIAL_FILL))
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("parts", qty="100"))
        await venue.restart()
        await until(lambda: sum(r.exec_type is FILL for r in client.reports) == 3)
        fills = [report for report in client.reports if report.exec_type is FILL]
    assert sum(int(fill.last_qty or 0) for fill in fills) == 100
    assert [fill.ord_status.value for fill in fills] == ["PARTIALLY_FILLED"] * 2 + ["FILLED"]


async def test_the_plan_and_its_counts_survive_a_restart(venue: PaperVenue) -> None:
    await venue.plan("acme", every(pb.FAULT_KIND_DROP, most=2))
    async with listening(venue, ["acme"], timeout_seconds=0.2) as client:
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("one"))
        await venue.restart()
        await until(lambda: len(client.gaps) == 1)
        with pytest.raises(InDoubt):
            await client.adapter.submit(an_order("two"))
        await client.adapter.submit(an_order("three"))
    async with venue.stub() as stub:
        said = await stub.ListMisdeeds(pb.ListMisdeedsRequest(account="acme"))
    assert [(each.kind, each.cl_ord_id) for each in said.misdeeds] == [
        (pb.FAULT_KIND_DROP, "two"),
        (pb.FAULT_KIND_DROP, "one"),
    ]


@pytest.mark.parametrize("kind", pb.FaultKind.values()[1:])
async def test_every_misdeed_ends_with_one_position(kit: Kit, kind: pb.FaultKind) -> None:
    await kit.faults(every(kind, most=1, delay_ms=400))
    trade = kit.trade("buy", "5")
    refused = kind == pb.FAULT_KIND_REJECT
    ends = ("REJECTED", "broker_rejected") if refused else ("FILLED", "unspecified")
    await kit.submit(trade)
    await kit.until(lambda: kit.outcomes(trade)[-1:] == [ends])
    assert await kit.venue_positions() == ({} if refused else {"AAPL": "5"})


async def test_a_hundred_orders_under_all_misdeeds_at_once_end_as_the_venue_says(
    kit: Kit,
) -> None:
    kinds = [kind for kind in pb.FaultKind.values()[1:] if kind != pb.FAULT_KIND_REJECT]
    await kit.faults(*(every(kind, percent=8, delay_ms=900, draws_delay=True) for kind in kinds))
    trades = [
        kit.trade("buy", "1", instrument=f"T{number}", signal_price="10") for number in range(100)
    ]
    await kit.submit(*trades)
    await kit.until(
        lambda: all(kit.outcomes(trade)[-1:] == [("FILLED", "unspecified")] for trade in trades)
    )
    assert await kit.venue_positions() == {f"T{number}": "1" for number in range(100)}
