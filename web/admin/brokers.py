"""What customers of a broker are told; and holding orders back, theirs or everybody's."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import text

from protos import ids
from web import lists, whole
from web.admin import login
from web.admin.base import Page
from web.admin.deeds import deed, record, required
from web.admin.halts import halt
from web.db import db
from web.switches.rules import PLATFORM

LEVELS = ("degraded", "down", "maintenance")
LONGEST_HOURS = 14 * 24
_BROKERS = """
SELECT b.broker, count(*) AS connections, count(*) FILTER (WHERE c.state <> 'ok') AS ill,
    count(DISTINCT c.tenant_id) AS accounts, array_agg(DISTINCT b.environment) AS environments
FROM web.connections c JOIN web.broker_accounts b ON b.id = c.broker_account_id
GROUP BY b.broker ORDER BY b.broker
"""
_SWITCHES = """
SELECT scope, scope_id, mode, why, set_by, set_at FROM web.switches
WHERE scope IN ('platform', 'broker') AND mode <> 'off'
"""


class BrokersView(Page):
    """How brokers are, and the banner on their customers' pages."""

    @expose("/")
    def index(self) -> str:
        """Every broker that somebody is connected to."""
        notices = db.session.execute(
            text("SELECT *, now() BETWEEN from_at AND until_at AS shown FROM web.broker_notices")
        ).all()
        on = {row.scope_id: row for row in db.session.execute(text(_SWITCHES))}
        page: str = self.render(
            "staff/brokers.html",
            brokers=db.session.execute(text(_BROKERS)).all(),
            notices={row.broker: row for row in notices},
            switch=on.get(PLATFORM),
            held=lambda broker, environment: on.get(ids.broker_id(broker, environment)),
            levels=LEVELS,
        )
        return page

    @expose("/<broker>/notice", methods=("POST",))
    @deed("notice", "Tell the customers of this broker")
    def notice(self, broker: str, reason: str) -> ResponseReturnValue:
        """A banner with a text, for so many hours."""
        level, message = required("level"), required("message")[:300]
        hours = whole.read(request.form.get("hours", ""), most=LONGEST_HOURS)
        if level not in LEVELS or not hours:
            abort(400, f"A level of the list, and 1 to {LONGEST_HOURS} hours.")
        before, now = _told(broker), datetime.now(UTC)
        db.session.execute(
            text(
                "INSERT INTO web.broker_notices (broker, level, message, from_at, until_at, "
                "set_by) VALUES (:broker, :level, :message, :now, :until, :by) "
                "ON CONFLICT (broker) DO UPDATE SET level = excluded.level, "
                "message = excluded.message, from_at = excluded.from_at, "
                "until_at = excluded.until_at, set_by = excluded.set_by, "
                "set_at = clock_timestamp()"
            ),
            {
                "broker": broker,
                "level": level,
                "message": message,
                "now": now,
                "until": now + timedelta(hours=hours),
                "by": login.current().actor,
            },
        )
        after = {"level": level, "message": message, "hours": hours}
        record("broker:notice", broker, before=before, after=after, reason=reason)
        return _done(f"{broker}: customers are told.")

    @expose("/<broker>/notice/end", methods=("POST",))
    @deed("notice", "Take the banner of this broker away")
    def end_notice(self, broker: str, reason: str) -> ResponseReturnValue:
        """It is as it should be again."""
        before = _told(broker)
        db.session.execute(
            text("DELETE FROM web.broker_notices WHERE broker = :broker"), {"broker": broker}
        )
        record("broker:end_notice", broker, before=before, reason=reason)
        return _done(f"{broker}: the banner is gone.")

    @expose("/hold", methods=("POST",))
    @deed("halt", "Set the switch of the whole platform")
    def hold(self, reason: str) -> ResponseReturnValue:
        """Of everybody and every broker."""
        lists.done(halt("platform", None, None, required("mode"), reason))
        return redirect(url_for("staff_brokers.index"))

    @expose("/<broker>/<environment>/hold", methods=("POST",))
    @deed("halt", "Set the switch of this broker, for all its customers")
    def hold_one(self, broker: str, environment: str, reason: str) -> ResponseReturnValue:
        """Orders of everybody who is connected there; nobody else notices."""
        held = ids.broker_id(broker, environment)
        name = f"broker:{broker}/{environment}"
        lists.done(halt("broker", held, None, required("mode"), reason, name=name))
        return redirect(url_for("staff_brokers.index"))


def _told(broker: str) -> dict[str, Any] | None:
    row = db.session.execute(
        text("SELECT level, message FROM web.broker_notices WHERE broker = :broker"),
        {"broker": broker},
    ).one_or_none()
    return dict(row._mapping) if row else None


def _done(told: str) -> ResponseReturnValue:
    db.session.commit()
    lists.done(told)
    return redirect(url_for("staff_brokers.index"))
