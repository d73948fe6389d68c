"""What would become of a message, and what became of a trade, decided again."""

from typing import Any
from uuid import UUID

import msgspec
from flask import Response, request
from sqlalchemy import select
from werkzeug.exceptions import NotFound

from protos import ids
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.api import paper, shapes
from web.api.auth import blueprint, touches
from web.api.bodies import invalid, read
from web.audit.declared import not_audited
from web.db import db, get_for_tenant
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.signals import models
from web.signals import rules as language
from web.signals.rules import Signal
from web.strategies import service as strategies
from web.subscriptions import service as subscriptions
from web.subscriptions.models import Subscription
from web.trades import explain, replay
from web.trades.models import Trade
from web.trades.replay import NotRecorded

_encoder = msgspec.json.Encoder(decimal_format="number")


@blueprint.post("/strategies/<shown(strategy):strategy_id>/explain")
@needs(Permission.LOOK)
@not_audited("Explains and stores nothing.")
@touches(paper.nothing)
def explain_message(strategy_id: UUID) -> Response:
    """`{"message", "subscription_ids"}`: what each subscription would do, the first of
    many; nothing is sent."""
    strategy = strategies.get(strategy_id)
    body = read("message", "subscription_ids")
    return shapes.to_response(
        explain.message(
            strategy, _message(body), _wanted(strategy_id, body.get("subscription_ids"))
        )
    )


@blueprint.get("/subscriptions/<shown(subscription):subscription_id>/explain")
@needs(Permission.LOOK)
def explain_signal(subscription_id: UUID) -> Response:
    """`?signal=sig_…`: what the subscription would do with it, if it came now."""
    row = subscriptions.get(subscription_id)
    signal = _stored(row, ids.read("signal", request.args.get("signal", "")))
    return shapes.to_response(explain.again(row.strategy, signal, row))


@blueprint.get("/trades/<shown(trade):trade_id>/replay")
@needs(Permission.LOOK)
def replay_trade(trade_id: UUID) -> Response:
    """The decision made again from its record; `?set=size=8` asks what else would have been."""
    trade = get_for_tenant(Trade, trade_id)
    changes = dict(_change(text) for text in request.args.getlist("set"))
    return shapes.to_response(replay.of_trade(trade, changes))


@blueprint.errorhandler(NotRecorded)
def not_recorded(_error: NotRecorded) -> Response:
    """There is nothing to go by."""
    return _problem(
        Problem(
            409,
            "not_recorded",
            "This decision was not recorded",
            "The trade is older than the record, or could not be decided.",
            "Replay a newer trade.",
        )
    )


@blueprint.errorhandler(ExecutionDown)
def execution_down(_error: ExecutionDown) -> Response:
    """Only execution can plan."""
    return _problem(
        Problem(
            503,
            "execution_down",
            "Execution does not answer",
            "Without it nobody can say what would be sent.",
            "Try again in a moment; look at `fillwire doctor` if it stays so.",
            retryable=True,
        )
    )


def _problem(problem: Problem) -> Response:
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )


def _message(body: dict[str, Any]) -> bytes:
    """An object as it is, or the bytes that a sender would post."""
    match body.get("message"):
        case str() as text:
            return text.encode()
        case dict() as fields:
            return _encoder.encode(fields)
        case None:
            raise invalid("message", "`message` is missing.", "Send the message to explain.")
        case _:
            raise invalid("message", "`message` is no message.", "Send an object or its text.")


def _wanted(strategy_id: UUID, given: object) -> list[UUID] | None:
    """Subscriptions of this tenant to the strategy; none named is all that are enabled."""
    if given is None:
        return None
    name, fix = "subscription_ids", "Send a list of ids of its subscriptions, `sub_…`."
    if not isinstance(given, list):
        raise invalid(name, f"`{name}` is not a list.", fix)
    if len(given) > explain.MOST_EXPLAINED:
        raise invalid(name, f"`{name}` names more than {explain.MOST_EXPLAINED}.", fix)
    found = [ids.read("subscription", text) if isinstance(text, str) else None for text in given]
    if None in found:
        raise invalid(name, f"`{name}` holds what is not an id.", fix)
    rows = [subscriptions.get(each) for each in found]
    if any(row.strategy_id != strategy_id for row in rows):
        raise invalid(name, "One of them subscribes to another strategy.", fix)
    return [row.id for row in rows]


def _stored(row: Subscription, signal_id: UUID | None) -> Signal:
    """The signal as its strategy's owner has it, or as this tenant's own trade copied it."""
    parsed = db.session.scalar(
        select(models.Signal.parsed).where(
            models.Signal.id == signal_id, models.Signal.strategy_id == row.strategy_id
        )
    ) or db.session.scalar(
        select(Trade.signal).where(Trade.signal_id == signal_id, Trade.subscription_id == row.id)
    )
    if parsed is None:
        raise NotFound()
    return language.from_json(parsed)


def _change(text: str) -> tuple[str, Any]:
    """`size=8` as a setting and its value."""
    name, _, value = text.partition("=")
    return name.strip(), {"true": True, "false": False}.get(value.strip(), value.strip())
