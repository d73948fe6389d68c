"""The venue's side of logins: what a key lets a session do, until it is revoked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from grpc import aio

from execution.paper.gate import KeysServicer
from execution.paper.keys import Keys
from execution.paper.sessions import Session, Sessions
from protos import logins, wire
from protos.paper.v1 import keys_pb2 as pb
from protos.paper.v1 import keys_pb2_grpc, paper_pb2
from tests.conftest import Database

SECONDS = 15.0


@dataclass
class Gatehouse:
    """The keys' service alone; how long it looks at an account is ours to say."""

    sessions: Sessions
    stub: Any
    looks: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, account: str) -> paper_pb2.GetAccountResponse:
        self.looks.set()
        await self.goes_on.wait()
        return paper_pb2.GetAccountResponse(cash="1", currency="USD")

    async def issue(self) -> pb.IssueKeyResponse:
        request = pb.IssueKeyRequest(account="desk", permissions=["read", "trade"])
        made: pb.IssueKeyResponse = await self.stub.IssueKey(request, timeout=SECONDS)
        return made

    async def log_in(self, key: pb.IssueKeyResponse, session: Session) -> int:
        now = datetime.now(UTC).replace(microsecond=0)
        checked_by = logins.verifier(key.secret.encode())
        request = pb.LogInRequest(
            key_id=key.key_id,
            time=wire.to_timestamp(now),
            session_id=session.id,
            signature=logins.signature(checked_by, key.key_id, now, session.id),
        )
        status: int = (await self.stub.LogIn(request, timeout=SECONDS)).status
        return status

    async def revoke(self, key: pb.IssueKeyResponse) -> None:
        await self.stub.RevokeKey(pb.RevokeKeyRequest(key_id=key.key_id), timeout=SECONDS)


@pytest.fixture
async def gate(database: Database) -> AsyncIterator[Gatehouse]:
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        gate = Gatehouse(Sessions(), keys_pb2_grpc.KeysStub(channel))
        keys = Keys(database.url("paper"))
        servicer = KeysServicer(keys, gate.sessions, gate.look, lambda: datetime.now(UTC))
        keys_pb2_grpc.add_KeysServicer_to_server(servicer, server)
        await server.start()
        yield gate
        await server.stop(0)


async def test_a_key_that_is_revoked_while_it_logs_in_lets_nobody_in(gate: Gatehouse) -> None:
    key, session = await gate.issue(), gate.sessions.open()
    entering = asyncio.create_task(gate.log_in(key, session))
    await gate.looks.wait()
    await gate.revoke(key)
    gate.goes_on.set()
    assert await entering == pb.LOGIN_STATUS_REVOKED
    assert not session.logins and not session.traded


async def test_of_two_keys_the_one_that_is_left_lets_the_session_stay(gate: Gatehouse) -> None:
    gate.goes_on.set()
    session = gate.sessions.open()
    keys = [await gate.issue(), await gate.issue()]
    for key in keys:
        assert await gate.log_in(key, session) == pb.LOGIN_STATUS_OK
    gate.sessions.attach(session, "desk")
    frames = session.frames()
    await gate.revoke(keys[0])
    told = await anext(frames)
    assert (list(told.logged_out), list(told.ended_logins)) == ([], ["desk"])
    assert "desk" in session.traded and "desk" in session.attached
    await gate.revoke(keys[1])
    told = await anext(frames)
    assert (list(told.logged_out), list(told.ended_logins)) == (["desk"], [])
    assert "desk" not in session.traded and "desk" not in session.attached
