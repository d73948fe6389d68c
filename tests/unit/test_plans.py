"""Plans in words: what people read of orders and of recorded steps."""

from typing import Any

import pytest

from web.trades import plans

ORDER: dict[str, Any] = {
    "leg": "entry", "instrument": "AAPL", "side": "buy", "ord_type": "market", "order_qty": "5",
    "limit_price": None, "stop_price": None, "trail_amount": None, "trail_percent": None,
    "time_in_force": "day",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Entry: buy 5, market, day"),
        ({"ord_type": "limit", "limit_price": "9"}, "Entry: buy 5, limit 9, day"),
        ({"leg": "take_profit", "side": "sell"}, "Take profit: sell 5, market, day"),
        (
            {"ord_type": "stop_limit", "stop_price": "9", "limit_price": "8"},
            "Entry: buy 5, stop limit, limit 8, stop 9, day",
        ),
        ({"instrument": "AAPL2"}, "Entry: buy 5 AAPL2, market, day"),
    ],
)
def test_an_order_is_said_once(fields: dict[str, Any], said: str) -> None:
    assert plans.in_words(ORDER | fields, "AAPL") == said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("entry0", "Entry"), ("exit0", "Exit"), ("exit1", "Exit, order 2"),
        ("take_profit0", "Take profit"), ("end", "How it ended"),
    ],
)  # fmt: skip
def test_a_step_has_a_name_that_people_read(step: str, said: str) -> None:
    assert plans.step_in_words(step) == said
