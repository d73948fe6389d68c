"""Prices: what orders are planned at, their ticks, and where targets and stops go."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import brackets, prices
from execution.domain.decisions import Guard, Refusal, Send, Wait
from execution.domain.market import Contract, Market
from execution.domain.prices import Priced, Seen
from execution.domain.trades import Distance, StopLoss
from execution.domain.words import (
    AssetClass,
    By,
    Leg,
    OrdType,
    PriceType,
    Side,
    SizeType,
    TradeState,
)
from execution.lanes import known
from tests.unit.planning_kit import (
    BUY,
    SELL,
    a_style,
    a_trade,
    decide,
    held,
    limit,
    market,
    quoted,
    refused,
)

CENTS = Contract(Decimal("0.01"))
QUARTERS = Contract(Decimal("0.25"))


def target(side: Side, price: str, by: By, value: str, contract: Contract = CENTS) -> Decimal:
    asked = Distance(by, Decimal(value))
    found = brackets.target(asked, side, Decimal(price), Decimal(1), contract)
    assert isinstance(found, Guard), found
    assert found.limit_price is not None
    return found.limit_price


def stop(side: Side, price: str, by: By, value: str, contract: Contract = CENTS) -> Decimal:
    asked = StopLoss(OrdType.STOP, Distance(by, Decimal(value)))
    found = brackets.stop_of(asked, side, Decimal(price), Decimal(1), contract)
    assert isinstance(found, Guard), found
    assert found.stop_price is not None
    return found.stop_price


def test_the_worked_examples_of_brackets() -> None:
    assert stop(BUY, "100", By.AMOUNT, "10") == 90
    assert stop(BUY, "100", By.PERCENT, "10") == 90
    assert target(BUY, "100", By.PERCENT, "5") == 105
    assert target(BUY, "100", By.AMOUNT, "10") == 110
    assert stop(BUY, "100", By.AMOUNT, "5") == 95
    assert target(BUY, "660", By.PERCENT, "5") == 693
    assert stop(BUY, "660", By.PERCENT, "5") == 627
    assert target(BUY, "25125.25", By.AMOUNT, "100", QUARTERS) == Decimal("25225.25")
    assert stop(BUY, "25125.25", By.AMOUNT, "100", QUARTERS) == Decimal("25025.25")


def test_a_bracket_of_a_short_is_mirrored() -> None:
    assert target(SELL, "100", By.PERCENT, "5") == 95
    assert stop(SELL, "100", By.PERCENT, "5") == 105


def test_five_percent_on_a_quarter_tick_rounds_up_for_both_sells() -> None:
    assert target(BUY, "23810.25", By.PERCENT, "5", QUARTERS) == Decimal("25001.00")
    assert stop(BUY, "23810.25", By.PERCENT, "5", QUARTERS) == Decimal("22619.75")


def test_a_profit_in_money_is_divided_by_quantity_and_point_value() -> None:
    money, five = Distance(By.PNL_AMOUNT, Decimal(100)), Contract(Decimal(1), Decimal(5))
    found = brackets.target(money, BUY, Decimal(100), Decimal(2), five)
    assert isinstance(found, Guard)
    assert found.limit_price == 110


@pytest.mark.parametrize(
    ("side", "price", "tick", "expected"),
    [
        (SELL, "1.07375", "0.0001", "1.0738"),
        (BUY, "1.07375", "0.0001", "1.0737"),
        (SELL, "100", "0.25", "100"),
        (BUY, "100.24", "0.25", "100.00"),
    ],
)
def test_sells_round_up_and_buys_round_down(
    side: Side, price: str, tick: str, expected: str
) -> None:
    assert prices.to_tick(Decimal(price), Decimal(tick), side) == Decimal(expected)


@pytest.mark.parametrize(
    ("side", "price", "trail", "start"), [(SELL, "71", "1", "70"), (BUY, "18250", "100", "18350")]
)
def test_a_trailing_stop_starts_its_trail_away(
    side: Side, price: str, trail: str, start: str
) -> None:
    style = a_style("trailing_stop", trail_amount=trail)
    seen = Seen(None, Decimal(price), PriceType.MARK, CENTS)
    priced = prices.price_order(style, side, seen)
    assert isinstance(priced, Priced)
    assert priced.stop_price == Decimal(start)


def test_in_a_bracket_a_plain_amount_acts_as_the_trail() -> None:
    asked = StopLoss(OrdType.TRAILING_STOP, Distance(By.AMOUNT, Decimal(5)))
    found = brackets.stop_of(asked, BUY, Decimal(100), None, CENTS)
    assert isinstance(found, Guard)
    assert (found.stop_price, found.trail_amount) == (Decimal(95), Decimal(5))


def seen(price_type: str, **quote: str) -> Decimal | None:
    kind = PriceType(price_type)
    return Seen(quoted(**quote), Decimal(50), kind, CENTS).price(BUY)


def test_the_price_type_chooses_the_price_of_the_quote() -> None:
    both = {"bid": "99", "ask": "101", "last": "98"}
    assert seen("mark", **both) == 100
    assert seen("ask_bid", **both) == 101
    assert seen("bid", **both) == 99
    assert seen("last", **both) == 98
    assert seen("ask", last="98") == 98
    assert seen("mark") == 50


@pytest.mark.rule("K.price.limit")
def test_k_a_quote_wins_over_the_price_the_sender_saw() -> None:
    trade = a_trade("buy", "1000", size_type=SizeType.DOLLAR_AMOUNT, signal_price=Decimal(10))
    decision = decide(trade, held("0"), seen=market("100"))
    assert isinstance(decision, Send)
    assert decision.quantity == 10


def guarded(by_stop: str | None = None, by_target: str | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if by_stop:
        fields["stop_loss"] = StopLoss(OrdType.STOP, Distance(By.PRICE, Decimal(by_stop)))
    if by_target:
        fields["take_profit"] = Distance(By.PRICE, Decimal(by_target))
    return fields


@pytest.mark.rule("C5.stopside", "C5.targetside")
def test_c5_a_stop_or_target_on_the_wrong_side_refuses_the_entry() -> None:
    assert refused(decide(a_trade("buy", "1", **guarded("101")), held("0"))) == "stop_wrong_side"
    assert refused(decide(a_trade("sell", "1", **guarded("99")), held("0"))) == "stop_wrong_side"
    high, low = guarded(by_target="99"), guarded(by_target="101")
    assert refused(decide(a_trade("buy", "1", **high), held("0"))) == "target_wrong_side"
    assert refused(decide(a_trade("sell", "1", **low), held("0"))) == "target_wrong_side"


def test_c5_an_entry_takes_its_stop_and_target_along() -> None:
    decision = decide(a_trade("buy", "1", **guarded("95", "110")), held("0"))
    assert isinstance(decision, Send)
    assert [(g.leg, g.side) for g in decision.guards] == [
        (Leg.TAKE_PROFIT, SELL),
        (Leg.STOP, SELL),
    ]


def filtered(**fields: Any) -> dict[str, Any]:
    return {"entry": a_style("market", **fields), "exit": a_style("market", **fields)}


WIDE = Market(quoted(bid="99", ask="101"))


@pytest.mark.rule("D6.spread", "K.words.spread")
@pytest.mark.parametrize("fields", [{"spread_filter": "1"}, {"spread_filter_percent": "1.9"}])
def test_k_a_wide_spread_skips_an_entry_and_holds_an_exit(fields: dict[str, Any]) -> None:
    entry = decide(a_trade("buy", "1", **filtered(**fields)), held("0"), seen=WIDE)
    assert refused(entry) == "spread_too_wide"
    held_back = decide(a_trade("exit", **filtered(**fields)), held("5"), seen=WIDE)
    assert isinstance(held_back, Wait)
    assert (held_back.state, held_back.reason) == (TradeState.BLOCKED, "spread_too_wide")
    assert isinstance(decide(a_trade("exit", **filtered(**fields)), held("5")), Send)


@pytest.mark.rule("C4.parity")
def test_c4_parity_may_send_a_limit_without_any_price_as_a_market_order() -> None:
    trade = a_trade("buy", "1", signal_price=None, market_without_price=True, **limit())
    decision = decide(trade, held("0"))
    assert isinstance(decision, Send)
    assert decision.ord_type is OrdType.MARKET


@pytest.mark.rule("K.price.beyond", "K.price.breakeven", "K.price.type")
def test_k_breakeven_goes_to_the_average_price_and_its_offset() -> None:
    def at(position: str, paid: str) -> Any:
        trade = a_trade("breakeven", breakeven_offset=Decimal(1))
        return decide(trade, held(position, avg_price=Decimal(paid)), seen=market("100"))

    assert (at("5", "90").stop_price, at("5", "90").side) == (91, SELL)
    assert (at("-5", "110").stop_price, at("-5", "110").side) == (109, BUY)
    assert refused(at("5", "100")) == "stop_wrong_side"
    limited = a_trade("breakeven", exit=a_style("limit", limit_price="100"))
    wrong = decide(limited, held("5", avg_price=Decimal(90)), seen=market("100"))
    assert refused(wrong) == "order_type_unsupported"


cents = st.decimals(min_value="0.01", max_value="99999", places=5)
ticks = st.sampled_from(["0.01", "0.25", "0.0001", "0.05", "1"])


@pytest.mark.rule("C4.never")
@given(price=cents, tick=ticks, side=st.sampled_from([BUY, SELL]))
def test_a_rounded_price_is_never_more_aggressive(price: Decimal, tick: str, side: Side) -> None:
    rounded = prices.to_tick(price, Decimal(tick), side)
    assert (rounded - price) * side.sign <= 0
    assert abs(rounded - price) < Decimal(tick)
    assert rounded % Decimal(tick) == 0


@pytest.mark.rule("C4.never")
@given(
    ord_type=st.sampled_from(list(OrdType)),
    side=st.sampled_from([BUY, SELL]),
    price=st.none() | cents,
    last=st.none() | cents,
)
def test_an_order_type_is_never_replaced(
    ord_type: OrdType, side: Side, price: Decimal | None, last: Decimal | None
) -> None:
    style = a_style(ord_type.value, limit_price=price, stop_price=price, trail_percent="1")
    found = prices.price_order(
        style,
        side,
        Seen(quoted(last=None if last is None else str(last)), None, PriceType.MARK, CENTS),
    )
    assert isinstance(found, Refusal) or found.ord_type is ord_type


def test_the_point_value_of_a_future_is_in_its_risk() -> None:
    contract = known.find("MNQZ2026")
    stop_ = StopLoss(OrdType.STOP, Distance(By.AMOUNT, Decimal(25)))
    trade = a_trade(
        "buy",
        "160",
        size_type=SizeType.RISK_DOLLAR_AMOUNT,
        stop_loss=stop_,
        asset_class=AssetClass.FUTURES,
        opens=contract,
    )
    decision = decide(trade, held("0"), seen=market("25125.25"))
    assert isinstance(decision, Send)
    assert decision.quantity == 3
    assert decision.guards[0].stop_price == Decimal("25100.25")
