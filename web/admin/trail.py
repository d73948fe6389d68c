"""The audit trail of everybody: found by who, what and of what; recomputed; taken away whole."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, abort, request
from flask_admin import expose
from sqlalchemy import select

from protos import ids
from web import whole
from web.admin.base import Page
from web.admin.deeds import allow
from web.audit import checking, export, lines
from web.audit.models import AuditEvent
from web.audit.privacy import PEOPLE, Reader, owners, read_reason
from web.db import db, enter_tenant

PAGE = 100
FILTERS = ("actor", "action", "subject")


class TrailView(Page):
    """Events of one chain at a time: a tenant's, or the platform's."""

    @expose("/")
    def index(self) -> str:
        """The newest first; each filter is how the word begins."""
        chain, wanted = _chain(), {name: request.args.get(name, "").strip() for name in FILTERS}
        rows = _events(chain, wanted)
        page: str = self.render(
            "staff/trail.html",
            chain=request.args.get("chain", "").strip(),
            wanted=wanted,
            rows=rows[:PAGE],
            older=rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        )
        return page

    @expose("/verify")
    def verify(self) -> str:
        """Recompute the next slice of the chain; a long one goes on by itself."""
        raw = request.args.get("after", "0")
        if not raw.isdecimal() or len(raw) > 18:
            abort(400)
        chain = _chain() or lines.PLATFORM
        checked = checking.check(
            export.session_connection(), export.facts(), chain, after_seal=int(raw)
        )
        page: str = self.render(
            "staff/verify.html", checked=checked, chain=request.args.get("chain", "").strip()
        )
        return page

    @expose("/export")
    def download(self) -> Response:
        """Everything sealed, as JSON lines."""
        allow("export")
        enter_tenant(_chain() or lines.PLATFORM)
        return export.trail()


def _chain() -> UUID | None:
    """The tenant whose chain it is; None: the platform's."""
    shown = request.args.get("chain", "").strip()
    if not shown:
        return None
    return ids.read("tenant", shown) or abort(404)


def _events(chain: UUID | None, wanted: dict[str, str]) -> list[dict[str, Any]]:
    """By the index of tenant and word; the chain's newest when nothing is sought."""
    event = AuditEvent
    query = select(event.id, event.at, event.actor, event.action, event.subject, event.reason)
    query = query.where(event.tenant_id == chain)
    for name in FILTERS:
        if wanted[name]:
            query = query.where(getattr(event, name).like(_escaped(wanted[name]) + "%"))
    before = whole.read(request.args.get("before", ""), most=10**18)
    if before is not None:
        query = query.where(event.id < before)
    return with_reasons(db.session.execute(query.order_by(event.id.desc()).limit(PAGE + 1)).all())


def with_reasons(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """With what staff said opened; what people typed themselves is for their workspace."""
    read = [None if row.actor.startswith(PEOPLE) else read_reason(row.reason) for row in rows]
    opened = Reader(owners([read]))
    return [
        {**row._mapping, "reason": opened.open(reason)}
        for row, reason in zip(rows, read, strict=True)
    ]


def _escaped(sought: str) -> str:
    """Nothing in it stands for anything but itself."""
    return sought.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
