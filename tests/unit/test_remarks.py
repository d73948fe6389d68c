"""What settings make of a message that its sender may not expect."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from execution.domain.decisions import Send
from execution.domain.words import OrdType, Sentiment, SizeType
from tests.unit.planning_kit import NOTHING, a_style, a_trade, decide, held, market, sent
from web.signals import traderspost
from web.subscriptions import remarks
from web.trades import plans


def remarks_on(settings: dict[str, Any], **fields: Any) -> list[str]:
    """On a message, by a subscription's settings as the API gives them."""
    document = msgspec.json.encode({"settings": settings})
    return remarks.by(document)(traderspost.parse({"ticker": "AAPL", **fields}))


def own(value: Any) -> dict[str, Any]:
    return {"source": "own", "value": value}


@pytest.mark.rule("D1.flag")
def test_d1_a_multiplier_that_binds_a_partial_exit_is_flagged() -> None:
    doubled = {"multiplier": own("2")}
    [told] = remarks_on(doubled, action="exit", quantity=3)
    assert "2 binds exits too" in told and "6" in told
    for fields in (
        {"action": "exit"},
        {"action": "add", "quantity": 3},
        {"action": "exit", "quantity": 50, "quantityType": "percent_of_position"},
        {"action": "buy", "sentiment": "flat", "quantity": 3},
    ):
        assert remarks_on(doubled, **fields) == []
    assert remarks_on({"multiplier": own("0.5")}, action="exit", quantity=3) == []


@pytest.mark.rule("D1.flag")
def test_d1_a_size_that_is_not_taken_from_the_signal_is_flagged() -> None:
    sized = {"quantity": own("5")}
    [told] = remarks_on(sized, action="exit", quantity=3)
    assert "quantity 3 is not used, and the whole position goes" in told
    [told] = remarks_on(sized, action="sell", quantity=3)
    assert "all of what it closes goes" in told
    # What can only reduce is never sized by a setting.
    assert remarks_on(sized, action="sell", sentiment="bullish", quantity=3) == []
    assert remarks_on({}, action="exit", quantity=3) == []


@pytest.mark.rule("C4.warning")
def test_c4_a_limit_that_may_go_as_market_is_flagged() -> None:
    parity = {"limit_without_price_as_market": own(True)}
    [told] = remarks_on(parity, action="buy", orderType="limit")
    assert "goes as market" in told
    assert remarks_on(parity, action="buy", orderType="limit", limitPrice=100) == []
    assert remarks_on(parity, action="buy", orderType="limit", signalPrice=100) == []
    assert remarks_on(parity, action="buy") == []
    assert remarks_on({}, action="buy", orderType="limit") == []
    # What only closes is no such order.
    assert remarks_on(parity, action="sell", sentiment="flat", orderType="limit") == []
    assert remarks_on(parity, action="buy", sentiment="bearish", orderType="limit") == []


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"settings": 5}',
        b'{"settings": null}',
        b'{"multiplier": {"source": "own", "value": "-2"}}',
    ],
)
def test_settings_that_cannot_be_read_are_an_error(document: bytes) -> None:
    with pytest.raises(remarks.Unreadable):
        remarks.by(document)


def warned(decision: object) -> list[str]:
    assert isinstance(decision, Send)
    return plans.warnings(decision.numbers)


@pytest.mark.rule("C4.warning")
def test_c4_what_goes_as_market_for_want_of_a_price_says_so() -> None:
    entry = a_style("limit")
    trade = a_trade("buy", "5", entry=entry, signal_price=None, market_without_price=True)
    decision = decide(trade, held("0"), seen=NOTHING)
    assert isinstance(decision, Send) and decision.ord_type is OrdType.MARKET
    [told] = warned(decision)
    assert "the limit order goes as market" in told
    assert warned(decide(trade, held("0"), seen=market("100"))) == []
    # A breakeven is a stop by nature, and not instead of anything.
    even = decide(a_trade("breakeven"), held("5", avg_price=Decimal(90)), seen=market("100"))
    assert warned(even) == []


@pytest.mark.rule("D1.flag")
@pytest.mark.parametrize(
    ("quantity", "sends", "is_flagged"),
    [("2", "4", False), ("2.5", "5", True), ("3", "5", True), ("5", "5", False), ("6", "5", False)],
)
def test_d1_an_exit_that_a_multiplier_made_whole_says_so(
    quantity: str, sends: str, is_flagged: bool
) -> None:
    trade = a_trade("exit", quantity, multiplier=Decimal(2))
    decision = decide(trade, held("5"))
    assert Decimal(sent(decision)[2]) == Decimal(sends)
    assert bool(warned(decision)) is is_flagged


@pytest.mark.rule("D1.flag")
def test_d1_a_flip_that_a_multiplier_made_of_a_partial_exit_says_so() -> None:
    trade = a_trade("sell", "3", multiplier=Decimal(2), allow_swap=True)
    [told] = warned(decide(trade, held("5")))
    assert "makes of 3 an exit of the whole position" in told
    flat = a_trade("sell", "3", multiplier=Decimal(2), sentiment=Sentiment.FLAT)
    percent = a_trade("exit", "60", multiplier=Decimal(2), size_type=SizeType.PERCENT_OF_POSITION)
    for other in (flat, percent, a_trade("reverse", "3", multiplier=Decimal(2))):
        assert warned(decide(other, held("5"))) == []
