"""Positions as read models: after fills, which name their connection, and after moves without
one, which concern the account and so every connection to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json
from web.logins import SEES

Row = dict[str, Any]

AFTER_FILLS = """
INSERT INTO web.positions AS p (connection_id, instrument, tenant_id, quantity, avg_price, own,
    fact_seq, updated_at)
SELECT connection_id, instrument, tenant_id, quantity, avg_price, own, fact_seq, at
FROM json_to_recordset(%s::json) AS r(connection_id uuid, instrument text, tenant_id uuid,
    quantity numeric, avg_price numeric, own jsonb, fact_seq bigint, at timestamptz)
ON CONFLICT (connection_id, instrument) DO UPDATE SET quantity = excluded.quantity,
    avg_price = excluded.avg_price, own = p.own || excluded.own,
    fact_seq = excluded.fact_seq, updated_at = excluded.updated_at
WHERE p.fact_seq < excluded.fact_seq
"""

# The newest of a batch decides what is held; a later fill's row is not overwritten.
_MOVES = f"""
WITH moved AS (
    SELECT r.*, c.id AS connection_id, c.tenant_id
    FROM json_to_recordset(%s::json) AS r(id uuid, broker_account_id uuid, instrument text,
        cause text, change_qty numeric, price numeric, cash numeric, text text,
        quantity numeric, avg_price numeric, own jsonb, fact_seq bigint, at timestamptz)
    JOIN web.connections c ON c.broker_account_id = r.broker_account_id AND {SEES}
), told AS (
    INSERT INTO web.position_changes (id, connection_id, tenant_id, instrument, cause,
        change_qty, price, cash, text, at)
    SELECT id, connection_id, tenant_id, instrument, cause, change_qty, price, cash, text, at
    FROM moved
    ON CONFLICT DO NOTHING
), held AS (
    INSERT INTO web.positions AS p (connection_id, instrument, tenant_id, quantity, avg_price,
        own, fact_seq, updated_at)
    SELECT DISTINCT ON (connection_id, instrument) connection_id, instrument, tenant_id,
        quantity, avg_price, own, fact_seq, at
    FROM moved WHERE instrument <> ''
    ORDER BY connection_id, instrument, fact_seq DESC
    ON CONFLICT (connection_id, instrument) DO UPDATE SET quantity = excluded.quantity,
        avg_price = excluded.avg_price, own = p.own || excluded.own,
        fact_seq = excluded.fact_seq, updated_at = excluded.updated_at
    WHERE p.fact_seq < excluded.fact_seq
)
SELECT DISTINCT tenant_id::text, connection_id::text FROM moved
"""


def held(fact: pb.Fact, report: pb.ExecutionReport, at: datetime | None, before: Row) -> Row:
    """A position after a fill; `before` is whose it was by earlier ones."""
    others = {"sub_" + owner: quantity for owner, quantity in report.others_own.items()}
    return {
        "connection_id": fact.connection_id,
        "instrument": report.instrument,
        "tenant_id": fact.tenant_id,
        "quantity": report.position_qty,
        "avg_price": report.position_avg_px or None,
        "own": {**before, "sub_" + fact.subscription_id: report.own_qty, **others},
        "fact_seq": fact.seq,
        "at": at,
    }


def row(fact: pb.Fact, change: pb.PositionChange) -> Row:
    """One move. Raises ValueError when it cannot be read."""
    account = fact.account
    held = change.position
    names = (account.broker, account.environment, account.account)
    return {
        "id": ids.derive("move", *names, fact.canonical_id),
        "broker_account_id": ids.account_id(*names),
        "instrument": held.instrument,
        "cause": change.cause,
        "change_qty": wire.to_decimal(change.change_qty),
        "price": wire.to_decimal(change.price),
        "cash": wire.to_decimal(change.cash),
        "text": change.text,
        "quantity": wire.to_decimal(held.quantity) or 0,
        "avg_price": wire.to_decimal(held.avg_price),
        "own": {f"sub_{subscription}": own for subscription, own in held.own.items()},
        "fact_seq": fact.seq,
        "at": wire.to_datetime(fact.time),
    }


def write(connection: Connection[TupleRow], rows: Sequence[Row]) -> set[tuple[str, str, str]]:
    """Store them; what changed for whom."""
    found = connection.execute(_MOVES, (to_json(rows),), prepare=True).fetchall()
    return {(tenant, "position", connection_id) for tenant, connection_id in found}
