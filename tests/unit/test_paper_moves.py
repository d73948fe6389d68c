"""Contracts that expire are settled, and accounts begin anew."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from execution import reference
from execution.paper import book, moves
from execution.paper.book import STARTING_CASH, Account, Changes, Moment
from execution.paper.market import Market
from execution.paper.matching import FLAT, Terms
from protos.paper.v1 import paper_pb2 as pb

BUY, SELL = pb.SIDE_BUY, pb.SIDE_SELL
BEFORE = Moment.of(datetime(2026, 12, 10, 15, 0, tzinfo=UTC))
LAST_DAY = Moment.of(datetime(2026, 12, 18, 23, 0, tzinfo=UTC))
AFTER = Moment.of(datetime(2026, 12, 19, 6, 0, tzinfo=UTC))
MARKET = Market(1, reference.load())
CALL, PUT = "AAPL261218C00100000", "AAPL261218P00100000"
WORTHLESS = "AAPL261218C09000000"
FUTURE = "ESZ2026"


def holding(symbol: str, quantity: int, price: str) -> Account:
    """An account that traded once."""
    account = Account("acme", 35.0)
    terms = Terms(
        "acme",
        "c",
        symbol,
        BUY if quantity > 0 else SELL,
        pb.ORD_TYPE_MARKET,
        "day",
        Decimal(abs(quantity)),
        None,
        Decimal(price),
    )
    book.take(account, terms, BEFORE, MARKET, Changes())
    return account


def spot() -> Decimal:
    return MARKET.quote("AAPL", moves.closing_time(MARKET.instrument(CALL))).last


def settled(account: Account, symbol: str) -> pb.Report:
    changes = Changes()
    moves.settle(account, symbol, AFTER, MARKET, changes)
    assert account.holdings[symbol] == FLAT
    return changes.reports[-1]


def test_a_contract_is_over_after_its_last_day() -> None:
    account = holding(CALL, 2, "150")
    assert moves.expired(account, LAST_DAY.at, MARKET) == []
    assert moves.expired(account, AFTER.at, MARKET) == [CALL]


@pytest.mark.parametrize("quantity", [2, -2])
def test_an_option_in_the_money_is_settled_at_what_it_is_worth(quantity: int) -> None:
    account = holding(CALL, quantity, "150")
    before, worth = account.cash, spot() - 100
    told = settled(account, CALL)
    assert Decimal(told.last_px) == worth > 0
    assert account.cash == before + quantity * worth * 100
    assert Decimal(told.cash) == quantity * worth * 100
    assert told.exec_type == pb.EXEC_TYPE_SETTLED
    assert told.side == (SELL if quantity > 0 else BUY)


def test_a_put_below_the_price_and_a_call_above_it_end_worth_nothing() -> None:
    for symbol in (PUT, WORTHLESS):
        account = holding(symbol, 1, "1")
        before = account.cash
        told = settled(account, symbol)
        assert (told.last_px, told.cash) == ("0", "0")
        assert "worth nothing" in told.text
        assert account.cash == before


@pytest.mark.parametrize("quantity", [3, -3])
def test_a_future_is_settled_at_its_last_price(quantity: int) -> None:
    account = holding(FUTURE, quantity, "5000")
    told = settled(account, FUTURE)
    point_value = MARKET.instrument(FUTURE).point_value
    gained = quantity * (Decimal(told.last_px) - 5000) * point_value
    assert account.cash == STARTING_CASH + gained
    assert gained != 0


def test_the_same_contract_is_settled_at_the_same_price_whenever_it_is() -> None:
    first = settled(holding(FUTURE, 1, "5000"), FUTURE).last_px
    assert settled(holding(FUTURE, 1, "5000"), FUTURE).last_px == first


def test_orders_on_an_expired_contract_are_canceled_first() -> None:
    account = holding(FUTURE, 1, "5000")
    resting = Terms(
        "acme", "r", FUTURE, SELL, pb.ORD_TYPE_LIMIT, "gtc", Decimal(1), Decimal(9000), None
    )
    other = Terms("acme", "o", "AAPL", BUY, pb.ORD_TYPE_LIMIT, "gtc", Decimal(1), Decimal(1), None)
    for terms in (resting, other):
        book.take(account, terms, BEFORE, MARKET, Changes())
    changes = Changes()
    moves.settle(account, FUTURE, AFTER, MARKET, changes)
    said = [(report.cl_ord_id, report.exec_type) for report in changes.reports]
    assert said == [("r", pb.EXEC_TYPE_CANCELED), ("", pb.EXEC_TYPE_SETTLED)]
    assert [order.terms.cl_ord_id for order in account.open.values()] == ["o"]


def test_a_reset_cancels_takes_away_and_gives_the_cash_back() -> None:
    account = holding("AAPL", 5, "200")
    resting = Terms(
        "acme", "o", "MSFT", BUY, pb.ORD_TYPE_LIMIT, "gtc", Decimal(1), Decimal(1), None
    )
    book.take(account, resting, BEFORE, MARKET, Changes())
    changes = Changes()
    moves.reset(account, AFTER, changes)
    assert (account.cash, account.open) == (STARTING_CASH, {})
    assert account.holdings["AAPL"] == FLAT
    canceled, gone, done = changes.reports
    assert (canceled.cl_ord_id, canceled.text) == ("o", "the account was reset")
    assert (gone.instrument, gone.last_qty, gone.side) == ("AAPL", "5", SELL)
    assert (done.instrument, done.cash) == ("", "1000")
    assert [report.report_seq for report in changes.reports] == [4, 5, 6]


def test_a_cl_ord_id_stays_used_after_a_reset() -> None:
    account = holding("AAPL", 5, "200")
    moves.reset(account, AFTER, Changes())
    assert account.order_id("c") is not None


# A Thursday's session in New York, and a resting order of that day.
IN_SESSION = Moment.of(datetime(2026, 12, 10, 20, 59, tzinfo=UTC))
AT_CLOSE = Moment.of(datetime(2026, 12, 10, 21, 0, tzinfo=UTC))
RESTING = Terms(
    "acme", "rest", "AAPL", BUY, pb.ORD_TYPE_LIMIT, "day", Decimal(5), Decimal(1), Decimal(200)
)


@pytest.mark.parametrize(
    ("terms", "at", "ends"),
    [
        (RESTING, IN_SESSION, False),
        (RESTING, AT_CLOSE, True),
        (replace(RESTING, time_in_force=""), AT_CLOSE, True),
        (replace(RESTING, time_in_force="gtc"), AT_CLOSE, False),
        (replace(RESTING, instrument="BTCUSD"), AT_CLOSE, False),
        (replace(RESTING, instrument="ESZ2026"), AT_CLOSE, False),
        (replace(RESTING, parent="entry"), AT_CLOSE, False),
    ],
)
def test_an_order_for_the_day_ends_with_its_session(terms: Terms, at: Moment, ends: bool) -> None:
    account, changes = Account("acme", 35.0, exchange_hours=True), Changes()
    order = book.take(account, terms, BEFORE, MARKET, changes)
    moves.end_days(account, at, MARKET, changes)
    assert (order.ord_status == pb.ORD_STATUS_CANCELED) == ends
    assert (order.text == "its day is over") == ends


def test_the_rules_of_an_account_are_told_under_its_next_number() -> None:
    account, changes = Account("acme", 35.0, exchange_hours=True, report_seq=4), Changes()
    moves.tell_rules(account, BEFORE, changes)
    [report] = changes.reports
    assert (report.exec_type, report.report_seq) == (pb.EXEC_TYPE_CONFIGURED, 5)
