"""The page of alarms, and the button that says somebody has looked."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.alarms import service
from web.alarms.models import Alarm
from web.connections import service as connections
from web.db import get_for_tenant
from web.execution_client import ExecutionDown

blueprint = Blueprint("alarms", __name__)


@blueprint.get("/alarms")
@needs(Permission.LOOK)
def index() -> str:
    """What asks for somebody, and what did."""
    past = lists.paged(
        lambda: service.page(is_open=False, limit=lists.limit(), cursor=lists.cursor())
    )
    unseen = lists.paged(
        lambda: service.page(is_open=True, limit=service.MOST_OPEN, cursor=request.args.get("open"))
    )
    return render_template(
        "alarms/index.html",
        open=unseen,
        page=past,
        connections=connections.named(row.connection_id for row in (*unseen.rows, *past.rows)),
    )


@blueprint.get("/alarms/banner")
@needs(Permission.LOOK)
def banner() -> str:
    """What every page says of open alarms, by itself."""
    return render_template("alarms/banner.html")


@blueprint.get("/alarms/count")
@needs(Permission.LOOK)
def count() -> str:
    """The number beside the link, by itself."""
    return render_template("alarms/count.html")


@blueprint.post("/alarms/<shown(alarm):alarm_id>/acknowledge")
@needs(Permission.APPROVE)
def acknowledge(alarm_id: UUID) -> ResponseReturnValue:
    """Say that somebody has looked."""
    alarm = get_for_tenant(Alarm, alarm_id)
    try:
        service.acknowledge(alarm, actor=visitor().actor)
        lists.done("Acknowledged.")
    except ExecutionDown:
        lists.failed("Execution does not answer, and has to hear of this. Try again in a moment.")
    if request.form.get("back") == "trade" and alarm.trade_id is not None:
        return redirect(url_for("trades.page", trade_id=alarm.trade_id))
    return redirect(url_for("alarms.index"))
