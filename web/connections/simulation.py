"""What an owner does with a paper account: game days, and how it trades. The venue keeps it;
here it is asked for, and written down who asked."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import current_app

from protos import ids
from protos.execution.v1 import simulation_pb2 as pb
from web import flags
from web.audit import service as audit
from web.connections import gameday
from web.connections.models import Connection
from web.db import db
from web.simulation_client import SimulationClient

FEEDS = {
    pb.FEED_KIND_UNSPECIFIED: "seeded",
    pb.FEED_KIND_SIGNAL: "signal",
    pb.FEED_KIND_RECORDED: "recorded",
    pb.FEED_KIND_ACCOUNT: "account",
}
# Rows of the report.
MOST_MISDEEDS = 200


def look(connection: Connection) -> pb.GetPaperAccountResponse:
    """The account as the venue has it. Raises ExecutionDown."""
    return _client().account(connection.broker_account.account)


def misdeeds(connection: Connection) -> Sequence[pb.Misdeed]:
    """What the venue did wrong on purpose, newest first. Raises ExecutionDown."""
    return _client().misdeeds(connection.broker_account.account, MOST_MISDEEDS)


def begin_game_day(
    connection: Connection, *, actor: str, length: str, seed: str, percents: dict[str, str]
) -> pb.GameDay:
    """Let the venue misbehave for a while. Raises BadDay, Refused, ExecutionDown."""
    flags.require("game_days")
    drawn = str(secrets.randbelow(gameday.SEEDS))
    day = gameday.read(length, percents, datetime.now(UTC), seed.strip() or drawn)
    _client().set_game_day(connection.broker_account.account, day)
    faults = {gameday.BY_NUMBER[fault.kind].name: fault.percent for fault in day.faults}
    _record(
        connection, actor, "game_day_begin", {"length": length, "seed": day.seed, "percent": faults}
    )
    return day


def end_game_day(connection: Connection, *, actor: str) -> None:
    """Let the venue behave again. Raises ExecutionDown."""
    _client().set_game_day(connection.broker_account.account, pb.GameDay())
    _record(connection, actor, "game_day_end", {})


def set_model(connection: Connection, *, actor: str, model: pb.TradingModel) -> None:
    """How the account trades from the next order on. Raises Refused, ExecutionDown."""
    _client().set_model(connection.broker_account.account, model)
    after = {field.name: value for field, value in model.ListFields()}
    _record(connection, actor, "trading_model", after)


def set_feed(
    connection: Connection,
    *,
    actor: str,
    feed: pb.FeedKind,
    recording: bytes,
    followed: Connection | None,
) -> None:
    """Where its quotes come from. Raises Refused, ExecutionDown."""
    theirs = followed.broker_account.account if followed is not None else ""
    _client().set_feed(
        connection.broker_account.account, feed, recording=recording, followed=theirs
    )
    after: dict[str, object] = {"feed": FEEDS[feed], "recording_bytes": len(recording)}
    if followed is not None:
        after["followed"] = ids.show("connection", followed.id)
    _record(connection, actor, "feed", after)


def reset(connection: Connection, *, actor: str) -> None:
    """Begin the account anew. Written down before it is asked for: an answer that is lost
    does not undo it. Raises ExecutionDown."""
    _record(connection, actor, "reset", {})
    _client().reset(connection.broker_account.account)


def _record(connection: Connection, actor: str, what: str, after: dict[str, object]) -> None:
    subject = ids.show("connection", connection.id)
    audit.record(actor, f"connection:{what}", subject, after=after)
    db.session.commit()


def _client() -> SimulationClient:
    found: SimulationClient = current_app.extensions["fillwire.simulation"]
    return found
