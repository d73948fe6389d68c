"""Whose a trade is: its own message says so. Callers that act for everybody name no tenant."""

from collections.abc import Sequence
from uuid import UUID

from execution.errors import BadRequest
from execution.journal.store import Store
from protos.execution.v1 import execution_pb2 as pb

_TRADES = "SELECT trade_id, trade FROM execution.instructions WHERE trade_id = ANY(%s)"
_OF_ORDER = """
SELECT i.trade FROM execution.orders o JOIN execution.instructions i USING (trade_id)
WHERE o.id = %s
"""

# The last trade of each subscription that ever placed an order on an account, and its newest
# trades, which may have come to nothing; no further, for there may be any number.
_OF_ACCOUNT = """
SELECT i.trade FROM (
    SELECT DISTINCT subscription_id FROM execution.positions WHERE account_id = %(account)s
) p CROSS JOIN LATERAL (
    SELECT o.trade_id FROM execution.orders o
    WHERE o.account_id = %(account)s AND o.subscription_id = p.subscription_id
    ORDER BY o.created_at DESC LIMIT 1
) o JOIN execution.instructions i USING (trade_id)
UNION ALL (
    SELECT trade FROM execution.instructions WHERE account_id = %(account)s
    ORDER BY id DESC LIMIT 100
)
"""
_HAS_KEYS = """
SELECT 1 FROM execution.credentials
WHERE account_id = %s AND tenant_id = %s AND connection_id = %s
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


async def has_account(store: Store, account_id: UUID, tenant_id: str, connection_id: str) -> bool:
    """Whether a connection of the tenant ever traded the account, or has keys of it. Raises
    BadRequest, StoreUnavailable."""
    try:
        tenant, connection = UUID(hex=tenant_id), UUID(hex=connection_id)
    except ValueError:
        raise BadRequest("a tenant and a connection are 32 hex digits each") from None
    if await store.ask(_HAS_KEYS, (account_id, tenant, connection)):
        return True
    rows = await store.ask(_OF_ACCOUNT, {"account": account_id})
    traded = (pb.Trade.FromString(bytes(row["trade"])) for row in rows)
    wanted = (tenant.hex, connection.hex)
    return any((trade.tenant_id, trade.connection_id) == wanted for trade in traded)
