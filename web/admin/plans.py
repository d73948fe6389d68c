"""Plans and what they allow; flags of features. Both are rows that staff change."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import text

from protos import ids
from web import flags, lists, whole
from web.admin import login
from web.admin.base import Page
from web.admin.deeds import deed, record, required
from web.billing import limits
from web.db import db

MODES = ("on", "off", "percent", "accounts")
LONGEST_DAYS = 365
MOST = 1_000_000


class PlansView(Page):
    """What each plan allows."""

    @expose("/")
    def index(self) -> str:
        """A table of plans by limits; with a change in mind, whom it would meet."""
        page: str = self.render(
            "staff/plans.html",
            plans=limits.plans(),
            keys=limits.KEYS,
            values=limits.plan_limits(),
            preview=_preview(),
        )
        return page

    @expose("/<plan>/limit", methods=("POST",))
    @deed("plan", "Change this limit for everybody on the plan")
    def limit(self, plan: str, reason: str) -> ResponseReturnValue:
        """Nothing that is there is taken away; one more is refused."""
        key, raw = required("key"), request.form.get("value", "").strip()
        if plan not in limits.plans() or key not in limits.KEYS:
            abort(404)
        value = _number(raw) if raw else None
        before = limits.plan_limits().get((plan, key))
        limits.set_plan_limit(plan, key, value)
        record("plan:limit", plan, before={key: before}, after={key: value}, reason=reason)
        db.session.commit()
        lists.done(
            f"{plan}: {limits.KEYS[key].lower()} {'any number' if value is None else value}."
        )
        return redirect(url_for("staff_plans.index"))


class FlagsView(Page):
    """Switches of features."""

    @expose("/")
    def index(self) -> str:
        """Every one that the product asks for."""
        rows = db.session.execute(text("SELECT *, expires_at > now() AS holds FROM web.flags"))
        found = {row.key: row for row in rows}
        page: str = self.render("staff/flags.html", known=flags.KNOWN, found=found, modes=MODES)
        return page

    @expose("/<key>", methods=("POST",))
    @deed("flag", "Set this flag")
    def save(self, key: str, reason: str) -> ResponseReturnValue:
        """On, off, for a share or for some; it expires, and somebody looks after it."""
        if key not in flags.KNOWN:
            abort(404)
        mode, owner = required("mode"), required("owner")[:100]
        days, percent = _number(required("days")), _number(request.form.get("percent") or "0")
        if mode not in MODES or not 0 < days <= LONGEST_DAYS or percent > 100:
            abort(400, f"A mode of the list, 1 to {LONGEST_DAYS} days, 0 to 100 percent.")
        accounts = _accounts(request.form.get("accounts", "")) if mode == "accounts" else []
        after: dict[str, Any] = {
            "mode": mode,
            "percent": percent if mode == "percent" else 0,
            "accounts": [ids.show("tenant", each) for each in accounts],
            "days": days,
            "owner": owner,
        }
        before = db.session.execute(
            text("SELECT mode, percent, owner FROM web.flags WHERE key = :key"), {"key": key}
        ).one_or_none()
        db.session.execute(
            text(
                "INSERT INTO web.flags (key, mode, percent, accounts, expires_at, owner, set_by) "
                "VALUES (:key, :mode, :percent, :accounts, :until, :owner, :by) "
                "ON CONFLICT (key) DO UPDATE SET mode = excluded.mode, "
                "percent = excluded.percent, accounts = excluded.accounts, "
                "expires_at = excluded.expires_at, owner = excluded.owner, "
                "set_by = excluded.set_by, set_at = clock_timestamp()"
            ),
            {
                "key": key,
                "mode": mode,
                "percent": after["percent"],
                "accounts": accounts,
                "until": datetime.now(UTC) + timedelta(days=days),
                "owner": owner,
                "by": login.current().actor,
            },
        )
        told = dict(before._mapping) if before else None
        record("flag:set", key, before=told, after=after, reason=reason)
        db.session.commit()
        lists.done(f"{key}: {mode} for {days} days.")
        return redirect(url_for("staff_flags.index"))


def _preview() -> str | None:
    """Who changes, before anything does."""
    plan, key, raw = (request.args.get(name, "") for name in ("plan", "key", "value"))
    if plan not in limits.plans() or key not in limits.KEYS or not raw.isdecimal():
        return None
    on_it, over = limits.over(plan, key, _number(raw))
    return (
        f"{on_it} workspaces are on {plan}. With {raw} {limits.KEYS[key].lower()}, {over} of them "
        "have more than that already: they keep what they have and can add none."
    )


def _accounts(given: str) -> list[UUID]:
    found = [ids.read("tenant", each) for each in given.replace(",", " ").split()]
    wrong = any(each is None for each in found)
    return abort(400, "Write accounts as ten_….") if wrong else [each for each in found if each]


def _number(text: str) -> int:
    found = whole.read(text, most=MOST)
    if found is None:
        abort(400, "A whole number.")
    return found
