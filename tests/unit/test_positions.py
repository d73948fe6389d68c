"""Positions after fills, and which part of them a subscription trades."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import positions
from execution.domain.positions import FLAT, Attribution, Position
from execution.domain.words import Side

QUANTITIES = st.integers(1, 50).map(Decimal)
FILLS = st.lists(st.tuples(st.sampled_from(Side), QUANTITIES, QUANTITIES), max_size=12)


@pytest.mark.rule("A.sum")
@given(FILLS)
def test_the_sum_of_fills_is_the_position(fills: list[tuple[Side, Decimal, Decimal]]) -> None:
    position = FLAT
    for side, quantity, price in fills:
        position = position.after(side, quantity, price)
    assert position.quantity == sum(s.sign * q for s, q, _ in fills)
    assert (position.avg_price is None) == (position.quantity == 0)


def test_adding_averages_and_reducing_keeps_the_price() -> None:
    position = FLAT.after(Side.BUY, Decimal(1), Decimal(100)).after(
        Side.BUY, Decimal(3), Decimal(104)
    )
    assert position == Position(Decimal(4), Decimal(103))
    assert position.after(Side.SELL, Decimal(1), Decimal(1)).avg_price == 103


def test_crossing_zero_restarts_the_price() -> None:
    long = Position(Decimal(2), Decimal(100))
    assert long.after(Side.SELL, Decimal(5), Decimal(90)) == Position(Decimal(-3), Decimal(90))


@pytest.mark.rule("A.default")
def test_a_the_only_subscription_trades_the_whole_account() -> None:
    alone = positions.attribute(others_trade_here=False, is_all_own=True)
    assert alone is Attribution.ACCOUNT
    shared = positions.attribute(others_trade_here=True, is_all_own=True)
    foreign = positions.attribute(others_trade_here=False, is_all_own=False)
    assert shared is foreign is Attribution.OWN


@pytest.mark.rule("A.own")
def test_a_own_is_capped_by_the_brokers_position() -> None:
    def own(mine: int, whole: int) -> Decimal:
        return positions.in_scope(Attribution.OWN, own=Decimal(mine), whole=Decimal(whole))

    assert [own(5, 8), own(5, 3), own(5, 0), own(5, -2)] == [5, 3, 0, 0]
    assert [own(-5, -8), own(-5, -3), own(-5, 2)] == [-5, -3, 0]
