"""Staff look at a workspace as one of its people sees it: 15 minutes, nothing changed, no secret.

While it lasts each request is held to that here, in one place: only pages that are listed, only
asking methods, only reading transactions; `web.sealing` opens nothing. Every page that was opened
is an event in the workspace's own trail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Flask, current_app, g, redirect, request, url_for
from sqlalchemy import Row, text
from werkzeug.wrappers import Response as AnyResponse

from protos import ids
from web.accounts import passwords, service
from web.audit import service as audit
from web.db import (
    act_as,
    db,
    enter_person,
    enter_read_only,
    enter_staff,
    enter_tenant,
    tenant_scope,
)
from web.problems import Problem

MINUTES: Final = 15
COOKIE: Final = "fillwire_view"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Everything else is closed: pages that show or change secrets, security or people.
SEEN: Final = frozenset(
    {
        "pages.home",
        "pages.refusals",
        "pages.why",
        "strategies.index",
        "strategies.page",
        "signals.index",
        "signals.page",
        "subscriptions.page",
        "subscriptions.defaults",
        "trades.index",
        "trades.page",
        "trades.orders",
        "trades.positions",
        "trades.approvals",
        "trades.approvals_count",
        "alarms.index",
        "alarms.banner",
        "alarms.count",
        "connections.index",
        "switches.index",
        "activity.index",
    }
)
# Of every page, asked for again and again while it is open.
PARTS: Final = frozenset({"trades.approvals_count", "alarms.banner", "alarms.count"})
# A page that loads itself anew is one event: what it shows is what it showed. Whoever says so in
# a header is not believed where there is none yet.
_NOTED: Final = """
SELECT EXISTS (SELECT FROM web.audit_events WHERE tenant_id = :tenant AND actor = :actor
    AND action = 'view_as:open' AND after->>'page' = :page
    AND at > now() - interval '15 minutes')
"""
# Served to anybody.
OPEN: Final = frozenset({"static", "asset", "pages.healthz", None})


@dataclass(frozen=True)
class Viewing:
    """Who of staff looks, and until when."""

    staff_id: UUID
    staff_email: str
    expires_at: datetime


def begin(staff: UUID, session_id: UUID, tenant: UUID, person: UUID) -> str:
    """The token of a new look, in the caller's transaction, which is staff's."""
    token = passwords.new_token()
    db.session.execute(
        text(
            "INSERT INTO web.view_as (id, token_hash, staff_id, staff_session_id, tenant_id, "
            "person_id) VALUES (:id, :hash, :staff, :session, :tenant, :person)"
        ),
        {
            "id": ids.new(),
            "hash": passwords.hash_token(token),
            "staff": staff,
            "session": session_id,
            "tenant": tenant,
            "person": person,
        },
    )
    return token


def end(token: str) -> tuple[UUID, UUID] | None:
    """It is over: whose workspace and which person it was, in staff's transaction."""
    row = db.session.execute(
        text("SELECT * FROM web.end_view_as(:hash)"), {"hash": passwords.hash_token(token)}
    ).one_or_none()
    return (row.tenant_id, row.person_id) if row else None


def keep(response: AnyResponse, token: str) -> AnyResponse:
    """Hand the browser its token."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=MINUTES * 60 * 4,
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Strict",
    )
    return response


def forget(response: AnyResponse) -> AnyResponse:
    """Take it back."""
    response.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True
    )
    return response


def cookie_name() -> str:
    """The name of the cookie that holds the token."""
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def shown_token() -> str | None:
    """The token that the browser sent."""
    return request.cookies.get(cookie_name())


def current() -> Viewing | None:
    """The look that this request belongs to."""
    found: Viewing | None = g.get("viewing")
    return found


def install(app: Flask, staff_prefix: str, looking: Callable[[], UUID | None]) -> None:
    """Hold every request of a look to what it may. `looking` is the staff session that this browser
    shows, of somebody who may look, from where they may come; the look is its own alone."""

    @app.before_request
    def hold() -> AnyResponse | None:
        token = shown_token()
        path = request.path
        if token is None or request.endpoint in OPEN or path.startswith(("/api/", staff_prefix)):
            return None
        session_id = looking()
        row = _find(token, session_id) if session_id else None
        if row is None:
            # Never silently on as oneself: what is open may be another's.
            return redirect(url_for("staff_view_as.over"))
        g.viewing = Viewing(row.staff_id, row.staff_email, row.expires_at)
        g.visitor_seen = service.look(row.tenant_id, row.email, row.name, row.tenant_name)
        if request.method not in SAFE or request.endpoint not in SEEN:
            raise _closed()
        if request.endpoint not in PARTS:
            _note(row.staff_id, row.tenant_id, row.person_id)
        enter_tenant(row.tenant_id)
        enter_read_only(True)
        return None

    app.jinja_env.globals["viewing"] = current


def _find(token: str, session_id: UUID) -> Row[Any] | None:
    with db.engine.begin() as connection:
        found: Row[Any] | None = connection.execute(
            text("SELECT * FROM web.find_view_as(:hash, :session)"),
            {"hash": passwords.hash_token(token), "session": session_id},
        ).one_or_none()
    return found


def _note(staff: UUID, tenant: UUID, person: UUID) -> None:
    """One event in the workspace's trail, by staff's own role."""
    enter_staff(True)
    act_as(staff, None)
    actor = f"staff:{ids.show('staff', staff)}"
    seen = {"tenant": tenant, "actor": actor, "page": request.path}
    if "HX-Request" not in request.headers or not db.session.scalar(text(_NOTED), seen):
        with tenant_scope(tenant):
            subject = ids.show("person", person)
            audit.record(actor, "view_as:open", subject, after={"page": request.path})
    db.session.commit()
    db.session.remove()
    enter_staff(False)
    enter_person(None)


def _closed() -> Problem:
    return Problem(
        403,
        "only_looking",
        "You are only looking",
        "While you see a workspace as its people do, nothing is changed, and pages with secrets "
        "or security settings stay closed.",
        "Stop looking first; what staff may change is on staff's own pages.",
    )
