"""Whose a trade is: its own message says so. Callers that act for everybody name no tenant."""

from collections.abc import Sequence
from uuid import UUID

from execution.journal.store import Store
from protos.execution.v1 import execution_pb2 as pb

_TRADES = "SELECT trade_id, trade FROM execution.instructions WHERE trade_id = ANY(%s)"
_OF_ORDER = """
SELECT i.trade FROM execution.orders o JOIN execution.instructions i USING (trade_id)
WHERE o.id = %s
"""


def is_of(trade: bytes, tenant_id: str) -> bool:
    """Whether a stored trade is of the tenant; every one is of nobody in particular."""
    return tenant_id in ("", pb.Trade.FromString(bytes(trade)).tenant_id)


async def trades_of(store: Store, trades: Sequence[UUID], tenant_id: str) -> list[UUID]:
    """Those of the tenant, or all where none is named. Raises StoreUnavailable."""
    if not tenant_id:
        return list(trades)
    rows = await store.ask(_TRADES, (list(trades),))
    return [row["trade_id"] for row in rows if is_of(row["trade"], tenant_id)]


async def has_order(store: Store, order_id: UUID, tenant_id: str) -> bool:
    """Whether the order is of a trade of the tenant. Raises StoreUnavailable."""
    if not tenant_id:
        return True
    rows = await store.ask(_OF_ORDER, (order_id,))
    return any(is_of(row["trade"], tenant_id) for row in rows)
