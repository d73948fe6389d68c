"""Pages about brokers' keys: connect with them, replace them, remove them. Never show them."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protos import ids, wire
from protos.execution.v1 import credentials_pb2 as pb
from web import lists, typed
from web.accounts import factors, proof
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.proof import proof_required
from web.accounts.rules import Permission
from web.connections import keys, service
from web.connections.keys import NoKeysNow, Sealed
from web.connections.models import Connection
from web.connections.service import BadConnection
from web.errors import Problem
from web.execution_client import ExecutionDown

blueprint = Blueprint("keys", __name__, url_prefix="/connections")

_AWAY = "Execution does not answer. Nothing was stored; try again in a moment."
_NO_KEY = "Keys cannot be taken at the moment: this installation lacks the key to seal them with. "
_NO_KEY += "Whoever runs it finds the reason in execution's log."
_REMOVE_AWAY = (
    "Execution does not answer, so it is not known whether the keys are removed. "
    "Removing them again does no harm."
)


@blueprint.get("/new")
@needs(Permission.CONNECT)
def choose() -> ResponseReturnValue:
    """The brokers to connect."""
    try:
        found, is_away = keys.brokers(), False
    except ExecutionDown:
        found, is_away = [], True
    return render_template("connections/new.html", brokers=found, is_away=is_away)


@blueprint.get("/new/<broker>")
@needs(Permission.CONNECT)
def form(broker: str) -> ResponseReturnValue:
    """The form that a broker's schema draws."""
    return _form(_broker(broker))


@blueprint.post("/new/<broker>")
@needs(Permission.CONNECT)
def connect(broker: str) -> ResponseReturnValue:
    """Test keys, or connect with them. What was typed is sealed before anything else."""
    known = _broker(broker)
    environment = request.form.get("environment", known.environments[0])
    if environment not in known.environments:
        abort(404)
    sealed, trouble = _sealed(known, ids.new(), environment)
    if sealed is None:
        return _form(known, trouble=trouble), 503
    _may_connect(sealed.environment)
    if not proof.is_fresh(visitor()):
        return _prove("connect a broker", sealed)
    try:
        if request.form.get("do") != "save":
            found = keys.test(sealed, broker)
            return _form(known, sealed=sealed, found=found), 200 if not found.problem else 400
        name = request.form.get("name", "")
        made, found = keys.connect(sealed, known, name=name, actor=visitor().actor)
    except BadConnection as bad:
        return _form(known, sealed=sealed, trouble=f"{bad.message} {bad.fix}"), 400
    except ExecutionDown:
        return _form(known, sealed=sealed, trouble=_AWAY), 503
    if made is None:
        return _form(known, sealed=sealed, found=found), 400
    lists.done(f"{made.name} is connected to {found.account} at {known.label}.")
    return redirect(url_for("keys.page", connection_id=made.id))


@blueprint.get("/<shown(connection):connection_id>/keys")
@needs(Permission.LOOK)
def page(connection_id: UUID) -> ResponseReturnValue:
    """What may be shown of a connection's keys, and the form to replace them."""
    return _page(service.get(connection_id))


@blueprint.post("/<shown(connection):connection_id>/keys")
@needs(Permission.CONNECT)
def replace(connection_id: UUID) -> ResponseReturnValue:
    """Test other keys, or put them in place of those that are stored."""
    connection = service.get(connection_id)
    known = _broker(connection.broker_account.broker)
    sealed, trouble = _sealed(known, connection.id, connection.broker_account.environment)
    if sealed is None or sealed.connection_id != connection.id:
        return _page(connection, trouble=trouble), 503
    _may_connect(sealed.environment)
    if not proof.is_fresh(visitor()):
        return _prove("replace the keys of a broker", sealed)
    try:
        if request.form.get("do") != "save":
            found = keys.test(sealed, known.broker)
            return _page(connection, sealed, found), 200 if not found.problem else 400
        found = keys.replace(connection, sealed, known, actor=visitor().actor)
    except ExecutionDown:
        return _page(connection, sealed, trouble=_AWAY), 503
    if found.problem:
        return _page(connection, sealed, found), 400
    lists.done(f"{connection.name} has new keys, and logs in with them from now on.")
    return redirect(url_for("keys.page", connection_id=connection.id))


@blueprint.post("/<shown(connection):connection_id>/keys/remove")
@needs(Permission.CONNECT)
@proof_required("remove the keys of a broker")
def remove(connection_id: UUID) -> ResponseReturnValue:
    """Forget them."""
    connection = service.get(connection_id)
    _broker(connection.broker_account.broker)
    try:
        keys.remove(connection, actor=visitor().actor)
    except ExecutionDown:
        return _page(connection, trouble=_REMOVE_AWAY), 503
    lists.done(f"The keys of {connection.name} are removed. Revoke them at the broker as well.")
    return redirect(url_for("keys.page", connection_id=connection.id))


def _sealed(broker: pb.Broker, connection_id: UUID, environment: str) -> tuple[Sealed | None, str]:
    """What was typed, sealed; or what an earlier page had sealed. Else what is in the way."""
    given = request.environ.get(typed.KEY) or {}
    if "sealed" in request.form and not any(given.values()):
        before = keys.read(request.form["sealed"])
        return before or Sealed("", b"", connection_id, environment), ""
    try:
        return keys.seal(given, connection_id, broker.broker, environment), ""
    except ExecutionDown:
        return None, _AWAY
    except NoKeysNow:
        return None, _NO_KEY


def _prove(what: str, sealed: Sealed) -> ResponseReturnValue:
    """Ask who it is; the page keeps the seal, never what is under it."""
    names = ("name", "environment", "do")
    kept = [(name, request.form[name]) for name in names if name in request.form]
    return proof.ask(what, request.path, 403, kept=[*kept, ("sealed", sealed.shown)])


def _may_connect(environment: str) -> None:
    live = environment == "live"
    try:
        (factors.require_for_live if live else factors.require_for_broker)(visitor())
    except factors.NotForLive as no:
        raise Problem(403, no.code, no.title, no.detail, no.fix) from None


def _broker(name: str) -> pb.Broker:
    try:
        found = next((each for each in keys.brokers() if each.broker == name), None)
    except ExecutionDown:
        raise Problem(
            503, "execution_down", "Execution does not answer", "This page needs it.",
            "Wait a few seconds and load the page again.", retryable=True,
        ) from None  # fmt: skip
    if found is None:
        abort(404)
    return found


def _form(
    broker: pb.Broker,
    *,
    sealed: Sealed | None = None,
    found: pb.Found | None = None,
    trouble: str = "",
) -> str:
    return render_template(
        "connections/connect.html",
        broker=broker,
        offer=_offer(broker, ids.new(), broker.environments),
        sealed=_worth_keeping(sealed, found),
        found=found,
        problem=keys.explain(found.problem, found) if found and found.problem else None,
        trouble=trouble,
        form=request.form,
    )


def _page(
    connection: Connection,
    sealed: Sealed | None = None,
    found: pb.Found | None = None,
    trouble: str = "",
) -> str:
    broker = _broker(connection.broker_account.broker)
    try:
        stored, is_away = keys.state(connection), False
    except ExecutionDown:
        stored, is_away = None, True
    refused = stored.problem if stored else pb.CREDENTIAL_PROBLEM_NONE_STORED
    return render_template(
        "connections/keys.html",
        connection=connection,
        broker=broker,
        offer=_offer(broker, connection.id, [connection.broker_account.environment]),
        stored=stored,
        made_at=wire.to_datetime(stored.made_time) if stored else None,
        used_at=wire.to_datetime(stored.used_time) if stored else None,
        is_away=is_away,
        refused=keys.explain(refused) if refused and not is_away else None,
        sealed=_worth_keeping(sealed, found),
        found=found,
        problem=keys.explain(found.problem, found) if found and found.problem else None,
        trouble=trouble,
        form=request.form,
    )


def _offer(broker: pb.Broker, connection_id: UUID, environments: Sequence[str]) -> str:
    try:
        return keys.offer(broker, connection_id, environments)
    except ExecutionDown:
        return ""


def _worth_keeping(sealed: Sealed | None, found: pb.Found | None) -> str:
    """A seal to send again: of keys that are right, or that could not be tried."""
    if sealed is None or not sealed.box:
        return ""
    again = (0, pb.CREDENTIAL_PROBLEM_UNREACHABLE)
    return sealed.shown if found is None or found.problem in again else ""
