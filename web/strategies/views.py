"""Strategies: the list, one strategy with its webhook and signals, a test signal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protos import ids
from web import lists
from web.accounts.access import Shown, needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.audit.declared import not_audited
from web.connections import service as connections
from web.errors import Problem
from web.signals import reads as signals
from web.signals.testing import TEST_SIGNALS, send_test
from web.strategies import connectors, reads, rules, service, webhooks
from web.strategies.models import ASSET_CLASSES, Strategy
from web.strategies.rules import BadConnector
from web.strategies.service import BadStrategy
from web.subscriptions import service as subscriptions

blueprint = Blueprint("strategies", __name__)

LOG_ROWS = 25
JOINED_ROWS = 25
# Connections that a test would trade on.
ON_NAMED = 5


@blueprint.get("/strategies")
@needs(Permission.LOOK)
def index() -> str:
    """Strategies of the workspace, the oldest first."""
    sought = lists.sought()
    page = lists.paged(
        lambda: reads.overview(sought=sought, limit=lists.limit(), cursor=lists.cursor())
    )
    return render_template("strategies/index.html", page=page, sought=sought)


@blueprint.get("/strategies/new")
@needs(Permission.CONFIGURE)
def new() -> str:
    """The form for another one."""
    return _new_form()


@blueprint.post("/strategies/new")
@needs(Permission.CONFIGURE)
def create() -> ResponseReturnValue:
    """Make it, and show it."""
    name, asset_class = request.form.get("name", ""), request.form.get("asset_class", "")
    try:
        strategy = service.create(name=name, asset_class=asset_class, actor=visitor().actor)
    except BadStrategy as bad:
        return _new_form(bad), 400
    lists.done(f"{strategy.name} is ready. Copy its webhook URL, then subscribe a connection.")
    return redirect(url_for("strategies.page", strategy_id=strategy.id))


@blueprint.get("/strategies/<shown(strategy):strategy_id>")
@needs(Permission.LOOK, Shown("webhook_url", Permission.TRADE))
def page(strategy_id: UUID) -> str:
    """One strategy: webhook, test signal, live log, subscriptions, refusals."""
    strategy = service.get(strategy_id)
    log = lists.paged(
        lambda: signals.page(strategy_id=strategy.id, limit=LOG_ROWS, cursor=lists.cursor())
    )
    sought, wished = lists.sought("on"), lists.sought("connection")
    joined = lists.paged(
        lambda: subscriptions.of_strategy(
            strategy, sought=sought, limit=JOINED_ROWS, cursor=request.args.get("joined")
        )
    )
    return render_template(
        "strategies/page.html",
        strategy=strategy,
        webhook=webhooks.shown(strategy),
        connector=connectors.shown(strategy),
        log=log,
        counts=signals.counts(log.rows),
        subscriptions=joined,
        sought=sought,
        on=subscriptions.of_strategy(strategy, enabled=True, limit=ON_NAMED),
        free=connections.offered(subscriptions.free_for(strategy), wished),
        wished=wished,
        refusals=signals.last_refusals(strategy.id),
        test_signals=TEST_SIGNALS[strategy.asset_class],
        now=datetime.now(UTC),
    )


@blueprint.post("/strategies/<shown(strategy):strategy_id>/enabled")
@needs(Permission.TRADE)
def switch(strategy_id: UUID) -> ResponseReturnValue:
    """Pause or resume: while paused its signals are recorded and not traded."""
    strategy = service.get(strategy_id)
    enabled = request.form.get("enabled") == "1"
    service.change(strategy, actor=visitor().actor, enabled=enabled)
    lists.done(
        f"{strategy.name} is on."
        if enabled
        else f"{strategy.name} is paused. Working orders are left alone."
    )
    return redirect(url_for("strategies.page", strategy_id=strategy.id))


@blueprint.get("/strategies/<shown(strategy):strategy_id>/connector")
@needs(Permission.CONFIGURE)
def connector(strategy_id: UUID) -> str:
    """The form for its connector."""
    strategy = service.get(strategy_id)
    found = connectors.of(strategy)
    start = {"name": strategy.name, "market": str(rules.market_of(strategy.asset_class))}
    start |= {"mode": "plain", "leverage": "1", "reserve_percent": "1"}
    given = {name: getattr(found, name) for name in ("name", *rules.TERMS)} if found else start
    return _connector_form(strategy, given)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector")
@needs(Permission.CONFIGURE)
def save_connector(strategy_id: UUID) -> ResponseReturnValue:
    """Make or change it."""
    strategy = service.get(strategy_id)
    try:
        connectors.save(strategy, request.form, actor=visitor().actor)
    except BadConnector as bad:
        return _connector_form(strategy, request.form, bad), 400
    lists.done("The connector is ready. Change only the host in your messages' URL.")
    return redirect(url_for("strategies.page", strategy_id=strategy.id))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector/token")
@needs(Permission.CONFIGURE)
def new_token(strategy_id: UUID) -> ResponseReturnValue:
    """Draw another token; the one there was works for a day."""
    strategy = service.get(strategy_id)
    try:
        connectors.draw_token(strategy, actor=visitor().actor)
        lists.done("The connector has a new token. Put it into your messages within 24 h.")
    except BadConnector as bad:
        lists.failed(f"{bad.message} {bad.fix}")
    return redirect(url_for("strategies.page", strategy_id=strategy.id))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector/token/end-overlap")
@needs(Permission.CONFIGURE)
def end_token_overlap(strategy_id: UUID) -> ResponseReturnValue:
    """Former tokens stop to work at once."""
    strategy = service.get(strategy_id)
    connectors.end_overlap(strategy, actor=visitor().actor)
    lists.done("Only the newest token works now. Messages with a former one are refused.")
    return redirect(url_for("strategies.page", strategy_id=strategy.id))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/test-signal")
@needs(Permission.TRADE)
@not_audited("What it sends is a signal, which is kept as such.")
def test_signal(strategy_id: UUID) -> ResponseReturnValue:
    """Send a signal through the same door as a real one."""
    strategy = service.get(strategy_id)
    action = request.form.get("action", "")
    if action not in TEST_SIGNALS[strategy.asset_class]:
        abort(400)
    sent = send_test(service.webhook_of(strategy), TEST_SIGNALS[strategy.asset_class][action])
    if sent.signal_id is None:
        lists.failed(sent.message)
        return redirect(url_for("strategies.page", strategy_id=strategy.id))
    lists.done(f"Sent {sent.message}. Stored as {ids.show('signal', sent.signal_id)}.")
    return redirect(url_for("signals.page", signal_id=sent.signal_id))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/subscribe")
@needs(Permission.TRADE)
def subscribe(strategy_id: UUID) -> ResponseReturnValue:
    """Join a connection to it; its settings come next."""
    strategy = service.get(strategy_id)
    connection = connections.get(ids.read("connection", request.form.get("connection_id", "")))
    try:
        made = subscriptions.create(strategy, connection, actor=visitor().actor)
    except subscriptions.AlreadySubscribed:
        raise Problem(
            409,
            "already_subscribed",
            "Already subscribed",
            f"{strategy.name} already trades on {connection.name}.",
            "Open that subscription instead.",
        ) from None
    lists.done("Subscribed, and still off. Set it up, then enable it.")
    return redirect(url_for("subscriptions.page", subscription_id=made.id))


def _new_form(bad: BadStrategy | None = None) -> str:
    return render_template(
        "strategies/new.html", bad=bad, asset_classes=ASSET_CLASSES, form=request.form
    )


def _connector_form(
    strategy: Strategy, form: Mapping[str, Any], bad: BadConnector | None = None
) -> str:
    exists = connectors.of(strategy) is not None
    return render_template(
        "strategies/connector.html", strategy=strategy, form=form, bad=bad, exists=exists
    )
