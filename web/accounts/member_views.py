"""Members of the workspace and their roles, its name, and going from one to another."""

from collections import Counter
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from protos import ids
from web import lists
from web.accounts import invitations, keys, limits, login, members, sessions, workspaces
from web.accounts.access import Field, Shown, needs, shows
from web.accounts.invitations import AlreadyMember, TooManyInvitations
from web.accounts.limits import TooMany
from web.accounts.login import visitor
from web.accounts.members import BadRole, LastOwner
from web.accounts.proof import proof_required
from web.accounts.rules import MOVES_MONEY, ROLES, Permission, may, told
from web.accounts.signing_up import BadEmail
from web.accounts.workspaces import BadName, TooManyWorkspaces
from web.db import db

blueprint = Blueprint("members", __name__, url_prefix="/account")

# Addresses of people who are no members yet.
INVITED = Shown("invitations", Permission.MEMBERS)

# Of those who can move money; members are listed below.
MOVERS_SHOWN = 20
_LAST = "The last owner stays. Make somebody else an owner first."
_BAD_NAME = "A workspace needs a name of up to 60 characters."


@blueprint.get("/members")
@needs(Permission.LOOK, INVITED)
def page() -> str:
    """Who works here, as what, and who can move money."""
    return _page()


def _makes_owner() -> bool:
    return request.form.get("role") == "owner"


def _touches_owner(person_id: UUID) -> bool:
    return _makes_owner() or members.role_of(person_id) == "owner"


@blueprint.post("/members/invitations")
@needs(Permission.MEMBERS, Field("role", Permission.OWNER, when=_makes_owner), INVITED)
@proof_required("invite somebody")
def invite() -> ResponseReturnValue:
    """Send somebody a link with which they join."""
    who, role = visitor(), request.form.get("role", "")
    try:
        limits.mail(request.form.get("email", "").strip().lower(), request.remote_addr or "")
        email = invitations.invite(request.form.get("email", ""), role, who.person_id, who.email)
    except BadEmail:
        return _page("This is not an e-mail address. Write it as name@example.com."), 400
    except BadRole:
        return _page(f"Choose one of the roles: {', '.join(ROLES)}."), 400
    except AlreadyMember:
        return _page("They are a member already. Change their role below."), 409
    except TooManyInvitations:
        db.session.rollback()
        return _page("Many invitations are open. Withdraw some first."), 409
    except TooMany as many:
        return _page(many.told), 429
    db.session.commit()
    lists.done(f"We sent a mail to {email}. Its link works for 7 days.")
    return _back()


@blueprint.post("/members/invitations/<uuid:invitation_id>/withdraw")
@needs(Permission.MEMBERS)
def withdraw(invitation_id: UUID) -> ResponseReturnValue:
    """The link opens nothing any more."""
    if not invitations.withdraw(invitation_id, visitor().actor):
        abort(404)
    return _done("The invitation is withdrawn.")


@blueprint.post("/members/<uuid:person_id>/role")
@needs(Permission.MEMBERS, Field("role", Permission.OWNER, when=_touches_owner), INVITED)
@proof_required("change somebody's role")
def change_role(person_id: UUID) -> ResponseReturnValue:
    """It holds from their next request on."""
    role = request.form.get("role", "")
    try:
        email = members.change_role(person_id, role, visitor().actor)
    except BadRole:
        return _page(f"Choose one of the roles: {', '.join(ROLES)}."), 400
    except LastOwner:
        return _page(_LAST), 409
    return _done(f"{email} is now {role}.")


@blueprint.post("/members/<uuid:person_id>/remove")
@needs(Permission.MEMBERS, Field("owner", Permission.OWNER, when=_touches_owner), INVITED)
@proof_required("remove a member")
def remove(person_id: UUID) -> ResponseReturnValue:
    """They work here no more, from their next request on; the keys they made are dead."""
    try:
        email = members.remove(person_id, visitor().actor)
    except LastOwner:
        return _page(_LAST), 409
    return _done(f"{email} is no member any more.")


@blueprint.post("/members/leave")
@needs(Permission.LOOK, INVITED)
@proof_required("leave this workspace")
def leave() -> ResponseReturnValue:
    """Go; another workspace of theirs is next, if there is one."""
    who, token = visitor(), login.shown_token()
    if request.form.get("sure") != "1":
        return _page("Tick that you are sure, then leave."), 400
    try:
        members.remove(who.person_id, who.actor)
    except LastOwner:
        return _page(_LAST), 409
    db.session.commit()
    lists.done(f"You left {who.tenant_name}.")
    if who.workspaces and token:
        return _switch(token, who.workspaces[0].tenant_id)
    if token:
        sessions.sign_out(token, request.remote_addr or "")
    return login.forget(make_response(redirect(url_for("accounts.sign_in"))))


@blueprint.post("/workspace")
@needs(Permission.MEMBERS, INVITED)
def rename() -> ResponseReturnValue:
    """Call this workspace something else."""
    try:
        workspaces.rename(workspaces.name_of(request.form.get("name", "")), visitor().actor)
    except BadName:
        return _page(_BAD_NAME), 400
    return _done("The workspace has its new name.")


@blueprint.post("/workspaces")
@needs(Permission.ACCOUNT)
def create() -> ResponseReturnValue:
    """Another workspace of one's own; they go there."""
    token = login.shown_token()
    assert token is not None
    try:
        name = workspaces.name_of(request.form.get("name", ""))
        tenant = workspaces.create(visitor().person_id, name)
    except BadName:
        lists.failed(_BAD_NAME)
        return _back()
    except TooManyWorkspaces:
        db.session.rollback()
        lists.failed(f"You own {workspaces.MOST} workspaces already.")
        return _back()
    lists.done(f"{name} is ready, and you are its owner.")
    return _switch(token, tenant)


@blueprint.post("/workspaces/switch")
@needs(Permission.PUBLIC)
def switch() -> ResponseReturnValue:
    """Work in another one. For members of it; they need not be one of the present any more."""
    token = login.shown_token()
    tenant = ids.read("tenant", request.form.get("workspace", ""))
    if tenant is None:
        abort(404)
    if token is None:
        return login.ask()
    return _switch(token, tenant)


def _switch(token: str, tenant: UUID) -> Response:
    fresh = sessions.switch(token, request.remote_addr or "", tenant)
    if fresh is None:
        db.session.rollback()
        abort(404)
    db.session.commit()
    return login.keep(make_response(redirect(url_for("strategies.index"))), fresh)


def _page(error: str | None = None) -> str:
    sought = lists.sought()
    page = lists.paged(
        lambda: members.page(sought=sought, limit=lists.limit(), cursor=lists.cursor())
    )
    moving = [role for role in ROLES if any(may(role, each) for each in MOVES_MONEY)]
    listed = keys.of_tenant()
    return render_template(
        "accounts/members.html",
        error=error,
        page=page,
        sought=sought,
        movers=members.page(roles=moving, limit=MOVERS_SHOWN),
        keys=[key for key in listed if keys.moves_money(key)],
        made=Counter(key.created_by for key in listed),
        invitations=invitations.open_ones() if shows("invitations") else [],
        roles={role: "; ".join(told(role)) or "looks, and changes nothing" for role in ROLES},
        form=request.form,
    )


def _done(told: str) -> ResponseReturnValue:
    db.session.commit()
    lists.done(told)
    return _back()


def _back() -> Response:
    return make_response(redirect(url_for("members.page")))
