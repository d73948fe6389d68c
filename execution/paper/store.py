"""The venue's SQL: set-based, prepared, one statement a verb, for one row or thousands."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from execution.paper.book import Account, Changes, Order
from execution.paper.counting import Counter
from execution.paper.matching import Holding, Terms
from protos.paper.v1 import paper_pb2 as pb
from protos.postgres import BY_ID

Connection = psycopg.AsyncConnection[dict[str, Any]]

_ORDER_COLUMNS = """order_id, account, cl_ord_id, instrument, side, ord_type, time_in_force,
    order_qty, limit_price, stop_price, trail_amount, trail_percent, reference_price, parent,
    best_price, is_triggered, ord_status, cum_qty, avg_px, text, arrived_at"""

_SAVE = f"""
WITH accounts AS (
    INSERT INTO paper.accounts (account, currency, cash, visibility_horizon_seconds,
        refuses_repeats, faults, faults_counted, report_seq, exchange_hours, requests_per_minute,
        no_brackets, no_stops)
    SELECT * FROM json_to_recordset(%s) AS r(account text, currency text, cash numeric,
        horizon float8, refuses boolean, faults jsonb, counted integer, seq bigint,
        hours boolean, most integer, brackets boolean, stops boolean)
    ON CONFLICT (account) DO UPDATE SET cash = excluded.cash,
        visibility_horizon_seconds = excluded.visibility_horizon_seconds,
        refuses_repeats = excluded.refuses_repeats, faults = excluded.faults,
        faults_counted = excluded.faults_counted, report_seq = excluded.report_seq,
        exchange_hours = excluded.exchange_hours,
        requests_per_minute = excluded.requests_per_minute,
        no_brackets = excluded.no_brackets, no_stops = excluded.no_stops
), orders AS (
    INSERT INTO paper.orders ({_ORDER_COLUMNS})
    SELECT * FROM json_to_recordset(%s) AS r(order_id text, account text, cl_ord_id text,
        instrument text, side text, ord_type text, time_in_force text, order_qty numeric,
        limit_price numeric, stop_price numeric, trail_amount numeric, trail_percent numeric,
        reference_price numeric, parent text, best_price numeric, is_triggered boolean,
        ord_status text, cum_qty numeric,
        avg_px numeric, text text, arrived_at timestamptz)
    ON CONFLICT (order_id) DO UPDATE SET ord_status = excluded.ord_status,
        cum_qty = excluded.cum_qty, avg_px = excluded.avg_px, text = excluded.text,
        best_price = excluded.best_price, is_triggered = excluded.is_triggered
), positions AS (
    INSERT INTO paper.positions (account, instrument, quantity, avg_price, seen_px)
    SELECT * FROM json_to_recordset(%s) AS r(account text, instrument text,
        quantity numeric, avg_price numeric, seen_px numeric)
    ON CONFLICT (account, instrument) DO UPDATE SET quantity = excluded.quantity,
        avg_price = excluded.avg_price, seen_px = excluded.seen_px
), reports AS (
    INSERT INTO paper.reports (account, report_seq, cl_ord_id, report, at)
    SELECT account, seq, cl_ord_id, decode(report, 'base64'), now()
    FROM json_to_recordset(%s) AS r(account text, seq bigint, cl_ord_id text, report text)
)
INSERT INTO paper.arrivals (account, cl_ord_id, arrived_at, result)
SELECT * FROM json_to_recordset(%s) AS r(account text, cl_ord_id text,
    arrived_at timestamptz, result text)
"""

_LOAD = """
SELECT a.*,
    (SELECT json_object_agg(cl_ord_id, n) FROM (SELECT cl_ord_id, count(*) AS n
        FROM paper.orders WHERE account = a.account GROUP BY cl_ord_id) AS c) AS used,
    (SELECT json_agg(json_build_array(instrument, quantity::text, avg_price::text,
        seen_px::text))
        FROM paper.positions WHERE account = a.account) AS held
FROM paper.accounts AS a WHERE account = ANY(%s)
"""

_LOAD_OPEN = f"""
SELECT {_ORDER_COLUMNS} FROM paper.orders
WHERE account = ANY(%s) AND ord_status IN ('NEW', 'PARTIALLY_FILLED')
ORDER BY arrived_at, order_id
"""

_ORDERS_BY_ID = f"SELECT {_ORDER_COLUMNS} FROM paper.orders WHERE order_id = ANY(%s)"

_RESTING = """
SELECT DISTINCT account FROM paper.orders WHERE ord_status IN ('NEW', 'PARTIALLY_FILLED')
"""

_REPORTS_AFTER = """
SELECT r.report FROM unnest(%s::text[], %s::bigint[]) AS w(account, seq)
JOIN paper.reports AS r ON r.account = w.account AND r.report_seq > w.seq
ORDER BY r.account, r.report_seq
"""

_FIND_ORDERS = f"""
SELECT {_ORDER_COLUMNS} FROM paper.orders WHERE account = %s AND cl_ord_id = ANY(%s)
ORDER BY arrived_at, order_id
"""

_FIND_REPORTS = """
SELECT report FROM paper.reports WHERE account = %s AND cl_ord_id = ANY(%s)
ORDER BY report_seq
"""


async def connect(url: str) -> Connection:
    """One connection that commits each statement by itself."""
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        prepare_threshold=0,
        row_factory=dict_row,
        connect_timeout=5,
        options=BY_ID,
    )


async def save(connection: Connection, changes: Changes) -> None:
    """Store a batch in one transaction, which is one statement."""
    await connection.execute(
        _SAVE,
        (
            _json([_account_row(account) for account in changes.accounts.values()]),
            _json([_order_row(order) for order in changes.orders.values()]),
            _json([_holding_row(key, held) for key, held in changes.holdings.items()]),
            _json([_report_row(report) for report in changes.reports]),
            _json(changes.arrivals),
        ),
    )


async def load(connection: Connection, names: Sequence[str]) -> dict[str, Account]:
    """Those of the accounts that exist, with their positions and open orders."""
    cursor = await connection.execute(_LOAD, (list(names),))
    accounts = {row["account"]: _to_account(row) for row in await cursor.fetchall()}
    if accounts:
        cursor = await connection.execute(_LOAD_OPEN, (list(accounts),))
        for row in await cursor.fetchall():
            accounts[row["account"]].open[row["order_id"]] = _to_order(row)
    return accounts


async def accounts_with_resting_orders(connection: Connection) -> list[str]:
    """The accounts that the feed may still fill."""
    cursor = await connection.execute(_RESTING)
    return [row["account"] for row in await cursor.fetchall()]


async def orders_by_id(connection: Connection, order_ids: Iterable[str]) -> dict[str, Order]:
    """Orders by the venue's own id."""
    cursor = await connection.execute(_ORDERS_BY_ID, (list(order_ids),))
    return {row["order_id"]: _to_order(row) for row in await cursor.fetchall()}


async def reports_after(
    connection: Connection, wanted: Sequence[tuple[str, int]]
) -> list[pb.Report]:
    """The reports of each account after a sequence number, in order."""
    parameters = ([account for account, _ in wanted], [seq for _, seq in wanted])
    cursor = await connection.execute(_REPORTS_AFTER, parameters)
    return [pb.Report.FromString(row["report"]) for row in await cursor.fetchall()]


async def find_orders(
    connection: Connection, account: str, cl_ord_ids: Sequence[str]
) -> pb.GetOrdersResponse:
    """The orders with these ClOrdIDs, and every report of them."""
    asked = (account, list(cl_ord_ids))
    orders = await (await connection.execute(_FIND_ORDERS, asked)).fetchall()
    reports = await (await connection.execute(_FIND_REPORTS, asked)).fetchall()
    return pb.GetOrdersResponse(
        orders=[_to_order(row).to_message() for row in orders],
        reports=[pb.Report.FromString(row["report"]) for row in reports],
    )


def _words(enum: Any, prefix: str) -> dict[Any, str]:
    return {number: name.removeprefix(prefix) for name, number in enum.items()}


_STATUS_WORDS = _words(pb.OrdStatus, "ORD_STATUS_")
_SIDE_WORDS = {n: word.lower() for n, word in _words(pb.Side, "SIDE_").items()}
_TYPE_WORDS = {n: word.lower() for n, word in _words(pb.OrdType, "ORD_TYPE_").items()}
_STATUSES = {word: number for number, word in _STATUS_WORDS.items()}
_SIDES = {word: number for number, word in _SIDE_WORDS.items()}
_TYPES = {word: number for number, word in _TYPE_WORDS.items()}


def _json(rows: Sequence[object]) -> str:
    return msgspec.json.encode(rows).decode()


def _account_row(account: Account) -> dict[str, object]:
    return {
        "account": account.name,
        "currency": account.currency,
        "cash": account.cash,
        "horizon": account.visibility_seconds,
        "refuses": account.refuses_repeats,
        "faults": [[fault.nth, fault.kind, fault.delay_ms] for fault in account.faults],
        "counted": account.faults_counted,
        "seq": account.report_seq,
        "hours": account.exchange_hours,
        "brackets": account.no_brackets,
        "stops": account.no_stops,
        "most": account.counter.most,
    }


def _order_row(order: Order) -> dict[str, object]:
    terms = order.terms
    return {
        "order_id": order.order_id,
        "account": terms.account,
        "cl_ord_id": terms.cl_ord_id,
        "instrument": terms.instrument,
        "side": _SIDE_WORDS[terms.side],
        "ord_type": _TYPE_WORDS[terms.ord_type],
        "time_in_force": terms.time_in_force,
        "order_qty": terms.order_qty,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "trail_amount": terms.trail_amount,
        "trail_percent": terms.trail_percent,
        "reference_price": terms.reference_price,
        "parent": terms.parent,
        "best_price": order.best_price,
        "is_triggered": order.is_triggered,
        "ord_status": _STATUS_WORDS[order.ord_status],
        "cum_qty": order.cum_qty,
        "avg_px": order.avg_px,
        "text": order.text,
        "arrived_at": order.arrived_at,
    }


def _holding_row(key: tuple[str, str], held: Holding) -> dict[str, object]:
    account, instrument = key
    return {
        "account": account,
        "instrument": instrument,
        "quantity": held.quantity,
        "avg_price": held.avg_price,
        "seen_px": held.seen_px,
    }


def _report_row(report: pb.Report) -> dict[str, object]:
    return {
        "account": report.account,
        "seq": report.report_seq,
        "cl_ord_id": report.cl_ord_id,
        "report": b64encode(report.SerializeToString()).decode(),
    }


def _to_account(row: dict[str, Any]) -> Account:
    return Account(
        name=row["account"],
        visibility_seconds=row["visibility_horizon_seconds"],
        currency=row["currency"],
        cash=row["cash"],
        refuses_repeats=row["refuses_repeats"],
        exchange_hours=row["exchange_hours"],
        no_brackets=row["no_brackets"],
        no_stops=row["no_stops"],
        faults=[pb.Fault(nth=n, kind=kind, delay_ms=ms) for n, kind, ms in row["faults"]],
        faults_counted=row["faults_counted"],
        report_seq=row["report_seq"],
        counter=Counter(row["requests_per_minute"]),
        is_stored=True,
        holdings={name: _to_holding(*numbers) for name, *numbers in row["held"] or ()},
        used=row["used"] or {},
    )


def _to_holding(quantity: str, avg_price: str | None, seen_px: str | None) -> Holding:
    return Holding(Decimal(quantity), _to_price(avg_price), _to_price(seen_px))


def _to_price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _to_order(row: dict[str, Any]) -> Order:
    terms = Terms(
        account=row["account"],
        cl_ord_id=row["cl_ord_id"],
        instrument=row["instrument"],
        side=_SIDES[row["side"]],
        ord_type=_TYPES[row["ord_type"]],
        time_in_force=row["time_in_force"],
        order_qty=row["order_qty"],
        limit_price=row["limit_price"],
        reference_price=row["reference_price"],
        stop_price=row["stop_price"],
        trail_amount=row["trail_amount"],
        trail_percent=row["trail_percent"],
        parent=row["parent"],
    )
    return Order(
        order_id=row["order_id"],
        terms=terms,
        arrived_at=row["arrived_at"],
        ord_status=_STATUSES[row["ord_status"]],
        cum_qty=row["cum_qty"],
        avg_px=row["avg_px"],
        text=row["text"],
        best_price=row["best_price"],
        is_triggered=row["is_triggered"],
    )
