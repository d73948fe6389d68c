"""Credentials come in sealed, are tried at their broker, and are sealed again to lie here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from execution.brokers.base import AuthFailed, BrokerError
from execution.brokers.credentials import Admitted, Asks, Schema, Typed
from execution.errors import BadRequest
from execution.holding.rules import Venue
from execution.journal.journal import StoreUnavailable
from execution.vault.keks import KekError
from execution.vault.store import Row
from execution.vault.vault import BadSeal, Vault, read_id
from protos import wire
from protos.execution.v1 import credentials_pb2 as pb

log = structlog.get_logger()

PROBLEMS: dict[str, Any] = {
    name.removeprefix("CREDENTIAL_PROBLEM_").lower(): number
    for name, number in pb.CredentialProblem.items()
    if number
}


class Credentials:
    """What web asks: which brokers, whether keys are right, and to keep them."""

    def __init__(self, vault: Vault, brokers: Mapping[Venue, Asks]) -> None:
        self._vault = vault
        self._brokers = brokers

    async def list_brokers(self) -> pb.ListBrokersResponse:
        """What each broker asks for, and the key to seal it to. Raises StoreUnavailable."""
        schemas = {asks.schema.broker: asks.schema for asks in self._brokers.values()}
        answer = pb.ListBrokersResponse(brokers=[_broker(each) for each in schemas.values()])
        if (key := await self._vault.transport_key()) is not None:
            answer.transport_key.CopyFrom(pb.TransportKey(key_id=key.id, public_key=key.public_key))
        return answer

    async def test(self, sealed: pb.SealedCredentials) -> pb.Found:
        """Try them at the broker. Raises BadRequest, StoreUnavailable."""
        found, _ = await self._try(sealed)
        return found

    async def put(self, sealed: pb.SealedCredentials) -> pb.Found:
        """Try them, and keep them where nothing is wrong. Raises BadRequest, StoreUnavailable."""
        found, typed = await self._try(sealed)
        if found.problem:
            return found
        tenant, connection = read_id(sealed.tenant_id), read_id(sealed.connection_id)
        venue = (sealed.broker, sealed.environment)
        try:
            kept = await self._vault.keep(tenant, connection, venue, found.account, typed)
        except KekError as error:
            log.error("credentials_not_kept", cause=error)
            raise StoreUnavailable("the key-encryption key is missing") from None
        if not kept:
            return pb.Found(problem=pb.CREDENTIAL_PROBLEM_OTHER_ACCOUNT, account=found.account)
        log.info("credentials_stored", connection_id=connection.hex, broker=sealed.broker)
        self._brokers[venue].renew(found.account)
        return found

    async def remove(self, request: pb.RemoveCredentialsRequest) -> None:
        """Forget a connection's. Raises BadRequest, StoreUnavailable."""
        connection = read_id(request.connection_id)
        whose = await self._vault.store.remove(connection, read_id(request.tenant_id))
        if whose is not None:
            log.info("credentials_removed", connection_id=connection.hex, broker=whose[0])
            if (asks := self._brokers.get(whose[:2])) is not None:
                asks.renew(whose[2])

    async def listed(self, request: pb.ListCredentialsRequest) -> list[pb.CredentialState]:
        """What may be shown. Raises BadRequest, StoreUnavailable."""
        some = [read_id(each) for each in request.connection_ids]
        rows = await self._vault.store.of_tenant(read_id(request.tenant_id), some)
        return [_state(row) for row in rows]

    async def _try(self, sealed: pb.SealedCredentials) -> tuple[pb.Found, Typed]:
        asks = self._brokers.get((sealed.broker, sealed.environment))
        if asks is None:
            raise BadRequest("there is no such broker, or not in this environment")
        try:
            typed = await self._vault.read(sealed, datetime.now(UTC))
        except BadSeal as error:
            return pb.Found(problem=pb.CREDENTIAL_PROBLEM_SEAL, text=str(error)), {}
        if (wrong := asks.schema.wrong_field(typed)) is not None:
            return pb.Found(problem=pb.CREDENTIAL_PROBLEM_FIELD, text=wrong), {}
        try:
            admitted = await asks.check(typed)
        except AuthFailed as error:
            return pb.Found(problem=PROBLEMS[error.problem], text=str(error)), {}
        except BrokerError as error:
            return pb.Found(problem=pb.CREDENTIAL_PROBLEM_UNREACHABLE, text=str(error)), {}
        return _found(admitted, asks.schema), typed


def _broker(schema: Schema) -> pb.Broker:
    fields = [
        pb.CredentialField(
            name=each.name,
            label=each.label,
            secret=each.is_secret,
            help=each.help,
            pattern=each.pattern,
        )
        for each in schema.fields
    ]
    return pb.Broker(
        broker=schema.broker,
        label=schema.label,
        help=schema.help,
        environments=schema.environments,
        fields=fields,
        needs=schema.needs,
        refuses=schema.refuses,
    )


def _found(admitted: Admitted, schema: Schema) -> pb.Found:
    missing, refused = admitted.missing(schema), admitted.refused(schema)
    found = pb.Found(
        account=admitted.account,
        account_name=admitted.name,
        account_type=admitted.type,
        balance=admitted.balance,
        currency=admitted.currency,
        permissions=admitted.permissions,
        missing=missing,
        refused=refused,
    )
    if refused:
        found.problem = pb.CREDENTIAL_PROBLEM_REFUSED_PERMISSION
    elif missing:
        found.problem = pb.CREDENTIAL_PROBLEM_MISSING_PERMISSION
    return found


def _state(row: Row) -> pb.CredentialState:
    state = pb.CredentialState(
        connection_id=row.connection_id.hex,
        version=row.version,
        problem=PROBLEMS.get(row.problem, pb.CREDENTIAL_PROBLEM_UNSPECIFIED),
        text=row.problem_text,
    )
    wire.put(row.ends, state.ends)
    if row.made_at is not None:
        wire.stamp(state.made_time, row.made_at)
    if row.used_at is not None:
        wire.stamp(state.used_time, row.used_at)
    return state
