"""The vault on the wire: thin. Requests hold seals, answers hold the ends of what is under them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from grpc import aio

from execution.errors import BadRequest
from execution.journal.journal import StoreUnavailable
from execution.vault.keks import KekError
from execution.vault.rotation import Rotation
from execution.vault.service import Credentials
from execution.vault.vault import Vault
from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1 import credentials_pb2_grpc

Answered = TypeVar("Answered")
Context = aio.ServicerContext[Any, Any]


class CredentialsServicer(credentials_pb2_grpc.CredentialsServicer):
    """What web asks; see `protos/execution/v1/credentials.proto`."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def ListBrokers(
        self, request: pb.ListBrokersRequest, context: Context
    ) -> pb.ListBrokersResponse:
        return await _answer(self._credentials.list_brokers(), context)

    async def TestCredentials(
        self, request: pb.TestCredentialsRequest, context: Context
    ) -> pb.TestCredentialsResponse:
        found = await _answer(self._credentials.test(request.sealed), context)
        return pb.TestCredentialsResponse(found=found)

    async def PutCredentials(
        self, request: pb.PutCredentialsRequest, context: Context
    ) -> pb.PutCredentialsResponse:
        found = await _answer(self._credentials.put(request.sealed), context)
        return pb.PutCredentialsResponse(found=found)

    async def RemoveCredentials(
        self, request: pb.RemoveCredentialsRequest, context: Context
    ) -> pb.RemoveCredentialsResponse:
        await _answer(self._credentials.remove(request), context)
        return pb.RemoveCredentialsResponse()

    async def ListCredentials(
        self, request: pb.ListCredentialsRequest, context: Context
    ) -> pb.ListCredentialsResponse:
        listed = await _answer(self._credentials.listed(request), context)
        return pb.ListCredentialsResponse(credentials=listed)


class VaultServicer(credentials_pb2_grpc.VaultServicer):
    """What operators ask. `soon` begins wrapping anew at once, beside the answer."""

    def __init__(self, vault: Vault, rotation: Rotation, soon: Callable[[], None]) -> None:
        self._vault = vault
        self._rotation = rotation
        self._soon = soon

    async def GetKeys(self, request: pb.GetKeysRequest, context: Context) -> pb.GetKeysResponse:
        return await _answer(self._rotation.keys(), context)

    async def RotateKek(
        self, request: pb.RotateKekRequest, context: Context
    ) -> pb.RotateKekResponse:
        kek_id = await _answer(self._rotation.use(request.kek_id), context)
        self._soon()
        return pb.RotateKekResponse(kek_id=kek_id)

    async def RotateTransportKey(
        self, request: pb.RotateTransportKeyRequest, context: Context
    ) -> pb.RotateTransportKeyResponse:
        key = await _answer(self._vault.draw_transport_key(), context)
        return pb.RotateTransportKeyResponse(key_id=key.id)


async def _answer(work: Awaitable[Answered], context: Context) -> Answered:
    try:
        return await work
    except StoreUnavailable:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the database is away")
    except KekError as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except BadRequest as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
