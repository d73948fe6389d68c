"""Webhooks that are refused a lot: by strategy, from what is stored; slow them down, or cut a
secret that leaked."""

from uuid import UUID

from flask import abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import text

from protos import ids
from web import lists, whole
from web.admin.base import Page
from web.admin.deeds import deed, record
from web.db import db
from web.strategies import secrets

WINDOWS = {"hour": "1 hour", "day": "1 day", "week": "7 days"}
# What is answered with 429.
LIMITED = "too-many-requests"
MOST = 100_000
_WORST = """
SELECT r.tenant_id, r.strategy_id, s.name, t.name AS account, sum(r.count) AS refused,
    sum(r.count) FILTER (WHERE r.code = :limited) AS limited,
    array_agg(DISTINCT r.code) AS codes, max(r.last_at) AS last_at,
    max(w.per_minute) AS per_minute, max(w.per_hour) AS per_hour
FROM web.refusals r JOIN web.strategies s ON s.id = r.strategy_id
JOIN web.tenants t ON t.id = r.tenant_id
JOIN web.strategy_webhooks w ON w.strategy_id = r.strategy_id
WHERE r.last_at > now() - CAST(:window AS interval)
GROUP BY r.tenant_id, r.strategy_id, s.name, t.name ORDER BY sum(r.count) DESC LIMIT 100
"""


class AbuseView(Page):
    """Who is refused, how often and why."""

    @expose("/")
    def index(self) -> str:
        """The worst first."""
        asked = request.args.get("window", "day")
        window = asked if asked in WINDOWS else "day"
        given = {"window": WINDOWS[window], "limited": LIMITED}
        rows = db.session.execute(text(_WORST), given).all()
        page: str = self.render("staff/abuse.html", rows=rows, window=window, windows=WINDOWS)
        return page

    @expose("/<shown(strategy):strategy_id>/throttle", methods=("POST",))
    @deed("throttle", "Change how much this webhook may send")
    def throttle(self, strategy_id: UUID, reason: str) -> ResponseReturnValue:
        """So many a minute and an hour, from the next message on."""
        row = db.session.execute(
            text(
                "SELECT tenant_id, per_minute, per_hour FROM web.strategy_webhooks "
                "WHERE strategy_id = :id"
            ),
            {"id": strategy_id},
        ).one_or_none() or abort(404)
        minute, hour = _count("per_minute"), _count("per_hour")
        db.session.execute(
            text("SELECT web.throttle_webhook(:id, :minute, :hour)"),
            {"id": strategy_id, "minute": minute, "hour": hour},
        )
        record(
            "webhook:throttle",
            ids.show("strategy", strategy_id),
            tenant=row.tenant_id,
            before={"per_minute": row.per_minute, "per_hour": row.per_hour},
            after={"per_minute": minute, "per_hour": hour},
            reason=reason,
        )
        return _done("The new limits hold.")

    @expose("/<shown(strategy):strategy_id>/rotate", methods=("POST",))
    @deed("rotate", "Replace the secret of this webhook at once")
    def rotate(self, strategy_id: UUID, reason: str) -> ResponseReturnValue:
        """The old address is dead; its owner finds the new one on their page. Nobody of staff
        sees either."""
        tenant = db.session.scalar(
            text("SELECT tenant_id FROM web.strategies WHERE id = :id"), {"id": strategy_id}
        ) or abort(404)
        secret = secrets.draw()
        key: bytes = current_app.extensions["fillwire.config"].sealing_key
        db.session.execute(
            text("SELECT web.replace_webhook_secret(:id, :hash, :sealed)"),
            {
                "id": strategy_id,
                "hash": secrets.digest(secret),
                "sealed": secrets.seal(key, strategy_id, secret),
            },
        )
        shown = ids.show("strategy", strategy_id)
        record("webhook:replace", shown, tenant=tenant, reason=reason)
        return _done("The old address is dead. Tell its owner where the new one is.")


def _count(name: str) -> int:
    found = whole.read(request.form.get(name, "").strip(), most=MOST)
    if not found:
        abort(400, f"`{name}` is a whole number above zero.")
    return found


def _done(told: str) -> ResponseReturnValue:
    db.session.commit()
    lists.done(told)
    return redirect(url_for("staff_abuse.index"))
