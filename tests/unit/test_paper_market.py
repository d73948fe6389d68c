"""The venue's market: every asset class has a price, chains are plausible, hours are kept."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import chains, instruments
from execution.domain.chains import Choice, Moneyness
from execution.domain.options import OptionContract, Right
from execution.domain.words import AssetClass
from execution.paper import answers, book, matching, premiums, quotes
from execution.paper.book import Account, Changes, Moment
from execution.paper.market import Listed, Market
from protos.paper.v1 import paper_pb2 as pb

# A Monday, with all exchanges open.
OPEN = datetime(2026, 11, 23, 16, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 16, tzinfo=UTC)
CALL, PUT = Right.CALL, Right.PUT
BUY, SELL = pb.SIDE_BUY, pb.SIDE_SELL


@pytest.fixture
def market() -> Market:
    return Market(1, reference.load())


def chain(market: Market, **changed: object) -> list[Listed]:
    asked: dict[str, object] = {"earliest": date(2026, 12, 1), "strikes": 10, **changed}
    return market.chain("SPY", OPEN, **asked)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "symbol", ["AAPL", "NOBODY", "BTCUSD", "ETHUSDT", "MNQZ2026", "FGBLH2027", "6JZ2026"]
)
def test_every_asset_class_has_the_same_quote_for_a_seed(market: Market, symbol: str) -> None:
    assert market.quote(symbol, OPEN) == Market(1, reference.load()).quote(symbol, OPEN)
    assert market.quote(symbol, OPEN) != Market(2, reference.load()).quote(symbol, OPEN)


def test_every_future_of_the_table_has_a_quote_on_its_ticks(market: Market) -> None:
    for name, root in market.reference.roots.items():
        symbol = instruments.resolve(name, AssetClass.FUTURES, OPEN, market.reference).symbol
        quote = market.quote(symbol, OPEN)
        assert quote.ask - quote.bid == root.tick
        assert quote.bid % root.tick == 0
        assert abs(quote.last - root.around) <= root.around / 50 + root.tick


def test_the_price_that_was_seen_wins_over_the_feed(market: Market) -> None:
    assert market.quote_at("AAPL", OPEN, Decimal("99.50")).last == Decimal("99.50")
    swinging = market.quote("AAPL", OPEN, Decimal("99.50")).last
    assert abs(swinging - Decimal("99.50")) <= 1


def test_contracts_of_one_future_lie_close_together(market: Market) -> None:
    front, back = (market.quote(s, OPEN).last for s in ("MNQZ2026", "MNQH2027"))
    assert front != back
    assert abs(front - back) <= front / 50


def test_a_chain_has_both_rights_of_each_strike_around_the_money(market: Market) -> None:
    spot, listed = market.chain("SPY", OPEN, date(2026, 12, 1), 10)
    first = min(each.contract.expiration for each in listed)
    assert first == date(2026, 12, 4)
    for right in Right:
        strikes = sorted(
            each.contract.strike
            for each in listed
            if (each.contract.expiration, each.contract.right) == (first, right)
        )
        assert len(strikes) == len(set(strikes)) == 20
        assert sum(strike <= spot.last for strike in strikes) == 10


def test_a_chain_comes_unsorted_and_the_pick_sorts(market: Market) -> None:
    listed = [each.contract for each in chain(market)]
    assert listed != sorted(listed, key=lambda c: (c.expiration, c.strike))
    choice = Choice(CALL, date(2026, 12, 1), Moneyness.OTM, 3)
    spot = market.quote("SPY", OPEN).last
    picked = chains.pick(listed, spot, choice)
    assert picked is not None
    wider = [each.contract for each in chain(market, strikes=60)]
    assert picked == chains.pick(wider, spot, choice)


def test_expirations_on_a_holiday_are_the_day_before(market: Market) -> None:
    expirations = market.expirations(OPEN)
    assert expirations[0] == date(2026, 11, 27)
    assert date(2026, 12, 24) in expirations and date(2026, 12, 25) not in expirations
    assert expirations == sorted(set(expirations))


def test_an_option_costs_more_the_nearer_the_money_and_the_later(market: Market) -> None:
    def ask(expiration: str, strike: str) -> Decimal:
        return market.quote(f"SPY{expiration}C{strike}", OPEN).ask

    assert ask("261218", "00650000") > ask("261218", "00700000")
    assert ask("270319", "00700000") > ask("261218", "00700000")


PRICES = st.decimals(1, 10_000, places=2)
VOLATILITIES = st.decimals(Decimal("0.05"), Decimal("0.9"), places=2)


@given(PRICES, PRICES, st.decimals(Decimal("0.001"), 3, places=3), VOLATILITIES)
def test_premiums_hold_parity_and_never_fall_below_what_is_in_the_money(
    spot: Decimal, strike: Decimal, years: Decimal, volatility: Decimal
) -> None:
    call, put = (
        premiums.premium(right, spot=spot, strike=strike, years=years, volatility=volatility)
        for right in (CALL, PUT)
    )
    assert spot >= call >= max(spot - strike, Decimal(0))
    assert strike >= put >= max(strike - spot, Decimal(0))
    assert abs((call - put) - (spot - strike)) <= spot * Decimal("0.000001")


def test_a_premium_is_the_textbook_s() -> None:
    # Spot and strike 100, one year, volatility 20 %: 7.9656 without interest.
    premium = premiums.premium(
        CALL, spot=Decimal(100), strike=Decimal(100), years=Decimal(1), volatility=Decimal("0.2")
    )
    assert premium.quantize(Decimal("0.0001")) == Decimal("7.9656")


@pytest.mark.parametrize(
    ("symbol", "quantity", "words"),
    [
        ("NO SUCH THING", "1", "not listed"),
        ("MNQZ2026", "1.5", "multiples of 1"),
        ("SPY261218C00660000", "0.5", "multiples of 1"),
        ("MNQU2026", "1", "expired on 2026-09-18"),
        ("SPY261120C00660000", "1", "expired on 2026-11-20"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_words(
    market: Market, symbol: str, quantity: str, words: str
) -> None:
    with pytest.raises(matching.Refused, match=words):
        market.check(symbol, Decimal(quantity), OPEN, by_hours=False)


def test_hours_count_only_where_the_account_keeps_them(market: Market) -> None:
    market.check("AAPL", Decimal(1), SUNDAY, by_hours=False)
    market.check("BTCUSD", Decimal(1), SUNDAY, by_hours=True)
    market.check("AAPL", Decimal(1), OPEN, by_hours=True)
    with pytest.raises(matching.Refused, match="closed until 2026-11-23 14:30 UTC"):
        market.check("AAPL", Decimal(1), SUNDAY, by_hours=True)


def trade(account: Account, market: Market, symbol: str, *fills: tuple[pb.Side, str, str]) -> None:
    """Fill market orders at named prices."""
    for number, (side, quantity, price) in enumerate(fills):
        order = pb.NewOrder(
            account=account.name,
            cl_ord_id=f"{symbol}-{number}",
            instrument=symbol,
            side=side,
            ord_type=pb.ORD_TYPE_MARKET,
            order_qty=quantity,
            time_in_force="day",
            reference_price=price,
        )
        book.take(account, matching.read_terms(order), Moment.of(OPEN), market, Changes())


def cash_after(market: Market, symbol: str, *fills: tuple[pb.Side, str, str]) -> Decimal:
    account = Account("acme", 2.0)
    trade(account, market, symbol, *fills)
    return account.cash - book.STARTING_CASH


@pytest.mark.parametrize(
    ("symbol", "fills", "moved"),
    [
        ("AAPL", [(BUY, "5", "200")], "-1000"),
        ("AAPL", [(BUY, "5", "200"), (SELL, "5", "210")], "50"),
        ("BTCUSDT", [(BUY, "0.5", "90000")], "-45000"),
        ("SPY261218C00660000", [(BUY, "2", "12.50")], "-2500"),
        ("SPY261218C00660000", [(BUY, "2", "12.50"), (SELL, "2", "13")], "100"),
        # A future costs nothing to hold; closing it pays points times the point value.
        ("MNQZ2026", [(BUY, "3", "25000")], "0"),
        ("MNQZ2026", [(BUY, "3", "25000"), (SELL, "3", "25010")], "60"),
        ("MNQZ2026", [(SELL, "3", "25000"), (BUY, "1", "24990")], "20"),
        ("MNQZ2026", [(BUY, "2", "25000"), (SELL, "5", "25010"), (BUY, "3", "25000")], "100"),
        ("ESZ2026", [(BUY, "1", "6600"), (BUY, "1", "6610"), (SELL, "2", "6610")], "500"),
    ],
)
def test_cash_moves_by_what_the_instrument_pays(
    market: Market, symbol: str, fills: list[tuple[pb.Side, str, str]], moved: str
) -> None:
    assert cash_after(market, symbol, *fills) == Decimal(moved)


def test_profit_in_another_currency_is_converted(market: Market) -> None:
    moved = cash_after(market, "FDAXZ2026", (BUY, "1", "24000"), (SELL, "1", "24010"))
    assert moved == 250 * market.to_dollars("EUR", OPEN)
    assert market.to_dollars("EUR", OPEN) > 1


@pytest.mark.parametrize(
    ("symbol", "side", "quantity", "price", "point_value"),
    [
        ("AAPL", BUY, "10", "200", 1),
        ("ESZ2026", SELL, "2", "6600", 50),
        ("SPY261218P00650000", BUY, "3", "14.20", 100),
        ("BTCUSD", BUY, "0.25", "90000", 1),
    ],
)
def test_equity_is_the_start_and_what_open_positions_won_or_lost(
    market: Market, symbol: str, side: pb.Side, quantity: str, price: str, point_value: int
) -> None:
    account = Account("acme", 2.0)
    trade(account, market, symbol, (side, quantity, price))
    later = Moment.of(OPEN + timedelta(seconds=47))
    said = answers.describe(account, later, market)
    (position,) = said.positions
    sign = 1 if side == BUY else -1
    moved = Decimal(position.market_price) - Decimal(price)
    assert moved and abs(moved) <= Decimal(price) / 90 + 1
    won = sign * Decimal(quantity) * moved * point_value
    assert Decimal(position.unrealised) == Decimal(said.unrealised) == won
    assert Decimal(said.equity) == book.STARTING_CASH + won


def test_an_order_without_a_price_trades_near_what_its_account_saw(market: Market) -> None:
    account = Account("acme", 2.0)
    trade(account, market, "AAPL", (BUY, "5", "40"))
    trade(account, market, "AAPL", (SELL, "5", ""))
    assert abs(account.cash - book.STARTING_CASH) <= Decimal(5)


def test_a_buyer_pays_the_ask_and_a_seller_gets_the_bid(market: Market) -> None:
    quote = market.quote("MNQZ2026", OPEN)
    for side, price in ((BUY, quote.ask), (SELL, quote.bid)):
        account = Account("acme", 2.0)
        trade(account, market, "MNQZ2026", (side, "1", ""))
        assert account.holdings["MNQZ2026"].avg_price == price


def test_a_contract_s_quote_is_the_one_of_its_chain(market: Market) -> None:
    for each in chain(market, strikes=2):
        contract: OptionContract = each.contract
        assert market.quote(contract.symbol, OPEN).ask >= each.quote.bid
        assert isinstance(each.quote, quotes.Quote)
