"""Sizes: the worked examples, what is missing, and that nothing is ever rounded up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import sizing
from execution.domain.decisions import Send
from execution.domain.market import Contract, Figures, Market
from execution.domain.trades import Distance, StopLoss
from execution.domain.words import AssetClass, By, Leg, OrdType, SizeType
from tests.unit.planning_kit import (
    BUY,
    NOTHING,
    SELL,
    VENUE,
    a_trade,
    decide,
    held,
    limit,
    market,
    refused,
    sent,
)

STOP_90 = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(90)))
MONEY = market("100", equity="10000")

# size type, value, what is known → units
EXAMPLES = [
    ("fixed_quantity", "2", {"multiplier": Decimal("2.5")}, "5"),
    ("dollar_amount", "1000", {}, "10"),
    ("notional", "1000", {}, "10"),
    ("risk_dollar_amount", "100", {"stop_loss": STOP_90}, "10"),
    ("risk_percent", "0.25", {"stop_loss": STOP_90}, "2.5"),
    ("percent_of_equity", "10", {}, "10"),
    ("percent_of_balance", "90", {}, "90"),
]


@pytest.mark.parametrize(("size_type", "value", "fields", "expected"), EXAMPLES)
def test_a_worked_example(size_type: str, value: str, fields: Any, expected: str) -> None:
    trade = a_trade("buy", value, size_type=SizeType(size_type), **fields)
    decision = decide(trade, held("0"), seen=MONEY)
    assert isinstance(decision, Send)
    assert decision.quantity == Decimal(expected)


def test_percent_of_position_is_of_what_is_held() -> None:
    trade = a_trade("sell", "50", size_type=SizeType.PERCENT_OF_POSITION)
    leg, side, quantity = sent(decide(trade, held("10")))
    assert (leg, side) == (Leg.EXIT, SELL)
    assert Decimal(quantity) == 5


@pytest.mark.rule("K.size.multiplier")
def test_k_the_multiplier_leaves_percent_of_position_alone() -> None:
    trade = a_trade("exit", "50", size_type=SizeType.PERCENT_OF_POSITION, multiplier=Decimal(2))
    assert Decimal(sent(decide(trade, held("10")))[2]) == 5


@pytest.mark.rule("D1.multiplier")
def test_d1_the_multiplier_applies_to_fixed_quantities_of_exits() -> None:
    trade = a_trade("exit", "2", multiplier=Decimal("1.5"))
    assert Decimal(sent(decide(trade, held("10")))[2]) == 3


def test_the_multiplier_is_of_what_the_signal_said() -> None:
    trade = a_trade("buy", "2", quantity_from_signal=False, multiplier=Decimal(3))
    assert Decimal(sent(decide(trade, held("0")))[2]) == 2


@pytest.mark.rule("K.cells.money")
def test_k_money_is_turned_into_units_before_it_is_compared_with_the_position() -> None:
    trade = a_trade("sell", "300", size_type=SizeType.DOLLAR_AMOUNT, allow_swap=True)
    assert Decimal(sent(decide(trade, held("5"), seen=MONEY))[2]) == 3


def test_a_risk_size_says_nothing_of_how_much_to_close() -> None:
    trade = a_trade("sell", "100", size_type=SizeType.RISK_DOLLAR_AMOUNT, stop_loss=STOP_90)
    assert sent(decide(trade, held("5"), seen=MONEY)) == (Leg.EXIT, SELL, "5")


@pytest.mark.rule("C3.unknown", "C6.unknown")
@pytest.mark.parametrize(
    ("size_type", "seen", "fields", "missing"),
    [
        ("dollar_amount", NOTHING, {"signal_price": None}, "price"),
        ("percent_of_equity", market("100"), {}, "equity"),
        ("risk_percent", market("100"), {"stop_loss": STOP_90}, "equity"),
        ("percent_of_balance", market("100"), {}, "balance"),
        ("risk_dollar_amount", MONEY, {}, "stop"),
    ],
)
def test_c3_a_size_that_cannot_be_worked_out_says_what_is_missing(
    size_type: str, seen: Market, fields: Any, missing: str
) -> None:
    trade = a_trade("buy", "10", size_type=SizeType(size_type), **fields)
    decision = decide(trade, held("0"), seen=seen)
    assert refused(decision) == "size_unknown"
    assert getattr(decision, "numbers", {})["missing"] == missing


@pytest.mark.rule("K.size.risk")
def test_k_the_risk_distance_is_to_the_stop_as_it_will_be_sent() -> None:
    loose = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal("89.991")))
    trade = a_trade("buy", "100", size_type=SizeType.RISK_DOLLAR_AMOUNT, stop_loss=loose)
    decision = decide(trade, held("0"), seen=MONEY)
    assert isinstance(decision, Send)
    assert decision.guards[0].stop_price == Decimal("90.00")
    assert decision.quantity == 10


@pytest.mark.rule("K.options.money")
def test_k_option_money_is_premium_times_a_hundred() -> None:
    trade = a_trade("buy", "1000", size_type=SizeType.DOLLAR_AMOUNT, asset_class=AssetClass.OPTIONS)
    assert Decimal(sent(decide(trade, held("0"), seen=market("2")))[2]) == 5


@pytest.mark.rule("K.size.power")
def test_k_buying_power_that_is_too_small_refuses_and_never_lowers() -> None:
    poor = Market(None, Figures(Decimal(10000), Decimal(10000), buying_power=Decimal(999)))
    trade = a_trade("buy", "10", size_type=SizeType.PERCENT_OF_EQUITY)
    assert refused(decide(trade, held("0"), seen=poor)) == "buying_power"


@pytest.mark.rule("K.size.short")
def test_k_fractional_shorts_are_floored_to_whole_units() -> None:
    assert sent(decide(a_trade("sell", "2.7"), held("0")))[2] == "2"
    whole = a_trade("buy", "2.7", is_fractional=False)
    assert sent(decide(whole, held("0")))[2] == "2"


def test_f_a_flip_enters_with_the_size_of_what_then_is() -> None:
    trade = a_trade("buy", "10", size_type=SizeType.PERCENT_OF_EQUITY, **limit("50"))
    assert Decimal(sent(decide(trade, held("0"), seen=MONEY))[2]) == 20


numbers = st.decimals(min_value="0.0001", max_value="1000000", places=4)


@pytest.mark.rule("C3.lot")
@given(quantity=numbers, step=st.sampled_from(["1", "0.1", "0.001", "0.00000001", "0.25"]))
def test_rounding_down_never_gives_more(quantity: Decimal, step: str) -> None:
    rounded = sizing.down(quantity, Decimal(step))
    assert rounded <= quantity < rounded + Decimal(step)
    assert rounded % Decimal(step) == 0


@given(money=numbers, price=numbers, stop=numbers, kind=st.sampled_from(list(SizeType)))
def test_a_size_never_spends_or_risks_more_than_was_said(
    money: Decimal, price: Decimal, stop: Decimal, kind: SizeType
) -> None:
    trade = a_trade("buy", str(money), size_type=kind)
    figures = Figures(Decimal(5000), Decimal(5000))
    found = sizing.units(
        trade,
        money,
        held=Decimal(7),
        price=price,
        stop=stop,
        figures=figures,
        contract=Contract(Decimal("0.01")),
    )
    if not isinstance(found, Decimal):
        return
    share = Decimal(50) * money
    spent, risked = found * price, found * abs(price - stop)
    limits = {
        SizeType.FIXED_QUANTITY: (found, money),
        SizeType.PERCENT_OF_POSITION: (found, Decimal(7) * money / 100),
        SizeType.DOLLAR_AMOUNT: (spent, money),
        SizeType.NOTIONAL: (spent, money),
        SizeType.PERCENT_OF_EQUITY: (spent, share),
        SizeType.PERCENT_OF_BALANCE: (spent, share),
        SizeType.RISK_DOLLAR_AMOUNT: (risked, money),
        SizeType.RISK_PERCENT: (risked, share),
    }
    used, allowed = limits[kind]
    assert used <= allowed


@pytest.mark.rule("D1.partial")
@given(held_=numbers, asked=st.none() | numbers, side=st.sampled_from([BUY, SELL]))
def test_an_exit_never_sends_more_than_the_position(
    held_: Decimal, asked: Decimal | None, side: Any
) -> None:
    trade = a_trade("exit", None if asked is None else str(asked))
    decision = decide(trade, held(str(-side.sign * held_)))
    if isinstance(decision, Send):
        assert decision.quantity <= held_
        assert decision.side is side
    else:
        assert asked is not None
        assert asked < VENUE.quantity_step
