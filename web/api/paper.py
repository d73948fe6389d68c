"""Whether live money is touched by what a call asks for: what test keys are kept from.

What is not there touches nothing: the route says that it is not found.
"""

from collections.abc import Iterable
from json import JSONDecodeError, loads
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import text

from protos import ids
from web.alarms.models import Alarm
from web.connections import service as connections
from web.connections.models import Connection
from web.db import db, get_for_tenant
from web.subscriptions import service as subscriptions
from web.trades.models import Trade


def nothing(**_values: Any) -> bool:
    """It makes something new, or changes nothing."""
    return False


def trade(trade_id: UUID) -> bool:
    """A trade is live or paper for good."""
    return get_for_tenant(Trade, trade_id).mode == "live"


def alarm(alarm_id: UUID) -> bool:
    """It is as live as its connection."""
    found = get_for_tenant(Alarm, alarm_id)
    return found.connection_id is not None and _is_live(found.connection_id)


def subscription(subscription_id: UUID) -> bool:
    """It is as live as its connection."""
    return _is_live(subscriptions.get(subscription_id).connection_id)


def strategy(strategy_id: UUID) -> bool:
    """Whoever trades it with live money, here or as a follower, would feel it."""
    return bool(live_strategies([strategy_id]))


def named_connection() -> bool:
    """The connection that a call names."""
    found = ids.read("connection", str(_sent().get("connection_id", "")))
    return found is not None and _is_live(found)


def switch() -> bool:
    """What a switch binds: a connection, a strategy's, or every one."""
    sent = _sent()
    scope, named = sent.get("scope"), str(sent.get("id", ""))
    if scope == "connection":
        found = ids.read("connection", named)
        return found is not None and _is_live(found)
    if scope == "strategy":
        found = ids.read("strategy", named)
        return found is not None and strategy(found)
    return connections.has_live()


def live_strategies(wanted: Iterable[UUID]) -> set[UUID]:
    """Those of them that somebody trades with live money."""
    rows = db.session.scalars(text("SELECT web.live_strategies(:wanted)"), {"wanted": list(wanted)})
    return set(rows)


def _is_live(connection_id: UUID) -> bool:
    return get_for_tenant(Connection, connection_id).mode == "live"


def _sent() -> dict[str, Any]:
    """The JSON object, read as the route reads it; the route says what is wrong with another."""
    try:
        body = loads(request.get_data() or b"{}")
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
