"""Every asset class from ticker to flat: execution, venue and database are real."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from execution.domain import options
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests.integration.execution_kit import SECONDS, Kit

FILLED = ("FILLED", "unspecified")


def future(kit: Kit, action: str, ticker: str, quantity: str = "2", **fields: Any) -> pb.Trade:
    known = {"asset_class": pb.ASSET_CLASS_FUTURES, "signal_price": "25000.13"}
    return kit.trade(action, quantity, instrument=ticker, **(known | fields))


def kind_of(word: str) -> pb.OptionType:
    return cast("pb.OptionType", pb.OptionType.Value(f"OPTION_TYPE_{word.upper()}"))


def option(
    kit: Kit,
    action: str,
    kind: str = "both",
    ticker: str = "AAPL",
    quantity: str = "2",
    **said: Any,
) -> pb.Trade:
    choice = pb.OptionChoice(option_type=kind_of(kind), **said)
    return kit.trade(
        action, quantity, instrument=ticker, asset_class=pb.ASSET_CLASS_OPTIONS, option=choice
    )


def orders(kit: Kit, trade: pb.Trade) -> list[tuple[pb.Side, str]]:
    """Sides and instruments of a trade's orders, as they were written down."""
    return [
        (f.order_sending.order.side, f.order_sending.order.instrument)
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("order_sending")
    ]


def fills(kit: Kit, trade: pb.Trade) -> list[Decimal]:
    return [
        Decimal(f.execution_report.last_px)
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.execution_report.last_px
    ]


def resolved(kit: Kit, trade: pb.Trade) -> list[pb.Resolved]:
    return [
        f.trade_resolved.resolved
        for f in kit.facts
        if f.trade_id == trade.trade_id and f.HasField("trade_resolved")
    ]


async def cash(kit: Kit) -> Decimal:
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    return Decimal(answer.cash)


async def preview(kit: Kit, trade: pb.Trade) -> pb.Preview:
    answer = await kit.stub.PreviewTrades(pb.PreviewTradesRequest(trades=[trade]), timeout=SECONDS)
    found: pb.Preview = answer.previews[0]
    return found


async def flat_again(kit: Kit, entry: pb.Trade, leave: pb.Trade, point_value: int) -> None:
    """Buy and exit; what was won is what the prices say, times the money per point."""
    before = await cash(kit)
    assert await kit.run(entry) == FILLED
    assert await kit.run(leave) == FILLED
    assert await kit.venue_positions() == {}
    assert {Decimal(held) for held in (await kit.positions()).values()} <= {Decimal(0)}
    won = fills(kit, leave)[0] - fills(kit, entry)[0]
    quantity = Decimal(entry.quantity)
    assert await cash(kit) - before == won * quantity * point_value


async def test_a_stock_is_bought_and_sold_for_what_the_prices_say(kit: Kit) -> None:
    entry = kit.trade("buy", "5")
    await flat_again(kit, entry, kit.trade("exit", ""), 1)
    assert resolved(kit, entry) == []


@pytest.mark.parametrize("ticker", ["MNQ", "MNQ1!", "MNQ2!"])
async def test_a_continuous_future_becomes_a_contract_that_its_exit_names(
    kit: Kit, ticker: str
) -> None:
    entry, leave = future(kit, "buy", ticker), future(kit, "exit", ticker, "")
    await flat_again(kit, entry, leave, 2)
    [meant] = resolved(kit, entry)
    assert meant.symbol.startswith("MNQ")
    assert meant.root == "MNQ"
    assert meant.expires > datetime.now(UTC).date().isoformat()
    assert meant.rolls
    assert orders(kit, entry) == [(pb.SIDE_BUY, meant.symbol)]
    assert orders(kit, leave) == [(pb.SIDE_SELL, meant.symbol)]


async def test_a_contract_written_out_trades_as_itself(kit: Kit) -> None:
    year = datetime.now(UTC).year + 1
    entry = future(kit, "buy", f"MNQH{year}")
    await flat_again(kit, entry, future(kit, "exit", f"MNQH{year % 100}", ""), 2)
    assert not resolved(kit, entry)[0].rolls


@pytest.mark.rule("E4.stored")
async def test_an_exit_after_the_roll_closes_the_contract_that_is_held(kit: Kit) -> None:
    year = datetime.now(UTC).year + 2
    assert await kit.run(future(kit, "buy", f"MNQH{year}")) == FILLED

    leave = future(kit, "exit", "MNQ1!", "")
    assert await kit.run(leave) == FILLED
    assert orders(kit, leave) == [(pb.SIDE_SELL, f"MNQH{year}")]
    assert await kit.venue_positions() == {}


async def test_an_exit_closes_every_contract_of_the_root(kit: Kit) -> None:
    year = datetime.now(UTC).year + 2
    await kit.run(future(kit, "buy", f"MNQM{year}"))
    await kit.run(future(kit, "buy", f"MNQH{year}", allow_add=True))

    leave = future(kit, "exit", "MNQ", "")
    assert await kit.run(leave) == FILLED
    assert orders(kit, leave) == [(pb.SIDE_SELL, f"MNQH{year}"), (pb.SIDE_SELL, f"MNQM{year}")]
    assert await kit.venue_positions() == {}


async def test_an_exit_that_names_a_contract_leaves_the_others(kit: Kit) -> None:
    year = datetime.now(UTC).year + 2
    await kit.run(future(kit, "buy", f"MNQM{year}"))
    assert await kit.run(future(kit, "exit", f"MNQH{year}", "")) == ("SKIPPED", "no_position")
    assert await kit.venue_positions() == {f"MNQM{year}": "2"}


async def test_a_flip_after_the_roll_leaves_one_contract_and_enters_the_next(kit: Kit) -> None:
    year = datetime.now(UTC).year + 2
    await kit.run(future(kit, "buy", f"MNQH{year}"))
    flip = future(kit, "sell", "MNQ1!", "2", allow_swap=True)
    assert await kit.run(flip) == FILLED
    front = resolved(kit, flip)[0].symbol
    assert orders(kit, flip) == [(pb.SIDE_SELL, f"MNQH{year}"), (pb.SIDE_SELL, front)]
    assert await kit.venue_positions() == {front: "-2"}


async def test_prices_of_a_future_are_on_its_tick(kit: Kit) -> None:
    style = pb.OrderStyle(ord_type=pb.ORD_TYPE_LIMIT, limit_price="25100.13")
    entry = future(kit, "buy", "MNQ1!", entry=style)
    assert await kit.run(entry) == FILLED
    [sent] = [f.order_sending.order for f in kit.facts if f.HasField("order_sending")]
    assert sent.limit_price == "25100.00"


async def test_money_buys_contracts_by_their_point_value(kit: Kit) -> None:
    entry = future(kit, "buy", "MNQ", "101000", size_type=pb.SIZE_TYPE_DOLLAR_AMOUNT)
    assert await kit.run(entry) == FILLED
    assert list((await kit.venue_positions()).values()) == ["2"]


@pytest.mark.parametrize("ticker", ["NOPE", "MNQA2027"])
async def test_what_names_no_future_is_skipped(kit: Kit, ticker: str) -> None:
    assert await kit.run(future(kit, "buy", ticker)) == ("SKIPPED", "instrument_unknown")


async def test_an_expired_contract_is_skipped(kit: Kit) -> None:
    assert await kit.run(future(kit, "buy", "MNQZ2023")) == ("SKIPPED", "contract_expired")


# -- options


def contract_in(kit: Kit, trade: pb.Trade) -> options.OptionContract:
    found = options.read(orders(kit, trade)[-1][1])
    assert found is not None
    return found


@pytest.mark.rule("E4.stored")
@pytest.mark.parametrize(
    ("kind", "action", "right"), [("both", "buy", "call"), ("both", "sell", "put"),
                                  ("call", "buy", "call"), ("put", "buy", "put")]
)  # fmt: skip
async def test_an_option_is_chosen_from_the_chain_and_closed_by_the_underlying(
    kit: Kit, kind: str, action: str, right: str
) -> None:
    entry, leave = option(kit, action, kind, strikes_away=1), option(kit, "exit", kind, quantity="")
    await flat_again(kit, entry, leave, 100)
    contract = contract_in(kit, entry)
    assert contract.right == right
    assert (contract.strike > Decimal("228.40")) == (right == "call")
    assert orders(kit, entry) == [(pb.SIDE_BUY, contract.symbol)]
    assert orders(kit, leave) == [(pb.SIDE_SELL, contract.symbol)]
    [meant] = resolved(kit, entry)
    assert (meant.symbol, meant.ticker, meant.point_value) == (contract.symbol, "AAPL", "100")
    assert meant.chosen_from["premium"]
    [sending] = [f.order_sending for f in kit.facts if f.trade_id == entry.trade_id and
                 f.HasField("order_sending")]  # fmt: skip
    assert sending.numbers["chain_premium"] == meant.chosen_from["premium"]


@pytest.mark.rule("K.options.short")
async def test_an_inverted_put_is_sold_on_a_buy_and_bought_back(kit: Kit) -> None:
    entry = option(kit, "buy", "put", invert_puts=True)
    assert await kit.run(entry) == ("SKIPPED", "short_options_off")
    entry = option(kit, "buy", "put", invert_puts=True)
    entry.short_options = True
    assert await kit.run(entry) == FILLED
    leave = option(kit, "exit", "put", quantity="", invert_puts=True)
    assert await kit.run(leave) == FILLED
    symbol = contract_in(kit, entry).symbol
    assert orders(kit, entry) == [(pb.SIDE_SELL, symbol)]
    assert orders(kit, leave) == [(pb.SIDE_BUY, symbol)]


async def test_a_sell_of_both_kinds_leaves_the_calls_and_buys_puts(kit: Kit) -> None:
    await kit.run(option(kit, "buy"))
    flip = option(kit, "sell")
    flip.allow_swap = True
    assert await kit.run(flip) == FILLED
    sold, bought = orders(kit, flip)
    assert (sold[0], bought[0]) == (pb.SIDE_SELL, pb.SIDE_BUY)
    [held] = await kit.venue_positions()
    found = options.read(held)
    assert found is not None and found.right == "put"
    assert bought[1] == held


async def test_an_option_written_out_is_that_contract(kit: Kit) -> None:
    year = datetime.now(UTC).year % 100 + 1
    ticker = f"AAPL {year}0618C230"
    entry = option(kit, "buy", ticker=ticker)
    await flat_again(kit, entry, option(kit, "exit", ticker=ticker, quantity=""), 100)
    assert orders(kit, entry) == [(pb.SIDE_BUY, f"AAPL{year}0618C00230000")]


async def test_a_strike_and_a_day_name_the_contract(kit: Kit) -> None:
    first = option(kit, "buy", "call")
    await kit.run(first)
    at = contract_in(kit, first)
    other = option(kit, "exit", "call", quantity="")
    await kit.run(other)
    exact = option(
        kit, "buy", "call", strike_price=str(at.strike), expiration=at.expiration.isoformat()
    )
    assert await kit.run(exact) == FILLED
    assert contract_in(kit, exact) == at


async def test_no_option_fits_a_strike_that_is_not_listed(kit: Kit) -> None:
    nowhere = option(kit, "buy", "call", strike_price="99999.5")
    assert await kit.run(nowhere) == ("SKIPPED", "no_contract")


@pytest.mark.rule("K.options.money")
async def test_money_buys_options_by_a_hundred_times_the_premium(kit: Kit) -> None:
    entry = option(kit, "buy", "call", quantity="2500")
    entry.size_type = pb.SIZE_TYPE_DOLLAR_AMOUNT
    assert await kit.run(entry) == FILLED
    [planned] = [f.order_sending for f in kit.facts if f.HasField("order_sending")]
    premium = Decimal(planned.numbers["planning_price"])
    assert planned.order.order_qty == str(Decimal(2500) // (premium * 100))


# -- crypto


@pytest.mark.parametrize("ticker", ["BTC/USD", "BTCUSD", "XBTUSD", "BTC"])
async def test_crypto_trades_in_fractions_however_it_is_written(kit: Kit, ticker: str) -> None:
    fields = {
        "instrument": ticker,
        "asset_class": pb.ASSET_CLASS_CRYPTO,
        "signal_price": "60000",
        "fractional": True,
    }
    entry, leave = kit.trade("buy", "0.25", **fields), kit.trade("exit", "", **fields)
    await flat_again(kit, entry, leave, 1)
    assert orders(kit, entry) == [(pb.SIDE_BUY, "BTCUSD")]


async def test_a_pair_priced_in_crypto_is_refused(kit: Kit) -> None:
    trade = kit.trade("buy", "1", instrument="ETHBTC", asset_class=pb.ASSET_CLASS_CRYPTO)
    assert await kit.run(trade) == ("SKIPPED", "crypto_quote_unsupported")


async def test_crypto_worth_less_than_dust_is_no_position(kit: Kit) -> None:
    fields = {
        "instrument": "BTCUSD",
        "asset_class": pb.ASSET_CLASS_CRYPTO,
        "signal_price": "60000",
        "fractional": True,
    }
    await kit.run(kit.trade("buy", "0.00002", **fields))
    assert await kit.run(kit.trade("exit", "", **fields)) == ("SKIPPED", "no_position")


# -- restarts and previews


async def test_what_was_meant_is_not_found_out_again_after_a_kill(kit: Kit) -> None:
    await kit.faults(paper_pb2.Fault(nth=1, kind=paper_pb2.FAULT_KIND_DROP))
    entry = option(kit, "buy", "call", strikes_away=2)
    await kit.submit(entry)
    await kit.until(lambda: bool(resolved(kit, entry)))
    await kit.restart()
    assert await kit.outcome(entry) == FILLED
    [meant] = resolved(kit, entry)
    assert {symbol for _, symbol in orders(kit, entry)} == {meant.symbol}
    assert await kit.venue_positions() == {meant.symbol: "2"}

    assert await kit.run(option(kit, "exit", "call", quantity="")) == FILLED
    assert await kit.venue_positions() == {}


async def test_positions_are_in_their_lane_again_after_a_restart(kit: Kit) -> None:
    await kit.run(future(kit, "buy", "MNQ1!"))
    await kit.restart()
    assert await kit.run(future(kit, "buy", "MNQ")) == ("SKIPPED", "already_in_position")
    assert await kit.run(future(kit, "exit", "MNQ2!", "")) == FILLED
    assert await kit.venue_positions() == {}


async def test_a_preview_says_what_the_ticker_means(kit: Kit) -> None:
    told = await preview(kit, future(kit, "buy", "MNQ1!"))
    assert told.resolved.symbol == told.orders[0].instrument
    assert told.resolved.rolls < told.resolved.expires

    told = await preview(kit, option(kit, "sell"))
    found = options.read(told.orders[0].instrument)
    assert found is not None and found.right == "put"
    assert told.orders[0].side == pb.SIDE_BUY
    assert told.resolved.chosen_from["underlying"]


async def test_a_preview_of_a_flip_sees_both_contracts(kit: Kit) -> None:
    await kit.run(option(kit, "buy"))
    flip = option(kit, "sell", quantity="")
    flip.allow_swap = True
    told = await preview(kit, flip)
    assert told.state == pb.TRADE_STATE_FILLED
    assert [(o.leg, o.side) for o in told.orders] == [
        (pb.LEG_EXIT, pb.SIDE_SELL),
        (pb.LEG_ENTRY, pb.SIDE_BUY),
    ]
    rights = [options.read(o.instrument) for o in told.orders]
    assert [r and r.right for r in rights] == ["call", "put"]


async def test_money_buys_a_future_in_euros_at_the_venues_rate(kit: Kit) -> None:
    answer = await kit.venue_stub.GetAccount(
        paper_pb2.GetAccountRequest(account=kit.account), timeout=SECONDS
    )
    rate = Decimal(answer.rates["EUR"])
    assert answer.currency == "USD" and rate > 0
    # A euro a point: micro contracts.
    trade = kit.trade(
        "buy",
        "10000",
        instrument="FDXS1!",
        asset_class=pb.ASSET_CLASS_FUTURES,
        size_type=pb.SIZE_TYPE_DOLLAR_AMOUNT,
        quantity_from_signal=True,
        signal_price="1000",
    )
    planned = (await preview(kit, trade)).orders[0]
    # The rate moves with the venue's clock.
    exact = 10_000 / (1000 * rate)
    assert abs(Decimal(planned.order_qty) - exact) <= 1 + exact / 50
    assert await kit.run(trade) == FILLED


async def test_an_exit_closes_both_sides_of_a_straddle(kit: Kit) -> None:
    call = option(kit, "buy", "call")
    assert await kit.run(call) == FILLED
    [(_, bought)] = orders(kit, call)
    put = option(kit, "buy", ticker=bought.replace("C", "P"))
    put.allow_add = True
    assert await kit.run(put) == FILLED
    assert len(await kit.venue_positions()) == 2
    leave = option(kit, "exit", quantity="")
    assert await kit.run(leave) == FILLED
    assert len(orders(kit, leave)) == 2
    assert await kit.venue_positions() == {}
