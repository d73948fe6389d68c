"""Halt from the command line: staff's own switch, until staff have pages."""

from pathlib import Path
from uuid import UUID

import psycopg

from protos import ids
from web.db import to_json
from web.execution_client import ExecutionDown
from web.ops import people

_AUDIT = """
INSERT INTO web.audit_events (actor, action, subject, after, reason) VALUES (%s, %s, %s, %s, %s)
"""


class CannotHalt(Exception):
    """It was not done, or that is not known; the message says which."""


def halt(folder: Path, *, target: str, mode: str, why: str, actor: str) -> str:
    """Put the switch of `platform`, a broker or an id into a mode; returns what became of it.

    Raises CannotHalt.
    """
    scope, scope_id = _read(target)
    try:
        database, execution = people.owner_url(folder), people.execution(folder)
    except people.CannotAdd as problem:
        raise CannotHalt(str(problem)) from None
    with psycopg.connect(database, autocommit=True) as connection:
        asked = to_json({"mode": mode})
        connection.execute(_AUDIT, (actor, "switch:ask", target, asked, why))
        try:
            answer = execution.set_switch(scope, scope_id, mode, tenant=None, set_by=actor, why=why)
        except ExecutionDown as down:
            connection.execute(_AUDIT, (actor, "switch:unanswered", target, asked, why))
            raise CannotHalt(
                f"execution did not answer, so it is not known whether it was done: {down}\n"
                "Run it again: doing it twice changes nothing"
            ) from None
        left = [f"{u.quantity} {u.instrument}" for u in answer.switch.unprotected]
        after = {"mode": mode, "closing": len(answer.trade_ids), "unprotected": len(left)}
        connection.execute(_AUDIT, (actor, "switch:set", target, to_json(after), why))
    told = f"{target}: {mode.replace('_', ' ')}."
    if answer.trade_ids:
        told += f" Being closed: {len(answer.trade_ids)}."
    if left:
        told += f" Left without a stop: {', '.join(left)}."
    return told


def _read(target: str) -> tuple[str, UUID | None]:
    if target == "platform":
        return target, None
    for scope in ("tenant", "strategy", "connection"):
        found = ids.read(scope, target)
        if found is not None:
            return scope, found
    kind, _, broker = target.partition(":")
    name, _, environment = broker.partition("/")
    if kind == "broker" and name and environment:
        return kind, ids.broker_id(name, environment)
    raise CannotHalt(f"{target!r} is no `platform`, `broker:NAME/ENVIRONMENT` or id to halt")
