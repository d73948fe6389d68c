"""Kill switches and limits in the database, and what they find there.

A change takes the lock that the transaction writing SENDING shares: once it is committed,
nothing is written down that was decided without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from execution.journal.rows import InstructionRow, SwitchRow
from execution.journal.store import Store, to_rows

_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('execution.switches', 0)), clock_timestamp() AS now
"""

_AFTER = """
SELECT scope, scope_id, name, value, set_by, set_at, version FROM execution.switches
WHERE version > %s ORDER BY version
"""

_ONE = """
SELECT scope, scope_id, name, value, set_by, set_at, version FROM execution.switches
WHERE scope = %s AND scope_id = %s AND name = %s
"""

_SET = """
INSERT INTO execution.switches AS s (scope, scope_id, name, value, set_by, set_at, version)
SELECT %(scope)s, %(scope_id)s, %(name)s, %(value)s, %(set_by)s, clock_timestamp(),
    coalesce(max(version), 0) + 1 FROM execution.switches
ON CONFLICT (scope, scope_id, name) DO UPDATE SET value = excluded.value,
    set_by = excluded.set_by, set_at = excluded.set_at, version = excluded.version
RETURNING scope, scope_id, name, value, set_by, set_at, version
"""

# What is held, or may still be: with the trade that last traded it, which says whose it is.
_HELD = """
SELECT p.account_id, p.subscription_id, p.instrument, p.quantity, i.trade
FROM execution.positions p
CROSS JOIN LATERAL (
    SELECT o.trade_id FROM execution.orders o
    WHERE o.account_id = p.account_id AND o.instrument = p.instrument
      AND o.subscription_id = p.subscription_id
    ORDER BY o.created_at DESC LIMIT 1
) o JOIN execution.instructions i USING (trade_id)
WHERE p.quantity <> 0 OR EXISTS (
    SELECT FROM execution.instructions n JOIN execution.orders w USING (trade_id)
    WHERE n.account_id = p.account_id AND n.done_at IS NULL
      AND w.subscription_id = p.subscription_id AND w.instrument = p.instrument)
ORDER BY p.account_id, p.instrument, p.subscription_id
"""

ADD = """
INSERT INTO execution.instructions (trade_id, content_hash, account_id, strategy_id, trade)
SELECT t.trade_id, decode(t.content_hash, 'base64'), t.account_id, t.strategy_id,
    decode(t.trade, 'base64')
FROM json_to_recordset(%s::json) AS t(trade_id uuid, content_hash text, account_id uuid,
    strategy_id uuid, trade text)
ON CONFLICT (trade_id) DO NOTHING
RETURNING trade_id, id
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a subscription holds, or may come to hold; `trade` is the last message of it."""

    account_id: UUID
    subscription_id: UUID
    instrument: str
    quantity: Decimal
    trade: bytes


class SwitchStore:
    """The rows of execution.switches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def after(self, version: int) -> list[SwitchRow]:
        """What was changed since, in order. Raises StoreUnavailable."""
        return [_row(row) for row in await self._store.ask(_AFTER, (version,))]

    async def held(self) -> list[Held]:
        """All that anyone holds. Raises StoreUnavailable."""
        return _holdings(await self._store.ask(_HELD, ()))

    def change(self) -> "Change":
        """Change switches or limits: what is done inside is one transaction."""
        return Change(self._store)


class Change:
    """A transaction that holds the lock. Entering it raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._transaction = store.transaction()
        self.now: datetime

    async def __aenter__(self) -> "Change":
        self._connection = await self._transaction.__aenter__()
        await self._connection.execute("SET LOCAL lock_timeout = '3s'")
        row = (await self._rows(_LOCK, ()))[0]
        self.now = row["now"]
        return self

    async def __aexit__(self, *problem: Any) -> None:
        await self._transaction.__aexit__(*problem)

    async def find(self, scope: str, scope_id: str, name: str) -> SwitchRow | None:
        """The row as it is."""
        rows = await self._rows(_ONE, (scope, scope_id, name))
        return _row(rows[0]) if rows else None

    async def put(
        self, scope: str, scope_id: str, name: str, value: Mapping[str, Any], set_by: str
    ) -> SwitchRow:
        """The row as it is from the commit on."""
        wanted = {"scope": scope, "scope_id": scope_id, "name": name, "set_by": set_by}
        return _row((await self._rows(_SET, {**wanted, "value": Jsonb(value)}))[0])

    async def held(self) -> list[Held]:
        """All that anyone holds."""
        return _holdings(await self._rows(_HELD, ()))

    async def add(self, trades: Sequence[InstructionRow]) -> dict[UUID, int]:
        """Store trades; the number of each that is new."""
        rows = await self._rows(ADD, (to_rows(trades),))
        return {row["trade_id"]: row["id"] for row in rows}

    async def _rows(self, statement: str, parameters: Any) -> list[DictRow]:
        cursor = await self._connection.execute(statement, parameters)
        return await cursor.fetchall()


def _row(row: DictRow) -> SwitchRow:
    return SwitchRow(**row)


def _holdings(rows: Sequence[DictRow]) -> list[Held]:
    return [Held(**{**row, "trade": bytes(row["trade"])}) for row in rows]
