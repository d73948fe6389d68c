"""Signals: the log, and one signal's page with everything that became of it."""

from uuid import UUID

from flask import Blueprint, render_template
from sqlalchemy import select

from web import lists
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.db import db, get_for_tenant
from web.paging import BadCursor
from web.signals import chart, reads, waterfall
from web.signals.models import Signal
from web.strategies.models import Strategy
from web.trades import reads as trades
from web.trades.stages import times_of

blueprint = Blueprint("signals", __name__)


@blueprint.get("/signals")
@needs(Permission.LOOK)
def index() -> str:
    """All signals of the workspace, newest first."""
    try:
        page = reads.page(strategy_id=None, limit=lists.limit(), cursor=lists.cursor())
    except BadCursor as error:
        raise lists.bad_cursor(error) from error
    return render_template(
        "signals/index.html", page=page, counts=reads.counts(page.rows), strategies=_names()
    )


@blueprint.get("/signals/<shown(signal):signal_id>")
@needs(Permission.LOOK)
def page(signal_id: UUID) -> str:
    """Did we get it, what was decided, what did the broker say, how long did each take."""
    signal = get_for_tenant(Signal, signal_id)
    found = trades.of_signals([signal.id])[signal.id]
    connections = trades.connections()
    waterfalls = [(trade, waterfall.build(times_of(trade))) for trade in found]
    previous, following = reads.neighbours(signal)
    return render_template(
        "signals/page.html",
        signal=signal,
        strategy=get_for_tenant(Strategy, signal.strategy_id),
        body=signal.body.decode("utf-8", "replace"),
        waterfalls=waterfalls,
        chart=chart.draw([(connections[t.connection_id].name, w) for t, w in waterfalls]),
        connections=connections,
        counts=reads.counts([signal]).get(signal.id, reads.NONE),
        previous=previous,
        following=following,
    )


def _names() -> dict[UUID, str]:
    rows = db.session.execute(select(Strategy.id, Strategy.name))
    return {row.id: row.name for row in rows}
