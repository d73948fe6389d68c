"""Execution and the venue with certificates: who gets in, what they may call, and renewal."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc import aio
from grpc_health.v1 import health_pb2

from execution import allowed as execution_allowed
from execution.config import Config
from execution.paper import allowed as paper_allowed
from execution.paper.config import Config as PaperConfig
from execution.paper.server import PaperServer
from execution.server import ExecutionServer
from protos import certificates
from protos.certificates import Bundle
from protos.execution.v1 import credentials_pb2, execution_pb2_grpc, simulation_pb2
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import keys_pb2, paper_pb2
from protos.services import Service
from tests import tls_kit
from tests.conftest import Database
from tests.integration.execution_kit import Kit
from web.connections.models import BrokerAccount
from web.execution_client import ExecutionClient, ExecutionDown
from web.ops import authority, roles

_ASKED = 5
SECONDS = 15.0
REFUSALS = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}
CHECK = "/grpc.health.v1.Health/Check"
SUBMIT = "/fillwire.execution.v1.Execution/SubmitTrades"


@dataclass
class Pair:
    """Execution and the venue, each with its certificate."""

    folder: tls_kit.Folder
    database: Database
    venue: PaperServer
    execution: ExecutionServer

    def target(self, server: Service) -> str:
        port = self.execution.port if server is Service.EXECUTION else self.venue.port
        return f"127.0.0.1:{port}"

    def channel(self, shown: Bundle | Service, server: Service = Service.EXECUTION) -> aio.Channel:
        bundle = self.folder.bundle(shown) if isinstance(shown, Service) else shown
        return certificates.async_channel(self.target(server), server, bundle, ())

    def client(self, service: Service) -> ExecutionClient:
        return ExecutionClient(self.target(Service.EXECUTION), self.folder.certificates(service))


@asynccontextmanager
async def running(database: Database, folder: tls_kit.Folder) -> AsyncIterator[Pair]:
    venue = PaperServer(
        PaperConfig("127.0.0.1:0", database.url("paper"), 2.0, 1, folder.of(Service.PAPER)),
        lambda: datetime.now(UTC),
    )
    await venue.start()
    await venue.ready()
    execution = ExecutionServer(
        Config(
            "127.0.0.1:0",
            database.url("execution"),
            f"127.0.0.1:{venue.port}",
            "execution-1",
            certificates=folder.of(Service.EXECUTION),
        )
    )
    await execution.start()
    try:
        yield Pair(folder, database, venue, execution)
    finally:
        await execution.stop()
        await venue.stop()


@pytest.fixture
async def pair(database: Database, tmp_path: Path) -> AsyncIterator[Pair]:
    async with running(database, tls_kit.make(tmp_path / "certificates")) as pair:
        yield pair


def methods(*files: Any) -> list[MethodDescriptor]:
    """Every method that the files declare."""
    return [
        method
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    ]


def path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


OURS = methods(
    pb.DESCRIPTOR, simulation_pb2.DESCRIPTOR, credentials_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR
)
VENUES = methods(paper_pb2.DESCRIPTOR, keys_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR)


async def ask(channel: aio.Channel, method: str, *, seconds: float = SECONDS) -> grpc.StatusCode:
    """What becomes of a call with an empty message; a stream is left at its first answer.

    A refusal that comes while the message is still being written is an internal error to the
    client's own core: it asks again.
    """
    for _ in range(_ASKED):
        status = await _ask_once(channel, method, seconds)
        if status is not grpc.StatusCode.INTERNAL:
            break
    return status


async def _ask_once(channel: aio.Channel, method: str, seconds: float) -> grpc.StatusCode:
    start: Any = channel.stream_stream(method)
    call = start(iter([b""]), timeout=seconds)
    try:
        await call.read()
    except aio.AioRpcError as error:
        return error.code()
    call.cancel()
    return grpc.StatusCode.OK


def test_every_method_of_the_contracts_is_in_a_table() -> None:
    assert set(execution_allowed.ALLOWED) == {path(method) for method in OURS}
    assert set(paper_allowed.ALLOWED) == {path(method) for method in VENUES}


@pytest.mark.parametrize(
    ("server", "listed", "allowed"),
    [
        (Service.EXECUTION, OURS, execution_allowed.ALLOWED),
        (Service.PAPER, VENUES, paper_allowed.ALLOWED),
    ],
    ids=["execution", "paper"],
)
async def test_each_service_may_call_what_its_table_says_and_nothing_else(
    pair: Pair, server: Service, listed: list[MethodDescriptor], allowed: Any
) -> None:
    for service in Service:
        async with pair.channel(service, server) as channel:
            for method in map(path, listed):
                if service in allowed[method]:
                    # An answer, or a stream that is held open; never a refusal.
                    assert await ask(channel, method, seconds=0.3) not in REFUSALS, method
                else:
                    found = await ask(channel, method)
                    assert found is grpc.StatusCode.PERMISSION_DENIED, (service, method)


@pytest.mark.parametrize("uri", ["", "spiffe://fillwire/admin", "spiffe://elsewhere/worker"])
async def test_a_name_that_is_no_service_of_ours_is_unauthenticated(pair: Pair, uri: str) -> None:
    async with pair.channel(pair.folder.forge(uri=uri)) as channel:
        assert await ask(channel, SUBMIT) is grpc.StatusCode.UNAUTHENTICATED


async def test_the_refusal_says_who_asked_for_what(pair: Pair) -> None:
    with pytest.raises(ExecutionDown, match=f"PERMISSION_DENIED: web may not call {SUBMIT}"):
        await asyncio.to_thread(pair.client(Service.WEB).submit, [])


@pytest.mark.parametrize("days", [(-3, -1), (1, 3)], ids=["over", "not yet"])
async def test_a_certificate_out_of_its_time_is_not_let_in(
    pair: Pair, days: tuple[int, int]
) -> None:
    forged = pair.folder.forge(uri=Service.WORKER.uri, days=days)
    async with pair.channel(forged) as channel:
        assert await ask(channel, SUBMIT) is grpc.StatusCode.UNAVAILABLE
    good = pair.folder.forge(uri=Service.WORKER.uri)
    async with pair.channel(good) as channel:
        assert await ask(channel, SUBMIT) is grpc.StatusCode.OK


async def test_another_authority_is_not_let_in(pair: Pair, tmp_path: Path) -> None:
    theirs = tls_kit.make(tmp_path / "theirs").bundle(Service.WORKER)
    ours = pair.folder.bundle(Service.WORKER)
    # It trusts us; it is we who do not trust it.
    stranger = Bundle(ours.authorities, theirs.certificate, theirs.key)
    async with pair.channel(stranger) as channel:
        assert await ask(channel, SUBMIT) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("server", [Service.EXECUTION, Service.PAPER])
async def test_nobody_gets_in_without_a_certificate(pair: Pair, server: Service) -> None:
    roots = grpc.ssl_channel_credentials(pair.folder.bundle(Service.WEB).authorities)
    options = (("grpc.ssl_target_name_override", server.value),)
    async with aio.secure_channel(pair.target(server), roots, options=options) as channel:
        assert await ask(channel, CHECK) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("server", [Service.EXECUTION, Service.PAPER])
async def test_plain_text_is_refused(pair: Pair, server: Service) -> None:
    async with aio.insecure_channel(pair.target(server)) as channel:
        assert await ask(channel, CHECK) is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("posing", [Service.WEB, Service.PAPER])
async def test_a_client_does_not_take_another_service_for_execution(
    tmp_path: Path, posing: Service
) -> None:
    folder = tls_kit.make(tmp_path)
    server = aio.server()
    port = certificates.listen(server, "127.0.0.1:0", folder.certificates(posing))
    await server.start()
    client = ExecutionClient(f"127.0.0.1:{port}", folder.certificates(Service.WORKER))
    with pytest.raises(ExecutionDown, match="UNAVAILABLE"):
        await asyncio.to_thread(client.submit, [])
    await server.stop(None)


@pytest.mark.parametrize(
    "given",
    [{"FILLWIRE_PRODUCTION": "1"}, {"FILLWIRE_PAPER_BIND": "0.0.0.0:0"}],
    ids=["in production", "for others"],
)
def test_the_venue_does_not_start_in_plain_text(given: dict[str, str]) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(roles.ROOT),
        "FILLWIRE_PAPER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "FILLWIRE_PAPER_BIND": "127.0.0.1:0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "execution.paper"],
        env={**environment, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    told = json.loads(line)
    assert told["event"] == "cannot_start" and "FILLWIRE_CERTIFICATES" in told["cause"]


async def test_what_can_be_called_is_told_in_plain_text_only(pair: Pair) -> None:
    async with pair.channel(Service.OPERATOR) as channel:
        told = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        assert await ask(channel, told) is grpc.StatusCode.UNIMPLEMENTED


async def test_a_trade_is_filled_with_certificates_all_the_way(pair: Pair) -> None:
    assert await trade(pair) == "FILLED"


async def trade(pair: Pair) -> str:
    """Hand a trade over as the worker does; what became of it, as an operator sees."""
    kit = Kit(pair.database, pair.venue, pair.execution, "")
    one = kit.trade()
    async with pair.channel(Service.WORKER) as worker, pair.channel(Service.OPERATOR) as operator:
        kit._channel = worker
        assert await kit.submit(one) == ["STORED"]
        kit._channel = operator
        return (await kit.outcome(one))[0]


async def test_web_sees_the_account_behind_a_connection_and_no_other_by_it(pair: Pair) -> None:
    kit = Kit(pair.database, pair.venue, pair.execution, "")
    one, other = kit.trade(), kit.trade()
    other.account.account = "another"
    async with pair.channel(Service.WORKER) as worker, pair.channel(Service.OPERATOR) as operator:
        kit._channel = worker
        assert await kit.submit(one, other) == ["STORED", "STORED"]
        kit._channel = operator
        for trade in (one, other):
            assert (await kit.outcome(trade))[0] == "FILLED"
    web = pair.client(Service.WEB)

    def state(trade: pb.Trade, account: str) -> pb.GetAccountStateResponse | None:
        whose = UUID(trade.tenant_id), UUID(trade.connection_id)
        named = BrokerAccount(broker="paper", environment="paper", account=account)
        return web.connection_state(*whose, named)

    told = await asyncio.to_thread(state, one, kit.account)
    assert told is not None and told.cash
    assert {p.instrument: p.quantity for p in told.positions} == {"AAPL": "5"}
    assert await asyncio.to_thread(state, one, "another") is None
    assert await asyncio.to_thread(state, other, kit.account) is None


async def test_a_new_authority_goes_unnoticed_by_calls_and_streams(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.02)
    now = authority.now()
    # The first authority has less than a year left, so there is a second one beside it.
    authority.renew(tmp_path, now - authority.AUTHORITY_LIFE + timedelta(days=300))
    authority.renew(tmp_path, now - timedelta(days=2))
    folder = tls_kit.Folder(tmp_path)
    async with running(database, folder) as pair:
        client, old = pair.client(Service.WORKER), folder.bundle(Service.WORKER)
        relay = pair.channel(Service.RELAY)
        stub: Any = execution_pb2_grpc.ExecutionStub(relay)
        stream = stub.StreamFacts(pb.StreamFactsRequest(max_facts=100))
        facts, calls = Reading(stream), Calling(client)
        assert await trade(pair) == "FILLED"
        await facts.until(lambda: facts.count > 0)

        authority.renew(tmp_path, now)
        new = folder.bundle(Service.WORKER)
        assert new.certificate != old.certificate
        await until_shown(pair, tmp_path)
        heard, asked = facts.count, calls.count
        assert await trade(pair) == "FILLED"
        await facts.until(lambda: facts.count > heard)
        await calls.until(lambda: calls.count > asked + 20)
        await calls.end()
        await facts.end()
        await relay.close()


class Task:
    """Something that goes on beside the test, and must not fail."""

    def __init__(self) -> None:
        self.count = 0
        self._ended = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        raise NotImplementedError

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not met():
                assert not self._task.done(), self._task
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        self._ended = True
        async with asyncio.timeout(SECONDS):
            await self._task


class Calling(Task):
    """Calls execution without a pause, as the worker does."""

    def __init__(self, client: ExecutionClient) -> None:
        self._client = client
        super().__init__()

    async def _run(self) -> None:
        while not self._ended:
            await asyncio.to_thread(self._client.submit, [])
            self.count += 1


class Reading(Task):
    """Reads one stream of facts, as the relay does."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        super().__init__()

    async def _run(self) -> None:
        while isinstance(page := await self._stream.read(), pb.StreamFactsResponse):
            self.count += len(page.facts)
        raise AssertionError("the stream ended")

    async def end(self) -> None:
        assert not self._task.done()
        self._task.cancel()
        self._stream.cancel()


async def until_shown(pair: Pair, folder: Path) -> None:
    """Wait until both servers show what the newest authority has signed."""
    newest = max((folder / "ca").glob("*.crt"), key=lambda path: path.stat().st_mtime)
    bundle = pair.folder.bundle(Service.OPERATOR)
    only = Bundle(newest.read_bytes(), bundle.certificate, bundle.key)
    async with asyncio.timeout(SECONDS):
        for server in (Service.EXECUTION, Service.PAPER):
            code = None
            while code is not grpc.StatusCode.OK:
                async with pair.channel(only, server) as channel:
                    code = await ask(channel, CHECK)
