"""The way to the paper venue: a channel, and another when our certificate is a new one."""

import asyncio

from grpc import aio

from protos import certificates
from protos.certificates import Certificates
from protos.paper.v1 import keys_pb2_grpc, paper_pb2_grpc
from protos.paper.v1 import paper_pb2 as pb
from protos.services import Service

_Stream = aio.StreamStreamCall[pb.SessionRequest, pb.SessionResponse]
GRACE_SECONDS = 10.0
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
)


class VenueChannel:
    """Connects when it is used. What is on its way stays on the channel it took."""

    def __init__(self, target: str, shown: Certificates | None = None) -> None:
        self._target = target
        self._certificates = shown
        self._bundle: certificates.Bundle | None = None
        self._channel: aio.Channel | None = None
        self._stub: paper_pb2_grpc.VenueAsyncStub
        self._keys: keys_pb2_grpc.KeysAsyncStub
        # The one that the session's stream is on.
        self._streaming: aio.Channel | None = None
        self._open: set[aio.Channel] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def stub(self) -> "paper_pb2_grpc.VenueAsyncStub":
        """The venue, for a call. Raises certificates.Unusable."""
        self._renew()
        return self._stub

    @property
    def keys(self) -> "keys_pb2_grpc.KeysAsyncStub":
        """Its logins, for a call. Raises certificates.Unusable."""
        self._renew()
        return self._keys

    def _renew(self) -> None:
        bundle = self._certificates.current() if self._certificates else None
        if self._channel is None or bundle is not self._bundle:
            channel = certificates.async_channel(self._target, Service.PAPER, bundle, _OPTIONS)
            self._channel, self._bundle = channel, bundle
            self._stub = paper_pb2_grpc.VenueStub(channel)
            self._keys = keys_pb2_grpc.KeysStub(channel)
            self._open.add(channel)
            self._let_go()

    def session(self) -> _Stream:
        """A stream, when there is none any more. Raises certificates.Unusable."""
        stub = self.stub
        self._streaming = self._channel
        self._let_go()
        return stub.Session()

    async def close(self) -> None:
        """Disconnect."""
        for task in self._closing:
            task.cancel()
        for channel in self._open:
            await channel.close()

    def _let_go(self) -> None:
        for channel in self._open - {self._channel, self._streaming}:
            self._open.discard(channel)
            task = asyncio.create_task(channel.close(GRACE_SECONDS))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
