"""Hold orders back, as staff: through the switches that everybody's halts go through."""

import time
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import text

from protos import ids
from web.admin import login
from web.admin.deeds import record
from web.db import db
from web.errors import Problem
from web.execution_client import ExecutionClient, ExecutionDown
from web.switches.rules import MODES
from web.switches.rules import PLATFORM as EVERYBODY

PLATFORM = "platform"
BROUGHT_SECONDS = 2.0
_KNOWN = "SELECT version FROM web.switches WHERE scope = :scope AND scope_id = :id"


def halt(
    scope: str,
    scope_id: UUID | None,
    tenant: UUID | None,
    mode: str,
    reason: str,
    *,
    name: str = "",
) -> str:
    """Put a switch where it is said to be; what came of it, in words. `name` is for what has no
    id that is shown.

    That it is asked is durable before execution hears of it, as with customers' own halts.
    Repeating changes nothing. Raises Problem.
    """
    if mode not in MODES:
        raise Problem(
            400, "bad_mode", "There is no such switch", mode[:40], "Take one of the list."
        )
    subject = name or (ids.show(scope, scope_id) if scope_id else PLATFORM)
    told: dict[str, Any] = {"mode": mode}
    record("switch:ask", subject, tenant=tenant, after=told, reason=reason)
    db.session.commit()
    execution: ExecutionClient = current_app.extensions["fillwire.execution"]
    try:
        answer = execution.set_switch(
            scope, scope_id, mode, tenant=None, set_by=login.current().actor, why=reason
        )
    except ExecutionDown as down:
        record("switch:unanswered", subject, tenant=tenant, after=told, reason=reason)
        db.session.commit()
        raise Problem(
            503,
            "execution_away",
            "It is not known whether it was done",
            f"Execution did not answer in time: {down}",
            "Do it again: doing it twice changes nothing.",
            retryable=True,
        ) from down
    bare = [f"{each.quantity} {each.instrument}" for each in answer.switch.unprotected]
    after = told | {"closing": len(answer.trade_ids), "unprotected": len(bare)}
    record("switch:set", subject, tenant=tenant, after=after, reason=reason)
    db.session.commit()
    _wait_until_brought(scope, scope_id, answer.switch.version)
    left = f" Left without a stop: {', '.join(bare[:10])}." if bare else ""
    return f"{subject}: {mode.replace('_', ' ')}.{left}"


def _wait_until_brought(scope: str, scope_id: UUID | None, version: int) -> None:
    """It holds already; the relay brings it to where the next page looks, once a second."""
    given = {"scope": scope, "id": scope_id or EVERYBODY}
    ends_at = time.monotonic() + BROUGHT_SECONDS
    while time.monotonic() < ends_at:
        known = db.session.scalar(text(_KNOWN), given) or 0
        # Its rows are read anew each time.
        db.session.rollback()
        if known >= version:
            return
        time.sleep(0.1)
