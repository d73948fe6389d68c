"""The trail as a download: streamed a page at a time, each in a transaction of its own."""

from collections.abc import Iterator
from uuid import UUID

from flask import Response, current_app
from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import Engine, text

from web.audit import trail as trails
from web.audit.ranges import Facts
from web.db import current_tenant, db

JSON_LINES = "application/jsonl"


def trail() -> Response:
    """Everything sealed of the current tenant."""
    tenant = _tenant()
    # The engine now: when the lines are sent, the request and its tenant are over.
    lines = _stream(db.engine, facts(), tenant)
    return Response(lines, content_type=JSON_LINES, headers=_as("activity"))


def checkpoint() -> Response | None:
    """The newest checkpoint of the current tenant; None while there is none."""
    line = newest_checkpoint(session_connection(), _tenant())
    if line is None:
        return None
    return Response(f"{line}\n", content_type=JSON_LINES, headers=_as("checkpoint"))


def newest_checkpoint(connection: Connection[TupleRow], chain: UUID) -> str | None:
    """The line that was signed last."""
    row = connection.execute(
        "SELECT line FROM web.audit_checkpoints WHERE chain = %s ORDER BY number DESC LIMIT 1",
        (chain,),
    ).fetchone()
    return None if row is None else str(row[0])


def session_connection() -> Connection[TupleRow]:
    """The request's own connection, as psycopg has it."""
    found = db.session.connection().connection.driver_connection
    assert isinstance(found, Connection)
    return found


def facts() -> Facts:
    """Whom to ask for execution's facts."""
    found: Facts = current_app.extensions["fillwire.execution"]
    return found


def _stream(engine: Engine, facts: Facts, tenant: UUID) -> Iterator[str]:
    seal = 0
    while True:
        with engine.begin() as connection:
            connection.execute(
                text("SELECT set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant)}
            )
            raw = connection.connection.driver_connection
            assert isinstance(raw, Connection)
            found = trails.page(raw, facts, tenant, after_seal=seal)
        if not found:
            return
        yield "".join(f"{line}\n" for _, line in found)
        seal = found[-1][0]


def _as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.jsonl"'}


def _tenant() -> UUID:
    tenant = current_tenant()
    assert tenant is not None
    return tenant
