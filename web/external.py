"""Orders that were placed at a broker by somebody else: of no trade, and shown at every
connection to their account."""

from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web.db import to_json
from web.logins import SEES

Row = dict[str, Any]

# Of a connection, whose id makes that of its row.
_SEEN = f"""
WITH seen AS (
    SELECT r.*, md5(r.id::text || c.id::text)::uuid AS own_id, c.id AS connection_id, c.tenant_id
    FROM json_to_recordset(%s::json) AS r(id uuid, order_id uuid, broker_account_id uuid,
        cl_ord_id text, broker_order_id text, instrument text, side text, ord_type text,
        order_qty numeric, limit_price numeric, stop_price numeric, ord_status text,
        cum_qty numeric, text text, exec_id text, qty numeric, price numeric, fee numeric,
        began timestamptz, at timestamptz)
    JOIN web.connections c ON c.broker_account_id = r.broker_account_id AND {SEES}
)
"""

# What was read before says nothing new.
_ORDERS = f"""{_SEEN}
INSERT INTO web.orders AS o (id, tenant_id, trade_id, connection_id, cl_ord_id, broker_order_id,
    leg, revision, origin, instrument, side, ord_type, time_in_force, order_qty, limit_price,
    stop_price, synthetic, ord_status, cum_qty, reason, created_at, updated_at)
SELECT own_id, tenant_id, NULL, connection_id, cl_ord_id, nullif(broker_order_id, ''), '', 0,
    'external', instrument, side, ord_type, '', greatest(order_qty, cum_qty), limit_price,
    stop_price, false, ord_status, cum_qty, nullif(text, ''), began, at
FROM seen WHERE greatest(order_qty, cum_qty) > 0
ON CONFLICT (id) DO UPDATE SET ord_status = excluded.ord_status, cum_qty = excluded.cum_qty,
    reason = coalesce(excluded.reason, o.reason), updated_at = excluded.updated_at
WHERE o.updated_at <= excluded.updated_at AND o.cum_qty <= excluded.cum_qty
RETURNING tenant_id::text, connection_id::text
"""

_FILLS = f"""{_SEEN}
, orders AS (SELECT *, md5(order_id::text || connection_id::text)::uuid AS own_order FROM seen)
, filled AS (
    INSERT INTO web.fills (id, tenant_id, order_id, trade_id, connection_id, exec_id, instrument,
        side, qty, price, fee, at)
    SELECT own_id, tenant_id, own_order, NULL, connection_id, exec_id, instrument, side, qty,
        price, coalesce(fee, 0), at
    FROM orders
    ON CONFLICT (id) DO NOTHING
    RETURNING order_id, qty, price
)
UPDATE web.orders o SET avg_px = (
    SELECT sum(qty * price) / sum(qty) FROM (
        SELECT qty, price FROM filled WHERE order_id = o.id
        UNION ALL SELECT qty, price FROM web.fills WHERE order_id = o.id) f)
WHERE o.id IN (SELECT order_id FROM filled)
"""


class External:
    """Such orders in a run of facts."""

    def __init__(self) -> None:
        self._orders: dict[str, Row] = {}
        self._fills: list[Row] = []

    def add(self, fact: pb.Fact) -> None:
        """Work one report in. Raises ValueError when it cannot be read."""
        said, account = fact.external_report, fact.account
        order, at = said.order, wire.to_datetime(fact.time)
        names = (account.broker, account.environment, account.account)
        common = {
            "broker_account_id": ids.account_id(*names),
            "order_id": order.order_id,
            "instrument": order.instrument,
            "side": _word(pb.Side.Name(order.side), "SIDE_").lower(),
            "at": at,
        }
        before = self._orders.get(order.order_id, {})
        self._orders[order.order_id] = common | {
            "id": order.order_id,
            "cl_ord_id": order.cl_ord_id,
            "broker_order_id": order.broker_order_id,
            "ord_type": _word(pb.OrdType.Name(order.ord_type), "ORD_TYPE_").lower()
            or before.get("ord_type", ""),
            "order_qty": order.order_qty or before.get("order_qty"),
            "limit_price": order.limit_price or before.get("limit_price"),
            "stop_price": order.stop_price or before.get("stop_price"),
            "ord_status": _word(pb.OrdStatus.Name(order.ord_status), "ORD_STATUS_"),
            "cum_qty": order.cum_qty or said.last_qty or before.get("cum_qty", "0"),
            "text": said.text or before.get("text", ""),
            "began": before.get("began", at),
        }
        if said.exec_type == pb.EXEC_TYPE_FILL:
            self._fills.append(
                common
                | {
                    "id": ids.derive("fill", *names, fact.canonical_id),
                    "exec_id": said.exec_id,
                    "qty": said.last_qty,
                    "price": said.last_px,
                    "fee": said.fee or None,
                }
            )

    def write(self, connection: Connection[TupleRow]) -> set[tuple[str, str, str]]:
        """Store them; what changed for whom."""
        if not self._orders:
            return set()
        found = connection.execute(_ORDERS, (to_json(list(self._orders.values())),)).fetchall()
        if self._fills:
            connection.execute(_FILLS, (to_json(self._fills),))
        return {(tenant, "position", connection_id) for tenant, connection_id in found}


def _word(name: str, prefix: str) -> str:
    """`ORD_STATUS_FILLED` → `FILLED`; unspecified → empty."""
    word = name.removeprefix(prefix)
    return "" if word == "UNSPECIFIED" else word
