"""How far a price went against an entry that waits for a yes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signals import traderspost
from web.trades import drift
from web.trades.quotes import Quote

NOW = datetime(2026, 1, 5, tzinfo=UTC)
prices = st.decimals(Decimal("0.01"), Decimal(10_000), places=2)


def quoted(price: Decimal) -> Quote:
    return Quote(price, NOW, "quote")


@pytest.mark.rule("F.drift")
@given(prices, prices, st.sampled_from((1, -1)), st.decimals(0, 100, places=1))
def test_f_only_what_got_worse_by_more_than_the_limit_is_a_drift(
    then: Decimal, now: Decimal, sign: int, limit: Decimal
) -> None:
    found = drift.against(then, sign, quoted(now), limit)
    worse = (now - then) * sign
    assert (found is not None) == (worse * 100 > limit * then)
    if found is not None:
        assert (found.then, found.now, found.limit, found.source) == (then, now, limit, "quote")
        assert found.percent >= 0


@pytest.mark.rule("F.drift")
@pytest.mark.parametrize(
    ("fields", "stands", "sign"),
    [
        ({"action": "buy"}, "", 1),
        ({"action": "buy"}, "long", 1),
        ({"action": "sell"}, "", -1),
        # What closes, itself or first, is never asked about.
        ({"action": "sell"}, "long", 0),
        ({"action": "buy"}, "short", 0),
        ({"action": "sell"}, "either", 0),
        ({"action": "exit"}, "long", 0),
        ({"action": "reverse"}, "long", 0),
        ({"action": "cancel"}, "", 0),
        ({"action": "breakeven"}, "long", 0),
        ({"action": "sell", "sentiment": "bullish"}, "", 0),
        ({"action": "buy", "sentiment": "flat"}, "", 0),
        ({"action": "add"}, "long", 1),
        ({"action": "add"}, "short", -1),
        ({"action": "add"}, "", 0),
    ],
)
def test_f_it_is_asked_which_way_an_entry_goes(
    fields: dict[str, Any], stands: str, sign: int
) -> None:
    signal = traderspost.parse({"ticker": "AAPL", **fields})
    assert drift.sign_of(signal, stands) == sign
