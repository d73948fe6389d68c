"""Connections to brokers that ask for keys. What is typed is sealed here at once, to execution's
public key; from there on this program holds nothing that it could read."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from flask import current_app
from sqlalchemy.dialects.postgresql import insert

from protos import ids, seals
from protos.execution.v1 import credentials_pb2 as pb
from web.audit import service as audit
from web.billing import limits
from web.connections.models import BrokerAccount, Connection
from web.connections.service import BadConnection
from web.credentials_client import CredentialsClient
from web.db import current_tenant, db
from web.typed import Typed, wipe

PROBLEMS: Mapping[int, tuple[str, str]] = {
    pb.CREDENTIAL_PROBLEM_SEAL: (
        "These keys were typed too long ago, or for another page.",
        "Type them again.",
    ),
    pb.CREDENTIAL_PROBLEM_FIELD: (
        "{text} is missing, or is not spelled as the broker spells it.",
        "Copy it again from the broker's page, whole.",
    ),
    pb.CREDENTIAL_PROBLEM_WRONG_KEY: (
        "The broker does not know this key, or the secret is not its own.",
        "Copy both again from the broker's page; a secret that was lost cannot be shown again, "
        "so make a new key there.",
    ),
    pb.CREDENTIAL_PROBLEM_REVOKED: (
        "This key was revoked at the broker.",
        "Make a new one there, and replace it here.",
    ),
    pb.CREDENTIAL_PROBLEM_MISSING_PERMISSION: (
        "This key may not {missing}.",
        "Allow it at the broker, or make a key that may.",
    ),
    pb.CREDENTIAL_PROBLEM_REFUSED_PERMISSION: (
        "This key may {refused}: whoever got hold of it could take your money out.",
        "Make a key at the broker that may only trade. We do not keep this one.",
    ),
    pb.CREDENTIAL_PROBLEM_OTHER_ACCOUNT: (
        "These keys are of another account than this connection.",
        "Use keys of the same account, or make another connection for that one.",
    ),
    pb.CREDENTIAL_PROBLEM_UNREACHABLE: (
        "The broker does not answer, so the keys could not be tried.",
        "Try again in a moment. Nothing was stored.",
    ),
    pb.CREDENTIAL_PROBLEM_UNREADABLE: (
        "The stored keys cannot be opened any more.",
        "Type them again below. Whoever runs this installation finds the reason in its log.",
    ),
    pb.CREDENTIAL_PROBLEM_NONE_STORED: (
        "No keys are stored for this connection.",
        "Type them below.",
    ),
}


class NoKeysNow(Exception):
    """Keys cannot be taken: execution has no key to seal to."""


@dataclass(frozen=True)
class Sealed:
    """What was typed, for one connection at one broker; unreadable here, safe in a page."""

    key_id: str
    box: bytes
    connection_id: UUID
    environment: str

    @property
    def shown(self) -> str:
        """As it stands in a form."""
        box = urlsafe_b64encode(self.box).decode()
        return ".".join((self.key_id, self.connection_id.hex, self.environment, box))


def read(text: str) -> Sealed | None:
    """What a page sends back; None where it is nothing of ours."""
    try:
        key_id, connection, environment, box = text.split(".")
        return Sealed(key_id, urlsafe_b64decode(box), UUID(hex=connection), environment)
    except (ValueError, NotBase64):
        return None


def brokers() -> list[pb.Broker]:
    """The brokers that ask for keys. Raises ExecutionDown."""
    return list(_client().brokers().brokers)


def seal(typed: Typed, connection_id: UUID, broker: str, environment: str) -> Sealed:
    """Seal what was typed, and overwrite it. Raises ExecutionDown, NoKeysNow."""
    plain = bytearray()
    try:
        answer = _client().brokers()
        if not answer.HasField("transport_key"):
            raise NoKeysNow
        key = answer.transport_key
        info = seals.context(key.key_id, _tenant(), connection_id, broker, environment)
        public = X25519PublicKey.from_public_bytes(key.public_key)
        said = {"at": datetime.now(UTC), "fields": typed}
        msgspec.json.Encoder().encode_into(said, plain)
        return Sealed(
            key.key_id, seals.SUITE.encrypt(plain, public, info), connection_id, environment
        )
    finally:
        wipe(plain)
        for value in typed.values():
            wipe(value)


def offer(broker: pb.Broker, connection_id: UUID, environments: Sequence[str]) -> str:
    """What a browser needs to seal by itself, as JSON; empty where keys cannot be taken. Raises
    ExecutionDown."""
    answer = _client().brokers()
    if not answer.HasField("transport_key"):
        return ""
    key, tenant = answer.transport_key, _tenant()
    infos = {
        each: seals.context(key.key_id, tenant, connection_id, broker.broker, each)
        for each in environments
    }
    given = {"key_id": key.key_id, "public_key": key.public_key, "infos": infos}
    return msgspec.json.encode({**given, "connection": connection_id.hex}).decode()


def test(sealed: Sealed, broker: str) -> pb.Found:
    """Try them at the broker; nothing is stored. Raises ExecutionDown."""
    return _client().test(_message(sealed, broker))


def connect(
    sealed: Sealed, broker: pb.Broker, *, name: str, actor: str
) -> tuple[Connection | None, pb.Found]:
    """A connection to the account that the keys are of, where the broker takes them. Execution
    stores first: what it stored without a connection opens nothing, and may be sent again.

    Raises BadConnection, ExecutionDown, and Problem where the plan has no more.
    """
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 100:
        raise BadConnection("name", "A name has 1 to 100 characters.", "Give it a name.")
    if db.session.get(Connection, sealed.connection_id) is not None:
        raise BadConnection("name", "This connection is made already.", "Open it in the list.")
    mode = "live" if sealed.environment == "live" else "paper"
    if mode == "paper":
        limits.check("paper_connections")
    found = _client().put(_message(sealed, broker.broker))
    if found.problem:
        return None, found
    venue = (broker.broker, sealed.environment)
    account_id = ids.account_id(*venue, found.account)
    # Without RETURNING: until the connection exists, nobody may read the account.
    account = {"id": account_id, "account": found.account}
    account |= {"broker": venue[0], "environment": venue[1]}
    db.session.execute(insert(BrokerAccount).values(**account).on_conflict_do_nothing())
    connection = Connection(
        id=sealed.connection_id,
        tenant_id=_tenant(),
        broker_account_id=account_id,
        name=trimmed,
        mode=mode,
        state="ok",
        reported={},
    )
    db.session.add(connection)
    told = {"name": trimmed, "mode": connection.mode, "broker": venue[0], "account": found.account}
    _record(connection.id, actor, "create", {**told, "fields": [f.name for f in broker.fields]})
    db.session.commit()
    return connection, found


def replace(connection: Connection, sealed: Sealed, broker: pb.Broker, *, actor: str) -> pb.Found:
    """Other keys of the same account. Raises ExecutionDown."""
    found = _client().put(_message(sealed, broker.broker))
    if not found.problem:
        connection.state, connection.reported = "ok", {**connection.reported, "login": {}}
        after: dict[str, object] = {"fields": [field.name for field in broker.fields]}
        _record(connection.id, actor, "keys_replace", after)
        db.session.commit()
    return found


def remove(connection: Connection, *, actor: str) -> None:
    """Forget a connection's keys. Written down before it is asked for: an answer that is lost
    does not undo it. Raises ExecutionDown."""
    _record(connection.id, actor, "keys_remove", {})
    connection.state = "needs_login"
    db.session.commit()
    _client().remove(connection.tenant_id, connection.id)


def state(connection: Connection) -> pb.CredentialState | None:
    """What may be shown of a connection's keys; None where there are none. Raises
    ExecutionDown."""
    return next(iter(_client().listed(connection.tenant_id, [connection.id])), None)


def explain(problem: int, found: pb.Found | None = None) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    message, fix = PROBLEMS[problem]
    if found is not None:
        message = message.format(
            text=found.text, missing=_or(found.missing), refused=_or(found.refused)
        )
    return message, fix


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)


def _message(sealed: Sealed, broker: str) -> pb.SealedCredentials:
    return pb.SealedCredentials(
        key_id=sealed.key_id,
        box=sealed.box,
        tenant_id=_tenant().hex,
        connection_id=sealed.connection_id.hex,
        broker=broker,
        environment=sealed.environment,
    )


def _record(connection_id: UUID, actor: str, what: str, after: dict[str, object]) -> None:
    subject = ids.show("connection", connection_id)
    audit.record(actor, f"connection:{what}", subject, after=after)


def _tenant() -> UUID:
    tenant = current_tenant()
    assert tenant is not None
    return tenant


def _client() -> CredentialsClient:
    found: CredentialsClient = current_app.extensions["fillwire.credentials"]
    return found
