"""Pages that belong to no feature: the way in, health, and the navigation."""

from flask import Blueprint, Flask, Response, url_for

from web.signals.reads import NONE

blueprint = Blueprint("pages", __name__)

# Endpoint, label and icon of each entry of the navigation, in order.
NAVIGATION = (
    ("strategies.index", "Strategies", "strategies"),
    ("signals.index", "Signals", "signals"),
    ("trades.approvals", "Approvals", "approvals"),
    ("trades.index", "Trades", "trades"),
    ("trades.orders", "Orders", "orders"),
    ("trades.positions", "Positions", "positions"),
    ("connections.index", "Connections", "connections"),
)


@blueprint.get("/")
def home() -> Response:
    """Where a person starts."""
    return Response(status=302, headers={"Location": url_for("strategies.index")})


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers. Whether its neighbours do is their own answer."""
    return Response("ok\n", content_type="text/plain")


def install(app: Flask) -> None:
    """Register these pages and what every template may use."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(navigation=NAVIGATION, no_counts=NONE)
