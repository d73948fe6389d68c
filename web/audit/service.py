"""Write audit events, in the transaction of the change they tell of."""

from typing import Any

from web.audit.models import AuditEvent
from web.db import current_tenant, db


def record(
    actor: str,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Add one event: `strategy:create`, by `person:…` or `key:…`, of `str_…`."""
    db.session.add(
        AuditEvent(
            tenant_id=current_tenant(),
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
            reason=reason,
        )
    )
