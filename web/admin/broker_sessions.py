"""A connection's session at its broker, as staff look after it: how it is, and a new one."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web.admin.deeds import record
from web.connections.models import Connection
from web.credentials_client import CredentialsClient
from web.db import db
from web.errors import Problem
from web.execution_client import ExecutionClient, ExecutionDown


@dataclass(frozen=True)
class Login:
    """The stored keys of a connection, of which only this may be shown."""

    version: int
    used_at: datetime | None


def refresh(connection: Connection, reason: str) -> str:
    """Begin its session anew; what came of it, in words.

    That it is asked is durable before execution hears of it; repeating is safe. Raises Problem.
    """
    subject, account = ids.show("connection", connection.id), connection.broker_account
    record("connection:ask_refresh", subject, tenant=connection.tenant_id, reason=reason)
    db.session.commit()
    try:
        answer = _execution().refresh_account(account.broker, account.environment, account.account)
    except ExecutionDown as down:
        raise Problem(
            503,
            "execution_away",
            "It is not known whether it was done",
            f"Execution did not answer in time: {down}",
            "Do it again: doing it twice is safe.",
            retryable=True,
        ) from down
    told = _in_words(answer)
    record(
        "connection:refresh",
        subject,
        tenant=connection.tenant_id,
        after={"outcome": told},
        reason=reason,
    )
    db.session.commit()
    return told


def login_of(connection: Connection) -> Login | None:
    """Of what execution keeps for its login; None where there is nothing, or it is not known."""
    try:
        found = CredentialsClient(_execution()).listed(connection.tenant_id, [connection.id])
    except ExecutionDown:
        return None
    for each in found:
        used_at = wire.to_datetime(each.used_time) if each.HasField("used_time") else None
        return Login(each.version, used_at)
    return None


def _in_words(answer: pb.RefreshAccountResponse | None) -> str:
    if answer is None:
        return "Execution does not trade at this broker."
    if answer.status == pb.REFRESH_STATUS_ASKED:
        return "Asked of the instance that holds the account; its facts tell what came of it."
    if answer.problem:
        return f"The broker does not let it in: {answer.problem.replace('_', ' ')}. {answer.text}"
    return "The broker let it in, and was asked what the account holds."


def _execution() -> ExecutionClient:
    found: ExecutionClient = current_app.extensions["fillwire.execution"]
    return found
