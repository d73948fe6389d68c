"""Trades, orders and positions."""

from uuid import UUID

from flask import Blueprint, render_template

from web import lists
from web.accounts.login import sign_in_required
from web.db import db, get_for_tenant
from web.paging import BadCursor
from web.signals import chart, waterfall
from web.signals.models import Signal
from web.trades import reads
from web.trades.models import Trade
from web.trades.stages import times_of

blueprint = Blueprint("trades", __name__)


@blueprint.get("/trades")
@sign_in_required
def index() -> str:
    """All trades, newest first."""
    try:
        page = reads.trade_page(limit=lists.limit(), cursor=lists.cursor())
    except BadCursor as error:
        raise lists.bad_cursor(error) from error
    return render_template("trades/index.html", page=page, connections=reads.connections())


@blueprint.get("/trades/<shown(trade):trade_id>")
@sign_in_required
def page(trade_id: UUID) -> str:
    """One trade: its stages, its orders and fills, the settings it was made with."""
    trade = reads.load_orders(get_for_tenant(Trade, trade_id))
    built = waterfall.build(times_of(trade))
    connection = reads.connections()[trade.connection_id]
    return render_template(
        "trades/page.html",
        trade=trade,
        connection=connection,
        waterfall=built,
        chart=chart.draw([(connection.name, built)]),
        # A follower's trade belongs to a signal that it may not read.
        own_signal=db.session.get(Signal, trade.signal_id) is not None,
    )


@blueprint.get("/orders")
@sign_in_required
def orders() -> str:
    """All orders, newest first."""
    try:
        page = reads.order_page(limit=lists.limit(), cursor=lists.cursor())
    except BadCursor as error:
        raise lists.bad_cursor(error) from error
    return render_template("trades/orders.html", page=page, connections=reads.connections())


@blueprint.get("/positions")
@sign_in_required
def positions() -> str:
    """What is held, by connection and instrument."""
    return render_template(
        "trades/positions.html", positions=reads.positions(), connections=reads.connections()
    )
