"""Stops at the paper venue: when they trigger, and how one follows the price."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.paper import matching
from protos.paper.v1 import paper_pb2 as pb

BUY, SELL = pb.SIDE_BUY, pb.SIDE_SELL


def order(side: pb.Side, ord_type: pb.OrdType, **fields: Any) -> pb.NewOrder:
    return pb.NewOrder(
        account="a",
        cl_ord_id="c1",
        instrument="AAPL",
        side=side,
        ord_type=ord_type,
        order_qty="5",
        **fields,
    )


@pytest.mark.parametrize(
    ("side", "stop", "price", "triggers"),
    [
        (SELL, "95", "95.01", False),
        (SELL, "95", "95", True),
        (BUY, "105", "104.99", False),
        (BUY, "105", "105", True),
    ],
)
def test_a_stop_triggers_when_the_price_comes_to_it(
    side: pb.Side, stop: str, price: str, triggers: bool
) -> None:
    terms = matching.read_terms(order(side, pb.ORD_TYPE_STOP, stop_price=stop))
    now = Decimal(price)
    assert matching.is_triggered(terms, now, now) is triggers


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    trail = order(SELL, pb.ORD_TYPE_TRAILING_STOP, stop_price="99", trail_amount="1")
    terms = matching.read_terms(trail)
    best = matching.better(terms, Decimal(100), Decimal(104))
    assert matching.stop_level(terms, best) == 103
    assert matching.better(terms, best, Decimal(102)) == 104
    assert not matching.is_triggered(terms, best, Decimal("103.5"))
    assert matching.is_triggered(terms, best, Decimal(103))


def test_a_trail_in_percent_is_of_the_best_price() -> None:
    trail = order(BUY, pb.ORD_TYPE_TRAILING_STOP, stop_price="102", trail_percent="2")
    terms = matching.read_terms(trail)
    assert matching.stop_level(terms, Decimal(50)) == 51


@given(
    prices=st.lists(st.decimals(min_value="1", max_value="500", places=2), min_size=1),
    side=st.sampled_from([BUY, SELL]),
)
def test_a_trailing_stop_only_moves_toward_the_price(prices: list[Decimal], side: pb.Side) -> None:
    start = "1" if side == SELL else "1000"
    trail = order(side, pb.ORD_TYPE_TRAILING_STOP, stop_price=start, trail_amount="0.5")
    terms = matching.read_terms(trail)
    best, level = None, Decimal(start)
    for price in prices:
        best = matching.better(terms, best, price)
        moved = matching.stop_level(terms, best)
        assert moved >= level if side == SELL else moved <= level
        level = moved


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (order(SELL, pb.ORD_TYPE_STOP), "stop price must be above zero"),
        (
            order(SELL, pb.ORD_TYPE_TRAILING_STOP, stop_price="99"),
            "a trailing stop needs an amount or a percentage",
        ),
        (
            order(SELL, pb.ORD_TYPE_STOP, stop_price="99", time_in_force="ioc"),
            "time in force 'ioc' is not supported",
        ),
    ],
)
def test_stops_that_cannot_be_are_refused(refused: pb.NewOrder, words: str) -> None:
    with pytest.raises(matching.Refused, match=words):
        matching.read_terms(refused)


def test_a_guard_must_close_what_its_entry_opens() -> None:
    entry = order(BUY, pb.ORD_TYPE_MARKET)
    entry.guards.append(order(BUY, pb.ORD_TYPE_STOP, stop_price="99"))
    with pytest.raises(matching.Refused, match="closes what its entry opens"):
        matching.read_guards(entry)
    entry.guards[0].side = SELL
    assert [terms.parent for terms in matching.read_guards(entry)] == ["c1"]
