"""What execution says of kill switches, brought to where pages and the drain look; and the end
of what waited when one came on.

Durable fact: the row of each switch, with the trades it ended in the same transaction.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.db import Pool, to_json
from web.execution_client import ExecutionClient
from web.switches.rules import PLATFORM
from web.trades import waiting
from web.trades.waiting import Change

# A switch of what is not here any more is nobody's.
_BRING = """
INSERT INTO web.switches AS w (scope, scope_id, tenant_id, mode, why, set_by, set_at, version)
SELECT r.scope, r.scope_id, coalesce(t.id, s.tenant_id, c.tenant_id), r.mode, r.why, r.set_by,
    r.set_at, r.version
FROM json_to_recordset(%s::json) AS r(scope text, scope_id uuid, mode text, why text,
    set_by text, set_at timestamptz, version bigint)
LEFT JOIN web.tenants t ON r.scope = 'tenant' AND t.id = r.scope_id
LEFT JOIN web.strategies s ON r.scope = 'strategy' AND s.id = r.scope_id
LEFT JOIN web.connections c ON r.scope = 'connection' AND c.id = r.scope_id
WHERE r.scope IN ('platform', 'broker') OR coalesce(t.id, s.tenant_id, c.tenant_id) IS NOT NULL
ON CONFLICT (scope, scope_id) DO UPDATE SET mode = excluded.mode, why = excluded.why,
    set_by = excluded.set_by, set_at = excluded.set_at, version = excluded.version
WHERE w.version < excluded.version
"""

_ENDED = """
UPDATE web.switches SET ended_version = version
WHERE mode <> 'off' AND ended_version < version
RETURNING scope, scope_id
"""


def turn(pool: Pool, execution: ExecutionClient) -> set[str]:
    """One look; the tenants whose pages changed. Raises ExecutionDown."""
    rows = [_row(switch) for switch in execution.list_switches().switches]
    with pool.connection() as connection, connection.transaction():
        if rows:
            connection.execute(_BRING, (to_json(rows),))
        changes = _end_what_waits(connection)
        waiting.tell(connection, changes)
    return {tenant_id.hex for tenant_id, _, _ in changes}


def _end_what_waits(connection: Connection[TupleRow]) -> list[Change]:
    came_on: Sequence[tuple[str, UUID]] = connection.execute(_ENDED).fetchall()
    return waiting.halt(connection, came_on) if came_on else []


def _row(switch: pb.Switch) -> dict[str, Any]:
    return {
        "scope": pb.SwitchScope.Name(switch.scope).removeprefix("SWITCH_SCOPE_").lower(),
        "scope_id": UUID(switch.scope_id) if switch.scope_id else PLATFORM,
        "mode": pb.SwitchMode.Name(switch.mode).removeprefix("SWITCH_MODE_").lower(),
        "why": switch.why,
        "set_by": switch.set_by,
        "set_at": wire.to_datetime(switch.set_time),
        "version": switch.version,
    }
