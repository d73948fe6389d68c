"""What every adapter must do, at every broker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from execution.brokers.base import Capabilities, InDoubt, PositionMove, Rejected, Report, Said
from execution.domain.chains import Choice, Moneyness
from execution.domain.options import Right
from execution.domain.words import ExecType, OrdStatus, OrdType, Side
from execution.engine import option_choice
from tests.conformance.conftest import Stand
from tests.paper_venue import an_order, until


@dataclass
class Heard:
    """What an adapter has told."""

    reports: list[Report] = field(default_factory=list)
    moves: list[PositionMove] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def hear(self, said: Said) -> None:
        if isinstance(said, Report):
            self.reports.append(said)
        elif isinstance(said, PositionMove):
            self.moves.append(said)

    def of(self, cl_ord_id: str) -> list[ExecType]:
        return [report.exec_type for report in self.reports if report.cl_ord_id == cl_ord_id]


@asynccontextmanager
async def attached(stand: Stand) -> AsyncIterator[Heard]:
    heard = Heard()
    await stand.adapter.start(heard.hear, heard.gaps.append)
    await stand.adapter.attach([(stand.account, 0)])
    try:
        yield heard
    finally:
        await stand.adapter.close()


async def able_of(stand: Stand) -> Capabilities:
    [able] = await stand.adapter.capabilities([stand.account])
    return able


async def test_a_market_order_is_acknowledged_and_fills(stand: Stand) -> None:
    async with attached(stand) as heard:
        acknowledged = await stand.adapter.submit(an_order("one", account=stand.account))
        await until(lambda: len(heard.reports) == 2)
    new, fill = heard.reports
    assert acknowledged == new
    assert (new.exec_type, fill.exec_type) == (ExecType.NEW, ExecType.FILL)
    assert fill.ord_status is OrdStatus.FILLED
    assert (fill.last_qty, fill.last_px, fill.side) == (Decimal(5), Decimal("228.40"), Side.BUY)
    assert fill.sequence > new.sequence
    assert fill.venue_time is not None


async def test_a_limit_order_rests_and_is_canceled(stand: Stand) -> None:
    order = an_order("rest", account=stand.account, limit_price="150")
    async with attached(stand) as heard:
        await stand.adapter.submit(order)
        snapshot = await stand.adapter.account(stand.account)
        assert list(snapshot.open_cl_ord_ids) == ["rest"]
        assert await stand.adapter.cancel(stand.account, "rest")
        await until(lambda: heard.of("rest") == [ExecType.NEW, ExecType.CANCELED])
        assert (await stand.adapter.account(stand.account)).open_cl_ord_ids == []


async def test_a_stop_order_rests_until_its_price_comes(stand: Stand) -> None:
    stop = replace(
        an_order("stop", account=stand.account), ord_type=OrdType.STOP, stop_price=Decimal(300)
    )
    async with attached(stand) as heard:
        await stand.adapter.submit(stop)
        assert list((await stand.adapter.account(stand.account)).open_cl_ord_ids) == ["stop"]
        assert await stand.adapter.cancel(stand.account, "stop")
        await until(lambda: heard.of("stop") == [ExecType.NEW, ExecType.CANCELED])


async def test_guards_rest_with_their_entry_and_end_with_it(stand: Stand) -> None:
    entry = an_order("entry", account=stand.account, limit_price="150")
    target = replace(entry, cl_ord_id="target", side=Side.SELL, limit_price=Decimal(400), guards=())
    stop = replace(
        target, cl_ord_id="stop", ord_type=OrdType.STOP, limit_price=None, stop_price=Decimal(100)
    )
    async with attached(stand) as heard:
        assert (await able_of(stand)).has_brackets
        await stand.adapter.submit(replace(entry, guards=(target, stop)))
        resting = (await stand.adapter.account(stand.account)).open_cl_ord_ids
        assert sorted(resting) == ["entry", "stop", "target"]
        assert await stand.adapter.cancel(stand.account, "entry")
        await until(lambda: heard.of("stop") == [ExecType.NEW, ExecType.CANCELED])
        await until(lambda: heard.of("target") == [ExecType.NEW, ExecType.CANCELED])
        assert (await stand.adapter.account(stand.account)).open_cl_ord_ids == []


async def test_a_cancel_that_comes_too_late_says_so(stand: Stand) -> None:
    async with attached(stand):
        await stand.adapter.submit(an_order("done", account=stand.account))
        assert not await stand.adapter.cancel(stand.account, "done")
        assert not await stand.adapter.cancel(stand.account, "never-sent")


@pytest.mark.rule("G4.ids", "G4.source")
async def test_what_is_found_by_asking_is_what_was_heard(stand: Stand) -> None:
    async with attached(stand) as heard:
        await stand.adapter.submit(an_order("one", account=stand.account))
        await until(lambda: len(heard.reports) == 2)
        found = await stand.adapter.find_orders(stand.account, ["one", "unheard-of"])
    assert {name: list(reports) for name, reports in found.items()} == {"one": heard.reports}


@pytest.mark.rule("G3.one")
async def test_a_repeated_id_never_makes_a_second_order(stand: Stand) -> None:
    async with attached(stand) as heard:
        if not (await able_of(stand)).refuses_repeats:
            pytest.skip("this broker takes a repeated id as a new order")
        first = await stand.adapter.submit(an_order("one", account=stand.account))
        again = await stand.adapter.submit(an_order("one", account=stand.account, qty="9"))
        assert again == first
        (position,) = (await stand.adapter.account(stand.account)).positions
        assert position.quantity == Decimal(5)
        assert heard.of("one") == [ExecType.NEW, ExecType.FILL]


@pytest.mark.rule("G2.proof")
async def test_a_refusal_keeps_the_broker_s_words(stand: Stand) -> None:
    async with attached(stand) as heard:
        await stand.refuse()
        with pytest.raises(Rejected) as refused:
            await stand.adapter.submit(an_order("no", account=stand.account))
        assert refused.value.text
        await until(lambda: heard.of("no") == [ExecType.REJECTED])


@pytest.mark.rule("G1.doubt", "G2.otherwise")
async def test_silence_is_doubt_and_asking_finds_the_order(stand: Stand) -> None:
    async with attached(stand):
        await stand.silence()
        with pytest.raises(InDoubt):
            await stand.adapter.submit(an_order("lost", account=stand.account))
        found = await stand.adapter.find_orders(stand.account, ["lost"])
    assert [report.exec_type for report in found["lost"]] == [ExecType.NEW, ExecType.FILL]


async def test_an_order_that_vanished_is_doubt_and_is_never_found(stand: Stand) -> None:
    async with attached(stand):
        await stand.swallow()
        with pytest.raises(InDoubt):
            await stand.adapter.submit(an_order("gone", account=stand.account))
        assert await stand.adapter.find_orders(stand.account, ["gone"]) == {}


async def test_after_a_gap_reports_go_on_where_they_stopped(stand: Stand) -> None:
    async with attached(stand) as heard:
        await stand.adapter.submit(an_order("before", account=stand.account))
        await stand.break_stream()
        await until(lambda: len(heard.gaps) > 0)
        await stand.adapter.submit(an_order("after", account=stand.account, side=Side.SELL))
        await until(lambda: heard.of("after") == [ExecType.NEW, ExecType.FILL])
    assert [report.sequence for report in heard.reports] == [1, 2, 3, 4]
    assert len({report.report_id for report in heard.reports}) == 4


async def test_a_broker_that_is_away_leaves_look_ups_in_doubt(stand: Stand) -> None:
    async with attached(stand):
        await stand.close()
        with pytest.raises(InDoubt):
            await stand.adapter.find_orders(stand.account, ["one"])
        with pytest.raises(InDoubt):
            await stand.adapter.account(stand.account)


async def test_capabilities_name_what_the_broker_takes(stand: Stand) -> None:
    async with attached(stand):
        able = await able_of(stand)
    assert able.ord_types >= {OrdType.MARKET}
    assert able.quantity_step > 0
    assert able.visibility_horizon_seconds > 0


async def test_a_quote_has_a_bid_below_its_ask(stand: Stand) -> None:
    async with attached(stand):
        quote = await stand.adapter.quote(stand.account, "AAPL")
    assert quote is not None and quote.bid is not None and quote.ask is not None
    assert quote.instrument == "AAPL"
    assert Decimal(0) < quote.bid < quote.ask


async def test_what_the_broker_does_not_list_has_no_quote(stand: Stand) -> None:
    async with attached(stand):
        assert await stand.adapter.quote(stand.account, "NO SUCH THING") is None


async def test_a_chain_begins_at_the_asked_day_and_surrounds_the_money(stand: Stand) -> None:
    earliest = datetime.now(UTC).date() + timedelta(days=14)
    async with attached(stand):
        chain = await stand.adapter.chain("SPY", earliest, strikes=6)
    assert chain is not None and chain.underlying.last is not None
    spot = chain.underlying.last
    assert all(contract.expiration >= earliest for contract in chain.contracts)
    first = min(contract.expiration for contract in chain.contracts)
    for right in Right:
        strikes = [
            contract.strike
            for contract in chain.contracts
            if (contract.expiration, contract.right) == (first, right)
        ]
        assert sum(strike <= spot for strike in strikes) >= 6
        assert sum(strike > spot for strike in strikes) >= 6
    assert [quote.instrument for quote in chain.quotes] == [c.symbol for c in chain.contracts]


async def test_a_chosen_contract_can_be_quoted_and_traded(stand: Stand) -> None:
    choice = Choice(Right.CALL, datetime.now(UTC).date() + timedelta(days=1))
    async with attached(stand) as heard:
        chosen = await option_choice.find(stand.adapter, "SPY", choice)
        assert chosen is not None
        symbol = chosen.contract.symbol
        quote = await stand.adapter.quote(stand.account, symbol)
        order = an_order("call", account=stand.account, reference_price=None)
        await stand.adapter.submit(replace(order, instrument=symbol))
        await until(lambda: heard.of("call") == [ExecType.NEW, ExecType.FILL])
    assert quote is not None and quote.ask is not None


@pytest.mark.rule("K.options.chain")
async def test_a_chain_is_widened_until_it_holds_the_pick(stand: Stand) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    async with attached(stand):
        near = await option_choice.find(stand.adapter, "SPY", Choice(Right.PUT, tomorrow))
        assert near is not None and near.chain.underlying.last is not None
        for away in (1, 9, 25):
            choice = Choice(Right.PUT, tomorrow, Moneyness.OTM, away)
            # Two strikes are too few for any of them.
            chosen = await option_choice.find(stand.adapter, "SPY", choice, strikes=1)
            assert chosen is not None and chosen.chain.underlying.last is not None
            spot = chosen.chain.underlying.last
            between = {
                contract.strike
                for contract in chosen.chain.contracts
                if chosen.contract.strike <= contract.strike < spot
            }
            assert len(between) == away


async def test_where_no_options_are_listed_none_is_chosen(stand: Stand) -> None:
    choice = Choice(Right.CALL, datetime.now(UTC).date())
    async with attached(stand):
        assert await option_choice.find(stand.adapter, "NO SUCH THING", choice) is None
        far = Choice(Right.CALL, datetime.now(UTC).date() + timedelta(days=9999))
        assert await option_choice.find(stand.adapter, "SPY", far) is None


async def test_the_price_that_the_signal_saw_wins(stand: Stand) -> None:
    async with attached(stand):
        quote = await stand.adapter.quote(stand.account, "AAPL", reference_price=Decimal("123.45"))
    assert quote is not None and quote.last == Decimal("123.45")
