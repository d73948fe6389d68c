"""The venue's SQL: set-based, prepared, one statement a verb, for one row or thousands."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from execution.paper import busts, feeds, rows
from execution.paper.book import Account, Changes, Order
from protos import wire
from protos.paper.v1 import paper_pb2 as pb
from protos.postgres import BY_ID

Connection = psycopg.AsyncConnection[dict[str, Any]]

_ORDER_COLUMNS = """order_id, account, cl_ord_id, instrument, side, ord_type, time_in_force,
    order_qty, limit_price, stop_price, trail_amount, trail_percent, reference_price, parent,
    best_price, is_triggered, may_fill, parts_left, ord_status, cum_qty, avg_px, text,
    arrived_at"""

_SAVE = f"""
WITH accounts AS (
    INSERT INTO paper.accounts (account, currency, cash, visibility_horizon_seconds,
        refuses_repeats, plan, report_seq, exchange_hours, model, requests_per_minute,
        no_brackets, no_stops)
    SELECT * FROM json_to_recordset(%s) AS r(account text, currency text, cash numeric,
        horizon float8, refuses boolean, plan jsonb, seq bigint, hours boolean, model jsonb,
        most integer, brackets boolean, stops boolean)
    ON CONFLICT (account) DO UPDATE SET cash = excluded.cash,
        visibility_horizon_seconds = excluded.visibility_horizon_seconds,
        refuses_repeats = excluded.refuses_repeats, plan = excluded.plan,
        report_seq = excluded.report_seq, exchange_hours = excluded.exchange_hours,
        model = excluded.model, requests_per_minute = excluded.requests_per_minute,
        no_brackets = excluded.no_brackets, no_stops = excluded.no_stops
), moved AS (
    UPDATE paper.accounts AS a SET cash = r.cash, report_seq = r.seq
    FROM json_to_recordset(%s) AS r(account text, cash numeric, seq bigint)
    WHERE a.account = r.account
), orders AS (
    INSERT INTO paper.orders ({_ORDER_COLUMNS})
    SELECT * FROM json_to_recordset(%s) AS r(order_id text, account text, cl_ord_id text,
        instrument text, side text, ord_type text, time_in_force text, order_qty numeric,
        limit_price numeric, stop_price numeric, trail_amount numeric, trail_percent numeric,
        reference_price numeric, parent text, best_price numeric, is_triggered boolean,
        may_fill numeric, parts_left integer, ord_status text, cum_qty numeric,
        avg_px numeric, text text, arrived_at timestamptz)
    ON CONFLICT (order_id) DO UPDATE SET ord_status = excluded.ord_status,
        cum_qty = excluded.cum_qty, avg_px = excluded.avg_px, text = excluded.text,
        best_price = excluded.best_price, is_triggered = excluded.is_triggered,
        may_fill = excluded.may_fill, parts_left = excluded.parts_left
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

_HELD_INSTRUMENTS = "SELECT DISTINCT instrument FROM paper.positions WHERE quantity <> 0"

_HOLDERS = """
SELECT DISTINCT account FROM paper.positions WHERE quantity <> 0 AND instrument = ANY(%s)
ORDER BY account
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

# An order that was forgotten on purpose left reports, and nothing else.
_FIND_REPORTS = """
SELECT report FROM paper.reports AS r WHERE account = %s AND cl_ord_id = ANY(%s)
    AND EXISTS (SELECT FROM paper.orders AS o
        WHERE o.account = r.account AND o.cl_ord_id = r.cl_ord_id)
ORDER BY report_seq
"""

_ADD_MISDEEDS = """
INSERT INTO paper.misdeeds (account, cl_ord_id, kind, delay_ms, at)
SELECT * FROM json_to_recordset(%s) AS r(account text, cl_ord_id text, kind text,
    delay_ms integer, at timestamptz)
"""

_KEEP_RECORDING = """
INSERT INTO paper.recordings (account, began_at, content) VALUES (%s, %s, %s)
ON CONFLICT (account) DO UPDATE SET began_at = excluded.began_at, content = excluded.content
"""

_RECORDINGS = "SELECT account, began_at, content FROM paper.recordings WHERE account = ANY(%s)"

_MISDEEDS = """
SELECT cl_ord_id, kind, delay_ms, at FROM paper.misdeeds WHERE account = %s
ORDER BY id DESC LIMIT %s
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
    """Store a batch in one transaction; an ordinary one is one statement."""
    if changes.misdeeds or changes.recordings:
        async with connection.transaction():
            await connection.execute(_ADD_MISDEEDS, (rows.to_json(changes.misdeeds),))
            for recording in changes.recordings:
                await connection.execute(_KEEP_RECORDING, recording)
            await _save(connection, changes)
    else:
        await _save(connection, changes)


async def _save(connection: Connection, changes: Changes) -> None:
    accounts = changes.accounts.values()
    await connection.execute(
        _SAVE,
        (
            rows.to_json([rows.of_account(each) for each in accounts if not rows.is_plain(each)]),
            rows.to_json([rows.of_cash(each) for each in accounts if rows.is_plain(each)]),
            rows.to_json([rows.of_order(order) for order in changes.orders.values()]),
            rows.to_json([rows.of_holding(key, held) for key, held in changes.holdings.items()]),
            rows.to_json([rows.of_report(report) for report in changes.reports]),
            rows.to_json(changes.arrivals),
        ),
    )


async def load(connection: Connection, names: Sequence[str]) -> dict[str, Account]:
    """Those of the accounts that exist, with their positions and open orders."""
    cursor = await connection.execute(_LOAD, (list(names),))
    accounts = {row["account"]: rows.to_account(row) for row in await cursor.fetchall()}
    if accounts:
        cursor = await connection.execute(_LOAD_OPEN, (list(accounts),))
        for row in await cursor.fetchall():
            accounts[row["account"]].open[row["order_id"]] = rows.to_order(row)
    if recorded := [name for name, each in accounts.items() if each.model.feed == "recorded"]:
        cursor = await connection.execute(_RECORDINGS, (recorded,))
        for row in await cursor.fetchall():
            feed = feeds.read(bytes(row["content"]), row["began_at"])
            accounts[row["account"]].feed = feed
    return accounts


async def accounts_with_resting_orders(connection: Connection) -> list[str]:
    """The accounts that the feed may still fill."""
    cursor = await connection.execute(_RESTING)
    return [row["account"] for row in await cursor.fetchall()]


async def held_instruments(connection: Connection) -> list[str]:
    """Everything that anybody holds."""
    cursor = await connection.execute(_HELD_INSTRUMENTS)
    return [row["instrument"] for row in await cursor.fetchall()]


async def holders(connection: Connection, instruments: Sequence[str]) -> list[str]:
    """The accounts that hold one of these."""
    cursor = await connection.execute(_HOLDERS, (list(instruments),))
    return [row["account"] for row in await cursor.fetchall()]


async def orders_by_id(connection: Connection, order_ids: Iterable[str]) -> dict[str, Order]:
    """Orders by the venue's own id."""
    cursor = await connection.execute(_ORDERS_BY_ID, (list(order_ids),))
    return {row["order_id"]: rows.to_order(row) for row in await cursor.fetchall()}


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
        orders=[rows.to_order(row).to_message() for row in orders],
        reports=[pb.Report.FromString(row["report"]) for row in reports],
    )


async def fill(
    connection: Connection, asked: pb.BustFillRequest
) -> tuple[Order | None, pb.Report | None]:
    """The report of a fill, and the order that it is of."""
    number = busts.number_of(asked.exec_id)
    found = await reports_after(connection, [(asked.account, number - 1)]) if number else []
    report = next((r for r in found if r.exec_id == asked.exec_id), None)
    if report is None:
        return None, None
    return (await orders_by_id(connection, [report.order_id])).get(report.order_id), report


async def misdeeds(connection: Connection, account: str, most: int) -> pb.ListMisdeedsResponse:
    """What the fault plan did to an account's orders, newest first."""
    found = await (await connection.execute(_MISDEEDS, (account, most))).fetchall()
    return pb.ListMisdeedsResponse(
        misdeeds=[
            pb.Misdeed(
                kind=rows.FAULTS[row["kind"]],
                cl_ord_id=row["cl_ord_id"],
                time=wire.to_timestamp(row["at"]),
                delay_ms=row["delay_ms"],
            )
            for row in found
        ]
    )
