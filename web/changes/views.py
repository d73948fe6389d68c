"""For live pages: a ticket to listen with, and what to ask when listening fails."""

from flask import Blueprint, Response, current_app, request
from sqlalchemy import text

from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.api.shapes import to_response
from web.audit.declared import not_audited
from web.changes import tickets
from web.changes.events import shown
from web.changes.tickets import Listener
from web.config import Config
from web.db import db

blueprint = Blueprint("changes", __name__, url_prefix="/live")

MOST = 500


@blueprint.route("/ticket", methods=["GET", "POST"])
@needs(Permission.LOOK)
@not_audited("A ticket only lets a page listen, while its session and the role in it last.")
def ticket() -> Response:
    """Where to listen, with a ticket, and the number that this page's content has."""
    config: Config = current_app.extensions["fillwire.config"]
    who = visitor()
    assert who.session_id is not None
    listener = Listener(who.tenant_id, who.person_id, who.session_id, who.role)
    given = tickets.issue(config.secret_key, listener)
    return to_response({"url": f"{config.live_url}/stream", "ticket": given, "number": _number()})


@blueprint.get("/changes")
@needs(Permission.LOOK)
def changes() -> Response:
    """What changed after a number: ids only."""
    raw = request.args.get("after", "")
    after = int(raw) if raw.isdecimal() and len(raw) < 18 else _number()
    rows = db.session.execute(
        text(
            "SELECT number, kind, object_id FROM web.changes "
            "WHERE tenant_id = web.current_tenant() AND number > :after "
            "ORDER BY number FETCH FIRST :most ROWS WITH TIES"
        ),
        {"after": after, "most": MOST},
    ).all()
    events = [
        {"number": row.number, "type": f"{row.kind}.updated", "id": shown(row.kind, row.object_id)}
        for row in rows
    ]
    return to_response({"number": rows[-1].number if rows else after, "events": events})


def _number() -> int:
    found = db.session.scalar(
        text("SELECT number FROM web.tenant_changes WHERE tenant_id = web.current_tenant()")
    )
    return int(found or 0)
