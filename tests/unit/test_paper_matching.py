"""What the venue does with an order, and what a fill does to an account."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.domain import instruments
from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass
from execution.paper import matching
from execution.paper.matching import FLAT, Holding
from protos.paper.v1 import paper_pb2 as pb

BUY, SELL = pb.SIDE_BUY, pb.SIDE_SELL
QUANTITIES = st.decimals(Decimal("0.001"), Decimal(10_000), places=3)
PRICES = st.decimals(Decimal("0.01"), Decimal(10_000), places=2)
STOCK = instruments.stock("AAPL")
FUTURE = replace(STOCK, asset_class=AssetClass.FUTURES, point_value=Decimal(50))
FILLS = st.lists(st.tuples(st.sampled_from([BUY, SELL]), QUANTITIES, PRICES), max_size=20)


def new_order(**changed: object) -> pb.NewOrder:
    order = pb.NewOrder(
        account="a",
        cl_ord_id="c",
        instrument="AAPL",
        side=BUY,
        ord_type=pb.ORD_TYPE_MARKET,
        order_qty="5",
        time_in_force="day",
    )
    order.MergeFrom(pb.NewOrder(**changed))  # type: ignore[arg-type]
    return order


def limit(side: pb.Side, price: str) -> matching.Terms:
    order = new_order(side=side, ord_type=pb.ORD_TYPE_LIMIT, limit_price=price)
    return matching.read_terms(order)


@pytest.mark.parametrize(
    ("side", "limit_price", "price", "filled_at"),
    [
        (BUY, "100", "99", "99"),
        (BUY, "100", "100", "100"),
        (BUY, "100", "100.01", None),
        (SELL, "100", "101", "101"),
        (SELL, "100", "100", "100"),
        (SELL, "100", "99.99", None),
    ],
)
def test_a_limit_fills_at_once_only_at_its_price_or_better(
    side: pb.Side, limit_price: str, price: str, filled_at: str | None
) -> None:
    found = matching.fill_price(limit(side, limit_price), Decimal(price))
    assert found == (None if filled_at is None else Decimal(filled_at))


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_market_order_fills_at_the_price(side: pb.Side) -> None:
    terms = matching.read_terms(new_order(side=side, limit_price="1"))
    assert terms.limit_price is None
    assert matching.fill_price(terms, Decimal("228.40")) == Decimal("228.40")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"order_qty": "0"}, "quantity must be above zero"),
        ({"order_qty": "-1"}, "quantity must be above zero"),
        ({"order_qty": "five"}, "quantity is not a number"),
        ({"order_qty": "NaN"}, "quantity is not a number"),
        ({"order_qty": "1e400000"}, "quantity is out of range"),
        ({"order_qty": "1e-40"}, "quantity is out of range"),
        ({"reference_price": "-3"}, "reference price must be above zero"),
        ({"ord_type": pb.ORD_TYPE_LIMIT}, "limit price must be above zero"),
        ({"ord_type": pb.ORD_TYPE_LIMIT, "limit_price": "x"}, "limit price is not a number"),
        ({"side": 9}, "side must be buy or sell"),
        ({"ord_type": 9}, "order type must be market or limit"),
        ({"time_in_force": "opg"}, "time in force 'opg' is not supported"),
        ({"instrument": "A\x00"}, "instrument is missing or not printable"),
        ({"account": "x" * 200}, "account is missing or not printable"),
    ],
)
def test_unacceptable_terms_are_refused_with_words(changed: dict[str, object], words: str) -> None:
    with pytest.raises(matching.Refused) as refused:
        matching.read_terms(new_order(**changed))
    assert refused.value.text == words


@pytest.mark.parametrize(
    ("held", "side", "qty", "px", "after"),
    [
        (FLAT, BUY, "5", "10", Holding(Decimal(5), Decimal(10))),
        (FLAT, SELL, "5", "10", Holding(Decimal(-5), Decimal(10))),
        (Holding(Decimal(5), Decimal(10)), BUY, "5", "20", Holding(Decimal(10), Decimal(15))),
        (Holding(Decimal(5), Decimal(10)), SELL, "3", "20", Holding(Decimal(2), Decimal(10))),
        (Holding(Decimal(5), Decimal(10)), SELL, "5", "20", FLAT),
        (Holding(Decimal(5), Decimal(10)), SELL, "8", "20", Holding(Decimal(-3), Decimal(20))),
        (Holding(Decimal(-4), Decimal(10)), SELL, "4", "20", Holding(Decimal(-8), Decimal(15))),
        (Holding(Decimal(-4), Decimal(10)), BUY, "6", "20", Holding(Decimal(2), Decimal(20))),
    ],
)
def test_adding_averages_reducing_keeps_crossing_starts_anew(
    held: Holding, side: pb.Side, qty: str, px: str, after: Holding
) -> None:
    assert matching.add_fill(held, side, Decimal(qty), Decimal(px)) == after


@given(FILLS)
def test_position_and_cash_are_the_sum_of_fills(
    fills: list[tuple[pb.Side, Decimal, Decimal]],
) -> None:
    held, cash = FLAT, Decimal(0)
    for side, qty, px in fills:
        cash += matching.cash_moved(STOCK, held, side, qty, px)
        held = matching.add_fill(held, side, qty, px)
    signed = [(qty if side == BUY else -qty, px) for side, qty, px in fills]
    assert held.quantity == sum(qty for qty, _ in signed)
    assert cash == -sum(qty * px for qty, px in signed)
    assert (held.avg_price is None) == (held.quantity == 0)


@given(FILLS)
def test_the_average_lies_between_the_prices_paid(
    fills: list[tuple[pb.Side, Decimal, Decimal]],
) -> None:
    held = FLAT
    for side, qty, px in fills:
        held = matching.add_fill(held, side, qty, px)
    if held.avg_price is not None:
        prices = [px for _, _, px in fills]
        assert min(prices) <= held.avg_price <= max(prices)


@pytest.mark.parametrize("instrument", [STOCK, FUTURE], ids=["stock", "future"])
@given(fills=FILLS, px=PRICES)
def test_cash_and_worth_are_what_was_won_however_it_is_settled(
    instrument: Instrument, fills: list[tuple[pb.Side, Decimal, Decimal]], px: Decimal
) -> None:
    held, cash = FLAT, Decimal(0)
    for side, qty, at in fills:
        cash += matching.cash_moved(instrument, held, side, qty, at)
        held = matching.add_fill(held, side, qty, at)
    won = sum((qty if side == BUY else -qty) * (px - at) for side, qty, at in fills)
    told = cash + matching.worth(instrument, held, px)
    # Averages are kept to twelve places.
    assert abs(told - won * instrument.point_value) < Decimal("0.0001")
