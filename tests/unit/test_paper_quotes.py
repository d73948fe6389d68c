"""The seeded quote feed."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.paper import quotes

SEEDS = st.integers(0, 2**31)
STEPS = st.integers(0, 2**33)
NAMES = st.text(min_size=1, max_size=12)
MIDDLES = st.decimals(Decimal("0.001"), Decimal(100_000), places=4)


def test_a_known_seed_gives_a_known_price() -> None:
    known = [quotes.price(1, "AAPL", 1_700_000_000 + n) for n in range(3)]
    assert known == [quotes.price(1, "AAPL", 1_700_000_000 + n) for n in range(3)]
    assert known != [quotes.price(2, "AAPL", 1_700_000_000 + n) for n in range(3)]


@given(SEEDS, NAMES, STEPS)
def test_a_price_is_positive_and_near_its_base(seed: int, name: str, step: int) -> None:
    base = quotes.base_price(seed, name)
    price = quotes.price(seed, name, step)
    assert Decimal(10) <= base < Decimal(500)
    assert abs(price - base) <= base * quotes.SWING + Decimal("0.01")


@given(SEEDS, NAMES, STEPS, MIDDLES)
def test_a_price_swings_around_the_middle_it_is_given(
    seed: int, name: str, step: int, middle: Decimal
) -> None:
    price = quotes.price(seed, name, step, middle)
    assert price > 0
    assert abs(price - middle) <= middle * quotes.SWING + Decimal("0.01")


def test_a_price_moves() -> None:
    assert len({quotes.price(1, "AAPL", step) for step in range(60)}) > 20
