"""The one that seals and opens."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from execution.brokers.credentials import Typed
from execution.errors import BadRequest
from execution.holding.rules import Venue
from execution.vault import envelopes
from execution.vault.envelopes import Envelope, Unreadable
from execution.vault.keks import KekError, KekSource, new_id
from execution.vault.store import Change, CredentialStore, Row, TransportRow
from protos import ids, seals
from protos.execution.v1 import credentials_pb2 as pb

log = structlog.get_logger()

OVERLAP_SECONDS = 24 * 3600
SHOWN = 4
# What is shorter would be told by its end.
LONG_ENOUGH = 12


class BadSeal(Exception):
    """What web sealed does not open; why, never what."""


class _Sealed(msgspec.Struct, frozen=True):
    """What is under web's seal."""

    at: datetime
    fields: dict[str, bytes]


class _Kept(msgspec.Struct, frozen=True):
    """What is under our own. Whose they are stands inside too: a row that names another account
    opens for nobody."""

    broker: str
    environment: str
    account: str
    fields: dict[str, str]


class Vault:
    """The one that seals and opens."""

    def __init__(self, store: CredentialStore, source: KekSource | None) -> None:
        self.store = store
        self.source = source

    async def transport_key(self) -> TransportRow | None:
        """The one for web to seal to, made where there is none; None while keys are missing.
        Raises StoreUnavailable."""
        found = await self.store.current_transport_key()
        try:
            if found is None:
                return await self.draw_transport_key(only_first=True)
            # One that nobody could open again is not to be sealed to.
            await self._unseal(found.envelope, envelopes.of_transport_key(found.id))
        except (KekError, Unreadable) as error:
            log.error("no_transport_key", cause=error)
            return None
        return found

    async def draw_transport_key(self, *, only_first: bool = False) -> TransportRow:
        """A new key pair; the one before opens for a day. Raises KekError, StoreUnavailable."""
        async with self.store.changing() as change:
            await change.lock()
            if only_first and (found := await change.current_transport_key()) is not None:
                return found
            kek_id = await self._kek(change)
            private, key_id = X25519PrivateKey.generate(), new_id()
            belongs = envelopes.of_transport_key(key_id)
            envelope = await self._seal(kek_id, private.private_bytes_raw(), belongs)
            row = TransportRow(key_id, private.public_key().public_bytes_raw(), envelope)
            await change.use_transport_key(row, OVERLAP_SECONDS)
        return row

    async def read(self, sealed: pb.SealedCredentials, now: datetime) -> Typed:
        """What a person typed. Raises BadSeal, BadRequest, StoreUnavailable."""
        row = await self.store.transport_key(sealed.key_id)
        if row is None:
            raise BadSeal("it was sealed to a key that is gone")
        tenant, connection = read_id(sealed.tenant_id), read_id(sealed.connection_id)
        info = seals.context(sealed.key_id, tenant, connection, sealed.broker, sealed.environment)
        try:
            private = await self._unseal(row.envelope, envelopes.of_transport_key(row.id))
            opened = seals.SUITE.decrypt(
                sealed.box, X25519PrivateKey.from_private_bytes(private), info
            )
            said = msgspec.json.decode(opened, type=_Sealed)
            fields = {name: value.decode() for name, value in said.fields.items()}
        except (KekError, Unreadable, InvalidTag, ValueError, msgspec.MsgspecError) as error:
            raise BadSeal(f"it does not open: {type(error).__name__}") from None
        if abs(now - said.at) > timedelta(seconds=seals.LIFE_SECONDS):
            raise BadSeal("it was sealed too long ago")
        return fields

    async def keep(
        self, tenant_id: UUID, connection_id: UUID, venue: Venue, account: str, typed: Typed
    ) -> bool:
        """Seal and store; False where the connection's are of another account. Raises KekError,
        StoreUnavailable."""
        kept = _Kept(*venue, account, dict(typed))
        async with self.store.changing() as change:
            kek_id = await self._kek(change)
            version = await change.next_version()
            belongs = envelopes.of_credentials(tenant_id, connection_id, version)
            envelope = await self._seal(kek_id, msgspec.json.encode(kept), belongs)
            row = Row(
                connection_id,
                tenant_id,
                ids.account_id(*venue, account),
                *venue,
                account,
                version,
                envelope,
                {name: _end(value) for name, value in typed.items()},
            )
            return await change.put(row)

    async def open(self, row: Row) -> Typed:
        """What was typed. Raises Unreadable."""
        belongs = envelopes.of_credentials(row.tenant_id, row.connection_id, row.version)
        try:
            kept = msgspec.json.decode(await self._unseal(row.envelope, belongs), type=_Kept)
        except KekError as error:
            raise Unreadable(str(error)) from None
        except msgspec.MsgspecError:
            raise Unreadable("it is no record of ours") from None
        if (kept.broker, kept.environment, kept.account) != (
            row.broker,
            row.environment,
            row.account,
        ):
            raise Unreadable("it is of another account")
        return kept.fields

    async def rewrap(self, envelope: Envelope, belongs: bytes, kek_id: str) -> Envelope:
        """The same record, its key wrapped with another one. Raises Unreadable, KekError."""
        return await asyncio.to_thread(envelopes.rewrap, self._source(), envelope, belongs, kek_id)

    async def _kek(self, change: Change) -> str:
        """The key to wrap with; the first of all is made here. Raises KekError."""
        found = await change.current_kek()
        if found is None:
            await change.lock()
            found = await change.current_kek()
        if found is None:
            found = await asyncio.to_thread(self._source().first)
            await change.use_kek(found)
        return found

    async def _seal(self, kek_id: str, plain: bytes, belongs: bytes) -> Envelope:
        return await asyncio.to_thread(envelopes.seal, self._source(), kek_id, plain, belongs)

    async def _unseal(self, envelope: Envelope, belongs: bytes) -> bytes:
        return await asyncio.to_thread(envelopes.unseal, self._source(), envelope, belongs)

    def _source(self) -> KekSource:
        if self.source is None:
            raise KekError("there is no source of key-encryption keys; the log says why")
        return self.source


def read_id(text: str) -> UUID:
    """An id as it travels. Raises BadRequest."""
    try:
        return UUID(hex=text)
    except ValueError:
        raise BadRequest("an id is 32 hex digits") from None


def _end(value: str) -> str:
    return value[-SHOWN:] if len(value) >= LONG_ENOUGH else ""
