"""Settings by themselves: what is set, what results, and changing it without overwriting."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from flask import Response, request

from protos import ids
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.api import paper, shapes
from web.api.auth import blueprint, key, touches
from web.api.bodies import read, take
from web.errors import Problem
from web.strategies import service as strategies
from web.strategies.models import Strategy
from web.subscriptions import service as subscriptions
from web.subscriptions import settings
from web.subscriptions.models import Subscription


@blueprint.get("/settings/schema")
@needs(Permission.LOOK)
def settings_schema() -> Response:
    """JSON Schema of the settings; `?of=strategy` for a strategy's defaults."""
    of = request.args.get("of", "subscription")
    if of == "strategy":
        return shapes.to_response(settings.strategy_schema())
    return shapes.to_response(settings.subscription_schema())


@blueprint.get("/subscriptions/<shown(subscription):subscription_id>/settings")
@needs(Permission.LOOK)
def get_subscription_settings(subscription_id: UUID) -> Response:
    """What is set, and what results without a signal; the `ETag` is for `If-Match`."""
    return _tagged(subscription_settings(subscriptions.get(subscription_id)))


@blueprint.patch("/subscriptions/<shown(subscription):subscription_id>/settings")
@needs(Permission.TRADE)
@touches(paper.subscription)
def change_subscription_settings(subscription_id: UUID) -> Response:
    """`{"settings": {…}}`: only those named are touched, null resets one."""
    row = subscriptions.get(subscription_id)
    given = take(read("settings"), "settings", dict)
    base = dict(row.settings) if _must_match(subscription_settings(row)) else None
    subscriptions.change(row, actor=key().actor, new_settings=given, base=base)
    return _tagged(subscription_settings(row))


@blueprint.get("/strategies/<shown(strategy):strategy_id>/settings")
@needs(Permission.LOOK)
def get_strategy_settings(strategy_id: UUID) -> Response:
    """A strategy's defaults for its subscriptions, with an `ETag`."""
    return _tagged(strategy_settings(strategies.get(strategy_id)))


@blueprint.patch("/strategies/<shown(strategy):strategy_id>/settings")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def change_strategy_settings(strategy_id: UUID) -> Response:
    """`{"settings": {…}}`: only those named are touched, null takes one away."""
    row = strategies.get(strategy_id)
    given = take(read("settings"), "settings", dict)
    base = dict(row.settings) if _must_match(strategy_settings(row)) else None
    strategies.change(row, actor=key().actor, new_settings=given, base=base)
    return _tagged(strategy_settings(row))


@blueprint.errorhandler(settings.Changed)
def changed_meanwhile(_error: settings.Changed) -> Response:
    """What the request was made from is not so any more."""
    problem = _stale()
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )


def subscription_settings(row: Subscription) -> dict[str, Any]:
    """A subscription's settings, and what results from them without a signal."""
    inherited = row.strategy.settings
    resolved = settings.resolve(None, inherited, row.settings, settings.caps_of(inherited))
    return {
        "object": "settings",
        "subscription_id": ids.show("subscription", row.id),
        "strategy_id": ids.show("strategy", row.strategy_id),
        "version": row.version,
        "settings": row.settings,
        "effective": resolved.to_json(),
    }


def strategy_settings(row: Strategy) -> dict[str, Any]:
    """A strategy's settings, and what a subscription without any of its own makes of them."""
    return {
        "object": "settings",
        "strategy_id": ids.show("strategy", row.id),
        "settings": row.settings,
        "effective": settings.resolve(None, row.settings, {}).to_json(),
    }


def _tagged(content: dict[str, Any]) -> Response:
    response = shapes.to_response(content)
    response.set_etag(_tag(content))
    return response


def _tag(content: dict[str, Any]) -> str:
    """The same for the same content, whatever order the database gives it in."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:20]


def _must_match(now: dict[str, Any]) -> bool:
    """Did the request name what it was made from? Then it must still be so.

    Raises Problem.
    """
    if not request.if_match:
        return False
    if not request.if_match.contains(_tag(now)):
        raise _stale()
    return not request.if_match.star_tag


def _stale() -> Problem:
    return Problem(
        412,
        "settings_changed",
        "These settings have changed",
        "Somebody changed them after you read them; nothing was done.",
        "Read them again, and send your change with the new `ETag`.",
        retryable=True,
    )
