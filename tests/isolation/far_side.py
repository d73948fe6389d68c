"""Execution as the walker needs it: it remembers every request, and knows of everybody.

Drawn from the descriptors, so a new method is there by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from protos.execution.v1 import credentials_pb2, simulation_pb2
from protos.execution.v1 import execution_pb2 as pb
from tests.site.conftest import Site
from web.credentials_client import CredentialsClient
from web.execution_client import ExecutionClient
from web.simulation_client import SimulationClient

SERVICES = (
    pb.DESCRIPTOR.services_by_name["Execution"],
    simulation_pb2.DESCRIPTOR.services_by_name["Simulation"],
    credentials_pb2.DESCRIPTOR.services_by_name["Credentials"],
)


class FarSide(grpc.GenericRpcHandler):
    """Answers each method with as little as it may; what it was asked is in `asked`."""

    def __init__(self, everybody: Sequence[tuple[UUID, UUID]]) -> None:
        self.asked: list[str] = []
        self._everybody = everybody
        self._methods = {
            f"/{service.full_name}/{method.name}": method
            for service in SERVICES
            for method in service.methods
        }

    def service(self, details: Any) -> Any:
        method = self._methods.get(details.method)
        if method is None:
            return None
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _context: self._answer(method, request),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _answer(self, method: MethodDescriptor, request: Any) -> Any:
        self.asked.append(f"{method.name} {request}")
        made = GetMessageClass(method.output_type)()
        fill = _FILL.get(method.name)
        if fill is not None:
            fill(made, request, self._everybody)
        return made


def _switch(made: Any, request: Any, _everybody: object) -> None:
    made.switch.scope, made.switch.scope_id = request.scope, request.scope_id
    made.switch.mode, made.switch.version = request.mode, 2
    made.switch.set_time.GetCurrentTime()


def _switches(made: Any, _request: object, everybody: Sequence[tuple[UUID, UUID]]) -> None:
    """Everybody's, as execution answers to whoever asks."""
    for tenant, connection in everybody:
        made.limits.add(connection_id=connection.hex)
        switch = made.switches.add(scope=pb.SWITCH_SCOPE_TENANT, scope_id=tenant.hex)
        switch.unprotected.add(tenant_id=tenant.hex, connection_id=connection.hex)


def _previews(made: Any, request: Any, _everybody: object) -> None:
    for _ in request.trades:
        made.previews.add()


def _brokers(made: Any, _request: object, _everybody: object) -> None:
    """As if the accounts that are there asked for keys."""
    made.brokers.add(broker="paper", label="Paper", environments=["paper"])
    made.transport_key.key_id, made.transport_key.public_key = "k", bytes([9]) + bytes(31)


def _account(made: Any, _request: object, _everybody: object) -> None:
    made.currency = made.cash = made.equity = "1"


_FILL: dict[str, Callable[[Any, Any, Sequence[tuple[UUID, UUID]]], None]] = {
    "SetSwitch": _switch,
    "ListSwitches": _switches,
    "PreviewTrades": _previews,
    "GetPaperAccount": _account,
    "ListBrokers": _brokers,
}


@contextmanager
def listening(site: Site) -> Iterator[FarSide]:
    """The site speaks to it meanwhile."""
    everybody = [(each.tenant_id, each.connection_id) for each in (site.ours, site.theirs)]
    far = FarSide(everybody)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((far,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    names = ("fillwire.execution", "fillwire.simulation", "fillwire.credentials")
    before = [site.app.extensions[name] for name in names]
    client = ExecutionClient(f"127.0.0.1:{port}")
    clients = (client, SimulationClient(client), CredentialsClient(client))
    site.app.extensions.update(zip(names, clients, strict=True))
    try:
        yield far
    finally:
        site.app.extensions.update(zip(names, before, strict=True))
        server.stop(None)
