"""What takes two of staff: one asks, another decides within a day. The database does it."""

from typing import Any
from uuid import UUID

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Row, text

from protos import ids
from web import lists
from web.admin import login
from web.admin.base import Page
from web.admin.deeds import deed, record
from web.db import db
from web.errors import Problem

TOLD = {
    "reset_second_factor": "reset the second factor of",
    "change_role": "change the role of",
    "reset_staff": "reset the password and second factor of",
}


def ask(
    kind: str, subject: UUID, *, reason: str, tenant: UUID | None = None, wanted: str | None = None
) -> None:
    """Write the request down, in the caller's transaction."""
    request_id = ids.new()
    db.session.execute(
        text(
            "INSERT INTO web.staff_requests (id, kind, subject_id, tenant_id, wanted, reason, "
            "asked_by) VALUES (:id, :kind, :subject, :tenant, :wanted, :reason, :by)"
        ),
        {
            "id": request_id,
            "kind": kind,
            "subject": subject,
            "tenant": tenant,
            "wanted": wanted,
            "reason": reason,
            "by": login.current().id,
        },
    )
    record(f"{kind}:ask", _shown(kind, subject), tenant=tenant, after=_after(wanted), reason=reason)


class RequestsView(Page):
    """What waits for a second of staff, and what was decided."""

    @expose("/")
    def index(self) -> str:
        """The newest first."""
        rows = db.session.execute(
            text(
                "SELECT r.*, a.email AS asker, d.email AS decider, "
                "coalesce(p.email, s.email) AS subject, "
                "r.outcome IS NULL AND r.expires_at > now() AS is_open "
                "FROM web.staff_requests r JOIN web.staff a ON a.id = r.asked_by "
                "LEFT JOIN web.staff d ON d.id = r.decided_by "
                "LEFT JOIN web.people p ON p.id = r.subject_id "
                "LEFT JOIN web.staff s ON s.id = r.subject_id "
                "ORDER BY r.asked_at DESC LIMIT 100"
            )
        ).all()
        page: str = self.render("staff/requests.html", rows=rows, told=TOLD)
        return page

    @expose("/<shown(staff_request):request_id>/approve", methods=("POST",))
    @deed("decide", "Approve what was asked")
    def approve(self, request_id: UUID, reason: str) -> ResponseReturnValue:
        """It is done here and now."""
        return _decide(request_id, "approved", reason)

    @expose("/<shown(staff_request):request_id>/refuse", methods=("POST",))
    @deed("decide", "Refuse what was asked")
    def refuse(self, request_id: UUID, reason: str) -> ResponseReturnValue:
        """It is over."""
        return _decide(request_id, "refused", reason)


def _decide(request_id: UUID, outcome: str, reason: str) -> ResponseReturnValue:
    row: Row[Any] = db.session.execute(
        text("SELECT kind, subject_id, tenant_id, wanted FROM web.staff_requests WHERE id = :id"),
        {"id": request_id},
    ).one_or_none() or abort(404)
    done = db.session.scalar(
        text("SELECT web.decide_staff_request(:id, :outcome)"),
        {"id": request_id, "outcome": outcome},
    )
    if done is None:
        raise Problem(
            403,
            "not_yours_to_decide",
            "This is not yours to decide",
            "Whoever asked cannot decide; it may be decided or too old; or it takes an owner.",
            "Ask a colleague, or ask anew.",
        )
    verb = {"approved": "approve", "refused": "refuse"}[outcome]
    record(
        f"{row.kind}:{verb}",
        _shown(row.kind, row.subject_id),
        tenant=row.tenant_id,
        after=_after(row.wanted),
        reason=reason,
    )
    db.session.commit()
    lists.done(f"It is {outcome}.")
    return redirect(url_for("staff_requests.index"))


def _shown(kind: str, subject: UUID) -> str:
    return ids.show("person" if kind == "reset_second_factor" else "staff", subject)


def _after(wanted: str | None) -> dict[str, Any] | None:
    return {"wanted": wanted} if wanted else None
