"""Staff themselves: who there is. New ones are added on the machine, by its operator."""

from uuid import UUID

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import text

from web import lists
from web.admin import requests, rules
from web.admin.base import Page
from web.admin.deeds import deed, required
from web.db import db


class PeopleView(Page):
    """Everybody who may come in here."""

    @expose("/")
    def index(self) -> str:
        """With their roles and when they were last seen."""
        rows = db.session.execute(
            text(
                "SELECT s.*, web.has_second_factor(s.id) AS second_factor, "
                "(SELECT max(n.last_seen_at) FROM web.staff_sessions n WHERE n.staff_id = s.id) "
                "AS last_seen_at FROM (SELECT id, email, role, addresses, disabled_at, created_at "
                "FROM web.staff) s ORDER BY s.created_at"
            )
        ).all()
        page: str = self.render("staff/people.html", rows=rows, roles=rules.ROLES)
        return page

    @expose("/<shown(staff):staff_id>/role", methods=("POST",))
    @deed("staff", "Ask a colleague to agree to this role")
    def change_role(self, staff_id: UUID, reason: str) -> ResponseReturnValue:
        """One asks, another owner approves."""
        wanted = required("role")
        if wanted not in rules.ROLES:
            abort(400, "There is no such role.")
        return _ask("change_role", staff_id, reason, wanted)

    @expose("/<shown(staff):staff_id>/reset", methods=("POST",))
    @deed("staff", "Ask a colleague to agree to this reset")
    def reset(self, staff_id: UUID, reason: str) -> ResponseReturnValue:
        """Their factors go, and their sessions end; the operator makes them a new link."""
        return _ask("reset_staff", staff_id, reason, None)


def _ask(kind: str, staff_id: UUID, reason: str, wanted: str | None) -> ResponseReturnValue:
    known = db.session.scalar(text("SELECT web.is_staff(:id)"), {"id": staff_id})
    if not known:
        abort(404)
    requests.ask(kind, staff_id, reason=reason, wanted=wanted)
    db.session.commit()
    lists.done("Asked. Another owner has to agree within a day.")
    return redirect(url_for("staff_people.index"))
