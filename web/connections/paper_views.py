"""A paper account's page: its money, how it trades, and its game days."""

from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select

from protos import ids, wire
from protos.execution.v1 import simulation_pb2 as pb
from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.connections import gameday, reads, service, simulation
from web.connections.gameday import BadDay
from web.connections.models import BrokerAccount, Connection
from web.db import db, mine
from web.execution_client import ExecutionDown
from web.simulation_client import Refused

blueprint = Blueprint(
    "paper", __name__, url_prefix="/connections/<shown(connection):connection_id>"
)

_AWAY = "Execution does not answer. Nothing was changed; try again in a moment."
_RESET_AWAY = (
    "Execution does not answer, so it is not known whether the account was reset. "
    "Resetting again does no harm."
)
_CIRCLE = "That connection follows another one itself. Choose one that does not."
_FEEDS = {word: number for number, word in simulation.FEEDS.items()}
_WHOLE = ("fill_parts", "slippage_ticks", "requests_per_minute")
_DECIMAL = ("slippage_bps", "fee_per_order", "fee_per_unit", "fee_bps", "leverage")


@blueprint.get("")
@needs(Permission.LOOK)
def page(connection_id: UUID) -> str:
    """The account, with everything that may be done to it."""
    return _page(_paper(connection_id))


@blueprint.post("/game-day")
@needs(Permission.CONNECT)
def begin_game_day(connection_id: UUID) -> ResponseReturnValue:
    """Begin a game day."""
    connection = _paper(connection_id)
    percents = {kind.name: request.form.get(kind.name, "") for kind in gameday.KINDS}
    length = request.form.get("length", "")
    try:
        simulation.begin_game_day(
            connection,
            actor=visitor().actor,
            length=length,
            seed=request.form.get("seed", ""),
            percents=percents,
        )
    except (BadDay, Refused) as bad:
        return _page(connection, bad_day=str(bad)), 400
    except ExecutionDown:
        return _page(connection, bad_day=_AWAY), 503
    lists.done(f"The game day has begun: {connection.name} misbehaves from now on.")
    return _back(connection)


@blueprint.post("/game-day/end")
@needs(Permission.CONNECT)
def end_game_day(connection_id: UUID) -> ResponseReturnValue:
    """End it."""
    connection = _paper(connection_id)
    try:
        simulation.end_game_day(connection, actor=visitor().actor)
    except ExecutionDown:
        return _page(connection, bad_day=_AWAY), 503
    lists.done("The game day is over. What was in doubt is still being asked about.")
    return _back(connection)


@blueprint.post("/model")
@needs(Permission.CONNECT)
def set_model(connection_id: UUID) -> ResponseReturnValue:
    """How the account trades from the next order on."""
    connection = _paper(connection_id)
    try:
        model = _read_model()
        simulation.set_model(connection, actor=visitor().actor, model=model)
    except (ValueError, Refused) as bad:
        return _page(connection, bad_model=str(bad).replace("_", " ")), 400
    except ExecutionDown:
        return _page(connection, bad_model=_AWAY), 503
    lists.done("Saved. Orders from now on trade so.")
    return _back(connection)


@blueprint.post("/feed")
@needs(Permission.CONNECT)
def set_feed(connection_id: UUID) -> ResponseReturnValue:
    """Where its quotes come from."""
    connection = _paper(connection_id)
    feed = _FEEDS.get(request.form.get("feed", ""))
    given = request.files.get("recording")
    content = given.read() if given else b""
    if feed is None:
        return _page(connection, bad_feed="Choose where quotes come from."), 400
    followed: Connection | None = None
    if feed == pb.FEED_KIND_ACCOUNT:
        followed = _paper(ids.read("connection", request.form.get("followed", "")))
    try:
        simulation.set_feed(
            connection,
            actor=visitor().actor,
            feed=feed,
            recording=content,
            followed=followed,
        )
    except Refused as bad:
        return _page(connection, bad_feed=_CIRCLE if followed else bad.text), 400
    except ExecutionDown:
        return _page(connection, bad_feed=_AWAY), 503
    lists.done("Saved. A recording is replayed from now on." if content else "Saved.")
    return _back(connection)


@blueprint.post("/reset")
@needs(Permission.CONNECT)
def reset(connection_id: UUID) -> ResponseReturnValue:
    """Begin the account anew; asks once."""
    connection = _paper(connection_id)
    if request.form.get("do") != "confirmed":
        return _page(connection, asks_reset=True), 409
    try:
        simulation.reset(connection, actor=visitor().actor)
    except ExecutionDown:
        return _page(connection, bad_reset=_RESET_AWAY), 503
    lists.done(f"{connection.name} was reset: no orders, no positions, and its first cash.")
    return _back(connection)


def _read_model() -> pb.TradingModel:
    """The form's fields, empty ones left out. Raises ValueError."""
    model = pb.TradingModel()
    for name in _WHOLE:
        if typed := request.form.get(name, "").strip():
            if not typed.isdecimal() or len(typed) > 6:
                raise ValueError(f"{name.replace('_', ' ')} is a whole number")
            setattr(model, name, int(typed))
    for name in _DECIMAL:
        if typed := request.form.get(name, "").strip():
            setattr(model, name, typed[:40])
    model.keeps_hours = request.form.get("keeps_hours") == "exchange"
    model.no_stops = request.form.get("stops") == "watched"
    return model


def _paper(connection_id: UUID | None) -> Connection:
    connection = service.get(connection_id)
    if connection.broker_account.broker != "paper":
        abort(404)
    return connection


def _could_follow(connection: Connection) -> Select[Connection]:
    """This tenant's paper connections to other accounts."""
    paper = select(Connection).join(BrokerAccount).where(mine(Connection))
    return paper.where(
        BrokerAccount.broker == "paper",
        Connection.broker_account_id != connection.broker_account_id,
    )


def _followed(
    connection: Connection, account: pb.GetPaperAccountResponse | None
) -> Connection | None:
    """The one whose quotes it has now."""
    if account is None or not account.feed_account:
        return None
    known = _could_follow(connection).where(BrokerAccount.account == account.feed_account)
    return db.session.scalars(known.limit(1)).first()


def _back(connection: Connection) -> ResponseReturnValue:
    return redirect(url_for("paper.page", connection_id=connection.id))


def _page(
    connection: Connection,
    *,
    bad_day: str = "",
    bad_model: str = "",
    bad_feed: str = "",
    bad_reset: str = "",
    asks_reset: bool = False,
) -> str:
    account: pb.GetPaperAccountResponse | None = None
    happened: list[reads.Happened] = []
    try:
        account = simulation.look(connection)
        happened = reads.report(connection.id, simulation.misdeeds(connection))
    except ExecutionDown:
        pass
    day = account.game_day if account is not None and account.HasField("game_day") else None
    return render_template(
        "connections/paper.html",
        connection=connection,
        account=account,
        ends_at=wire.to_datetime(day.until_time) if day else None,
        day_faults=[(gameday.BY_NUMBER[f.kind], f.percent) for f in day.faults] if day else [],
        kinds=gameday.KINDS,
        lengths=gameday.LENGTHS,
        happened=happened,
        summary=reads.summary(happened),
        bad_day=bad_day,
        bad_model=bad_model,
        bad_feed=bad_feed,
        bad_reset=bad_reset,
        feed=simulation.FEEDS[account.feed] if account is not None else "",
        others=service.offered(_could_follow(connection), lists.sought()),
        followed=_followed(connection, account),
        sought=lists.sought(),
        seed=day.seed if day else None,
        asks_reset=asks_reset,
        changes=reads.changes(connection.id),
        form=request.form,
    )
