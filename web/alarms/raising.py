"""Alarms come to be: with the fact that carries one, or with what a drain decides.

Durable fact: the alarm, in the transaction of what it tells of. Its id follows from that, so
raising it again changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import alarms, ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json
from web.logins import SEES

Row = dict[str, Any]

# What a fact tells of an account concerns each connection to it. One that came and went within
# a batch of facts is over already.
_RAISE = f"""
INSERT INTO web.alarms (id, tenant_id, kind, connection_id, instrument, trade_id, order_id,
    message, numbers, lasts, raised_at, ended_at)
SELECT CASE WHEN r.trade_id IS NULL AND r.connection_id IS NULL
        THEN encode(substr(sha256(convert_to(r.id::text || c.id::text, 'UTF8')), 1, 16), 'hex')::uuid
        ELSE r.id END,
    c.tenant_id, r.kind, c.id, r.instrument, r.trade_id, r.order_id, r.message, r.numbers,
    r.lasts, coalesce(r.at, clock_timestamp()),
    CASE WHEN r.lasts NOT IN (t.state, coalesce(t.protection, ''),
        CASE WHEN t.protection_details->>'doubted' IS NULL THEN '' ELSE 'DOUBTED' END)
        THEN clock_timestamp() END
FROM json_to_recordset(%s::json) AS r(id uuid, kind text, connection_id uuid,
    broker_account_id uuid, instrument text, trade_id uuid, order_id uuid, message text,
    numbers jsonb, lasts text, at timestamptz)
LEFT JOIN web.trades t ON t.id = r.trade_id
JOIN web.connections c ON c.id = coalesce(r.connection_id, t.connection_id)
    OR (r.broker_account_id = c.broker_account_id AND r.connection_id IS NULL
        AND ({SEES} OR r.kind = 'login_refused'))
ON CONFLICT (id) DO NOTHING
RETURNING tenant_id, id
"""  # noqa: E501


def of_fact(fact: pb.Fact) -> Row:
    """The alarm that a fact carries. Raises ValueError for a kind that is not known."""
    told, account = fact.alarm, fact.account
    kind = pb.AlarmKind.Name(told.kind).removeprefix("ALARM_KIND_").lower()
    names = (account.broker, account.environment, account.account)
    return _row(
        ids.derive("alarm", *names, fact.canonical_id),
        kind,
        told.instrument,
        dict(told.numbers),
        connection_id=fact.connection_id or None,
        broker_account_id=ids.account_id(*names),
        trade_id=fact.trade_id or None,
        order_id=told.order_id or None,
        at=wire.to_datetime(fact.time),
    )


def of_trade(kind: str, trade_id: UUID, instrument: str, numbers: Mapping[str, str]) -> Row:
    """An alarm of a trade that execution has not heard of."""
    return _row(
        ids.derive("alarm", trade_id, kind),
        kind,
        instrument,
        numbers,
        trade_id=trade_id,
    )


def write(connection: Connection[TupleRow], rows: Sequence[Row]) -> list[tuple[UUID, str, UUID]]:
    """Store them; what is new to whom, as live pages are told."""
    if not rows:
        return []
    found = connection.execute(_RAISE, (to_json(rows),), prepare=True).fetchall()
    return [(tenant, "alarm", alarm) for tenant, alarm in found]


def _row(
    alarm_id: UUID,
    kind: str,
    instrument: str,
    numbers: Mapping[str, str],
    *,
    trade_id: object,
    connection_id: object = None,
    broker_account_id: UUID | None = None,
    order_id: str | None = None,
    at: datetime | None = None,
) -> Row:
    if (words := alarms.CATALOGUE.get(kind)) is None:
        raise ValueError(f"unknown kind of alarm: {kind}")
    shown = {"instrument": instrument, **numbers}
    return {
        "id": alarm_id,
        "kind": kind,
        "connection_id": connection_id,
        "broker_account_id": broker_account_id,
        "instrument": instrument,
        "trade_id": trade_id,
        "order_id": order_id,
        "message": alarms.explain(kind, shown),
        "numbers": dict(numbers),
        "lasts": words.lasts or None,
        "at": at,
    }
