"""Account, privacy: everything that is kept of me as a file, and being erased."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.proof import proof_required
from web.accounts.rules import Permission
from web.errors import Problem
from web.privacy import asking

blueprint = Blueprint("privacy", __name__, url_prefix="/account/privacy")


@blueprint.get("")
@needs(Permission.ACCOUNT)
def page() -> str:
    """What can be asked for, and how far it is."""
    return render_template("privacy/page.html", file=asking.file(), erasure=asking.erasure())


@blueprint.post("/file")
@needs(Permission.ACCOUNT)
@proof_required("have everything we keep of you as a file")
def ask_file() -> ResponseReturnValue:
    """Have it made."""
    asking.ask_file(visitor())
    return redirect(url_for("privacy.page"))


@blueprint.post("/file/download")
@needs(Permission.ACCOUNT)
@proof_required("download everything we keep of you")
def take_file() -> ResponseReturnValue:
    """The zip."""
    found = asking.take_file(visitor())
    if found is None:
        raise Problem(
            404,
            "no_file",
            "There is no file",
            "It was not asked for, is not ready, or its day is over.",
            "Ask for it under Account, Privacy.",
        )
    headers = {"Content-Disposition": 'attachment; filename="fillwire-about-me.zip"'}
    return Response(found, content_type="application/zip", headers=headers)


@blueprint.get("/erase")
@needs(Permission.ACCOUNT)
def confirm() -> str:
    """What it means, and the second question."""
    return _confirm()


@blueprint.post("/erase")
@needs(Permission.ACCOUNT)
@proof_required("be erased")
def erase() -> ResponseReturnValue:
    """Begin the days of grace."""
    who = visitor()
    if any(each.is_orphaned for each in asking.workspaces()):
        return _confirm("Hand these workspaces over first."), 409
    if request.form.get("email", "").strip().lower() != who.email:
        return _confirm("This is not your address."), 400
    due = asking.ask_erasure(who)
    lists.done(f"You will be erased on {due:%Y-%m-%d}. Until then you can change your mind here.")
    return redirect(url_for("privacy.page"))


@blueprint.post("/erase/cancel")
@needs(Permission.ACCOUNT)
def cancel() -> ResponseReturnValue:
    """Stay."""
    if asking.cancel_erasure(visitor()):
        lists.done("You stay.")
    return redirect(url_for("privacy.page"))


def _confirm(error: str | None = None) -> str:
    return render_template(
        "privacy/erase.html",
        error=error,
        workspaces=asking.workspaces(),
        days=asking.GRACE.days,
    )
