"""The seeded quote feed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import instruments
from execution.paper import quotes

DATA = reference.load()
SEEDS = st.integers(0, 2**31)
STEPS = st.integers(0, 2**33)
NAMES = st.text(min_size=1, max_size=12)
MIDDLES = st.decimals(Decimal("0.001"), Decimal(100_000), places=4)
SYMBOLS = ["AAPL", "BTCUSD", "SHIBUSDT", "MNQZ2026", "ZTZ2026", "6JZ2026", "SPY261218C00660000"]


def test_a_known_seed_gives_a_known_price() -> None:
    steps = range(1_700_000_000, 1_700_000_003)
    known = [quotes.price(1, "AAPL", step, Decimal(270)) for step in steps]
    assert known == [quotes.price(1, "AAPL", step, Decimal(270)) for step in steps]
    assert known != [quotes.price(2, "AAPL", step, Decimal(270)) for step in steps]


@given(SEEDS, NAMES)
def test_what_nobody_knows_has_a_price_all_the_same(seed: int, name: str) -> None:
    assert Decimal(10) <= quotes.drawn_price(seed, name) < Decimal(500)
    assert quotes.base_price(seed, name) > 0


def test_what_everybody_knows_trades_near_its_price() -> None:
    assert quotes.base_price(1, "BTC") == quotes.base_price(2, "BTC") > 10_000


@given(SEEDS, NAMES, STEPS, MIDDLES)
def test_a_price_swings_around_its_middle(seed: int, name: str, step: int, middle: Decimal) -> None:
    price = quotes.price(seed, name, step, middle)
    assert abs(price - middle) <= middle * quotes.SWING


def test_a_price_moves() -> None:
    assert len({quotes.price(1, "AAPL", step, Decimal(100)) for step in range(60)}) > 20


@pytest.mark.parametrize("symbol", SYMBOLS)
@given(seed=SEEDS, step=STEPS, price=st.decimals(Decimal("0.000001"), 100_000, places=6))
def test_bid_and_ask_are_ticks_apart_and_the_last_is_one_of_them(
    symbol: str, seed: int, step: int, price: Decimal
) -> None:
    instrument = instruments.of_symbol(symbol, DATA)
    quote = quotes.around(seed, instrument, step, price)
    tick = instrument.tick_at(price)
    assert 0 < quote.bid < quote.ask
    assert quote.last in (quote.bid, quote.ask)
    assert not any(side % tick for side in (quote.bid, quote.ask))
    assert abs(quote.last - price) <= tick
