"""Rules of planning that are smaller than a cell of the table: sizes, prices, options."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from execution.domain import planning
from execution.domain.chains import Choice, Moneyness, pick
from execution.domain.decisions import End, Progress, Scope, Send
from execution.domain.market import Market
from execution.domain.options import OptionContract, OptionType, Right
from execution.domain.trades import Distance, OptionWish, StopLoss
from execution.domain.words import (
    AssetClass,
    By,
    Leg,
    OrdType,
    Side,
    Sides,
    SizeType,
    TradeState,
)
from execution.lanes import known
from tests.unit.planning_kit import (
    BUY,
    SELL,
    VENUE,
    a_style,
    a_trade,
    decide,
    filled,
    held,
    market,
    plan,
    refused,
    sent,
    working,
)

STOP_90 = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(90)))


def legs(trade: Any, scope: Scope, seen: Market | None = None) -> list[tuple[Leg, Side, str]]:
    return [sent(send) for send in plan(trade, scope, seen).sends]


# -- cells


@pytest.mark.rule("K.cells.add")
def test_add_needs_more_than_a_working_entry() -> None:
    waiting = held("0", entries=(working(BUY, "5"),))
    assert refused(decide(a_trade("add", "3"), waiting)) == "no_position"
    assert sent(decide(a_trade("add", "3"), held("5"))) == (Leg.ENTRY, BUY, "3")


@pytest.mark.rule("K.cells.side")
@pytest.mark.parametrize(("sides", "position"), [("bearish", "5"), ("bullish", "-5")])
def test_add_opens_nothing_on_a_side_that_is_not_allowed(sides: str, position: str) -> None:
    trade = a_trade("add", "3", sides=Sides(sides))
    assert refused(decide(trade, held(position))) == "side_not_allowed"


@pytest.mark.rule("K.cells.subtract")
@pytest.mark.parametrize(
    "fields",
    [
        {"sides": Sides.BEARISH, "allow_swap": True},
        {"allow_swap": False, "sides": Sides.BEARISH},
        {"allow_swap": True, "quantity_from_signal": False},
    ],
)
def test_subtracting_is_inert_without_both_sides_swapping_and_a_signal_s_quantity(
    fields: dict[str, Any],
) -> None:
    subtracts, plain = (
        legs(a_trade("sell", "8", subtract_exit=on, **fields), held("5")) for on in (True, False)
    )
    assert subtracts == plain == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "8")]
    works = a_trade("sell", "8", subtract_exit=True, allow_swap=True)
    assert legs(works, held("5")) == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "3")]


@pytest.mark.rule("K.cells.subtract")
@pytest.mark.parametrize(("swaps", "said"), [(False, ""), (True, "subtracted_flat")])
def test_subtracting_says_that_it_left_nothing_only_where_it_works(swaps: bool, said: str) -> None:
    trade = a_trade("sell", "5", subtract_exit=True, allow_swap=swaps)
    closed = filled(Leg.EXIT, SELL, "5")
    end = decide(trade, held("0"), exits=(closed,), exposure=Decimal(5), asked=Decimal(5))
    assert end == End(TradeState.FILLED, said)


@pytest.mark.rule("K.cells.reverse")
@pytest.mark.parametrize("position", ["5", "-5"])
def test_a_reversal_without_a_quantity_enters_as_much_as_it_closed(position: str) -> None:
    trade = a_trade("reverse")
    side = SELL if Decimal(position) > 0 else BUY
    assert legs(trade, held(position)) == [(Leg.EXIT, side, "5"), (Leg.ENTRY, side, "5")]
    by_settings = a_trade("reverse", "2", quantity_from_signal=False)
    assert legs(by_settings, held(position))[1] == (Leg.ENTRY, side, "5")


@pytest.mark.rule("K.cells.flip", "K.cells.exits")
def test_a_flip_without_a_quantity_closes_all_and_enters_by_the_settings() -> None:
    trade = a_trade("sell", "2", quantity_from_signal=False, allow_swap=True)
    assert legs(trade, held("5")) == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "2")]
    share = a_trade(
        "sell", "10", quantity_from_signal=False, allow_swap=True,
        size_type=SizeType.PERCENT_OF_EQUITY,
    )  # fmt: skip
    seen = market("100", equity="3000")
    assert legs(share, held("5"), seen) == [(Leg.EXIT, SELL, "5"), (Leg.ENTRY, SELL, "3")]


@pytest.mark.rule("K.cells.isolated", "K.cells.mirror", "K.cells.both", "K.cells.only")
@pytest.mark.parametrize(
    ("action", "position", "side", "only"),
    [("buy", "-5", BUY, Sides.BULLISH), ("sell", "5", SELL, Sides.BEARISH)],
)
def test_an_entry_follows_the_exit_of_a_side_that_is_not_traded_unless_it_is_isolated(
    action: str, position: str, side: Side, only: Sides
) -> None:
    both = [(Leg.EXIT, side, "5"), (Leg.ENTRY, side, "8")]
    assert legs(a_trade(action, "8", sides=only), held(position)) == both
    isolated = a_trade(action, "8", sides=only, sides_isolated=True)
    assert refused(decide(isolated, held(position))) == "side_isolated"
    unbound = a_trade(action, "8", sides=Sides.BOTH, sides_isolated=True, allow_swap=True)
    assert legs(unbound, held(position)) == both


# -- sizes and prices


@pytest.mark.rule("K.size.multiplier")
@pytest.mark.parametrize(
    ("size_type", "value", "fields", "units"),
    [
        ("fixed_quantity", "2", {}, "4"),
        ("dollar_amount", "1000", {}, "20"),
        ("risk_dollar_amount", "100", {"stop_loss": STOP_90}, "20"),
        ("risk_percent", "1", {"stop_loss": STOP_90}, "20"),
        ("percent_of_equity", "10", {}, "20"),
    ],
)
def test_the_multiplier_scales_every_kind_of_size(
    size_type: str, value: str, fields: dict[str, Any], units: str
) -> None:
    trade = a_trade("buy", value, size_type=SizeType(size_type), multiplier=Decimal(2), **fields)
    decision = decide(trade, held("0"), seen=market("100", equity="10000"))
    assert isinstance(decision, Send)
    assert decision.quantity == Decimal(units)


@pytest.mark.rule("K.price.bare")
@pytest.mark.parametrize("order_type", ["market", "limit"])
def test_a_bare_price_is_never_the_limit_of_an_order(order_type: str) -> None:
    trade = a_trade("buy", "1", signal_price=Decimal(95), entry=a_style(order_type))
    decision = decide(trade, held("0"), seen=market("100"))
    assert isinstance(decision, Send)
    assert decision.limit_price == (None if order_type == "market" else 100)
    assert decision.reference_price == 95


@pytest.mark.rule("K.price.explicit", "K.price.type", "K.price.breakeven")
@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("market", OrdType.STOP), ("stop", OrdType.STOP), ("stop_limit", OrdType.STOP_LIMIT),
        ("limit", None), ("trailing_stop", None),
    ],
)  # fmt: skip
def test_breakeven_is_a_stop_or_a_stop_limit_and_nothing_else(
    said: str, becomes: OrdType | None
) -> None:
    trade = a_trade("breakeven", exit=a_style(said, limit_price="100", trail_amount="1"))
    decision = decide(trade, held("5", avg_price=Decimal(90)), seen=market("100"))
    if becomes is None:
        assert refused(decision) == "order_type_unsupported"
        return
    assert isinstance(decision, Send)
    assert (decision.leg, decision.ord_type, decision.stop_price) == (
        Leg.STOP,
        becomes,
        Decimal(90),
    )


@pytest.mark.rule("K.price.beyond")
@pytest.mark.parametrize(("position", "paid", "price"), [("5", "90", "89"), ("-5", "110", "111")])
def test_breakeven_is_skipped_when_the_price_is_past_it(
    position: str, paid: str, price: str
) -> None:
    scope = held(position, avg_price=Decimal(paid))
    trade = a_trade("breakeven", signal_price=Decimal(price))
    assert refused(decide(trade, scope, seen=market(price))) == "stop_wrong_side"


@given(
    minimum=st.decimals("0.0001", 10, places=4),
    quantity=st.decimals("0.0001", 10, places=4),
    part=st.none() | st.decimals("0.0001", 10, places=4),
)
@pytest.mark.rule("K.size.dust")
def test_only_a_whole_exit_below_the_venue_s_least_is_dust(
    minimum: Decimal, quantity: Decimal, part: Decimal | None
) -> None:
    venue = replace(VENUE, smallest_quantity=minimum, quantity_step=Decimal("0.0001"))
    trade = a_trade("exit", None if part is None else str(part))
    decision = planning.decide(trade, held(str(quantity)), Progress(), venue)
    is_dust = quantity < minimum and (part is None or part >= quantity)
    assert (isinstance(decision, End) and decision.reason == "no_position") is is_dust


# -- options


CHAIN = [
    OptionContract("SPY", date(2026, 12, 4), Decimal(strike), right)
    for strike in range(90, 111, 5)
    for right in Right
]


@pytest.mark.rule("K.options.spot", "K.options.nearest", "K.options.first")
@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("moneyness", list(Moneyness))
def test_a_strike_equal_to_the_spot_is_never_counted_as_in_or_out_of_the_money(
    right: Right, moneyness: Moneyness
) -> None:
    def strike(away: int, spot: str) -> int:
        choice = Choice(right, date(2026, 12, 1), moneyness, away)
        found = pick(CHAIN, Decimal(spot), choice)
        assert found is not None
        return int(found.strike)

    above = (right is Right.CALL) == (moneyness is Moneyness.OTM)
    assert strike(0, "100") == 100
    assert strike(1, "100") == (105 if above else 95)
    # Off the strikes the nearest is the first one, on whichever side it lies.
    assert strike(0, "101") == 100
    assert strike(1, "101") == (105 if above else 100)


@pytest.mark.rule("K.options.sides", "K.options.short")
@pytest.mark.parametrize(
    ("kind", "action", "sides", "reason"),
    [
        ("put", "buy", "bearish", "side_not_allowed"), ("put", "buy", "bullish", ""),
        ("call", "buy", "bearish", "side_not_allowed"), ("both", "sell", "bearish", ""),
        ("both", "sell", "bullish", "side_not_allowed"),
        ("put", "sell", "bearish", "short_options_off"),
    ],
)  # fmt: skip
def test_sides_of_options_go_by_the_action_whatever_right_it_buys(
    kind: str, action: str, sides: str, reason: str
) -> None:
    trade = a_trade(
        action, "1", ticker="AAPL", asset_class=AssetClass.OPTIONS, sides=Sides(sides),
        option=OptionWish(OptionType(kind)),
    )  # fmt: skip
    decision = decide(known.resolve(trade), held("0"))
    assert (decision.reason if isinstance(decision, End) else "") == reason
