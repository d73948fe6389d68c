"""API keys: who may call for the workspace, as what, from where. Each is shown once."""

from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts import factors, keys, members
from web.accounts.access import needs
from web.accounts.keys import MODES, BadKey
from web.accounts.login import visitor
from web.accounts.proof import proof_required
from web.accounts.rules import KEY_ROLES, SCOPES, WORDS, Permission
from web.db import db
from web.errors import Problem

blueprint = Blueprint("developers", __name__, url_prefix="/developers")


@blueprint.get("")
@needs(Permission.MEMBERS)
def page() -> str:
    """All keys, and the form for another one."""
    return _page()


@blueprint.post("/keys")
@needs(Permission.MEMBERS)
@proof_required("make an API key")
def create() -> ResponseReturnValue:
    """Make it, and show it this once."""
    who = visitor()
    try:
        wanted = keys.read(request.form.to_dict(), request.form.getlist("scopes"))
        if wanted.mode == "live":
            factors.require_for_live(who)
        made = keys.create(wanted, maker=who.person_id, actor=who.actor)
    except BadKey as bad:
        db.session.rollback()
        return _page(bad=bad), 400
    except factors.NotForLive as no:
        raise Problem(403, no.code, no.title, no.detail, no.fix) from no
    db.session.commit()
    return _page(made=made)


@blueprint.post("/keys/<uuid:key_id>/revoke")
@needs(Permission.MEMBERS)
def revoke(key_id: UUID) -> ResponseReturnValue:
    """It opens nothing any more."""
    if not keys.revoke(key_id, visitor().actor):
        abort(404)
    db.session.commit()
    lists.done("The key is revoked: the next call with it is refused.")
    return redirect(url_for("developers.page"))


def _page(*, made: str | None = None, bad: BadKey | None = None) -> str:
    listed = keys.of_tenant()
    return render_template(
        "accounts/keys.html",
        keys=listed,
        makers=members.named(key.created_by for key in listed),
        made=made,
        bad=bad,
        modes=MODES,
        roles=KEY_ROLES,
        scopes=[(each, WORDS[each]) for each in SCOPES],
        form=request.form if bad else {},
        chosen=request.form.getlist("scopes") if bad else [],
    )
