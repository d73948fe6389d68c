"""Execution, the venue, and accounts that ask for a login."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from grpc import aio

from execution.vault.assembly import PAPER_KEYS
from protos import seals
from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1 import credentials_pb2_grpc, execution_pb2
from protos.paper.v1 import keys_pb2, keys_pb2_grpc
from tests.integration.execution_kit import SECONDS, Kit

TRADES = ("read", "trade")


@dataclass(frozen=True)
class Member:
    """A tenant's connection to an account, with the keys that it has."""

    account: str
    key_id: str
    secret: str
    tenant_id: UUID = field(default_factory=uuid4)
    connection_id: UUID = field(default_factory=uuid4)
    subscription_id: UUID = field(default_factory=uuid4)


def seal(
    key: pb.TransportKey,
    member: Member,
    at: datetime | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> pb.SealedCredentials:
    """What web would send."""
    fields = {"key_id": member.key_id, "secret": member.secret, **typed}
    plain = {
        "at": at or datetime.now(UTC),
        "fields": {name: value.encode() for name, value in fields.items()},
    }
    info = seals.context(key.key_id, member.tenant_id, member.connection_id, *PAPER_KEYS)
    public = X25519PublicKey.from_public_bytes(key.public_key)
    return pb.SealedCredentials(
        key_id=key.key_id,
        box=seals.SUITE.encrypt(msgspec.json.encode(plain), public, info),
        tenant_id=member.tenant_id.hex,
        connection_id=member.connection_id.hex,
        broker=PAPER_KEYS[0],
        environment=PAPER_KEYS[1],
    )


@dataclass
class Keyed:
    """What a person, an operator and the venue's owner do."""

    kit: Kit

    @property
    def web(self) -> Any:
        return credentials_pb2_grpc.CredentialsStub(self._channel(self.kit.server.port))

    @property
    def operator(self) -> Any:
        return credentials_pb2_grpc.VaultStub(self._channel(self.kit.server.port))

    @property
    def venue(self) -> Any:
        return keys_pb2_grpc.KeysStub(self._channel(self.kit.venue.port))

    def _channel(self, port: int) -> aio.Channel:
        channels = self.__dict__.setdefault("_channels", {})
        if port not in channels:
            channels[port] = aio.insecure_channel(f"127.0.0.1:{port}")
        found: aio.Channel = channels[port]
        return found

    async def close(self) -> None:
        for channel in self.__dict__.get("_channels", {}).values():
            await channel.close()

    async def member(self, account: str = "", permissions: tuple[str, ...] = TRADES) -> Member:
        """Somebody who made a key at the venue."""
        account = account or f"keyed-{uuid4().hex[:8]}"
        made = await self.venue.IssueKey(
            keys_pb2.IssueKeyRequest(account=account, permissions=permissions), timeout=SECONDS
        )
        return Member(account, made.key_id, made.secret)

    async def beside(self, member: Member) -> Member:
        """Another tenant with a connection to the same account, and a key of its own."""
        return await self.member(member.account)

    async def new_key(self, member: Member) -> Member:
        """Another key of the same account, for the same connection."""
        other = await self.member(member.account)
        return replace(member, key_id=other.key_id, secret=other.secret)

    async def revoke(self, member: Member) -> None:
        await self.venue.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=member.key_id), timeout=SECONDS)

    async def transport_key(self) -> pb.TransportKey:
        answer = await self.web.ListBrokers(pb.ListBrokersRequest(), timeout=SECONDS)
        found: pb.TransportKey = answer.transport_key
        return found

    async def test(self, member: Member, **typed: str) -> pb.Found:
        sealed = seal(await self.transport_key(), member, typed=typed)
        request = pb.TestCredentialsRequest(sealed=sealed)
        answer = await self.web.TestCredentials(request, timeout=SECONDS)
        found: pb.Found = answer.found
        return found

    async def put(
        self, member: Member, sealed: pb.SealedCredentials | None = None, **typed: str
    ) -> pb.Found:
        sealed = sealed or seal(await self.transport_key(), member, typed=typed)
        request = pb.PutCredentialsRequest(sealed=sealed)
        found: pb.Found = (await self.web.PutCredentials(request, timeout=SECONDS)).found
        return found

    async def remove(self, member: Member) -> None:
        request = pb.RemoveCredentialsRequest(
            tenant_id=member.tenant_id.hex, connection_id=member.connection_id.hex
        )
        await self.web.RemoveCredentials(request, timeout=SECONDS)

    async def refresh(self, member: Member) -> execution_pb2.RefreshAccountResponse:
        """As staff do."""
        account = execution_pb2.Account(
            broker=PAPER_KEYS[0], environment=PAPER_KEYS[1], account=member.account
        )
        request = execution_pb2.RefreshAccountRequest(account=account)
        found: execution_pb2.RefreshAccountResponse = await self.kit.stub.RefreshAccount(
            request, timeout=SECONDS
        )
        return found

    async def state(self, member: Member) -> pb.CredentialState:
        request = pb.ListCredentialsRequest(
            tenant_id=member.tenant_id.hex, connection_ids=[member.connection_id.hex]
        )
        answer = await self.web.ListCredentials(request, timeout=SECONDS)
        (found,) = answer.credentials
        state: pb.CredentialState = found
        return state

    async def keks(self) -> list[pb.Kek]:
        answer = await self.operator.GetKeys(pb.GetKeysRequest(), timeout=SECONDS)
        return list(answer.keks)

    async def rotate(self, kek_id: str = "") -> str:
        request = pb.RotateKekRequest(kek_id=kek_id)
        made: str = (await self.operator.RotateKek(request, timeout=SECONDS)).kek_id
        return made

    def trade(self, member: Member, action: str = "buy", **more: Any) -> execution_pb2.Trade:
        """A trade on the member's account."""
        account = execution_pb2.Account(
            broker=PAPER_KEYS[0], environment=PAPER_KEYS[1], account=member.account
        )
        names = ("tenant_id", "connection_id", "subscription_id")
        whose = {name: getattr(member, name).hex for name in names}
        return self.kit.trade(action, account=account, **{**whose, **more})

    async def trades(self, member: Member, action: str = "buy") -> tuple[str, str]:
        """The outcome of a trade on the member's account."""
        return await self.kit.run(self.trade(member, action))

    def logins(self, member: Member | None = None) -> list[str]:
        """How logins went, as facts, in order: all, or those of a member's connection."""
        told = [fact for fact in self.kit.facts if fact.HasField("account_login")]
        if member is not None:
            told = [f for f in told if f.connection_id == member.connection_id.hex]
        return [fact.account_login.problem for fact in told]

    async def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the database's owner."""
        async with await psycopg.AsyncConnection.connect(
            self.kit.database.url("owner"), autocommit=True
        ) as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def until(self, met: Callable[[list[pb.Kek]], bool]) -> list[pb.Kek]:
        """The keys, once something holds of them."""
        async with asyncio.timeout(SECONDS):
            while not met(keks := await self.keks()):
                await asyncio.sleep(0.02)
        return keks
