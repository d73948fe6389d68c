"""Trades, scopes and orders for tests of planning, with good defaults."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from execution.domain import planning, previewing
from execution.domain.decisions import Decision, End, OpenOrder, Progress, Scope, Send, VenueRules
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.orders import Order, Terms
from execution.domain.previewing import Plan
from execution.domain.reports import Report
from execution.domain.trades import AccountRef, Style, Trade
from execution.domain.words import (
    Action,
    ExecType,
    Leg,
    OrdStatus,
    OrdType,
    Origin,
    Side,
    Sides,
    TradeState,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TIMES = frozenset({"day", "gtc", "ioc"})
VENUE = VenueRules(frozenset(OrdType), Decimal("0.001"), times_in_force=TIMES, has_brackets=True)
# A market of which nothing is known, though it was asked.
NOTHING = Market()
BUY, SELL = Side.BUY, Side.SELL


def a_trade(action: str, quantity: str | None = None, **fields: Any) -> Trade:
    """A market trade with a signal price of 100, of a quantity that the signal named."""
    values: dict[str, Any] = {
        "trade_id": UUID(int=1),
        "tenant_id": "t",
        "strategy_id": UUID(int=2),
        "subscription_id": UUID(int=3),
        "connection_id": "c",
        "account": AccountRef("paper", "paper", "acme"),
        "account_id": UUID(int=4),
        "accepted_at": NOON,
        "released_at": NOON,
        "action": Action(action),
        "sentiment": None,
        "instrument": "AAPL",
        "quantity": None if quantity is None else Decimal(quantity),
        "quantity_from_signal": quantity is not None,
        "signal_price": Decimal(100),
        "sides": Sides.BOTH,
        "allow_add": False,
        "allow_swap": False,
        "is_fractional": True,
    }
    return Trade(**(values | fields))


def a_style(ord_type: str, **fields: Any) -> Style:
    """How orders are worked; prices as text."""
    exact: dict[str, Any] = {k: Decimal(v) if isinstance(v, str) else v for k, v in fields.items()}
    return Style(OrdType(ord_type), **exact)


def limit(price: str | None = None) -> dict[str, Any]:
    """Orders of a trade as limits."""
    style = Style(OrdType.LIMIT, None if price is None else Decimal(price))
    return {"entry": style, "exit": style}


def an_order(
    leg: Leg, side: Side, quantity: str, *reports: tuple[ExecType, str], **fields: Any
) -> Order:
    """An order of a trade, with what was said of it."""
    order = Order(
        Terms(
            UUID(int=9), "c1", UUID(int=1), UUID(int=3), leg, 0, Origin.SIGNAL, "AAPL", side,
            OrdType.MARKET, "day", Decimal(quantity), None, None, NOON, **fields,
        )
    )  # fmt: skip
    for number, (exec_type, filled) in enumerate(reports):
        order.add(
            Report(
                "acme", f"r{number}", number, "c1", "b", exec_type, OrdStatus.NEW, "AAPL", side,
                "", Decimal(filled or 0), Decimal(100), None, "", NOON, None,
            )
        )  # fmt: skip
    return order


def filled(leg: Leg, side: Side, quantity: str, **fields: Any) -> Order:
    """An order that was filled."""
    return an_order(leg, side, quantity, (ExecType.FILL, quantity), **fields)


def held(quantity: str, **fields: Any) -> Scope:
    """A position."""
    return Scope(Decimal(quantity), **fields)


def working(side: Side, leaves: str, **fields: Any) -> OpenOrder:
    """An order that works."""
    return OpenOrder("w1", side, Decimal(leaves), **fields)


def quoted(bid: str | None = None, ask: str | None = None, last: str | None = None) -> Quote:
    """A quote, as text."""
    bid_, ask_, last_ = (None if p is None else Decimal(p) for p in (bid, ask, last))
    return Quote(bid_, ask_, last_)


def market(price: str, *, equity: str | None = None) -> Market:
    """A market at one price, and perhaps the account's equity."""
    figures = None if equity is None else Figures(Decimal(equity), Decimal(equity))
    return Market(quoted(last=price), figures)


def decide(
    trade: Trade, scope: Scope, *, seen: Market | None = NOTHING, **progress: Any
) -> Decision:
    """The next step on a venue that can do everything."""
    return planning.decide(trade, scope, Progress(**progress), VENUE, seen)


def plan(trade: Trade, scope: Scope, seen: Market | None = None) -> Plan:
    """The whole of a trade."""
    return previewing.plan(trade, Seen(scope, Progress(), VENUE, seen or Market(), NOON))


def sent(decision: Decision) -> tuple[Leg, Side, str]:
    """What is sent, in short."""
    assert isinstance(decision, Send), decision
    return decision.leg, decision.side, format(decision.quantity, "f")


def refused(decision: Decision) -> str:
    """Why nothing is sent."""
    assert isinstance(decision, End), decision
    assert decision.state is TradeState.SKIPPED
    return decision.reason
