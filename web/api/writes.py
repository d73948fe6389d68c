"""What the API changes: the same services as the pages, and the same checks."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from flask import Response

from protos import ids
from web.accounts import factors
from web.accounts.access import Field, needs
from web.accounts.rules import Permission
from web.alarms import service as alarms
from web.alarms.models import Alarm
from web.api import paper, shapes
from web.api.auth import blueprint, key, touches
from web.api.bodies import invalid as _invalid
from web.api.bodies import read as _body
from web.api.bodies import take as _take
from web.api.reads import WEBHOOK_URL, shaped_strategy
from web.connections import service as connections
from web.connections.models import Connection
from web.db import get_for_tenant
from web.errors import Problem
from web.strategies import connectors
from web.strategies import service as strategies
from web.strategies.rules import TERMS
from web.subscriptions import service as subscriptions
from web.trades import approval, closing, doubt, holdings
from web.trades import reads as trades
from web.trades.models import Trade

T = TypeVar("T")


@blueprint.post("/strategies")
@needs(Permission.CONFIGURE, WEBHOOK_URL)
@touches(paper.nothing)
def create_strategy() -> Response:
    """`{"name", "asset_class"}`: a strategy with a webhook."""
    body = _body("name", "asset_class", "settings")
    row = strategies.create(
        name=_take(body, "name", str),
        asset_class=_take(body, "asset_class", str, "stocks"),
        actor=key().actor,
    )
    if body.get("settings"):
        row = strategies.change(row, actor=key().actor, new_settings=_take(body, "settings", dict))
    return shapes.to_response(shaped_strategy(row), 201)


@blueprint.patch("/strategies/<shown(strategy):strategy_id>")
@needs(
    Permission.LOOK,
    Field("name", Permission.PUBLISH),
    Field("enabled", Permission.TRADE),
    Field("settings", Permission.CONFIGURE),
    WEBHOOK_URL,
)
@touches(paper.strategy)
def change_strategy(strategy_id: UUID) -> Response:
    """`{"name", "enabled", "settings"}`, each where given."""
    row = strategies.get(strategy_id)
    body = _body("name", "enabled", "settings")
    strategies.change(
        row,
        actor=key().actor,
        name=_take(body, "name", str, None),
        enabled=_take(body, "enabled", bool, None),
        new_settings=_take(body, "settings", dict, None),
    )
    return shapes.to_response(shaped_strategy(row))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/connector")
@needs(Permission.CONFIGURE)
@touches(paper.strategy)
def save_connector(strategy_id: UUID) -> Response:
    """Make or change what Crypto-Arsenal messages name; `token` brings one along."""
    strategy = strategies.get(strategy_id)
    body = _body("name", "token", *TERMS)
    given = {name: _take(body, name, str, "") for name in body}
    status = 200 if connectors.of(strategy) else 201
    connectors.save(strategy, given, actor=key().actor)
    found = connectors.shown(strategy)
    assert found is not None
    return shapes.to_response(shapes.connector(strategy, found), status)


@blueprint.post("/connections")
@needs(Permission.CONNECT)
@touches(paper.nothing)
def create_connection() -> Response:
    """`{"name", "broker": "paper"}`: a connection to a paper account of its own."""
    body = _body("name", "broker", "mode")
    for name in ("broker", "mode"):
        if body.get(name, "paper") != "paper":
            raise _invalid(name, f"`{name}` is {body[name]!r}.", "So far only paper is there.")
    row = connections.create_paper(name=_take(body, "name", str), actor=key().actor)
    return shapes.to_response(shapes.connection(row), 201)


@blueprint.post("/subscriptions")
@needs(Permission.TRADE)
@touches(paper.named_connection)
def create_subscription() -> Response:
    """`{"strategy_id", "connection_id", "enabled", "settings", "accept_foreign"}`."""
    body = _body("strategy_id", "connection_id", "enabled", "settings", "accept_foreign")
    strategy = strategies.get(_id(body, "strategy_id", "strategy"))
    connection = connections.get(_id(body, "connection_id", "connection"))
    enabled = _take(body, "enabled", bool, False)
    if enabled:
        _may_enable(connection)
        accepted = _take(body, "accept_foreign", bool, False)
        holdings.acknowledge(connection.id, actor=key().actor, accepted=accepted)
    row = subscriptions.create(
        strategy,
        connection,
        actor=key().actor,
        enabled=enabled,
        new_settings=_take(body, "settings", dict, {}),
    )
    return shapes.to_response(shapes.subscription(row), 201)


@blueprint.patch("/subscriptions/<shown(subscription):subscription_id>")
@needs(Permission.TRADE)
@touches(paper.subscription)
def change_subscription(subscription_id: UUID) -> Response:
    """`{"enabled", "settings"}`; only the settings named are touched, null resets one.

    `{"accept_foreign": true}`: also where the account holds what is not from here.
    """
    row = subscriptions.get(subscription_id)
    body = _body("enabled", "settings", "accept_foreign")
    enabled = _take(body, "enabled", bool, None)
    if enabled and not row.enabled:
        _may_enable(row.connection)
        accepted = _take(body, "accept_foreign", bool, False)
        holdings.acknowledge(row.connection_id, actor=key().actor, accepted=accepted)
    subscriptions.change(
        row,
        actor=key().actor,
        enabled=enabled,
        new_settings=_take(body, "settings", dict, None),
    )
    return shapes.to_response(shapes.subscription(row))


@blueprint.post("/trades/<shown(trade):trade_id>/approve")
@needs(Permission.APPROVE)
@touches(paper.trade)
def approve_trade(trade_id: UUID) -> Response:
    """Let a trade that waits for approval go. Repeating answers the same.

    `{"accept_drift": true}`: also where the price got worse meanwhile.
    """
    accepts = _take(_body("accept_drift"), "accept_drift", bool, False)
    return _decided(trade_id, partial(approval.approve, accept_drift=accepts))


@blueprint.post("/trades/<shown(trade):trade_id>/reject")
@needs(Permission.APPROVE)
@touches(paper.trade)
def reject_trade(trade_id: UUID) -> Response:
    """End a trade that waits for approval. Repeating answers the same."""
    return _decided(trade_id, approval.reject)


@blueprint.post("/trades/<shown(trade):trade_id>/cancel")
@needs(Permission.TRADE)
@touches(paper.trade)
def cancel_trade(trade_id: UUID) -> Response:
    """End a trade that waits, for a person or for its time. Repeating answers the same."""
    return _decided(trade_id, approval.cancel)


@blueprint.post("/positions/close")
@needs(Permission.TRADE)
@touches(paper.named_connection)
def close_position() -> Response:
    """`{"connection_id", "instrument", "subscription_id", "quantity", "key"}`: close what is held,
    or a quantity of one subscription's. Repeating with the same key answers the same."""
    body = _body("connection_id", "instrument", "subscription_id", "quantity", "key")
    connection = connections.get(_id(body, "connection_id", "connection"))
    found = closing.close(
        connection,
        _take(body, "instrument", str),
        subscription_id=subscriptions.get(_id(body, "subscription_id", "subscription")).id
        if "subscription_id" in body
        else None,
        quantity=_take(body, "quantity", str, ""),
        key=_take(body, "key", str),
        actor=key().actor,
    )
    return shapes.to_response({"object": "closing", "trade_ids": [_trade(each) for each in found]})


@blueprint.post("/trades/<shown(trade):trade_id>/check")
@needs(Permission.TRADE)
@touches(paper.trade)
def check_trade(trade_id: UUID) -> Response:
    """Ask the broker again about an order that nobody can prove anything of."""
    return _decided(trade_id, doubt.check)


@blueprint.post("/trades/<shown(trade):trade_id>/declare")
@needs(Permission.TRADE)
@touches(paper.trade)
def declare_trade(trade_id: UUID) -> Response:
    """`{"order": "absent"}`, or `"present"`: what a person saw at the broker. Repeating answers
    the same."""
    said = _take(_body("order"), "order", str)
    if said not in ("absent", "present"):
        raise _invalid("order", f"`order` is {said[:30]!r}.", "Use `absent` or `present`.")
    says = doubt.declare_absent if said == "absent" else doubt.declare_present
    return _decided(trade_id, says)


@blueprint.post("/alarms/<shown(alarm):alarm_id>/acknowledge")
@needs(Permission.APPROVE)
@touches(paper.alarm)
def acknowledge_alarm(alarm_id: UUID) -> Response:
    """Say that somebody has looked. Repeating answers the same."""
    alarm = alarms.acknowledge(get_for_tenant(Alarm, alarm_id), actor=key().actor)
    return shapes.to_response(shapes.alarm(alarm))


def _may_enable(connection: Connection) -> None:
    """Live money asks more of whoever made the key. Raises Problem."""
    if connection.mode != "live":
        return
    try:
        factors.require_for_live(key())
    except factors.NotForLive as no:
        raise Problem(403, no.code, no.title, no.detail, no.fix) from no


def _decided(trade_id: UUID, decide: Callable[..., Trade]) -> Response:
    trade = get_for_tenant(Trade, trade_id)
    decided = decide(trade, actor=key().actor)
    return shapes.to_response(shapes.trade(trades.load_orders(decided)))


def _trade(trade_id: UUID) -> str:
    return ids.show("trade", trade_id)


def _id(body: dict[str, Any], name: str, kind: str) -> UUID:
    found = ids.read(kind, _take(body, name, str))
    if found is None:
        prefix = ids.PREFIXES[kind]
        raise _invalid(name, f"`{name}` is not an id.", f"It begins with `{prefix}_`.")
    return found
