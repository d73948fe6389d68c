"""Signals: the log, and one signal's page with everything that became of it."""

from uuid import UUID

from flask import Blueprint, render_template, request

from web import lists
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.connections import service as connections
from web.db import get_for_tenant
from web.signals import chart, reads, waterfall
from web.signals.models import Signal
from web.strategies.models import Strategy
from web.trades import reads as trades
from web.trades.stages import times_of

blueprint = Blueprint("signals", __name__)

# Each with its stages: of what is more, the outcomes are told first.
TRADES_SHOWN = 25


@blueprint.get("/signals")
@needs(Permission.LOOK)
def index() -> str:
    """All signals of the workspace, newest first."""
    page = lists.paged(
        lambda: reads.page(strategy_id=None, limit=lists.limit(), cursor=lists.cursor())
    )
    return render_template(
        "signals/index.html",
        page=page,
        counts=reads.counts(page.rows),
        strategies=trades.strategy_names(page.rows),
    )


@blueprint.get("/signals/<shown(signal):signal_id>")
@needs(Permission.LOOK)
def page(signal_id: UUID) -> str:
    """Did we get it, what was decided, what did the broker say, how long did each take."""
    signal = get_for_tenant(Signal, signal_id)
    # Before its trades: what is counted is shown below as well.
    counts = reads.counts([signal]).get(signal.id, reads.NONE)
    state = request.args.get("state", "")[:30]
    found = lists.paged(
        lambda: trades.of_signal_page(
            signal.id, state=state, limit=TRADES_SHOWN, cursor=lists.cursor()
        )
    )
    named = connections.named(trade.connection_id for trade in found.rows)
    waterfalls = [(trade, waterfall.build(times_of(trade))) for trade in found.rows]
    is_long = found.has_more or bool(state) or lists.cursor() is not None
    previous, following = reads.neighbours(signal)
    return render_template(
        "signals/page.html",
        signal=signal,
        strategy=get_for_tenant(Strategy, signal.strategy_id),
        body=signal.body.decode("utf-8", "replace"),
        waterfalls=waterfalls,
        chart=chart.draw([(named[t.connection_id].name, w) for t, w in waterfalls]),
        connections=named,
        page=found,
        state=state,
        outcomes=trades.outcomes(signal.id) if is_long else [],
        counts=counts,
        previous=previous,
        following=following,
    )
