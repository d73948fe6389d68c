"""Kill switches and limits through the API: the same services as the pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response

from protos import ids, wire
from web import lists
from web.accounts.access import needs
from web.accounts.rules import Permission
from web.api import paper, shapes
from web.api.auth import blueprint, key, touches
from web.api.bodies import invalid, read, take
from web.connections import service as connections
from web.errors import Problem
from web.execution_client import ExecutionDown
from web.formats import iso
from web.switches import reads, service
from web.switches.models import Switch
from web.switches.rules import STOP_ALL
from web.switches.service import BadSwitch

# Of what a switch leaves unprotected; positions are listed by themselves.
MOST_TOLD = 100


@blueprint.get("/switches")
@needs(Permission.LOOK)
def list_switches() -> Response:
    """What is halted, by this workspace or by the platform, and what it leaves unprotected."""
    page = lists.paged(lambda: service.in_force(limit=lists.limit(), cursor=lists.cursor()))
    return shapes.to_response(shapes.paged(page, lambda row: _shaped(row) | _unprotected(row)))


@blueprint.post("/switches")
@needs(Permission.TRADE)
@touches(paper.switch)
def set_switch() -> Response:
    """`{"scope", "id", "mode", "why"}`: halt, or let go on with mode `off`. Repeating changes
    nothing."""
    body = read("scope", "id", "mode", "why")
    scope = take(body, "scope", str)
    scope_id = key().tenant_id if scope == "tenant" else _id(scope, take(body, "id", str))
    mode, why = take(body, "mode", str), take(body, "why", str, "")
    with _answered():
        done = service.halt(scope, scope_id, mode, why=why, actor=key().actor)
    left = [
        {
            "connection_id": ids.show("connection", UUID(each.connection_id)),
            "subscription_id": ids.show("subscription", UUID(each.subscription_id)),
            "instrument": each.instrument,
            "quantity": each.quantity,
            "protected_quantity": each.protected_quantity,
        }
        for each in done.unprotected
    ]
    closing = [ids.show("trade", trade_id) for trade_id in done.closing]
    return shapes.to_response(
        _shaped(done.switch) | {"unprotected": left, "closing_trade_ids": closing}
    )


@blueprint.get("/limits")
@needs(Permission.LOOK)
def list_limits() -> Response:
    """The limits of connections, the oldest first, and looser ones that wait for their day."""
    page = lists.paged(
        lambda: connections.page(sought=lists.sought(), limit=lists.limit(), cursor=lists.cursor())
    )
    with _answered():
        limits = service.limits([row.id for row in page.rows])
    rows = [
        {"object": "limits", "connection_id": ids.show("connection", each), **service.told(state)}
        for each, state in limits.items()
    ]
    return shapes.to_response(shapes.listed(rows, page.next_cursor))


@blueprint.post("/limits")
@needs(Permission.CONNECT)
@touches(paper.named_connection)
def set_limits() -> Response:
    """`{"connection_id", "max_daily_loss", "max_position", "max_orders_per_minute"}`; what is
    left out is no limit."""
    body = read("connection_id", *service.LIMITS)
    connection_id = _id("connection", take(body, "connection_id", str), "connection_id")
    given = {name: take(body, name, str, "") for name in service.LIMITS}
    with _answered():
        state = service.set_limits(connections.get(connection_id), given, actor=key().actor)
    shown = ids.show("connection", connection_id)
    return shapes.to_response({"object": "limits", "connection_id": shown, **service.told(state)})


@blueprint.errorhandler(BadSwitch)
def bad_switch(error: BadSwitch) -> Response:
    """A field that cannot be so."""
    problem = invalid(error.field, error.message, error.fix)
    return shapes.to_response(
        problem.to_json(), problem.status, content_type="application/problem+json"
    )


@contextmanager
def _answered() -> Iterator[None]:
    """Say so when it is not known whether it was done."""
    try:
        yield
    except ExecutionDown as error:
        raise Problem(
            503,
            "execution_away",
            "It is not known whether it was done",
            f"Execution did not answer in time: {error}",
            "Send it again: doing it twice changes nothing.",
            retryable=True,
        ) from error


def _unprotected(row: Switch) -> dict[str, Any]:
    """As pages list it: where everything is stopped, what no stop guards; some of much."""
    if row.mode != STOP_ALL:
        return {"unprotected": [], "unprotected_has_more": False}
    meets = reads.meets(row.scope, row.scope_id, bare=True, most=MOST_TOLD)
    told = [
        {
            "connection_id": ids.show("connection", each.connection.id),
            "instrument": each.instrument,
            "quantity": wire.to_text(each.quantity),
            "protected_quantity": wire.to_text(each.guarded),
        }
        for each in meets.positions
    ]
    return {"unprotected": told, "unprotected_has_more": meets.has_more}


def _shaped(row: Switch) -> dict[str, Any]:
    return {
        "object": "switch",
        "scope": row.scope,
        "id": _shown(row),
        "mode": row.mode,
        "why": row.why,
        "set_by": row.set_by,
        "set_at": iso(row.set_at),
    }


def _shown(row: Switch) -> str | None:
    """What it halts: nothing for the platform, a broker by its name and environment."""
    if row.scope == "broker":
        return reads.names([row]).get(row.scope_id)
    return None if row.scope == "platform" else ids.show(row.scope, row.scope_id)


def _id(kind: str, text: str, name: str = "id") -> UUID:
    found = ids.read(kind, text) if kind in ("strategy", "connection") else None
    if found is None:
        raise invalid(name, f"`{name}` is not the id of a {kind}.", "It begins with its kind.")
    return found
