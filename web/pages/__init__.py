"""Pages that belong to no feature: the way in, health, docs, and the navigation."""

from flask import Blueprint, Flask, Response, render_template, url_for

from protos import reasons
from web import lists
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.signals.reads import NONE
from web.signals.refusals import CATALOGUE, DOCS_PATH, Raised
from web.trades import reference

blueprint = Blueprint("pages", __name__)

# Endpoint, label and icon of each entry of the navigation, in order.
NAVIGATION = (
    ("strategies.index", "Strategies", "strategies"),
    ("signals.index", "Signals", "signals"),
    ("trades.approvals", "Approvals", "approvals"),
    ("alarms.index", "Alarms", "alarms"),
    ("trades.index", "Trades", "trades"),
    ("trades.orders", "Orders", "orders"),
    ("trades.positions", "Positions", "positions"),
    ("connections.index", "Connections", "connections"),
    ("switches.index", "Halt", "halt"),
    ("activity.index", "Activity", "activity"),
)


@blueprint.get("/")
@needs(Permission.PUBLIC)
def home() -> Response:
    """Where a person starts."""
    return Response(status=302, headers={"Location": url_for("strategies.index")})


@blueprint.get("/healthz")
@needs(Permission.PUBLIC)
def healthz() -> Response:
    """This process answers. Whether its neighbours do is their own answer."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get(DOCS_PATH)
@needs(Permission.PUBLIC)
def refusals() -> str:
    """What each refusal of a webhook means; senders' logs link here, so it needs no sign-in."""
    return render_template("pages/errors.html", refusals=CATALOGUE.values(), never=Raised.NEVER)


@blueprint.get(reference.DOCS_PATH)
@needs(Permission.PUBLIC)
def why() -> str:
    """What each reason of a trade means."""
    known = sorted(reasons.CATALOGUE.items())
    return render_template("pages/reasons.html", reasons=known, plain=reference.plain)


def install(app: Flask) -> None:
    """Register these pages and what every template may use."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        onward=lists.onward,
        navigation=NAVIGATION,
        no_counts=NONE,
        refusal_docs=DOCS_PATH,
        reason_docs=reference.DOCS_PATH,
    )
