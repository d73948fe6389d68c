"""The inbox page: what would have been mailed, where no mail server is set.

Whoever reads it can be anybody here, so it exists only where none but this machine comes in.
"""

from flask import Blueprint, abort, current_app, render_template, request
from sqlalchemy import text

from web.accounts.access import needs
from web.accounts.rules import Permission
from web.config import LOOPBACK
from web.db import db

blueprint = Blueprint("mail", __name__)


@blueprint.get("/inbox")
@needs(Permission.PUBLIC)
def inbox() -> str:
    """The newest mails."""
    if not is_open():
        abort(404)
    mails = db.session.execute(text("SELECT * FROM web.inbox()")).all()
    return render_template("mail/inbox.html", mails=mails)


def is_open() -> bool:
    """Whether this visitor may read everybody's mail."""
    return current_app.extensions["fillwire.config"].inbox and request.remote_addr in LOOPBACK


@blueprint.app_context_processor
def told() -> dict[str, bool]:
    """Pages that say "we sent you a mail" say where it can be read."""
    return {"inbox_open": is_open()}
