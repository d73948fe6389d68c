"""The paper venue's market over the wire: listings, hours, quotes, chains and equity."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import grpc
import pytest
from grpc import aio

from execution import reference
from execution.brokers.base import Rejected
from execution.domain import instruments
from execution.domain.words import AssetClass
from protos.paper.v1 import paper_pb2 as pb
from tests.conftest import Database
from tests.paper_venue import PaperVenue, an_order, listening, until


async def test_what_is_not_listed_is_rejected_and_stays_so(venue: PaperVenue) -> None:
    unlisted = replace(an_order("odd"), instrument="NO SUCH THING")
    async with listening(venue, ["acme"]) as client:
        for _ in range(2):
            with pytest.raises(Rejected, match="not listed"):
                await client.adapter.submit(unlisted)
    assert await venue.arrivals() == [("odd", "rejected"), ("odd", "duplicate")]


async def test_an_account_that_keeps_hours_refuses_orders_while_the_exchange_is_closed(
    database: Database,
) -> None:
    sunday = datetime(2026, 11, 22, 16, tzinfo=UTC)
    venue = PaperVenue(database.url("paper"), clock=lambda: sunday)
    await venue.start()
    options = pb.Options(visibility_horizon_seconds=2, refuses_repeats=True, exchange_hours=True)
    try:
        async with venue.stub() as stub, listening(venue, ["acme"]) as client:
            await client.adapter.submit(an_order("always-open"))
            assert not (await client.adapter.capabilities(["acme"]))[0].keeps_exchange_hours
            await stub.ConfigureAccount(pb.ConfigureAccountRequest(account="acme", options=options))
            await venue.restart()
            await until(lambda: len(client.gaps) == 1)
            able = await client.adapter.capabilities(["", "acme", "new"])
            assert [each.keeps_exchange_hours for each in able] == [False, True, False]
            with pytest.raises(Rejected, match="closed until 2026-11-23 14:30 UTC"):
                await client.adapter.submit(an_order("closed"))
            await client.adapter.submit(replace(an_order("coin"), instrument="BTCUSD"))
    finally:
        await venue.stop()


async def test_equity_counts_open_futures_by_their_point_value(venue: PaperVenue) -> None:
    contract = _front_contract(venue)
    order = replace(an_order("long", qty="2", reference_price="6600"), instrument=contract)
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(order)
        await venue.restart()
        snapshot = await client.adapter.account("acme")
    (position,) = snapshot.positions
    assert position.market_price is not None
    assert snapshot.cash == Decimal(100_000)
    assert abs(position.market_price - 6600) <= 67
    assert position.unrealised == 2 * 50 * (position.market_price - 6600)
    assert snapshot.equity == snapshot.cash + position.unrealised
    assert snapshot.unrealised == position.unrealised


async def test_quotes_follow_the_price_that_the_account_named_last(venue: PaperVenue) -> None:
    async with listening(venue, ["acme"]) as client:
        await client.adapter.submit(an_order("one", reference_price="40"))
        mine = await client.adapter.quote("acme", "AAPL")
        theirs = await client.adapter.quote("other", "AAPL")
    assert mine is not None and mine.last is not None and abs(mine.last - 40) < 1
    assert theirs is not None and theirs.last is not None and theirs.last > 200


async def test_a_chain_request_that_cannot_be_read_is_refused(venue: PaperVenue) -> None:
    async with venue.stub() as stub:
        request = pb.GetChainRequest(underlying="SPY", earliest_expiration="soon")
        with pytest.raises(aio.AioRpcError) as refused:
            await stub.GetChain(request)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        nothing = await stub.GetChain(pb.GetChainRequest(underlying="NO SUCH THING"))
        assert not nothing.options


def _front_contract(venue: PaperVenue) -> str:
    """The E-mini contract that is in front while the test runs."""
    found = instruments.resolve("ES", AssetClass.FUTURES, venue.clock(), reference.load())
    return found.symbol
