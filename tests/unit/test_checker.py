"""The checker can fail: each kind of damage done to good evidence is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.e2e.checker import check
from tests.e2e.evidence import (
    ArrivalRow,
    Evidence,
    FactRow,
    FillRow,
    OrderRow,
    PositionRow,
    SignalRow,
    SpanRow,
    TradeRow,
    VenueOrderRow,
)
from tests.e2e.sender import Attempt

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STRATEGY, SUBSCRIPTION = UUID(int=1), UUID(int=2)
ACCOUNT = "P-1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def good_evidence() -> Evidence:
    """A buy of 5 and an exit, both filled."""
    return Evidence(
        attempts=[_attempt(1), _attempt(2)],
        signals=[_signal(1), _signal(2)],
        spans=[SpanRow(SUBSCRIPTION, STRATEGY, at(-60), None)],
        trades=[_trade(1), _trade(2)],
        orders=[_order(1, "entry", "buy"), _order(2, "exit", "sell")],
        facts=[
            _fact(1, "order_sending", trade=1, cl_ord_id="order-1"),
            _fact(2, "execution_report", trade=1, cl_ord_id="order-1", is_fill=True),
            _fact(3, "trade_outcome", trade=1, state="FILLED"),
            _fact(4, "order_sending", trade=2, cl_ord_id="order-2"),
            _fact(5, "execution_report", trade=2, cl_ord_id="order-2", is_fill=True),
            _fact(6, "trade_outcome", trade=2, state="FILLED"),
        ],
        arrivals=[_arrival(1), _arrival(2)],
        venue_orders=[
            VenueOrderRow(ACCOUNT, "order-1", Decimal(5)),
            VenueOrderRow(ACCOUNT, "order-2", Decimal(5)),
        ],
        fills=[
            FillRow(ACCOUNT, "x1", "order-1", "AAPL", Decimal(5)),
            FillRow(ACCOUNT, "x2", "order-2", "AAPL", Decimal(-5)),
        ],
        positions=[PositionRow(book, ACCOUNT, "AAPL", Decimal(0)) for book in BOOKS],
        web_orders=["order-1", "order-2"],
        web_fills=["x1", "x2"],
    )


BOOKS = ("paper", "execution", "own", "web")


def _attempt(number: int) -> Attempt:
    body = b'{"alert": %d}' % number
    shown = f"sig_{UUID(int=100 + number).hex}"
    return Attempt(number, "http://webhook", body, 0.0, 0.01, 200, shown, None)


def _signal(number: int) -> SignalRow:
    body = b'{"alert": %d}' % number
    return SignalRow(UUID(int=100 + number), STRATEGY, number, body, at(number))


def _trade(number: int) -> TradeRow:
    return TradeRow(
        id=UUID(int=200 + number),
        signal_id=UUID(int=100 + number),
        signal_seq=number,
        subscription_id=SUBSCRIPTION,
        instrument="AAPL",
        state="FILLED",
        reason=None,
    )


def _order(number: int, leg: str, side: str) -> OrderRow:
    name, trade = f"order-{number}", UUID(int=200 + number)
    return OrderRow(name, trade, leg, 0, ACCOUNT, "AAPL", side, Decimal(5))


def _arrival(number: int) -> ArrivalRow:
    return ArrivalRow(ACCOUNT, f"order-{number}", at(10 * number + 1), "accepted")


def _fact(
    seq: int,
    kind: str,
    *,
    trade: int,
    cl_ord_id: str = "",
    state: str = "",
    is_fill: bool = False,
) -> FactRow:
    trade_id, moment = UUID(int=200 + trade), at(10 * trade)
    return FactRow(ACCOUNT, seq, f"f{seq}", trade_id, moment, kind, cl_ord_id, state, is_fill)


def _swapped_sendings(good: Evidence) -> Evidence:
    numbers = {"order-1": 4, "order-2": 1}
    facts = [
        replace(each, seq=numbers[each.cl_ord_id]) if each.kind == "order_sending" else each
        for each in good.facts
    ]
    return replace(good, facts=facts)


def _two_entries_swapped(good: Evidence) -> Evidence:
    entries = [_order(1, "entry", "buy"), _order(2, "entry", "buy")]
    return replace(_swapped_sendings(good), orders=entries)


DAMAGE: dict[str, tuple[str, Callable[[Evidence], Evidence]]] = {
    "a signal is lost": ("lost_signal", lambda good: replace(good, signals=good.signals[:1])),
    "other bytes are stored": (
        "wrong_body",
        lambda good: replace(good, signals=[replace(good.signals[0], body=b"?"), good.signals[1]]),
    ),
    "an alert is two signals": (
        "alert_twice",
        lambda good: replace(
            good, signals=[*good.signals, replace(good.signals[0], id=UUID(int=9), seq=9)]
        ),
    ),
    "an outcome is missing": (
        "missing_outcome",
        lambda good: replace(good, trades=good.trades[1:]),
    ),
    "a trade is there twice": (
        "doubled_trade",
        lambda good: replace(good, trades=[*good.trades, replace(good.trades[0], id=UUID(int=9))]),
    ),
    "a trade was made while disabled": (
        "uncalled_trade",
        lambda good: replace(good, spans=[replace(good.spans[0], disabled_at=at(1.5))]),
    ),
    "a trade has not ended": (
        "unfinished_trade",
        lambda good: replace(
            good, trades=[replace(good.trades[0], state="PENDING"), good.trades[1]]
        ),
    ),
    "the read model is behind": (
        "stale_trade",
        lambda good: replace(
            good, trades=[replace(good.trades[0], state="CANCELED"), good.trades[1]]
        ),
    ),
    "an order is not shown": ("stale_order", lambda good: replace(good, web_orders=["order-1"])),
    "a fill is shown twice": (
        "stale_fills",
        lambda good: replace(good, web_fills=["x1", "x2", "x2"]),
    ),
    "a fact is missing": (
        "fact_gap",
        lambda good: replace(good, facts=[*good.facts[:2], *good.facts[3:]]),
    ),
    "a fact is there twice": (
        "doubled_fact",
        lambda good: replace(good, facts=[*good.facts, replace(good.facts[0], seq=7)]),
    ),
    "the venue took an order twice": (
        "doubled_order",
        lambda good: replace(good, arrivals=[*good.arrivals, _arrival(1)]),
    ),
    "an order was written down twice": (
        "doubled_terms",
        lambda good: replace(
            good, orders=[*good.orders, replace(good.orders[0], cl_ord_id="other")]
        ),
    ),
    "the venue holds an order of nobody": (
        "unknown_order",
        lambda good: replace(good, orders=good.orders[1:]),
    ),
    "an order was on another account": (
        "unknown_order",
        lambda good: replace(
            good, arrivals=[replace(good.arrivals[0], account="P-2"), good.arrivals[1]]
        ),
    ),
    "an order was sent before it was written": (
        "unwritten_order",
        lambda good: replace(
            good, arrivals=[replace(good.arrivals[0], arrived_at=at(0)), good.arrivals[1]]
        ),
    ),
    "an order was never written": (
        "unwritten_order",
        lambda good: replace(
            good, facts=[each for each in good.facts if each.cl_ord_id != "order-1"]
        ),
    ),
    "more was filled than asked": (
        "overfilled",
        lambda good: replace(good, orders=[replace(good.orders[0], order_qty=Decimal(4))]),
    ),
    "a fill is missing": ("unequal_position", lambda good: replace(good, fills=good.fills[:1])),
    "an exit was sent before the entry it passed": ("revived_entry", _swapped_sendings),
    "two entries started in the wrong order": ("out_of_order", _two_entries_swapped),
}


def test_good_evidence_has_no_findings() -> None:
    report = check(good_evidence())

    assert report.findings == ()
    assert report.outcomes == {"FILLED": 2}
    assert "no promise was broken" in str(report)


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_is_found(damage: str) -> None:
    kind, hurt = DAMAGE[damage]

    report = check(hurt(good_evidence()))

    assert kind in report.kinds
    assert kind in str(report)


@pytest.mark.parametrize("book", BOOKS)
def test_a_position_that_differs_in_one_book_is_found(book: str) -> None:
    good = good_evidence()
    positions = [
        replace(each, quantity=Decimal(1)) if each.book == book else each for each in good.positions
    ]

    report = check(replace(good, positions=positions))

    assert report.kinds == {"unequal_position": 1}


def _guarded(leg: str, held: int, *, is_open: bool = True) -> Evidence:
    """A guard that sells 5, and so much held in every book."""
    good = good_evidence()
    return replace(
        good,
        orders=[*good.orders, replace(_order(2, leg, "sell"), cl_ord_id="guard")],
        web_orders=[*good.web_orders, "guard"],
        venue_orders=[
            *good.venue_orders,
            VenueOrderRow(ACCOUNT, "guard", Decimal(0), "AAPL", "sell", Decimal(5), is_open),
        ],
        fills=[*good.fills, FillRow(ACCOUNT, "x3", "order-1", "AAPL", Decimal(held))],
        positions=[replace(each, quantity=Decimal(held)) for each in good.positions],
    )


@pytest.mark.rule("D4.orphans")
@pytest.mark.parametrize("leg", ["stop", "take_profit"])
@pytest.mark.parametrize("held", [0, 4, -5])
def test_a_guard_at_the_venue_without_its_position_is_found(leg: str, held: int) -> None:
    assert "orphan_protection" in check(_guarded(leg, held)).kinds


@pytest.mark.parametrize(("leg", "held", "is_open"), [("stop", 5, True), ("stop", 0, False)])
def test_a_guard_of_a_position_or_one_that_ended_is_no_finding(
    leg: str, held: int, is_open: bool
) -> None:
    assert "orphan_protection" not in check(_guarded(leg, held, is_open=is_open)).kinds


def test_an_unanswered_post_promises_nothing() -> None:
    good = good_evidence()
    silent = replace(_attempt(3), status=None, signal_id=None, error="ReadTimeout")

    assert check(replace(good, attempts=[*good.attempts, silent])).findings == ()


def test_a_superseded_entry_that_an_exit_passed_is_no_finding() -> None:
    good = good_evidence()
    trades = [replace(good.trades[0], state="SKIPPED", reason="superseded"), good.trades[1]]
    facts = [
        replace(_fact(1, "trade_outcome", trade=1, state="SKIPPED"), seq=2),
        _fact(1, "order_sending", trade=2, cl_ord_id="order-2"),
        _fact(3, "trade_outcome", trade=2, state="FILLED"),
    ]

    report = check(replace(good, trades=trades, facts=facts))

    assert not {"out_of_order", "revived_entry"} & set(report.kinds)
