"""The preview beside the form: the arithmetic in words."""

from decimal import Decimal
from typing import Any

import pytest

from web.signals.rules import Signal, TakeProfit
from web.subscriptions import preview, settings


def lines(
    chosen: dict[str, Any], asset_class: str = "stocks", action: str = "buy", **fields: Any
) -> dict[str, str]:
    signal = Signal(
        dialect="traderspost", ticker="AAPL", instrument="AAPL", action=action, **fields
    )
    resolved = settings.resolve(signal, {}, settings.validate(chosen))
    return {line.label: line.text for line in preview.describe(signal, resolved, asset_class)}


PRICE: dict[str, Any] = {"signal_price": Decimal(100)}


@pytest.mark.parametrize(
    ("chosen", "fields", "size"),
    [
        ({}, {}, "1, because no size is set anywhere"),
        ({"quantity": "3"}, {}, "3"),
        ({"multiplier": "2.5"}, {"quantity": Decimal(2)}, "2 × 2.5 = 5"),
        (
            {"multiplier": "2.5", "fractional": False},
            {"quantity": Decimal(1)},
            "1 × 2.5 = 2.5, whole units only → 2",
        ),
        ({"quantity": "2", "multiplier": "2.5"}, {}, "2"),
        ({"quantity": "1000", "quantity_type": "dollar_amount"}, PRICE, "1,000 / 100 = 10"),
        (
            {"quantity": "100", "quantity_type": "risk_dollar_amount", "stop_loss": "10"},
            PRICE,
            "100 / 10 to the stop = 10",
        ),
        (
            {"quantity": "100", "quantity_type": "risk_dollar_amount"},
            PRICE,
            "100 of money lost at the stop needs a stop, and none is set: it is skipped",
        ),
        (
            {"quantity": "10", "quantity_type": "percent_of_equity"},
            PRICE,
            "10 % of equity, of the account at that moment",
        ),
    ],
)
def test_the_size_is_worked_out_in_words(
    chosen: dict[str, Any], fields: dict[str, Any], size: str
) -> None:
    assert lines(chosen, **fields)["Size"] == size


def test_a_distance_says_what_it_comes_to() -> None:
    chosen = {"quantity": "50", "stop_loss": "10", "stop_loss_unit": "amount", "take_profit": "5"}
    told = lines(chosen, **PRICE)
    assert told["Stop"] == "90: 10 = 10 of price = 500 of money for 50"
    assert told["Take profit"] == "105: 5 % = 5 of price = 250 of money for 50"
    assert told["Worst case at the stop"] == "50 × 10 = 500, before fees and slippage"


def test_a_ladder_says_how_many_targets_there_are() -> None:
    rungs = (TakeProfit(percent=Decimal(5), quantity=Decimal(1)), TakeProfit(percent=Decimal(9)))
    assert lines({}, take_profit_ladder=rungs)["Take profit"] == "2 targets"
    mine = lines({"take_profit": "5"}, take_profit_ladder=rungs, **PRICE)
    assert mine["Take profit"].startswith("105:")


def test_a_short_has_its_stop_above() -> None:
    told = lines({"stop_loss": "10", "take_profit": "5"}, action="sell", **PRICE)
    assert told["Stop"].startswith("110:")
    assert told["Take profit"].startswith("95:")


def test_an_option_counts_a_hundred_and_a_future_its_point_value() -> None:
    chosen = {"quantity": "2", "stop_loss": "1", "stop_loss_unit": "amount"}
    assert lines(chosen, "options", **PRICE)["Worst case at the stop"] == (
        "2 × 1 × 100 = 200, before fees and slippage"
    )
    assert lines(chosen, "futures", **PRICE)["Worst case at the stop"] == (
        "2 × 1 × the contract's point value"
    )


def test_crypto_without_a_size_is_no_order() -> None:
    assert "skipped" in lines({}, "crypto", **PRICE)["Size"]


def test_without_any_price_it_speaks_of_that_moment() -> None:
    told = lines({"quantity": "1000", "quantity_type": "dollar_amount", "stop_loss": "5"})
    assert told["Size"] == "1,000 of money, at the price of that moment"
    assert told["Stop"] == "5 % from the price of that moment"


@pytest.mark.parametrize("asset_class", ["stocks", "options", "futures", "crypto"])
def test_every_asset_class_has_a_sample(asset_class: str) -> None:
    signal = preview.sample(asset_class)
    resolved = settings.resolve(signal, {}, {})
    assert preview.describe(signal, resolved, asset_class)[0].text.startswith("Buy ")
