"""Fills as read models, and what a broker takes back or corrects of them."""

from datetime import datetime
from typing import Any

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.ids import derive

Row = dict[str, Any]

ADD = """
INSERT INTO web.fills (id, tenant_id, order_id, trade_id, connection_id, exec_id, instrument, side,
    qty, price, fee, at)
SELECT * FROM json_to_recordset(%s::json) AS r(id uuid, tenant_id uuid, order_id uuid,
    trade_id uuid, connection_id uuid, exec_id text, instrument text, side text, qty numeric,
    price numeric, fee numeric, at timestamptz)
ON CONFLICT (id) DO NOTHING
"""

# A fill that never was stays, marked as such; one that was another is that one now.
AMEND = """
UPDATE web.fills f SET is_busted = r.is_busted, amended_at = r.at,
    qty = CASE WHEN r.is_busted THEN f.qty ELSE r.qty END,
    price = CASE WHEN r.is_busted THEN f.price ELSE r.price END
FROM json_to_recordset(%s::json) AS r(order_id uuid, exec_id text, is_busted boolean, qty numeric,
    price numeric, at timestamptz)
WHERE f.order_id = r.order_id AND f.exec_id = r.exec_id
"""


def row(fact: pb.Fact, report: pb.ExecutionReport, at: datetime | None) -> Row:
    """One fill."""
    account = fact.account
    return {
        "id": derive(
            "fill", account.broker, account.environment, account.account, fact.canonical_id
        ),
        "tenant_id": fact.tenant_id,
        "order_id": report.order_id,
        "trade_id": fact.trade_id,
        "connection_id": fact.connection_id,
        "exec_id": report.exec_id,
        "instrument": report.instrument,
        "side": pb.Side.Name(report.side).removeprefix("SIDE_").lower(),
        "qty": report.last_qty,
        "price": report.last_px,
        "fee": report.fee or "0",
        "at": at,
    }


def amended(fact: pb.Fact, report: pb.ExecutionReport) -> Row:
    """What became of an earlier one."""
    return {
        "order_id": report.order_id,
        "exec_id": report.ref_exec_id,
        "is_busted": report.exec_type == pb.EXEC_TYPE_TRADE_CANCEL,
        "qty": report.last_qty,
        "price": report.last_px,
        "at": wire.to_datetime(fact.time),
    }
