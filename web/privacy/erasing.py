"""Erase a person: what tells who they are goes, what was traded stays.

First execution: nothing of their own workspaces is sent any more, their logins at brokers end,
and words they typed are removed there. Then one transaction of web, whose durable fact is
`people.erased_at`: if we die before it, all of it is done again, which changes nothing.
"""

from collections.abc import Sequence
from typing import LiteralString, Protocol
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from protos.execution.v1 import execution_pb2 as pb

# What switches can be of, in workspaces that go. What staff typed there may tell of them too.
_SWITCHED = """
SELECT unnest(%(sole)s::uuid[]) UNION
SELECT id FROM web.strategies WHERE tenant_id = ANY (%(sole)s) UNION
SELECT id FROM web.connections WHERE tenant_id = ANY (%(sole)s)
"""


class Orphans(Exception):
    """Workspaces with others in them would be left without an owner; carries their names."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Switches(Protocol):
    """What is asked of execution. All raise ExecutionDown; repeating is safe."""

    def set_switch(
        self,
        scope: str,
        scope_id: UUID | None,
        mode: str,
        *,
        tenant: UUID | None,
        set_by: str,
        why: str,
    ) -> pb.SetSwitchResponse:
        """Halt."""

    def remove_credentials(self, tenant_id: UUID, connection_id: UUID) -> None:
        """End a login at a broker."""

    def forget_words(self, set_by: Sequence[str], of: Sequence[UUID]) -> None:
        """Remove reasons, by who typed them and of what they are."""


def orphans(connection: Connection[TupleRow], person: UUID) -> list[str]:
    """The workspaces that they have to hand over first."""
    rows = connection.execute("SELECT name FROM web.orphaned_tenants(%s)", (person,)).fetchall()
    return [name for (name,) in rows]


def erase(
    connection: Connection[TupleRow], execution: Switches, person: UUID, *, actor: str
) -> bool:
    """Now, and for good; False when they are erased already. Raises Orphans, ExecutionDown."""
    if names := orphans(connection, person):
        raise Orphans(names)
    # They left the same address; while nobody showed it was theirs, it was this person's.
    for twin in _ids(connection, "SELECT web.namesakes(%s)", person):
        _erase(connection, execution, twin, actor)
    return _erase(connection, execution, person, actor)


def _erase(connection: Connection[TupleRow], execution: Switches, person: UUID, actor: str) -> bool:
    sole = _ids(connection, "SELECT web.sole_tenants(%s)", person)
    for tenant in sole:
        execution.set_switch("tenant", tenant, "stop_all", tenant=tenant, set_by=actor, why="")
    ended = connection.execute(
        "SELECT tenant_id, id FROM web.connections WHERE tenant_id = ANY (%s)", (sole,)
    ).fetchall()
    for tenant, connection_id in ended:
        execution.remove_credentials(tenant, connection_id)
    theirs = [row[0] for row in connection.execute(_SWITCHED, {"sole": sole}).fetchall()]
    execution.forget_words([f"person:{ids.show('person', person)}"], theirs)
    with connection.transaction():
        # It may have very many signals to go through.
        connection.execute("SET LOCAL statement_timeout = 0")
        row = connection.execute("SELECT web.erase_person(%s, %s)", (person, actor)).fetchone()
    return row is not None and bool(row[0])


def _ids(connection: Connection[TupleRow], statement: LiteralString, person: UUID) -> list[UUID]:
    return [row[0] for row in connection.execute(statement, (person,)).fetchall()]
