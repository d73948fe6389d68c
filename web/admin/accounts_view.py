"""Account 360: one workspace on one page, and what staff may do for it."""

from typing import Any
from uuid import UUID

from flask import abort, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import text, update

from protos import ids
from web import lists, whole
from web.accounts import signing_up, viewing
from web.accounts.models import Tenant
from web.admin import account, login, requests, tables
from web.admin.deeds import deed, given, record, required
from web.admin.halts import halt
from web.billing import limits
from web.db import db
from web.mail import service as mail


class AccountsView(tables.Accounts):
    """Every workspace, and the page of each."""

    @expose("/<shown(tenant):tenant_id>")
    def page(self, tenant_id: UUID) -> str:
        """Everything at a glance."""
        page: str = self.render(
            "staff/account.html",
            tenant=_tenant(tenant_id),
            signals=account.signals(tenant_id),
            failed=account.failed(tenant_id),
            usage=limits.usage(tenant_id),
            plans=limits.plans(),
            **account.parts(tenant_id),
        )
        return page

    @expose("/<shown(tenant):tenant_id>/note", methods=("POST",))
    @deed("note", "Add a note")
    def note(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """For colleagues; the reason is the note. The customer does not read it."""
        _tenant(tenant_id)
        db.session.execute(
            text(
                "INSERT INTO web.staff_notes (tenant_id, staff_id, note) "
                "VALUES (:tenant, :staff, :note)"
            ),
            {"tenant": tenant_id, "staff": login.current().id, "note": reason},
        )
        record("tenant:note", ids.show("tenant", tenant_id), reason=reason)
        return _done(tenant_id, "The note is kept.")

    @expose("/<shown(tenant):tenant_id>/suspended", methods=("POST",))
    @deed("suspend", "Suspend this workspace, or let it go on")
    def suspend(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """Its people may look and close, nothing is opened; exits and stops go on."""
        tenant, on = _tenant(tenant_id), required("suspended") == "1"
        was = tenant.suspended_at is not None
        db.session.execute(
            update(Tenant)
            .where(Tenant.id == tenant_id)
            .values(suspended_at=text("now()") if on else None)
        )
        record(
            f"tenant:{'suspend' if on else 'unsuspend'}",
            ids.show("tenant", tenant_id),
            tenant=tenant_id,
            before={"suspended": was},
            after={"suspended": on},
            reason=reason,
        )
        db.session.commit()
        if mode := _halted_by_others(tenant_id):
            return _done(tenant_id, f"Not we halted it: {mode.replace('_', ' ')} stays.")
        told = halt("tenant", tenant_id, tenant_id, "stop_entries" if on else "off", reason)
        return _done(tenant_id, told)

    @expose("/<shown(tenant):tenant_id>/plan", methods=("POST",))
    @deed("plan", "Move this workspace to another plan")
    def plan(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """Another plan, from now on."""
        tenant, wanted = _tenant(tenant_id), required("plan")
        if wanted not in limits.plans():
            abort(400, "There is no such plan.")
        before = tenant.plan_id
        db.session.execute(update(Tenant).where(Tenant.id == tenant_id).values(plan_id=wanted))
        record(
            "tenant:plan",
            ids.show("tenant", tenant_id),
            tenant=tenant_id,
            before={"plan": before},
            after={"plan": wanted},
            reason=reason,
        )
        return _done(tenant_id, f"The plan is {wanted}.")

    @expose("/<shown(tenant):tenant_id>/override", methods=("POST",))
    @deed("plan", "Change one limit of this workspace for a while")
    def override(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """In the place of its plan's limit, for so many days; 0 days ends it."""
        _tenant(tenant_id)
        key, value, days = required("key"), given("value"), _count("days", 365)
        if key not in limits.KEYS:
            abort(400, "There is no such limit.")
        before = limits.override_of(tenant_id, key)
        limit = _count("value", 1_000_000) if value else None
        limits.override(tenant_id, key, limit, days=days, by=login.current().actor)
        record(
            "tenant:entitlement",
            ids.show("tenant", tenant_id),
            tenant=tenant_id,
            before={key: before},
            after={key: limit if days else None, "days": days},
            reason=reason,
        )
        return _done(tenant_id, f"{limits.KEYS[key]}: changed for {days} days.")

    @expose("/<shown(tenant):tenant_id>/resend", methods=("POST",))
    @deed("resend", "Send another mail to confirm the address")
    def resend(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """A new link, to the address they signed up with."""
        person, email = _person(tenant_id)
        signing_up.send_link(person, email)
        record("person:ask_confirm", ids.show("person", person), tenant=tenant_id, reason=reason)
        return _done(tenant_id, "The mail is on its way.")

    @expose("/<shown(tenant):tenant_id>/reset", methods=("POST",))
    @deed("ask_reset", "Ask a colleague to agree to the reset of this second factor")
    def reset(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """One asks, another approves; only then it is gone."""
        person, _ = _person(tenant_id)
        requests.ask("reset_second_factor", person, tenant=tenant_id, reason=reason)
        return _done(tenant_id, "Asked. Another of you has to agree within a day.")

    @expose("/<shown(tenant):tenant_id>/view-as", methods=("POST",))
    @deed("view_as", "See the workspace as this person, for 15 minutes")
    def view_as(self, tenant_id: UUID, reason: str) -> ResponseReturnValue:
        """Look, change nothing; the customer sees that it was done, and why."""
        person, email = _person(tenant_id)
        token = viewing.begin(login.current().id, login.current().session_id, tenant_id, person)
        record(
            "view_as:begin",
            ids.show("person", person),
            tenant=tenant_id,
            after={"minutes": viewing.MINUTES},
            reason=reason,
        )
        mail.write(
            email,
            "Our support looks at your workspace",
            f"Somebody of our staff opened your workspace to look at it, for {viewing.MINUTES} "
            f"minutes at most. They cannot change anything, nor see secrets.\n\nWhy: {reason}\n\n"
            "What they opened stands in your activity.\n",
        )
        db.session.commit()
        return viewing.keep(make_response(redirect("/")), token)


def _tenant(tenant_id: UUID) -> Tenant:
    return db.session.get(Tenant, tenant_id) or abort(404)


def _halted_by_others(tenant_id: UUID) -> str | None:
    """How its people, or the operator, halted the workspace: that is not ours to weaken or lift."""
    mode: str | None = db.session.scalar(
        text(
            "SELECT mode FROM web.switches WHERE scope = 'tenant' AND scope_id = :tenant "
            "AND mode <> 'off' AND set_by NOT LIKE 'staff:%'"
        ),
        {"tenant": tenant_id},
    )
    return mode


def _person(tenant_id: UUID) -> tuple[UUID, str]:
    """The member that the form names; else 404."""
    person = ids.read("person", required("person_id"))
    row: Any = db.session.execute(
        text(
            "SELECT p.id, p.email FROM web.members m JOIN web.people p ON p.id = m.person_id "
            "WHERE m.tenant_id = :tenant AND p.id = :person"
        ),
        {"tenant": tenant_id, "person": person},
    ).one_or_none()
    return (row.id, row.email) if row else abort(404)


def _count(name: str, most: int) -> int:
    found = whole.read(request.form.get(name, "").strip(), most=most)
    if found is None:
        abort(400, f"`{name}` is a whole number, {most} at most.")
    return found


def _done(tenant_id: UUID, told: str) -> ResponseReturnValue:
    db.session.commit()
    lists.done(told)
    return redirect(url_for("staff_accounts.page", tenant_id=tenant_id))
