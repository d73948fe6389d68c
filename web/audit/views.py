"""The activity page, its download, and the button that recomputes the chain."""

from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.access import Shown, needs, shows
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.audit import checking, export, reads, verify
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.paging import BadCursor

blueprint = Blueprint("activity", __name__, url_prefix="/activity")


@blueprint.get("")
@needs(Permission.LOOK, Shown("addresses", Permission.MEMBERS))
def index() -> str:
    """Who did what, from what to what; newest first. Some also see from where."""
    wanted = {name: request.args.get(name, "").strip() for name in reads.FILTERS}
    try:
        page = reads.entries(
            wanted,
            limit=lists.limit(),
            cursor=lists.cursor(),
            with_address=shows("addresses"),
        )
    except BadCursor as error:
        raise lists.bad_cursor(error) from error
    return render_template("audit/index.html", page=page, wanted=wanted)


@blueprint.get("/verify")
@needs(Permission.LOOK)
def recompute() -> ResponseReturnValue:
    """Check the next slice of the chain; a long one goes on by itself."""
    raw = request.args.get("after", "0")
    if not raw.isdecimal() or len(raw) > 18:
        abort(400)
    connection = export.session_connection()
    try:
        checked = checking.check(
            connection, export.facts(), visitor().tenant_id, after_seal=int(raw)
        )
    except ExecutionDown as error:
        raise Problem(
            503,
            "execution_away",
            "The facts of your orders cannot be read now",
            "The part that keeps them does not answer, so nothing can be said of them.",
            "Try again in a minute.",
        ) from error
    return render_template("audit/verify.html", checked=checked)


@blueprint.get("/export")
@needs(Permission.LOOK)
def download() -> Response:
    """Everything sealed, as JSON lines."""
    return export.trail()


@blueprint.get("/checkpoint")
@needs(Permission.LOOK)
def checkpoint() -> Response:
    """The newest signed checkpoint."""
    found = export.checkpoint()
    if found is None:
        raise Problem(
            404,
            "no_checkpoint",
            "There is no checkpoint yet",
            "Checkpoints are signed once a minute, after something was sealed.",
            "Come back in a minute.",
        )
    return found


@blueprint.get("/verifier")
@needs(Permission.LOOK)
def verifier() -> Response:
    """The program that checks a download, for anybody's own machine."""
    name = "attachment; filename=verify_audit.py"
    program = Path(verify.__file__).read_bytes()
    return Response(
        program, content_type="text/x-python; charset=utf-8", headers={"Content-Disposition": name}
    )
