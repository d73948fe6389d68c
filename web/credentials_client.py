"""What web asks of execution about brokers' keys. Only seals go there, and only the ends of what
is under them come back. Every call has a deadline; none is tried again here."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import grpc

from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1.credentials_pb2_grpc import CredentialsStub, VaultStub
from web.execution_client import ExecutionClient, ExecutionDown, describe

SECONDS = 5.0
# A login at a broker may be slow.
LOGIN_SECONDS = 20.0
Answer = TypeVar("Answer")


class CannotRotate(Exception):
    """Why execution does not change its keys."""


class CredentialsClient:
    """Calls execution's Credentials service. All raise ExecutionDown."""

    def __init__(self, execution: ExecutionClient) -> None:
        self._execution = execution

    def brokers(self) -> pb.ListBrokersResponse:
        """What each broker asks for, and the key to seal it to."""
        return self._ask(lambda stub: stub.ListBrokers(pb.ListBrokersRequest(), timeout=SECONDS))

    def test(self, sealed: pb.SealedCredentials) -> pb.Found:
        """Log in with these, and keep nothing."""
        request = pb.TestCredentialsRequest(sealed=sealed)
        return self._ask(lambda stub: stub.TestCredentials(request, timeout=LOGIN_SECONDS)).found

    def put(self, sealed: pb.SealedCredentials) -> pb.Found:
        """Log in with these, and keep them where that goes well. Repeating is safe."""
        request = pb.PutCredentialsRequest(sealed=sealed)
        return self._ask(lambda stub: stub.PutCredentials(request, timeout=LOGIN_SECONDS)).found

    def remove(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Forget a connection's. Repeating is safe."""
        request = pb.RemoveCredentialsRequest(
            tenant_id=tenant_id.hex, connection_id=connection_id.hex
        )
        self._ask(lambda stub: stub.RemoveCredentials(request, timeout=SECONDS))

    def listed(self, tenant_id: UUID, connections: Sequence[UUID]) -> Sequence[pb.CredentialState]:
        """What may be shown of some connections'."""
        request = pb.ListCredentialsRequest(
            tenant_id=tenant_id.hex, connection_ids=[each.hex for each in connections]
        )
        return self._ask(lambda stub: stub.ListCredentials(request, timeout=SECONDS)).credentials

    def _ask(self, call: Callable[[CredentialsStub], Answer]) -> Answer:
        try:
            return call(CredentialsStub(self._execution.channel()))
        except grpc.RpcError as error:
            raise ExecutionDown(describe(error)) from error


class VaultClient:
    """Calls execution's Vault service, for operators. All raise ExecutionDown."""

    def __init__(self, execution: ExecutionClient) -> None:
        self._execution = execution

    def keys(self) -> pb.GetKeysResponse:
        """Which keys there are, and how much is wrapped with each."""
        return self._ask(lambda stub: stub.GetKeys(pb.GetKeysRequest(), timeout=SECONDS))

    def rotate_kek(self, kek_id: str) -> str:
        """Wrap with another key from now on. Raises CannotRotate."""
        request = pb.RotateKekRequest(kek_id=kek_id)
        return self._ask(lambda stub: stub.RotateKek(request, timeout=SECONDS)).kek_id

    def rotate_transport_key(self) -> str:
        """A new key pair to seal to. Raises CannotRotate."""
        request = pb.RotateTransportKeyRequest()
        return self._ask(lambda stub: stub.RotateTransportKey(request, timeout=SECONDS)).key_id

    def _ask(self, call: Callable[[VaultStub], Answer]) -> Answer:
        try:
            return call(VaultStub(self._execution.channel()))
        except grpc.RpcError as error:
            cannot = grpc.StatusCode.FAILED_PRECONDITION
            if isinstance(error, grpc.Call) and error.code() is cannot:
                raise CannotRotate(error.details() or "") from error
            raise ExecutionDown(describe(error)) from error
