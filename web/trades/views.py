"""Trades, orders and positions; what waits, and the buttons that let it go or end it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protos import ids
from web import lists
from web.accounts.access import Field, needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.alarms import service as alarms
from web.connections import service as connections
from web.connections.models import Connection
from web.db import db, get_for_tenant
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.signals import chart, waterfall
from web.signals.models import Signal
from web.subscriptions import service as subscriptions
from web.trades import approval, closing, doubt, holdings, plans, quotes, reads, record, replay
from web.trades.approval import NotWaiting, Paused
from web.trades.closing import BadClosing, NothingHeld
from web.trades.drift import Drift, Drifted
from web.trades.models import ASKING_STATES, WAITING_STATES, Order, Position, Trade
from web.trades.replay import NotRecorded
from web.trades.stages import times_of
from web.trades.words import intent

blueprint = Blueprint("trades", __name__)

# More than this would not fit into what a browser keeps for the next page.
FAILURES_SHOWN = 5
# Of a position; all are told before it is closed.
SHARES_SHOWN = 10
# What a person may do to a waiting trade, and how it is called when it is done.
_VERBS: dict[str, tuple[Callable[..., Trade], str]] = {
    "check": (doubt.check, "The broker is asked again"),
    "declare_absent": (doubt.declare_absent, "Declared as never arrived"),
    "declare_present": (doubt.declare_present, "Declared as looked after at the broker"),
    "approve": (approval.approve, "Approved"),
    "reject": (approval.reject, "Rejected"),
    "cancel": (approval.cancel, "Canceled"),
}


def _is_no_approval(trade_id: UUID, verb: str) -> bool:
    return verb not in ("approve", "reject")


@blueprint.get("/trades")
@needs(Permission.LOOK)
def index() -> str:
    """All trades, newest first."""
    page = lists.paged(lambda: reads.trade_page(limit=lists.limit(), cursor=lists.cursor()))
    return render_template("trades/index.html", page=page, connections=_connections_of(page.rows))


@blueprint.get("/trades/<shown(trade):trade_id>")
@needs(Permission.LOOK)
def page(trade_id: UUID) -> str:
    """One trade: its stages, its orders and fills, the settings it was made with."""
    trade = reads.load_orders(get_for_tenant(Trade, trade_id))
    built = waterfall.build(times_of(trade))
    connection = get_for_tenant(Connection, trade.connection_id)
    return render_template(
        "trades/page.html",
        trade=trade,
        connection=connection,
        waterfall=built,
        chart=chart.draw([(connection.name, built)]),
        # A follower's trade belongs to a signal that it may not read.
        own_signal=trade.signal_id and db.session.get(Signal, trade.signal_id) is not None,
        waits=trade.state in WAITING_STATES
        and (trade.approval_expires_at or trade.release_at or trade.is_held_for_the_open),
        alarms=alarms.of_trade(trade_id),
        decided=_decided(trade) if record.RULES in trade.decision else None,
    )


@blueprint.get("/trades/<shown(trade):trade_id>/replay")
@needs(Permission.LOOK)
def replayed(trade_id: UUID) -> str:
    """The recorded decision beside the same decision made again."""
    trade = get_for_tenant(Trade, trade_id)
    try:
        return render_template("trades/replay.html", trade=trade, told=replay.of_trade(trade))
    except NotRecorded:
        abort(404)
    except ExecutionDown as down:
        raise Problem(
            503,
            "execution_down",
            "Execution does not answer",
            "Without it nobody can say what would be sent.",
            "Try again in a moment.",
            retryable=True,
        ) from down


def _decided(trade: Trade) -> list[dict[str, Any]]:
    """What each step of it saw, by which rules, and what it came to."""
    return [
        {
            "label": plans.step_in_words(name),
            "seen": plans.seen(step.seen),
            "version": step.rules_version,
            "warnings": plans.warnings(step.numbers),
            "words": [plans.in_words(plans.order(o), trade.instrument) for o in step.orders],
        }
        for name, step in record.steps(trade.decision)
    ]


@blueprint.get("/orders")
@needs(Permission.LOOK)
def orders() -> str:
    """All orders, newest first."""
    page = lists.paged(lambda: reads.order_page(limit=lists.limit(), cursor=lists.cursor()))
    return render_template("trades/orders.html", page=page, connections=_connections_of(page.rows))


@blueprint.get("/positions")
@needs(Permission.LOOK)
def positions() -> str:
    """What is held, by connection and instrument: the account's and everybody's own."""
    sought = lists.sought()
    page = lists.paged(
        lambda: holdings.page(sought=sought, limit=lists.limit(), cursor=lists.cursor())
    )
    return render_template(
        "trades/positions.html",
        page=page,
        sought=sought,
        most_shares=SHARES_SHOWN,
        connections=_connections_of([held.position for held in page.rows]),
    )


def _connections_of(rows: Sequence[Trade | Order | Position]) -> Mapping[UUID, Connection]:
    return connections.named(row.connection_id for row in rows)


@blueprint.get("/positions/close")
@needs(Permission.LOOK)
def confirm_close() -> str:
    """What closing a position would mean; only the button there does it."""
    connection, subscription_id = _closes(request.args)
    instrument = request.args.get("instrument", "")
    held = holdings.one_held(connection.id, instrument)
    if held is None:
        abort(404)
    return render_template(
        "trades/close.html",
        connection=connection,
        instrument=instrument,
        held=held,
        share=next((s for s in held.shares if s.subscription_id == subscription_id), None),
        key=uuid4().hex,
    )


@blueprint.post("/positions/close")
@needs(Permission.TRADE)
def close() -> ResponseReturnValue:
    """Close a position, or a part of a subscription's own."""
    connection, subscription_id = _closes(request.form)
    instrument = request.form.get("instrument", "")
    try:
        trades = closing.close(
            connection,
            instrument,
            subscription_id=subscription_id,
            quantity=request.form.get("quantity", "").strip(),
            key=request.form.get("key", ""),
            actor=visitor().actor,
        )
    except BadClosing as bad:
        lists.failed(f"{bad.message} {bad.fix}")
    except NothingHeld:
        lists.failed(f"No subscription holds {instrument} there any more: nothing was closed.")
    except ExecutionDown:
        lists.failed("Execution does not answer. Look at the position before you try again.")
    else:
        count = f"{len(trades)} trades close" if len(trades) > 1 else "A trade closes"
        lists.done(f"{count} {instrument} on {connection.name} {connection.mode.upper()}.")
    return redirect(url_for("trades.positions"))


def _closes(told: Mapping[str, str]) -> tuple[Connection, UUID | None]:
    """The connection that is meant, and the one subscription, where one is."""
    connection_id = ids.read("connection", told.get("connection_id", ""))
    named = told.get("subscription_id", "")
    subscription_id = ids.read("subscription", named)
    if connection_id is None or (named and subscription_id is None):
        abort(404)
    if subscription_id is not None:
        subscriptions.get(subscription_id)
    return get_for_tenant(Connection, connection_id), subscription_id


@blueprint.get("/approvals")
@needs(Permission.LOOK)
def approvals() -> str:
    """What waits for a person, and what waits for its time."""
    page = lists.paged(
        lambda: reads.waiting_page(states=ASKING_STATES, limit=lists.limit(), cursor=lists.cursor())
    )
    timed = lists.paged(
        lambda: reads.waiting_page(
            states=["DELAYED", "QUEUED"], limit=lists.limit(), cursor=request.args.get("timed")
        )
    )
    doubtful = lists.paged(
        lambda: doubt.waiting(limit=lists.limit(), cursor=request.args.get("doubts"))
    )
    shown = [*page.rows, *timed.rows, *doubtful.rows]
    return render_template(
        "trades/approvals.html",
        page=page,
        timed=timed,
        doubtful=doubtful,
        connections=_connections_of(shown),
        strategies=reads.strategy_names(shown),
        quotes=quotes.last_known(page.rows),
        intents={t.id: intent(t.signal, t.numbers, t.settings) for t in shown},
    )


@blueprint.get("/approvals/count")
@needs(Permission.LOOK)
def approvals_count() -> str:
    """The number beside the link, by itself."""
    return render_template("trades/count.html")


@blueprint.post("/approvals")
@needs(Permission.APPROVE)
def decide_many() -> ResponseReturnValue:
    """Approve or reject the ticked trades, the oldest first; each is decided by itself."""
    verb = request.form.get("verb", "")
    if verb not in ("approve", "reject"):
        abort(400)
    wanted = [ids.read("trade", text) for text in request.form.getlist("trade_id")]
    found = sorted(
        (get_for_tenant(Trade, trade_id) for trade_id in wanted),
        key=lambda trade: (trade.accepted_at, trade.signal_seq),
    )
    accepts = verb == "approve" and bool(request.form.get("accept_drift"))
    failures: list[str] = []
    drifted: list[tuple[Trade, Drift]] = []
    for trade in found:
        try:
            failures += [failure for failure in [_decide(trade, verb, accepts=accepts)] if failure]
        except Drifted as error:
            drifted.append((trade, error.drift))
    if not found:
        lists.failed("Nothing was ticked, so nothing was done.")
    done = len(found) - len(failures) - len(drifted)
    if done:
        lists.done(f"{_VERBS[verb][1]}: {done} of {len(found)}.")
    for failure in failures[:FAILURES_SHOWN]:
        lists.failed(failure)
    return _ask_again(drifted) if drifted else redirect(url_for("trades.approvals"))


@blueprint.post(f"/trades/<shown(trade):trade_id>/<any({', '.join(_VERBS)}):verb>")
@needs(Permission.APPROVE, Field("verb", Permission.TRADE, when=_is_no_approval))
def decide(trade_id: UUID, verb: str) -> ResponseReturnValue:
    """Approve, reject or cancel one waiting trade, or say what became of a doubtful one."""
    trade = get_for_tenant(Trade, trade_id)
    try:
        failure = _decide(trade, verb)
    except Drifted as error:
        return _ask_again([(trade, error.drift)])
    if failure:
        lists.failed(failure)
    else:
        lists.done(f"{_VERBS[verb][1]}: {_name(trade)} on {trade.mode.upper()}.")
    if request.form.get("back") == "trade":
        return redirect(url_for("trades.page", trade_id=trade_id))
    return redirect(url_for("trades.approvals"))


def _ask_again(drifted: Sequence[tuple[Trade, Drift]]) -> ResponseReturnValue:
    """Nothing was done for these: first somebody looks at what the price is now."""
    return render_template("trades/drifted.html", drifted=drifted), 409


def _decide(trade: Trade, verb: str, *, accepts: bool = False) -> str | None:
    """Do it; why it could not be done, if it could not. Raises Drifted."""
    more: dict[str, Any] = {"accept_drift": True} if accepts else {}
    if verb.startswith("declare") and (seen := request.form.get("doubts", "").split()):
        more["seen"] = seen
    try:
        _VERBS[verb][0](trade, actor=visitor().actor, **more)
    except NotWaiting as error:
        if verb.startswith("declare") and error.trade.is_doubtful:
            return f"{_name(trade)} is in doubt about another order by now. Look at it once more."
        now = error.trade.state.replace("_", " ").lower()
        reason = f" ({error.trade.reason})" if error.trade.reason else ""
        return f"{_name(trade)} was not waiting any more: it is {now}{reason}."
    except Paused:
        return f"{_name(trade)} still waits: its subscription is paused. Enable it first."
    except ExecutionDown:
        return f"{_name(trade)} still waits: execution does not answer. Try again in a moment."
    return None


def _name(trade: Trade) -> str:
    return f"{trade.signal['action']} {trade.instrument}"
