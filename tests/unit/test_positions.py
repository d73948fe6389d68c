"""Positions after fills, and which part of them a subscription trades."""

from decimal import Decimal
from uuid import UUID, uuid4

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


FIRST, SECOND, THIRD = sorted(uuid4() for _ in range(3))


def shares(**held: int) -> dict[UUID, Position]:
    names = {"first": FIRST, "second": SECOND, "third": THIRD}
    return {names[name]: Position(Decimal(quantity), None) for name, quantity in held.items()}


def closed(held: dict[UUID, Position], quantity: int, whole: int) -> dict[UUID, int]:
    parts = positions.closed_by(held, FIRST, Side.SELL, Decimal(quantity), Decimal(whole))
    return {who: int(part) for who, part in parts.items()}


@pytest.mark.rule("A.shares")
def test_closing_the_whole_account_takes_ones_own_share_first_then_the_largest() -> None:
    held = shares(first=5, second=2, third=3)
    assert closed(held, 4, 10) == {FIRST: 4}
    assert closed(held, 7, 10) == {FIRST: 5, THIRD: 2}
    assert closed(held, 10, 10) == {FIRST: 5, SECOND: 2, THIRD: 3}
    assert closed(shares(first=2, second=3, third=5), 4, 10) == {FIRST: 2, THIRD: 2}


@pytest.mark.rule("A.shares")
def test_what_nobody_owns_is_closed_without_making_anybody_short() -> None:
    assert closed(shares(first=5), 9, 9) == {FIRST: 5}
    assert closed(shares(first=-5, second=8), 3, 3) == {SECOND: 3}


@pytest.mark.rule("A.shares")
def test_what_was_filled_beyond_the_position_is_the_closers() -> None:
    assert closed(shares(first=5, second=2), 9, 7) == {FIRST: 7, SECOND: 2}
    assert closed(shares(first=5), 5, -1) == {FIRST: 5}


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=3), st.integers(1, 30))
def test_shares_stay_what_was_filled_while_nobody_else_trades(held: list[int], fill: int) -> None:
    everybody = dict(zip((FIRST, SECOND, THIRD), held, strict=False))
    before = {who: Position(Decimal(quantity)) for who, quantity in everybody.items()}
    parts = positions.closed_by(before, FIRST, Side.SELL, Decimal(fill), Decimal(sum(held)))
    assert sum(parts.values()) == fill


@pytest.mark.rule("A.own")
@given(st.lists(st.integers(-9, 9).map(Decimal), max_size=5), st.integers(-20, 20).map(Decimal))
def test_shares_that_shrink_from_outside_come_to_no_more_than_there_is(
    held: list[Decimal], whole: Decimal
) -> None:
    shares = {UUID(int=n + 1): share for n, share in enumerate(held)}
    left = positions.shrunk(shares, whole, first=())
    net = sum(shares.values(), Decimal(0))
    sign = 1 if net > 0 else -1
    after = sum(left.values(), Decimal(0))
    assert after * sign == min(net * sign, max(whole * sign, Decimal(0)))
    for who, share in shares.items():
        assert share * left[who] >= 0
        assert abs(left[who]) <= abs(share)


@pytest.mark.rule("A.own")
def test_who_trades_the_whole_account_loses_first_then_the_largest_share() -> None:
    small, large, account = (UUID(int=n) for n in (1, 2, 3))
    shares = {small: Decimal(2), large: Decimal(6), account: Decimal(3)}
    for whole, left in ((9, (2, 6, 1)), (8, (2, 6, 0)), (5, (2, 3, 0)), (1, (1, 0, 0))):
        found = positions.shrunk(shares, Decimal(whole), first={account})
        assert [int(found[who]) for who in (small, large, account)] == list(left)


@pytest.mark.rule("D5.position")
@pytest.mark.parametrize(("difference", "left"), [(-3, 0), (-5, -2), (2, 0), (4, 2), (0, 0)])
def test_what_orders_in_doubt_may_have_done_is_no_difference(difference: int, left: int) -> None:
    found = positions.beyond(Decimal(difference), Decimal(-3), Decimal(2))
    assert found == left
