"""What fills cost, how they come about, and what an account may hold."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.domain import instruments
from execution.paper import book, costs, funds
from execution.paper.book import OPEN_STATUSES, Account, Changes, Moment, Order
from execution.paper.costs import Model
from execution.paper.market import Market
from execution.paper.matching import Refused, Terms
from protos.paper.v1 import paper_pb2 as pb

BUY, SELL = pb.SIDE_BUY, pb.SIDE_SELL
MOMENT = Moment.of(datetime(2026, 11, 20, 15, 0, tzinfo=UTC))
MARKET = Market(1, reference.load())
STOCK = instruments.stock("AAPL")
SPY_CALL = "SPY261218C00600000"
PRICES = st.decimals(Decimal("0.05"), Decimal(5000), places=2)
PARTS = st.integers(1, 20)


def terms(cl_ord_id: str = "c", **changed: object) -> Terms:
    plain = Terms(
        "acme", cl_ord_id, "AAPL", BUY, pb.ORD_TYPE_MARKET, "day", Decimal(100), None, Decimal(50)
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def later(seconds: int) -> Moment:
    return Moment.of(datetime(2026, 11, 20, 15, 0, seconds, tzinfo=UTC))


def account(**model: object) -> Account:
    return Account("acme", 35.0, model=Model(**model))  # type: ignore[arg-type]


def fills(changes: Changes, cl_ord_id: str = "c") -> list[pb.Report]:
    return [
        report
        for report in changes.reports
        if report.exec_type == pb.EXEC_TYPE_FILL and report.cl_ord_id == cl_ord_id
    ]


def settle(of: Account, changes: Changes, seconds: int = 30) -> None:
    for second in range(1, seconds):
        book.rematch(of, later(second), MARKET, changes)


@given(PRICES, st.sampled_from([BUY, SELL]), st.integers(0, 50), st.integers(0, 500))
def test_slippage_is_never_to_the_taker_s_good_and_on_a_tick(
    px: Decimal, side: pb.Side, ticks: int, bps: int
) -> None:
    model = Model(slippage_ticks=ticks, slippage_bps=Decimal(bps))
    slipped = costs.slipped(model, STOCK, side, px, None)
    assert slipped >= px if side == BUY else slipped <= px
    assert slipped > 0
    assert slipped == px or slipped % STOCK.tick_at(px) == 0
    assert costs.slipped(model, STOCK, side, px, px) == px


def test_slippage_adds_basis_points_and_ticks() -> None:
    model = Model(slippage_ticks=2, slippage_bps=Decimal(10))
    assert costs.slipped(model, STOCK, BUY, Decimal(100), None) == Decimal("100.12")
    assert costs.slipped(model, STOCK, SELL, Decimal(100), None) == Decimal("99.88")


def test_a_fee_counts_the_order_once_its_units_and_its_worth() -> None:
    model = Model(fee_per_order=Decimal(1), fee_per_unit=Decimal("0.005"), fee_bps=Decimal("2.5"))
    ten, px, rate = Decimal(10), Decimal(200), Decimal(1)
    assert costs.fee(model, STOCK, ten, px, rate, first=True) == Decimal("1.55")
    assert costs.fee(model, STOCK, ten, px, rate, first=False) == Decimal("0.55")


def test_a_plain_account_fills_whole_at_the_price_for_nothing() -> None:
    plain, changes = account(), Changes()
    plain.model = costs.PLAIN
    book.take(plain, terms(), MOMENT, MARKET, changes)
    [fill] = fills(changes)
    assert (fill.last_qty, fill.last_px, fill.fee) == ("100", "50", "0")
    assert plain.cash == Decimal(95_000)


def test_fees_leave_the_cash_and_are_told_with_each_fill() -> None:
    paid, changes = account(fee_per_order=Decimal(1), fill_parts=3), Changes()
    book.take(paid, terms(), MOMENT, MARKET, changes)
    settle(paid, changes)
    told = fills(changes)
    assert [fill.fee for fill in told] == ["1", "0", "0"]
    cost = sum(Decimal(fill.last_qty) * Decimal(fill.last_px) for fill in told)
    assert paid.cash == Decimal(100_000) - cost - 1


@given(PARTS, st.integers(1, 500), st.text("abc", min_size=1, max_size=8))
def test_parts_of_a_whole_quantity_are_whole_and_come_to_it(
    parts: int, quantity: int, name: str
) -> None:
    parted, changes = account(fill_parts=parts), Changes()
    order = book.take(parted, terms(name, order_qty=Decimal(quantity)), MOMENT, MARKET, changes)
    settle(parted, changes)
    told = fills(changes, name)
    assert len(told) <= parts
    assert sum(Decimal(fill.last_qty) for fill in told) == quantity == order.cum_qty
    assert all(Decimal(fill.last_qty) % 1 == 0 and Decimal(fill.last_qty) > 0 for fill in told)
    assert parted.holdings["AAPL"].quantity == quantity
    assert not parted.open


@given(PARTS)
def test_the_same_order_fills_in_the_same_parts(parts: int) -> None:
    def parted() -> list[str]:
        of, changes = account(fill_parts=parts), Changes()
        book.take(of, terms(), MOMENT, MARKET, changes)
        settle(of, changes)
        return [f"{fill.last_qty}@{fill.last_px}" for fill in fills(changes)]

    assert parted() == parted()


def test_an_order_for_now_or_never_ends_after_its_first_part() -> None:
    parted, changes = account(fill_parts=3), Changes()
    order = book.take(parted, terms(time_in_force="ioc"), MOMENT, MARKET, changes)
    assert order.ord_status == pb.ORD_STATUS_CANCELED
    assert 0 < order.cum_qty < 100


def test_an_order_for_all_or_nothing_fills_whole() -> None:
    parted, changes = account(fill_parts=3), Changes()
    order = book.take(parted, terms(time_in_force="fok"), MOMENT, MARKET, changes)
    assert order.ord_status == pb.ORD_STATUS_FILLED


# -- targets and stops of fills in parts


def guarded(of: Account, changes: Changes) -> tuple[Order, Order, Order]:
    """An entry at 50 with a target far above and a stop far below."""
    target = terms(
        "target", side=SELL, ord_type=pb.ORD_TYPE_LIMIT, limit_price=Decimal(90), parent="c"
    )
    stop = terms("stop", side=SELL, ord_type=pb.ORD_TYPE_STOP, stop_price=Decimal(10), parent="c")
    entry = book.take(of, terms(), MOMENT, MARKET, changes, [target, stop])
    by_name = {order.terms.cl_ord_id: order for order in of.open.values()}
    return entry, by_name["target"], by_name["stop"]


def reach(of: Account, order: Order, changes: Changes) -> None:
    """The market comes to a guard."""
    order.terms = replace(
        order.terms, limit_price=Decimal(1), stop_price=None, ord_type=pb.ORD_TYPE_LIMIT
    )
    settle(of, changes)


def test_guards_may_close_what_their_entry_has_opened_so_far() -> None:
    of, changes = account(fill_parts=4), Changes()
    entry, target, stop = guarded(of, changes)
    assert 0 < target.leaves == stop.leaves == entry.cum_qty < 100
    settle(of, changes)
    assert target.leaves == stop.leaves == entry.cum_qty == 100


def test_guards_of_an_entry_that_was_cut_short_close_that_much_and_end() -> None:
    of, changes = account(fill_parts=4), Changes()
    entry, target, stop = guarded(of, changes)
    book.cancel(of, entry, MOMENT, changes)
    opened = entry.cum_qty
    assert target.leaves == opened
    of.model = Model()
    reach(of, target, changes)
    assert target.cum_qty == opened
    assert {target.ord_status, stop.ord_status} == {pb.ORD_STATUS_CANCELED}
    assert of.holdings["AAPL"].quantity == 0


def test_guards_of_an_entry_that_opened_nothing_end_with_it() -> None:
    of, changes = account(), Changes()
    limit = terms(ord_type=pb.ORD_TYPE_LIMIT, limit_price=Decimal(1))
    stop = terms("stop", side=SELL, ord_type=pb.ORD_TYPE_STOP, stop_price=Decimal(10), parent="c")
    entry = book.take(of, limit, MOMENT, MARKET, changes, [stop])
    book.cancel(of, entry, MOMENT, changes)
    assert not of.open


@pytest.mark.parametrize("parts", [1, 3])
def test_a_target_in_parts_leaves_its_stop_the_rest_and_never_more(parts: int) -> None:
    of, changes = account(), Changes()
    _, target, stop = guarded(of, changes)
    target.parts_left = parts
    reach(of, target, changes)
    assert target.cum_qty == 100
    assert stop.ord_status == pb.ORD_STATUS_CANCELED
    assert stop.may_fill == 0
    assert of.holdings["AAPL"].quantity == 0


# -- what an account may hold


def buy(of: Account, **changed: object) -> Order:
    found = terms(f"o{len(of.used)}", **changed)
    funds.check(of, found, MOMENT.at, MARKET)
    return book.take(of, found, MOMENT, MARKET, Changes())


def power(of: Account) -> Decimal | None:
    return funds.buying_power(of, funds.value(of, MOMENT.at, MARKET), MOMENT.at, MARKET)


def test_an_account_without_leverage_is_not_limited() -> None:
    of = account()
    assert power(of) is None
    buy(of, order_qty=Decimal(10**9))


def test_a_cash_account_buys_for_its_cash_and_no_more() -> None:
    of = account(leverage=Decimal(1))
    assert power(of) == 100_000
    buy(of, order_qty=Decimal(2000), reference_price=Decimal(40))
    with pytest.raises(Refused, match=r"buying power: it binds 40000\.00 USD, and \d+\.\d\d is"):
        buy(of, order_qty=Decimal(1000), reference_price=Decimal(40))


def test_leverage_multiplies_what_may_be_held() -> None:
    of = account(leverage=Decimal(4))
    assert power(of) == 400_000
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(8001))
    buy(of, order_qty=Decimal(7000))


def test_what_closes_binds_nothing_and_what_turns_round_binds_the_rest() -> None:
    of = account(leverage=Decimal(1))
    buy(of, order_qty=Decimal(1900))
    buy(of, order_qty=Decimal(1900), side=SELL)
    buy(of, order_qty=Decimal(1900))
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(5900), side=SELL)


def test_resting_orders_bind_until_they_end() -> None:
    of = account(leverage=Decimal(1))
    resting = {"ord_type": pb.ORD_TYPE_LIMIT, "limit_price": Decimal(30)}
    first = buy(of, order_qty=Decimal(3000), **resting)
    assert first.ord_status in OPEN_STATUSES
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(1000), **resting)
    book.cancel(of, first, MOMENT, Changes())
    buy(of, order_qty=Decimal(1000), **resting)


def test_two_orders_that_close_the_same_position_do_not_both_bind_nothing() -> None:
    of = account(leverage=Decimal(1))
    buy(of, order_qty=Decimal(1900))
    closing = {"side": SELL, "ord_type": pb.ORD_TYPE_LIMIT, "limit_price": Decimal(70)}
    buy(of, order_qty=Decimal(1900), **closing)
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(1900), **closing)


def test_bought_options_are_paid_in_full_and_written_ones_bind_a_part_of_the_strike() -> None:
    of = account(leverage=Decimal(4))
    option = {"instrument": SPY_CALL, "reference_price": Decimal(10)}
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(101), **option)
    with pytest.raises(Refused):
        buy(of, order_qty=Decimal(8), side=SELL, **option)
    buy(of, order_qty=Decimal(7), side=SELL, **option)
