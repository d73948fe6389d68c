"""The page of alarms, and the button that says somebody has looked."""

from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.login import sign_in_required, visitor
from web.accounts.rules import DECIDERS
from web.alarms import service
from web.alarms.models import Alarm
from web.db import get_for_tenant
from web.execution_client import ExecutionDown
from web.paging import BadCursor
from web.trades import reads

blueprint = Blueprint("alarms", __name__)


@blueprint.get("/alarms")
@sign_in_required
def index() -> str:
    """What asks for somebody, and what did."""
    try:
        past = service.page(is_open=False, limit=lists.limit(), cursor=lists.cursor())
    except BadCursor as error:
        raise lists.bad_cursor(error) from error
    return render_template(
        "alarms/index.html",
        open=service.page(is_open=True, limit=service.MOST_OPEN, cursor=None),
        page=past,
        connections=reads.connections(),
        may_decide=visitor().role in DECIDERS,
    )


@blueprint.get("/alarms/banner")
@sign_in_required
def banner() -> str:
    """What every page says of open alarms, by itself."""
    return render_template("alarms/banner.html")


@blueprint.get("/alarms/count")
@sign_in_required
def count() -> str:
    """The number beside the link, by itself."""
    return render_template("alarms/count.html")


@blueprint.post("/alarms/<shown(alarm):alarm_id>/acknowledge")
@sign_in_required
def acknowledge(alarm_id: UUID) -> ResponseReturnValue:
    """Say that somebody has looked."""
    alarm = get_for_tenant(Alarm, alarm_id)
    if visitor().role not in DECIDERS:
        abort(403)
    try:
        service.acknowledge(alarm, actor=visitor().actor)
        lists.done("Acknowledged.")
    except ExecutionDown:
        lists.failed("Execution does not answer, and has to hear of this. Try again in a moment.")
    if request.form.get("back") == "trade" and alarm.trade_id is not None:
        return redirect(url_for("trades.page", trade_id=alarm.trade_id))
    return redirect(url_for("alarms.index"))
