"""What an owner asks of a paper account, through execution to the venue and back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import grpc
import pytest
from grpc import aio

from protos import wire
from protos.execution.v1 import execution_pb2, simulation_pb2_grpc
from protos.execution.v1 import simulation_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import Kit, running
from tests.integration.protection_kit import restrict

SECONDS = 5.0


@pytest.fixture
async def owner(kit: Kit) -> AsyncIterator[Any]:
    async with aio.insecure_channel(f"127.0.0.1:{kit.server.port}") as channel:
        yield simulation_pb2_grpc.SimulationStub(channel)


def a_day(*faults: pb.PlannedFault, minutes: int = 5) -> pb.GameDay:
    now = datetime.now(UTC)
    return pb.GameDay(
        seed=3,
        faults=faults,
        from_time=wire.to_timestamp(now),
        until_time=wire.to_timestamp(now + timedelta(minutes=minutes)),
    )


async def look(owner: Any, kit: Kit) -> pb.GetPaperAccountResponse:
    found: pb.GetPaperAccountResponse = await owner.GetPaperAccount(
        pb.GetPaperAccountRequest(account=kit.account), timeout=SECONDS
    )
    return found


async def test_a_new_account_has_its_cash_and_no_game_day(kit: Kit, owner: Any) -> None:
    found = await look(owner, kit)
    assert (found.cash, found.equity, found.currency) == ("100000", "100000", "USD")
    assert not found.HasField("game_day")


async def test_a_game_day_strikes_orders_tells_of_it_and_ends(kit: Kit, owner: Any) -> None:
    day = a_day(pb.PlannedFault(kind=pb.MISDEED_KIND_REJECT, percent=100, most=1))
    await owner.SetGameDay(pb.SetGameDayRequest(account=kit.account, game_day=day), timeout=SECONDS)
    assert (await look(owner, kit)).game_day == day
    assert await kit.run(kit.trade("buy", "5")) == ("REJECTED", "broker_rejected")
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    told = await owner.ListMisdeeds(pb.ListMisdeedsRequest(account=kit.account), timeout=SECONDS)
    rejected = next(
        fact.execution_report.cl_ord_id
        for fact in kit.facts
        if fact.execution_report.text == "refused by the account's fault plan"
    )
    assert [(each.kind, each.cl_ord_id) for each in told.misdeeds] == [
        (pb.MISDEED_KIND_REJECT, rejected)
    ]
    await owner.SetGameDay(pb.SetGameDayRequest(account=kit.account), timeout=SECONDS)
    assert not (await look(owner, kit)).HasField("game_day")


@pytest.mark.parametrize(
    "day",
    [
        a_day(pb.PlannedFault(kind=pb.MISDEED_KIND_DROP)),
        a_day(pb.PlannedFault(percent=5)),
        a_day(pb.PlannedFault(kind=pb.MISDEED_KIND_DROP, percent=5), minutes=0),
        a_day(pb.PlannedFault(kind=pb.MISDEED_KIND_DROP, percent=101)),
    ],
)
async def test_a_game_day_that_cannot_be_is_refused(kit: Kit, owner: Any, day: pb.GameDay) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await owner.SetGameDay(
            pb.SetGameDayRequest(account=kit.account, game_day=day), timeout=SECONDS
        )
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_trading_model_is_kept_beside_the_other_options(kit: Kit, owner: Any) -> None:
    await kit.faults(refuses_repeats=False)
    model = pb.TradingModel(
        fill_parts=3,
        slippage_bps="5",
        slippage_ticks=1,
        fee_per_order="1",
        fee_per_unit="0.01",
        fee_bps="2.5",
        leverage="4",
        keeps_hours=True,
        requests_per_minute=600,
        no_stops=True,
    )
    request = pb.SetTradingModelRequest(account=kit.account, model=model)
    assert (await owner.SetTradingModel(request, timeout=SECONDS)).model == model
    assert (await look(owner, kit)).model == model
    (able,) = await kit.server._adapters["paper", "paper"].capabilities([kit.account])
    assert not able.refuses_repeats


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fill_parts", 21),
        ("slippage_ticks", -1),
        ("slippage_bps", "-1"),
        ("fee_bps", "NaN"),
        ("fee_per_order", "much"),
        ("leverage", "0.5"),
        ("leverage", "101"),
    ],
)
async def test_a_model_that_cannot_be_is_refused_by_its_field(
    kit: Kit, owner: Any, field: str, value: Any
) -> None:
    request = pb.SetTradingModelRequest(account=kit.account)
    setattr(request.model, field, value)
    with pytest.raises(aio.AioRpcError) as refused:
        await owner.SetTradingModel(request, timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in (refused.value.details() or "")


async def test_an_account_that_fills_in_parts_with_fees_adds_up(kit: Kit, owner: Any) -> None:
    model = pb.TradingModel(fill_parts=3, fee_per_order="1", fee_per_unit="0.01", slippage_ticks=1)
    request = pb.SetTradingModelRequest(account=kit.account, model=model)
    await owner.SetTradingModel(request, timeout=SECONDS)
    assert await kit.run(kit.trade("buy", "100")) == ("FILLED", "unspecified")
    fills = [f.execution_report for f in kit.facts if f.execution_report.last_qty]
    assert sum(int(fill.last_qty) for fill in fills) == 100
    assert fills[0].last_px == "228.41"
    assert [fill.cum_qty for fill in fills][-1] == "100"
    fees = sum(Decimal(fill.fee) for fill in fills)
    assert fees == 2
    cost = sum(Decimal(fill.last_qty) * Decimal(fill.last_px) for fill in fills)
    assert Decimal((await look(owner, kit)).cash) == 100_000 - cost - fees


async def test_an_order_beyond_the_buying_power_is_refused_with_the_venue_s_reason(
    kit: Kit, owner: Any
) -> None:
    request = pb.SetTradingModelRequest(account=kit.account, model=pb.TradingModel(leverage="1"))
    await owner.SetTradingModel(request, timeout=SECONDS)
    assert (await look(owner, kit)).buying_power == "100000.00"
    assert await kit.run(kit.trade("buy", "1000")) == ("REJECTED", "broker_rejected")
    texts = [f.execution_report.text for f in kit.facts if f.HasField("execution_report")]
    assert texts[-1] == "buying power: it binds 228400.00 USD, and 100000.00 is free"
    assert await kit.run(kit.trade("buy", "400")) == ("FILLED", "unspecified")
    assert Decimal((await look(owner, kit)).buying_power) < 10_000
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")


async def test_a_size_beyond_the_buying_power_is_never_sent(kit: Kit, owner: Any) -> None:
    request = pb.SetTradingModelRequest(account=kit.account, model=pb.TradingModel(leverage="1"))
    await owner.SetTradingModel(request, timeout=SECONDS)
    trade = kit.trade("buy", "150", size_type=execution_pb2.SIZE_TYPE_PERCENT_OF_EQUITY)
    assert await kit.run(trade) == ("SKIPPED", "buying_power")


RECORDING = b"""time,instrument,bid,ask
2024-03-01T14:30:00Z,AAPL,179.50,179.52
"""


async def set_feed(owner: Any, kit: Kit, feed: pb.FeedKind, recording: bytes = b"") -> None:
    request = pb.SetFeedRequest(account=kit.account, feed=feed, recording=recording)
    await owner.SetFeed(request, timeout=SECONDS)


async def test_orders_fill_at_a_recording_also_after_the_venue_has_restarted(
    kit: Kit, owner: Any
) -> None:
    await set_feed(owner, kit, pb.FEED_KIND_RECORDED, RECORDING)
    assert (await look(owner, kit)).feed == pb.FEED_KIND_RECORDED
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    kit.venue._writer._notice_loss()  # it drops what it has in memory, and reads it again
    assert await kit.run(kit.trade("buy", "5", allow_add=True)) == ("FILLED", "unspecified")
    fills = [f.execution_report for f in kit.facts if f.execution_report.last_qty]
    assert {Decimal(fill.last_px) for fill in fills} == {Decimal("179.52")}
    await set_feed(owner, kit, pb.FEED_KIND_RECORDED)
    await set_feed(owner, kit, pb.FEED_KIND_UNSPECIFIED)
    assert await kit.run(kit.trade("exit", "")) == ("FILLED", "unspecified")
    fills = [f.execution_report for f in kit.facts if f.execution_report.last_qty]
    assert fills[-1].last_px == "228.40"


async def test_a_recording_that_is_none_is_refused(kit: Kit, owner: Any) -> None:
    for content in (b"", b"no recording"):
        with pytest.raises(aio.AioRpcError) as refused:
            await set_feed(owner, kit, pb.FEED_KIND_RECORDED, content)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "recording: " in (refused.value.details() or "")
    assert (await look(owner, kit)).feed == pb.FEED_KIND_UNSPECIFIED


async def test_an_account_follows_another_also_after_the_venue_has_restarted(
    kit: Kit, owner: Any
) -> None:
    recorded = pb.SetFeedRequest(account="other", feed=pb.FEED_KIND_RECORDED, recording=RECORDING)
    await owner.SetFeed(recorded, timeout=SECONDS)
    follow = pb.SetFeedRequest(account=kit.account, feed=pb.FEED_KIND_ACCOUNT, feed_account="other")
    await owner.SetFeed(follow, timeout=SECONDS)
    found = await look(owner, kit)
    assert (found.feed, found.feed_account) == (pb.FEED_KIND_ACCOUNT, "other")
    kit.venue._writer._notice_loss()
    assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
    fills = [f.execution_report for f in kit.facts if f.execution_report.last_qty]
    assert fills[-1].last_px == "179.52"


@pytest.mark.parametrize("followed", ["", "itself", "follower"])
async def test_what_cannot_be_followed_is_refused(kit: Kit, owner: Any, followed: str) -> None:
    names = {"itself": kit.account}
    if followed == "follower":
        await owner.SetFeed(
            pb.SetFeedRequest(
                account="follower", feed=pb.FEED_KIND_ACCOUNT, feed_account=kit.account
            ),
            timeout=SECONDS,
        )
    with pytest.raises(aio.AioRpcError) as refused:
        await owner.SetFeed(
            pb.SetFeedRequest(
                account=kit.account,
                feed=pb.FEED_KIND_ACCOUNT,
                feed_account=names.get(followed, followed),
            ),
            timeout=SECONDS,
        )
    assert "feed_account" in (refused.value.details() or "")


async def test_hours_that_an_account_begins_to_keep_hold_its_next_trade_back(
    database: Any,
) -> None:
    def opens(calendar: str, at: datetime) -> datetime:
        return at + timedelta(hours=9)

    async with (
        running(database, next_open=opens) as kit,
        aio.insecure_channel(f"127.0.0.1:{kit.server.port}") as channel,
    ):
        owner: Any = simulation_pb2_grpc.SimulationStub(channel)
        assert await kit.run(kit.trade("buy", "5")) == ("FILLED", "unspecified")
        request = pb.SetTradingModelRequest(
            account=kit.account, model=pb.TradingModel(keeps_hours=True)
        )
        await owner.SetTradingModel(request, timeout=SECONDS)
        trade = kit.trade("buy", "5", allow_add=True)
        preview = execution_pb2.PreviewTradesRequest(trades=[trade])
        async with asyncio.timeout(SECONDS):
            while not (await kit.stub.PreviewTrades(preview)).previews[0].seen.venue.keeps_hours:
                pass
        await kit.submit(trade)
        await kit.until(lambda: kit.outcomes(trade)[-1:] == [("QUEUED", "market_closed")])


async def test_what_a_broker_cannot_do_stays_when_its_owner_saves_other_things(
    kit: Kit, owner: Any
) -> None:
    await restrict(kit, no_brackets=True, no_stops=True)
    model = pb.TradingModel(fee_per_order="1", requests_per_minute=500, no_stops=True)
    await owner.SetTradingModel(
        pb.SetTradingModelRequest(account=kit.account, model=model), timeout=SECONDS
    )
    await owner.SetFeed(
        pb.SetFeedRequest(account=kit.account, feed=pb.FEED_KIND_SIGNAL), timeout=SECONDS
    )
    await owner.ResetAccount(pb.ResetAccountRequest(account=kit.account), timeout=SECONDS)
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    options = answer.options
    assert (options.no_brackets, options.no_stops, options.fee_per_order) == (True, True, "1")
