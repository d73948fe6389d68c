"""Trades that no signal asked for: a kill switch or a person closes what is held. Execution makes
them; here they come to be with the first fact that tells of them."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json

_ADD = """
INSERT INTO web.trades (id, tenant_id, signal_id, signal_seq, strategy_id, subscription_id,
    connection_id, mode, state, instrument, signal, settings, settings_version, received_at,
    accepted_at, dequeued_at, origin, decided_by)
SELECT r.id, r.tenant_id, NULL, 0, s.strategy_id, s.id, c.id, c.mode, 'PENDING', r.instrument,
    jsonb_build_object('action', 'exit', 'ticker', r.instrument, 'instrument', r.instrument,
        'dialect', 'fillwire'), '{}', s.version, r.at, r.at, r.at, r.origin,
    nullif(r.asked_by, '')
FROM json_to_recordset(%s::json) AS r(id uuid, tenant_id uuid, subscription_id uuid,
    connection_id uuid, instrument text, origin text, asked_by text, at timestamptz)
JOIN web.subscriptions s ON s.id = r.subscription_id
JOIN web.connections c ON c.id = r.connection_id
ON CONFLICT (id) DO NOTHING
"""


def add(connection: Connection[TupleRow], facts: Sequence[pb.Fact]) -> None:
    """The trades that these facts tell of, where they are not known yet."""
    if not facts:
        return
    rows = [
        {
            "id": fact.trade_id,
            "tenant_id": fact.tenant_id,
            "subscription_id": fact.subscription_id,
            "connection_id": fact.connection_id,
            "instrument": _instrument(fact),
            "origin": pb.Origin.Name(fact.origin).removeprefix("ORIGIN_").lower(),
            "asked_by": fact.asked_by,
            "at": _began(fact),
        }
        for fact in facts
    ]
    connection.execute(_ADD, (to_json(rows),))


def _began(fact: pb.Fact) -> datetime | None:
    """When it was planned: nothing of it was before."""
    match fact.WhichOneof("kind"):
        case "order_sending":
            return wire.to_datetime(fact.order_sending.planned_time)
        case "trade_outcome" if fact.trade_outcome.HasField("planned_time"):
            return wire.to_datetime(fact.trade_outcome.planned_time)
        case _:
            return wire.to_datetime(fact.time)


def _instrument(fact: pb.Fact) -> str:
    match fact.WhichOneof("kind"):
        case "order_sending":
            return fact.order_sending.order.instrument
        case "execution_report":
            return fact.execution_report.instrument
        case _:
            return fact.trade_outcome.numbers.get("instrument", "?")
