"""Limits: what they refuse, and how they change."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import limits
from execution.domain.decisions import Send
from execution.domain.limits import Limits, LimitsState, Used
from execution.domain.positions import Position
from execution.domain.words import Leg, OrdType, Side

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ONE = Decimal(1)

money = st.none() | st.integers(1, 10_000).map(Decimal)
some_limits = st.builds(Limits, money, money, st.none() | st.integers(1, 100))


def entry(quantity: str = "5", price: str = "100") -> Send:
    numbers = {"planning_price": price} if price else {}
    return Send(
        Leg.ENTRY, 0, Side.BUY, Decimal(quantity), OrdType.MARKET, None, None, numbers=numbers
    )


def allows(bound: Limits, loosest: Limits) -> bool:
    """True when nothing is looser in `bound`."""
    pairs = zip(
        (bound.max_daily_loss, bound.max_position, bound.max_orders),
        (loosest.max_daily_loss, loosest.max_position, loosest.max_orders),
        strict=True,
    )
    return all(most is None or (mine is not None and mine <= most) for mine, most in pairs)


@given(some_limits, some_limits)
def test_nothing_is_looser_before_the_next_day(before: Limits, wanted: Limits) -> None:
    state = LimitsState(before).changed(wanted, NOW)
    assert allows(state.at(NOW), before)
    assert allows(state.at(NOW), wanted)


@given(some_limits, some_limits)
def test_from_the_next_day_on_it_is_as_asked(before: Limits, wanted: Limits) -> None:
    state = LimitsState(before).changed(wanted, NOW)
    assert state.at(NOW + timedelta(days=1)) == wanted


@given(some_limits, some_limits, some_limits)
def test_what_was_looser_and_not_yet_so_may_be_taken_back(
    before: Limits, looser: Limits, last: Limits
) -> None:
    state = LimitsState(before).changed(looser, NOW).changed(last, NOW)
    assert allows(state.at(NOW), before)
    assert state.at(NOW + timedelta(days=1)) == last


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-20T22:59:59+00:00", "2026-11-20"),
        ("2026-11-20T23:00:00+00:00", "2026-11-21"),
        # In summer New York is four hours behind.
        ("2026-07-20T22:00:00+00:00", "2026-07-21"),
    ],
)
def test_a_trading_day_begins_at_six_in_the_evening(at: str, day: str) -> None:
    found = limits.trading_day(datetime.fromisoformat(at))
    assert found.isoformat() == day
    assert limits.day_start(found) <= datetime.fromisoformat(at)


def test_a_day_of_its_own_begins_when_the_former_ends() -> None:
    start = limits.day_start(limits.trading_day(NOW) + timedelta(days=1))
    assert limits.trading_day(start - timedelta(microseconds=1)) == limits.trading_day(NOW)
    assert limits.trading_day(start) == limits.trading_day(NOW) + timedelta(days=1)


@pytest.mark.parametrize(
    ("quantity", "side", "fill", "won"),
    [
        ("10", Side.SELL, "5", "-50"),
        ("10", Side.SELL, "15", "-100"),
        ("-10", Side.BUY, "4", "40"),
        ("10", Side.BUY, "5", "0"),
        ("0", Side.BUY, "5", "0"),
    ],
)
def test_a_fill_wins_or_loses_on_what_it_closes(
    quantity: str, side: Side, fill: str, won: str
) -> None:
    held = Position(Decimal(quantity), Decimal(100))
    assert limits.result(held, side, Decimal(fill), Decimal(90)) == Decimal(won)


@pytest.mark.rule("C6.loss")
def test_a_loss_at_the_limit_is_over_it() -> None:
    refusal = limits.refuse(Limits(Decimal(500)), Used(lost=Decimal(500)), entry(), ONE)
    assert refusal is not None
    assert (refusal.reason, refusal.numbers) == ("daily_loss_hit", {"lost": "500", "limit": "500"})


@pytest.mark.rule("C6.position")
def test_a_position_up_to_the_limit_is_taken() -> None:
    bound, used = Limits(max_position=Decimal(1000)), Used(exposed=Decimal(500))
    assert limits.refuse(bound, used, entry("5", "100"), ONE) is None
    refusal = limits.refuse(bound, used, entry("5.01", "100"), ONE)
    assert refusal is not None
    assert refusal.numbers["value"] == "1001.00"


def test_points_count_in_money() -> None:
    bound = Limits(max_position=Decimal(1000))
    assert limits.refuse(bound, Used(), entry("1", "100"), Decimal(50)) is not None


def test_a_size_that_nothing_prices_passes_no_limit() -> None:
    bound = Limits(max_position=Decimal(1000))
    refusal = limits.refuse(bound, Used(), entry("1", ""), ONE)
    assert refusal is not None
    assert refusal.reason == "max_position"


@pytest.mark.rule("C6.orders")
def test_the_order_after_the_last_one_allowed_waits() -> None:
    assert limits.refuse(Limits(max_orders=2), Used(orders=1), entry(), ONE) is None
    assert limits.refuse(Limits(max_orders=2), Used(orders=2), entry(), ONE) is not None
