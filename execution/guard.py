"""Who may call what: whoever comes is asked for a name, and a table says what it may call."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Set
from contextlib import aclosing
from typing import Any

import grpc
import structlog
from google.protobuf.descriptor import FileDescriptor
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from protos import certificates, services
from protos.services import Service

log = structlog.get_logger()

Allowed = Mapping[str, Set[Service]]
Context = aio.ServicerContext[Any, Any]

_WATCHING = {Service.SUPERVISOR, Service.OPERATOR}
# The standard health service; nobody needs to know what else it could tell.
HEALTH: Allowed = {
    "/grpc.health.v1.Health/Check": _WATCHING,
    "/grpc.health.v1.Health/Watch": _WATCHING,
    "/grpc.health.v1.Health/List": set(),
}
_KINDS: Mapping[tuple[bool, bool], tuple[str, Any]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def server(options: certificates.Options, allowed: Allowed | None) -> aio.Server:
    """A server that asks who calls; nobody's name is known, and nobody is asked, without."""
    return aio.server(interceptors=[Guard(allowed)] if allowed else None, options=options)


async def add_health(server: aio.Server) -> health.aio.HealthServicer:
    """Tell whoever watches whether we serve; not yet."""
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    return servicer


def add_reflection(server: aio.Server, *files: FileDescriptor) -> None:
    """Tell whoever asks what can be called: for people at their own machine."""
    names = [service.full_name for file in files for service in file.services_by_name.values()]
    reflection.enable_server_reflection(
        [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server
    )


class Guard(aio.ServerInterceptor):
    """Lets a call in when the table names who makes it; a method that it leaves out, for nobody.

    Costs a look at the connection and one in a table: once a call, and once a stream.
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._guarded: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        guarded = self._guarded.get(method)
        if guarded is None:
            handler = await continuation(handler_call_details)
            if handler is None:  # nobody serves it
                return None
            guarded = self._guarded[method] = self._guard(method, handler)
        return guarded

    async def _check(self, method: str, context: Context) -> None:
        """Let it pass, or end it."""
        names = (context.auth_context() or {}).get("peer_spiffe_id", ())
        uri = next(iter(names), b"").decode()
        caller = services.named(uri)
        if caller in self._allowed.get(method, ()):
            return
        log.warning("call_refused", method=method, caller=uri)
        if caller is None:
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                f"the certificate is that of {uri or 'nobody'}, which is no service of ours",
            )
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{caller} may not call {method}")

    def _guard(self, method: str, handler: Any) -> Any:
        """The same method, for those who may call it."""
        name, make = _KINDS[handler.request_streaming, handler.response_streaming]
        behave = getattr(handler, name)

        async def call(request: Any, context: Context) -> Any:
            await self._check(method, context)
            return await behave(request, context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            await self._check(method, context)
            async with aclosing(behave(request, context)) as responses:
                async for response in responses:
                    yield response

        return make(
            stream if inspect.isasyncgenfunction(behave) else call,
            handler.request_deserializer,
            handler.response_serializer,
        )
