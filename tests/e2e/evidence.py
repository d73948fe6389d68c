"""What the checker may look at: the sender's history, the database, the venue's log.

Nothing of `web` or `execution` is imported: only the contract's messages are decoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from protos.execution.v1 import execution_pb2
from protos.paper.v1 import paper_pb2
from tests.e2e.sender import Attempt

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class SignalRow:
    """web.signals"""

    id: UUID
    strategy_id: UUID
    seq: int
    body: bytes
    accepted_at: datetime


@dataclass(frozen=True)
class SpanRow:
    """web.subscription_spans, with the strategy of the subscription."""

    subscription_id: UUID
    strategy_id: UUID
    enabled_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class TradeRow:
    """web.trades"""

    id: UUID
    signal_id: UUID
    signal_seq: int
    subscription_id: UUID
    instrument: str
    state: str
    reason: str | None


@dataclass(frozen=True)
class OrderRow:
    """execution.orders, with the account's own name."""

    cl_ord_id: str
    trade_id: UUID
    leg: str
    revision: int
    account: str
    instrument: str
    side: str
    order_qty: Decimal


@dataclass(frozen=True)
class FactRow:
    """execution.facts, decoded as far as the checks go."""

    account: str
    seq: int
    canonical_id: str
    trade_id: UUID | None
    at: datetime
    kind: str
    cl_ord_id: str = ""
    state: str = ""
    is_fill: bool = False


@dataclass(frozen=True)
class ArrivalRow:
    """paper.arrivals"""

    account: str
    cl_ord_id: str
    arrived_at: datetime
    result: str


@dataclass(frozen=True)
class VenueOrderRow:
    """paper.orders"""

    account: str
    cl_ord_id: str
    cum_qty: Decimal
    instrument: str = ""
    side: str = ""
    order_qty: Decimal = Decimal(0)
    is_open: bool = False


@dataclass(frozen=True)
class FillRow:
    """A fill as the venue reported it; `signed` is negative for a sell."""

    account: str
    exec_id: str
    cl_ord_id: str
    instrument: str
    signed: Decimal


@dataclass(frozen=True)
class PositionRow:
    """A position in one of the books: paper, execution (the account, or with `own` its
    subscriptions together) or web."""

    book: str
    account: str
    instrument: str
    quantity: Decimal


@dataclass(frozen=True)
class Evidence:
    """Everything that is compared."""

    attempts: Sequence[Attempt] = ()
    signals: Sequence[SignalRow] = ()
    spans: Sequence[SpanRow] = ()
    trades: Sequence[TradeRow] = ()
    orders: Sequence[OrderRow] = ()
    facts: Sequence[FactRow] = ()
    arrivals: Sequence[ArrivalRow] = ()
    venue_orders: Sequence[VenueOrderRow] = ()
    fills: Sequence[FillRow] = ()
    positions: Sequence[PositionRow] = ()
    web_orders: Sequence[str] = ()
    web_fills: Sequence[str] = ()


_SIGNALS = "SELECT id, strategy_id, seq, body, accepted_at FROM web.signals"
_SPANS = """
    SELECT p.subscription_id, s.strategy_id, p.enabled_at, p.disabled_at
    FROM web.subscription_spans p JOIN web.subscriptions s ON s.id = p.subscription_id
"""
_TRADES = """
    SELECT id, signal_id, signal_seq, subscription_id, instrument, state, reason FROM web.trades
"""
_ORDERS = """
    SELECT o.cl_ord_id, o.trade_id, o.leg, o.revision, l.account, o.instrument, o.side, o.order_qty
    FROM execution.orders o JOIN execution.leases l USING (account_id)
"""
_FACTS = """
    SELECT l.account, f.seq, f.canonical_id, f.trade_id, f.at, f.fact
    FROM execution.facts f JOIN execution.leases l USING (account_id) ORDER BY f.account_id, f.seq
"""
_ARRIVALS = "SELECT account, cl_ord_id, arrived_at, result FROM paper.arrivals ORDER BY id"
_VENUE_ORDERS = """
    SELECT account, cl_ord_id, cum_qty, instrument, side, order_qty,
        ord_status IN ('NEW', 'PARTIALLY_FILLED') AS is_open FROM paper.orders
"""
_POSITIONS = """
    SELECT 'paper' AS book, account, instrument, quantity FROM paper.positions
    UNION ALL
    SELECT CASE WHEN p.subscription_id = '00000000-0000-0000-0000-000000000000'
                THEN 'execution' ELSE 'own' END AS book, l.account, p.instrument, sum(p.quantity)
    FROM execution.positions p JOIN execution.leases l USING (account_id)
    GROUP BY book, l.account, p.instrument
    UNION ALL
    SELECT DISTINCT 'web', a.account, p.instrument, p.quantity
    FROM web.positions p JOIN web.connections c ON c.id = p.connection_id
    JOIN web.broker_accounts a ON a.id = c.broker_account_id
"""


def gather(connection: psycopg.Connection[Any], attempts: Sequence[Attempt]) -> Evidence:
    """Read everything at one moment, as a role that sees every schema."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Evidence(
            attempts=tuple(attempts),
            signals=_rows(connection, SignalRow, _SIGNALS),
            spans=_rows(connection, SpanRow, _SPANS),
            trades=_rows(connection, TradeRow, _TRADES),
            orders=_rows(connection, OrderRow, _ORDERS),
            facts=[_fact(*row) for row in connection.execute(_FACTS)],
            arrivals=_rows(connection, ArrivalRow, _ARRIVALS),
            venue_orders=_rows(connection, VenueOrderRow, _VENUE_ORDERS),
            fills=_fills(connection),
            positions=_rows(connection, PositionRow, _POSITIONS),
            web_orders=_column(connection, "SELECT cl_ord_id FROM web.orders"),
            web_fills=_column(connection, "SELECT exec_id FROM web.fills"),
        )


def is_settled(connection: psycopg.Connection[Any]) -> bool:
    """Has every accepted signal been handed on, and every trade ended?"""
    row = connection.execute(
        """
        SELECT NOT EXISTS (SELECT FROM web.strategy_intake WHERE handed_seq < seq)
           AND NOT EXISTS (SELECT FROM web.trades WHERE state <> ALL (%s))
        """,
        [list(TERMINAL)],
    ).fetchone()
    return bool(row and row[0])


TERMINAL = frozenset(
    {
        "FILLED",
        "PARTIALLY_FILLED",
        "DONE",
        "CANCELED",
        "REJECTED",
        "EXPIRED",
        "SKIPPED",
        "HALTED",
        "NEEDS_ATTENTION",
    }
)


def _rows(
    connection: psycopg.Connection[Any], shape: type[_Row], query: LiteralString
) -> list[_Row]:
    with connection.cursor(row_factory=class_row(shape)) as cursor:
        return cursor.execute(query).fetchall()


def _column(connection: psycopg.Connection[Any], query: LiteralString) -> list[str]:
    return [row[0] for row in connection.execute(query)]


def _fact(
    account: str, seq: int, canonical_id: str, trade_id: UUID | None, at: datetime, raw: bytes
) -> FactRow:
    fact = execution_pb2.Fact.FromString(raw)
    kind = fact.WhichOneof("kind") or ""
    cl_ord_id, state, is_fill = "", "", False
    match kind:
        case "order_sending":
            cl_ord_id = fact.order_sending.order.cl_ord_id
        case "execution_report":
            cl_ord_id = fact.execution_report.cl_ord_id
            is_fill = fact.execution_report.exec_type == execution_pb2.EXEC_TYPE_FILL
        case "trade_outcome":
            name = execution_pb2.TradeState.Name(fact.trade_outcome.state)
            state = name.removeprefix("TRADE_STATE_")
    return FactRow(account, seq, canonical_id, trade_id, at, kind, cl_ord_id, state, is_fill)


def _fills(connection: psycopg.Connection[Any]) -> list[FillRow]:
    reports = connection.execute("SELECT account, report FROM paper.reports")
    decoded = ((account, paper_pb2.Report.FromString(raw)) for account, raw in reports)
    return [
        FillRow(account, each.exec_id, each.cl_ord_id, each.instrument, _signed(each))
        for account, each in decoded
        if each.exec_type == paper_pb2.EXEC_TYPE_FILL
    ]


def _signed(report: paper_pb2.Report) -> Decimal:
    quantity = Decimal(report.last_qty)
    return quantity if report.side == paper_pb2.SIDE_BUY else -quantity
