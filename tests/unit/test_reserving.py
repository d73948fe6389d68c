"""Money of one account is not spent by two lanes that saw the same figures."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.accounts.reserving import Reserved
from execution.domain.decisions import End, Send
from execution.domain.market import Figures, Market, Quote
from execution.domain.orders import Order, Terms
from execution.domain.reports import Report
from execution.domain.words import (
    AssetClass,
    ExecType,
    Leg,
    OrdStatus,
    OrdType,
    Origin,
    Side,
    SizeType,
)
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from tests.unit.planning_kit import NOON, a_trade, decide, held, refused

HUNDRED = Decimal(100)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def market(power: str | None = "10000", *, asked: float = 0, balance: str = "10000") -> Market:
    known = None if power is None else Decimal(power)
    quote = Quote(HUNDRED, HUNDRED, HUNDRED)
    return Market(quote, Figures(Decimal(10000), Decimal(balance), known), asked_at=at(asked))


def an_entry(name: str, quantity: str = "60", leg: Leg = Leg.ENTRY, **fields: Any) -> Ticket:
    """An order at a hundred, decided in a lane of its own."""
    trade = a_trade("buy", quantity, **fields)
    terms = Terms(
        UUID(int=9), name, trade.trade_id, trade.subscription_id, leg, 0, Origin.SIGNAL, name,
        Side.BUY, OrdType.MARKET, "day", Decimal(quantity), None, HUNDRED, NOON,
    )  # fmt: skip
    return Ticket(Order(terms), Run(trade, Lane(name), 1))


def said(ticket: Ticket, what: ExecType, quantity: str = "0") -> None:
    """Something the broker told of the order."""
    terms = ticket.order.terms
    amount = Decimal(quantity) or None
    ticket.order.add(
        Report(
            "a",
            f"{what}{len(ticket.order.reports)}",
            0,
            terms.cl_ord_id,
            "b",
            what,
            OrdStatus.NEW,
            terms.instrument,
            terms.side,
            "",
            amount,
            amount and HUNDRED,
            None,
            "",
            NOON,
            None,
        )
    )


def money(promised: int, bound: int) -> tuple[Decimal, Decimal]:
    return Decimal(promised), Decimal(bound)


def taken(reserved: Reserved, asked: float) -> tuple[Decimal, Decimal]:
    figures = reserved.beside(market(asked=asked)).figures
    assert figures is not None
    return figures.promised, figures.bound


@pytest.mark.rule("C6.reserved")
def test_c6_the_second_lane_may_not_spend_what_the_first_took_from_the_same_figures() -> None:
    reserved = Reserved()
    trade = a_trade("buy", "60", size_type=SizeType.PERCENT_OF_EQUITY)
    seen = market()
    assert isinstance(decide(trade, held("0"), seen=reserved.beside(seen)), Send)
    reserved.note(an_entry("AAPL"), at(0.01))
    second = decide(trade, held("0"), seen=reserved.beside(seen))
    assert refused(second) == "buying_power"
    assert isinstance(second, End)
    told = {name: second.numbers[name] for name in ("cost", "power", "promised")}
    assert {name: Decimal(number) for name, number in told.items()} == {
        "cost": 6000,
        "power": 4000,
        "promised": 6000,
    }


def test_c6_two_that_fit_together_are_both_sent_at_their_full_size() -> None:
    reserved = Reserved()
    trade = a_trade("buy", "50", size_type=SizeType.PERCENT_OF_EQUITY)
    reserved.note(an_entry("AAPL", "50"), at(0))
    sent = decide(trade, held("0"), seen=reserved.beside(market()))
    assert isinstance(sent, Send)
    assert sent.quantity == 50
    assert Decimal(sent.numbers["promised"]) == 5000


def test_c6_a_percentage_of_the_balance_is_one_of_what_is_left() -> None:
    reserved = Reserved()
    trade = a_trade("buy", "50", size_type=SizeType.PERCENT_OF_BALANCE)
    reserved.note(an_entry("AAPL", "60"), at(0))
    sent = decide(trade, held("0"), seen=reserved.beside(market(None)))
    assert isinstance(sent, Send)
    assert sent.quantity == 20


def test_c6_without_a_buying_power_the_equity_is_not_spent_twice() -> None:
    reserved = Reserved()
    trade = a_trade("buy", "60", size_type=SizeType.PERCENT_OF_EQUITY)
    # One alone may pass it: the broker says nothing of what it lends.
    alone = a_trade("buy", "160", size_type=SizeType.PERCENT_OF_EQUITY)
    assert isinstance(decide(alone, held("0"), seen=reserved.beside(market(None))), Send)
    reserved.note(an_entry("AAPL"), at(0))
    found = decide(trade, held("0"), seen=reserved.beside(market(None)))
    assert refused(found) == "buying_power"


def test_what_the_broker_knew_when_it_was_asked_is_in_its_buying_power() -> None:
    reserved, entry = Reserved(), an_entry("AAPL")
    reserved.note(entry, at(0))
    said(entry, ExecType.NEW)
    reserved.note(entry, at(1))
    assert taken(reserved, 0.5) == money(6000, 6000)
    # Its cash still tells nothing of what only works.
    assert taken(reserved, 1.5) == money(0, 6000)
    said(entry, ExecType.FILL, "60")
    reserved.note(entry, at(2))
    assert taken(reserved, 1.5) == money(0, 6000)
    assert taken(reserved, 2.5) == money(0, 0)


def test_an_order_that_ends_gives_back_what_it_did_not_spend() -> None:
    reserved, entry = Reserved(), an_entry("AAPL")
    reserved.note(entry, at(0))
    said(entry, ExecType.FILL, "20")
    reserved.note(entry, at(1))
    said(entry, ExecType.CANCELED)
    reserved.note(entry, at(2))
    assert taken(reserved, 0) == money(2000, 2000)
    assert taken(reserved, 3) == money(0, 0)


def test_an_order_that_was_never_sent_gives_back_everything() -> None:
    reserved, entry = Reserved(), an_entry("AAPL")
    reserved.note(entry, at(0))
    said(entry, ExecType.NOT_SENT)
    reserved.note(entry, at(1))
    assert taken(reserved, 0) == money(0, 0)


def test_what_closes_or_guards_takes_nothing_and_futures_take_no_cash() -> None:
    reserved = Reserved()
    for leg in (Leg.EXIT, Leg.STOP, Leg.TAKE_PROFIT):
        reserved.note(an_entry(leg.value, leg=leg), at(0))
    assert taken(reserved, 0) == money(0, 0)
    reserved.note(an_entry("ESZ2026", "1", asset_class=AssetClass.FUTURES), at(0))
    assert taken(reserved, 0) == money(5000, 0)


@given(
    quantities=st.lists(
        st.decimals("0.0001", 900, places=4, allow_nan=False), min_size=1, max_size=8
    ),
    steps=st.lists(st.tuples(st.integers(0, 7), st.sampled_from("nfc")), max_size=30),
)
def test_whatever_happens_to_orders_their_sum_comes_out_exactly(
    quantities: list[Decimal], steps: list[tuple[int, str]]
) -> None:
    reserved = Reserved()
    entries = [an_entry(f"E{n}", format(q, "f")) for n, q in enumerate(quantities)]
    for number, entry in enumerate(entries):
        reserved.note(entry, at(number / 100))
    for number, (pick, what) in enumerate(steps):
        entry = entries[pick % len(entries)]
        if not entry.order.is_open:
            continue
        if what == "f":
            half = max(entry.order.leaves_qty / 2, Decimal("0.0001"))
            said(entry, ExecType.FILL, format(min(half, entry.order.leaves_qty), "f"))
        else:
            said(entry, ExecType.NEW if what == "n" else ExecType.CANCELED)
        reserved.note(entry, at(0.1 + number / 100))
    working = sum(e.order.leaves_qty * HUNDRED for e in entries)
    spent = sum(e.order.cum_qty * HUNDRED for e in entries)
    unknown = sum(e.order.leaves_qty * HUNDRED for e in entries if not e.order.is_acknowledged)
    close = Decimal("0.00001")
    promised, bound = taken(reserved, 0)
    assert abs(promised - working - spent) < close and abs(bound - working - spent) < close
    promised, bound = taken(reserved, 5)
    assert abs(promised - unknown) < close and abs(bound - working) < close
