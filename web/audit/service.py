"""Write audit events, in the transaction of the change they tell of."""

from typing import Any

from flask import g, has_request_context, request

from protos import ids
from web.audit import privacy
from web.audit.models import AuditEvent
from web.audit.privacy import Personal
from web.db import current_tenant, db
from web.security import request_id


def record(
    actor: str,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add one event: `strategy:create`, by `person:…` or `key:…`, of `str_…`.

    A `Personal` in `before` or `after`, names that were typed, and the reason of a person, or
    of staff about one, are stored so that they can be erased.
    """
    tenant = current_tenant()
    db.session.add(
        AuditEvent(
            tenant_id=tenant,
            actor=actor,
            action=action,
            subject=subject,
            before=privacy.sealed(before, tenant),
            after=privacy.sealed(after, tenant),
            reason=privacy.sealed_reason(actor, reason, privacy.about(tenant, subject)),
            origin=_origin(actor),
        )
    )


def _origin(actor: str) -> dict[str, Any] | None:
    """From where: the request, its address, and the session it came with."""
    if not has_request_context():
        return None
    origin: dict[str, Any] = {"request": request_id()}
    if request.remote_addr:
        origin["ip"] = privacy.seal(Personal(actor, request.remote_addr))
    if session := g.get("session_id"):
        origin["session"] = ids.show("session", session)
    return origin
