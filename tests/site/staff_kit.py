"""Staff for tests: people with a role, signed in with password and authenticator."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from protos.execution.v1 import execution_pb2_grpc
from tests.site.conftest import Site, csrf
from web import sealing
from web.accounts import passwords
from web.audit import privacy

PASSWORD = "otter lantern quarry"
REASON = "ticket 4711, asked by mail"


class Execution(execution_pb2_grpc.ExecutionServicer):
    """The far side: does what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def SetSwitch(self, request: Any, context: Any) -> pb.SetSwitchResponse:
        self.asked.append(request)
        switch = pb.Switch(
            scope=request.scope,
            scope_id=request.scope_id,
            mode=request.mode,
            set_by=request.set_by,
            set_time=wire.to_timestamp(datetime.now(UTC)),
            why=request.why,
            version=len(self.asked),
        )
        return pb.SetSwitchResponse(switch=switch)

    def RefreshAccount(self, request: Any, context: Any) -> pb.RefreshAccountResponse:
        self.asked.append(request)
        return pb.RefreshAccountResponse(status=pb.REFRESH_STATUS_DONE)

    def GetConnectionState(self, request: Any, context: Any) -> pb.GetAccountStateResponse:
        return pb.GetAccountStateResponse(account=request.account, cash="99000", currency="USD")


class Member:
    """One of staff, who has an authenticator."""

    def __init__(self, site: Site, role: str, *, networks: tuple[str, ...] = ()) -> None:
        self.id: UUID = uuid4()
        self.email = f"{role}-{self.id.hex[:8]}@staff.test"
        self.secret = pyotp.random_base32()
        self._site = site
        key = site.app.extensions["fillwire.config"].sealing_key
        site.owner.execute(
            "INSERT INTO web.staff (id, email, role, password_hash, addresses) "
            "VALUES (%s, %s, %s, %s, %s)",
            (self.id, self.email, role, passwords.hash_password(PASSWORD), list(networks)),
        )
        site.owner.execute(
            "INSERT INTO web.totp (person_id, sealed, confirmed_at) VALUES (%s, %s, now())",
            (self.id, sealing.seal(key, self.id, self.secret)),
        )

    def code(self) -> str:
        """A code of now, as if half a minute had gone by since the last one."""
        self._site.owner.execute(
            "UPDATE web.totp SET last_step = 0 WHERE person_id = %s", (self.id,)
        )
        return pyotp.TOTP(self.secret).now()


def sign_in(site: Site, who: Member) -> FlaskClient:
    """A browser of theirs that is all the way in."""
    client = site.client()
    given_password(client, who)
    answer = client.post(
        "/admin/sign-in/second",
        data={"code": who.code(), "csrf_token": csrf(client, "/admin/sign-in/second")},
    )
    assert answer.status_code == 302, answer.text
    return client


def given_password(client: FlaskClient, who: Member, password: str = PASSWORD) -> TestResponse:
    """Only the password."""
    form = {"email": who.email, "password": password}
    return client.post("/admin/sign-in", data=form | {"csrf_token": csrf(client, "/admin/sign-in")})


def do(client: FlaskClient, path: str, reason: str = REASON, **form: str) -> TestResponse:
    """Change something, with a reason, confirmed."""
    token = csrf(client, "/admin/")
    return client.post(path, data=form | {"csrf_token": token, "reason": reason, "confirmed": "1"})


def opened(site: Site, reason: str) -> str:
    """A reason of the trail, with the key of whom it is about."""
    stored = privacy.read_reason(reason)
    with site.app.app_context():
        return str(privacy.Reader(privacy.owners([stored])).open(stored))
