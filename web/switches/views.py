"""What is halted, and the big red buttons: each leads to a page that says what it would meet,
and only that page does it."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.proof import proof_required
from web.accounts.rules import Permission
from web.connections import service as connections
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.strategies import service as strategies
from web.switches import reads, rules, service
from web.switches.rules import BUTTONS, OFF, STOP_ALL, On
from web.switches.service import BadSwitch

blueprint = Blueprint("switches", __name__, url_prefix="/halt")

# Of connections with their limits, of switches that are on, and of what each of those left open.
CONNECTIONS_SHOWN = 25
SWITCHES_SHOWN = 20
MET_SHOWN = 10
# On top of every page.
BANNERS = 3


@blueprint.get("")
@needs(Permission.LOOK)
def index() -> str:
    """What is halted now, the buttons for the whole workspace, and limits."""
    sought = lists.sought()
    page = lists.paged(
        lambda: connections.page(sought=sought, limit=CONNECTIONS_SHOWN, cursor=lists.cursor())
    )
    on = lists.paged(
        lambda: service.page_of_on(limit=SWITCHES_SHOWN, cursor=request.args.get("halted"))
    )
    try:
        limits, answered = service.limits([row.id for row in page.rows]), True
    except ExecutionDown:
        limits, answered = {}, False
    return render_template(
        "switches/index.html",
        halted_now=on,
        on=_with_left(on.rows),
        names=reads.names(on.rows),
        page=page,
        sought=sought,
        limits=limits,
        answered=answered,
        told=service.told,
        buttons=BUTTONS,
    )


@blueprint.get("/tenant/<mode>")
@needs(Permission.LOOK)
def confirm_tenant(mode: str) -> str:
    """What halting the workspace would meet."""
    return _confirm("tenant", visitor().tenant_id, visitor().tenant_name, mode)


@blueprint.post("/tenant/<mode>")
@needs(Permission.TRADE)
def halt_tenant(mode: str) -> ResponseReturnValue:
    """Halt the workspace, or let it go on."""
    return _halt("tenant", visitor().tenant_id, mode)


@blueprint.get("/strategies/<shown(strategy):strategy_id>/<mode>")
@needs(Permission.LOOK)
def confirm_strategy(strategy_id: UUID, mode: str) -> str:
    """What halting a strategy would meet."""
    return _confirm("strategy", strategy_id, strategies.get(strategy_id).name, mode)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/<mode>")
@needs(Permission.TRADE)
def halt_strategy(strategy_id: UUID, mode: str) -> ResponseReturnValue:
    """Halt a strategy, or let it go on."""
    return _halt("strategy", strategies.get(strategy_id).id, mode)


@blueprint.get("/connections/<shown(connection):connection_id>/<mode>")
@needs(Permission.LOOK)
def confirm_connection(connection_id: UUID, mode: str) -> str:
    """What halting a connection would meet."""
    return _confirm("connection", connection_id, connections.get(connection_id).name, mode)


@blueprint.post("/connections/<shown(connection):connection_id>/<mode>")
@needs(Permission.TRADE)
def halt_connection(connection_id: UUID, mode: str) -> ResponseReturnValue:
    """Halt a connection, or let it go on."""
    return _halt("connection", connections.get(connection_id).id, mode)


def _guards_live(connection_id: UUID) -> bool:
    return connections.get(connection_id).mode == "live"


@blueprint.post("/limits/<shown(connection):connection_id>")
@needs(Permission.CONNECT)
@proof_required("change the limits of a live account", when=_guards_live)
def limit(connection_id: UUID) -> ResponseReturnValue:
    """Set the limits of a connection."""
    connection = connections.get(connection_id)
    given = {name: request.form.get(name, "") for name in service.LIMITS}
    try:
        state = service.set_limits(connection, given, actor=visitor().actor)
    except BadSwitch as bad:
        lists.failed(f"{bad.message} {bad.fix}")
    except ExecutionDown:
        lists.failed("Execution does not answer; the limits are as they were, or as you set them.")
    else:
        waits = " What is looser holds from the next trading day." * state.HasField("then")
        lists.done(f"The limits of {connection.name} are set.{waits}")
    return redirect(url_for("switches.index"))


def halted() -> tuple[On, ...]:
    """Some switches that are on for whoever is signed in, the widest first, and no more than one
    beyond what every page says; no query of its own."""
    return rules.read(current_user.switches) if current_user.is_authenticated else ()


def install(app: Flask) -> None:
    """Let every page say what is halted."""
    app.jinja_env.globals.update(halted=halted, halt_buttons=BUTTONS, halt_banners=BANNERS)


def _with_left(on: Sequence[On]) -> list[tuple[On, reads.Meets]]:
    """Each with what it leaves without a stop; two queries for each kind of scope."""
    left = {
        scope: reads.meets_each(
            scope, [each.scope_id for each in on if each.scope == scope], bare=True, most=MET_SHOWN
        )
        for scope in {each.scope for each in on}
    }
    return [(each, left[each.scope][each.scope_id]) for each in on]


def _confirm(scope: str, scope_id: UUID, name: str, mode: str) -> str:
    if mode not in BUTTONS:
        abort(404)
    return render_template(
        "switches/confirm.html",
        scope=scope,
        name=name,
        mode=mode,
        button=BUTTONS[mode],
        meets=reads.meets(scope, scope_id, bare=mode == STOP_ALL),
        orders=reads.working(scope, scope_id),
    )


def _halt(scope: str, scope_id: UUID, mode: str) -> ResponseReturnValue:
    if mode != OFF and mode not in BUTTONS:
        abort(404)
    why = request.form.get("why", "").strip()
    try:
        done = service.halt(scope, scope_id, mode, why=why, actor=visitor().actor)
    except ExecutionDown as down:
        raise Problem(
            503,
            "execution_away",
            "It is not known whether it was done",
            f"Execution did not answer in time: {down}",
            "Press the button again: doing it twice changes nothing.",
            retryable=True,
        ) from down
    if mode == OFF:
        lists.done("The switch is off. Trades that it ended stay ended.")
    else:
        closing = f" Being closed: {len(done.closing)}." if done.closing else ""
        bare = f" Left without a stop: {len(done.unprotected)}." if done.unprotected else ""
        lists.done(f"{BUTTONS[mode][0]}: it is on.{closing}{bare}")
    return redirect(url_for("switches.index"))
