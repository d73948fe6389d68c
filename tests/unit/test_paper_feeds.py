"""Quotes from a recording and from the signal, in place of the venue's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution import reference
from execution.paper import book, feeds, funds
from execution.paper.book import Account, Changes, Moment
from execution.paper.following import Following
from execution.paper.market import Market
from execution.paper.matching import Refused, Terms
from protos.paper.v1 import paper_pb2 as pb

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MARKET = Market(1, reference.load())
LINES = b"""time,instrument,bid,ask
2024-03-01T14:30:00Z,AAPL,179.50,179.52
2024-03-01T14:30:02Z,MSFT,410,410.05
2024-03-01T15:30:05+01:00,AAPL,180.00,180.02
"""
ORDER = Terms(
    "acme", "c", "AAPL", pb.SIDE_BUY, pb.ORD_TYPE_MARKET, "day", Decimal(5), None, Decimal(50)
)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def an_account(feed: feeds.Feed | None) -> Account:
    return Account("acme", 35.0, feed=feed)


@pytest.mark.parametrize(
    ("seconds", "bid"),
    [(-1, "179.50"), (0, "179.50"), (4.9, "179.50"), (5, "180.00"), (9000, "180.00")],
)
def test_a_recording_is_replayed_from_the_moment_it_was_given(seconds: float, bid: str) -> None:
    quote = feeds.read(LINES, AT).quote("AAPL", later(seconds), None, MARKET)
    assert quote is not None
    assert quote.bid == Decimal(bid)


def test_what_a_recording_does_not_hold_is_quoted_by_the_venue() -> None:
    account = an_account(feeds.read(LINES, AT))
    assert account.quote("TSLA", AT, MARKET, None) == MARKET.quote("TSLA", AT)


@pytest.mark.parametrize(("side", "px"), [(pb.SIDE_BUY, "179.52"), (pb.SIDE_SELL, "179.5")])
def test_an_order_fills_at_the_recording_whatever_its_signal_saw(side: pb.Side, px: str) -> None:
    account, changes = an_account(feeds.read(LINES, AT)), Changes()
    book.take(account, replace(ORDER, side=side), Moment.of(AT), MARKET, changes)
    assert Decimal(changes.reports[-1].last_px) == Decimal(px)


def test_a_resting_order_fills_when_the_recording_comes_to_it() -> None:
    account, changes = an_account(feeds.read(LINES, AT)), Changes()
    sell = replace(
        ORDER, side=pb.SIDE_SELL, ord_type=pb.ORD_TYPE_LIMIT, limit_price=Decimal("179.90")
    )
    order = book.take(account, sell, Moment.of(AT), MARKET, changes)
    book.rematch(account, Moment.of(later(4)), MARKET, changes)
    assert order.ord_status == pb.ORD_STATUS_NEW
    book.rematch(account, Moment.of(later(5)), MARKET, changes)
    assert order.ord_status == pb.ORD_STATUS_FILLED


def test_the_signal_s_price_stands_still() -> None:
    account = an_account(feeds.Signals())
    book.take(account, ORDER, Moment.of(AT), MARKET, Changes())
    prices = {account.quote("AAPL", later(second), MARKET, None).last for second in range(60)}
    assert prices == {Decimal(50)}
    assert funds.equity(account, funds.value(account, later(60), MARKET)) == 100_000


def test_without_a_signal_s_price_the_venue_quotes() -> None:
    account = an_account(feeds.Signals())
    assert account.quote("AAPL", AT, MARKET, None) == MARKET.quote("AAPL", AT)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (b"", "the first line is"),
        (b"time,bid,ask,instrument\n", "the first line is"),
        (b"time,instrument,bid,ask\n", "1 to 20000 quotes"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00Z,AAPL,1\n", "line 2: four columns"),
        (b"time,instrument,bid,ask\nnoon,AAPL,1,2\n", "line 2: 'noon' is no time"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00,AAPL,1,2\n", "line 2: the time has no"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00Z,,1,2\n", "line 2: no instrument"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00Z,AAPL,2,1\n", "line 2: bid and ask"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00Z,AAPL,,1\n", "line 2: bid and ask"),
        (b"time,instrument,bid,ask\n2024-03-01T14:30:00Z,AAPL,0,1\n", "line 2: bid and ask"),
        (LINES + b"2024-03-01T14:30:00Z,AAPL,1,2\n", "line 5: the time is before"),
        (b"\xff\xfe\x00", "not a CSV file"),
    ],
)
def test_a_recording_that_cannot_be_read_is_refused_by_its_line(lines: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        feeds.read(lines, AT)
    assert words in refused.value.text


@given(st.binary(max_size=400))
def test_any_bytes_are_a_recording_or_a_refusal(content: bytes) -> None:
    for lines in (content, b"time,instrument,bid,ask\n" + content):
        try:
            feeds.read(lines, AT)
        except Refused as refused:
            assert refused.text.startswith("recording: ")


def a_follower(other: Account) -> Account:
    return an_account(Following({other.name: other}, other.name))


def test_a_follower_is_quoted_the_other_s_recording() -> None:
    account = a_follower(Account("theirs", 35.0, feed=feeds.read(LINES, AT)))
    assert account.quote("AAPL", later(5), MARKET, Decimal(50)).ask == Decimal("180.02")


def test_a_follower_is_quoted_the_market_around_the_other_s_signals() -> None:
    other = Account("theirs", 35.0)
    book.take(other, ORDER, Moment.of(AT), MARKET, Changes())
    account = a_follower(other)
    assert account.quote("AAPL", AT, MARKET, Decimal(900)) == MARKET.quote("AAPL", AT, Decimal(50))


@pytest.mark.parametrize("feed", [None, Following({}, "third")])
def test_where_the_other_has_no_price_of_its_own_the_signal_s_counts(
    feed: feeds.Feed | None,
) -> None:
    account = a_follower(Account("theirs", 35.0, feed=feed))
    named = Decimal(900)
    assert account.quote("AAPL", AT, MARKET, named) == MARKET.quote("AAPL", AT, named)


def test_one_that_follows_what_is_not_there_is_quoted_by_the_venue() -> None:
    account = an_account(Following({}, "gone"))
    assert account.quote("AAPL", AT, MARKET, None) == MARKET.quote("AAPL", AT)
