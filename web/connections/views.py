"""Connections: the list, and another paper account."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.connections import service
from web.connections.service import BadConnection

blueprint = Blueprint("connections", __name__)


@blueprint.get("/connections")
@needs(Permission.LOOK)
def index() -> str:
    """Connections, the oldest first, and the form for a paper one."""
    return _page()


@blueprint.post("/connections")
@needs(Permission.CONNECT)
def create() -> ResponseReturnValue:
    """A new paper account and its connection."""
    try:
        made = service.create_paper(name=request.form.get("name", ""), actor=visitor().actor)
    except BadConnection as bad:
        return _page(bad), 400
    lists.done(f"{made.name} is ready, on PAPER with 100,000 USD.")
    return redirect(url_for("connections.index"))


def _page(bad: BadConnection | None = None) -> str:
    sought = lists.sought()
    page = lists.paged(
        lambda: service.page(sought=sought, limit=lists.limit(), cursor=lists.cursor())
    )
    return render_template(
        "connections/index.html",
        page=page,
        sought=sought,
        shared=service.shared_with(page.rows),
        bad=bad,
        form=request.form,
    )
