"""Keys of a broker at the site: the form, the test, the seal; and nowhere a secret."""

import html
import re
from collections.abc import Iterator
from concurrent import futures
from datetime import timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from protos import ids
from protos.execution.v1 import credentials_pb2 as pb
from protos.execution.v1 import credentials_pb2_grpc
from tests.keys_stand import Stand, standing
from tests.site.conftest import Site, Workspace, csrf
from tests.site.people_kit import Person
from web import typed
from web.credentials_client import CredentialsClient
from web.execution_client import ExecutionClient

NEW = "/connections/new/paper_keys"
_accounts = count(1)


@pytest.fixture(scope="module")
def stand(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Execution and the venue, both real."""
    folder: Path = tmp_path_factory.mktemp("keys")
    with standing(site.database, folder) as found:
        before = site.app.extensions["fillwire.credentials"]
        client = CredentialsClient(ExecutionClient(found.target))
        site.app.extensions |= {"fillwire.credentials": client, "tests.stand": found}
        yield found
        site.app.extensions["fillwire.credentials"] = before


def account() -> str:
    return f"KEYED{next(_accounts)}"


def ours(site: Site) -> FlaskClient:
    """A browser of our person, who has a passkey since they are in."""
    return with_a_passkey(site, site.ours)


def with_a_passkey(site: Site, workspace: Workspace) -> FlaskClient:
    """A browser of a workspace's person, who has a passkey since they are in."""
    person = site.owner.execute(
        "SELECT person_id FROM web.members WHERE tenant_id = %s", (workspace.tenant_id,)
    ).fetchone()
    site.owner.execute("DELETE FROM web.passkeys WHERE person_id = %s", person)
    client = site.signed_in(workspace)
    site.owner.execute(
        "INSERT INTO web.passkeys (id, person_id, credential_id, public_key, sign_count, name) "
        "SELECT gen_random_uuid(), %s, %s, '', 0, 'Test key'",
        (*(person or ()), workspace.tenant_id.bytes),
    )
    return client


def post(client: FlaskClient, path: str, **form: str) -> TestResponse:
    return client.post(path, data={"csrf_token": csrf(client, "/connections"), **form})


def given(key: tuple[str, str]) -> dict[str, str]:
    return {"typed.key_id": key[0], "typed.secret": key[1]}


def sealed_in(page: TestResponse) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def connect(client: FlaskClient, key: tuple[str, str], name: str = "Keyed") -> str:
    """Test, then connect; the path of the keys' page."""
    tested = post(client, NEW, do="test", **given(key))
    assert tested.status_code == 200, tested.text
    made = post(client, NEW, do="save", name=name, sealed=sealed_in(tested))
    assert made.status_code == 302, made.text
    return made.headers["Location"]


def newest_event(site: Site) -> tuple[str, Any]:
    row = site.owner.execute(
        "SELECT action, after FROM web.audit_events ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    return row


def test_the_form_is_drawn_from_what_the_broker_asks_for(site: Site, stand: Stand) -> None:
    client = ours(site)
    assert NEW in client.get("/connections/new").text
    page = client.get(NEW).text
    assert re.search(r'name="typed.secret" type="password"', page)
    assert 'pattern="PK[0-9A-F]{18}"' in page and "API key ID" in page
    assert client.get("/connections/new/nobody").status_code == 404


def test_keys_are_tested_then_kept_and_only_their_ends_are_shown(site: Site, stand: Stand) -> None:
    client, name = ours(site), account()
    key = stand.issue(name)
    tested = post(client, NEW, do="test", **given(key))
    assert "The keys work." in tested.text and name in tested.text
    assert "100,000.00 USD" in tested.text and "read, trade" in tested.text
    assert key[1] not in tested.text
    page = client.get(connect(client, key)).text
    assert f"…{key[0][-4:]}" in page and f"…{key[1][-4:]}" in page
    assert key[1] not in page and key[0] not in page
    action, after = newest_event(site)
    assert action == "connection:create"
    assert after["fields"] == ["key_id", "secret"] and key[1] not in str(after)


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        (("read",), "may not trade"),
        (("read", "trade", "withdraw"), "could take your money out"),
    ],
)
def test_keys_that_may_too_little_or_too_much_are_refused_with_what_to_do(
    site: Site, stand: Stand, permissions: tuple[str, ...], said: str
) -> None:
    client = ours(site)
    answer = post(client, NEW, do="test", **given(stand.issue(account(), *permissions)))
    assert answer.status_code == 400 and said in answer.text
    assert 'name="sealed"' not in answer.text and "typed.secret" in answer.text


@pytest.mark.parametrize(
    ("key_id", "secret", "said"),
    [
        ("", "", "API key ID is missing"),
        ("PK1", "x" * 40, "API key ID is missing, or is not spelled"),
        ("PK" + "0" * 18, "x" * 40, "does not know this key"),
    ],
)
def test_keys_that_are_wrong_are_refused_with_what_to_do(
    site: Site, stand: Stand, key_id: str, secret: str, said: str
) -> None:
    client = ours(site)
    answer = post(client, NEW, do="test", **given((key_id, secret)))
    assert answer.status_code == 400 and said in answer.text
    assert not secret or secret not in answer.text


def test_keys_are_replaced_and_the_state_of_a_revoked_one_says_so(site: Site, stand: Stand) -> None:
    client, name = ours(site), account()
    first = stand.issue(name)
    page = connect(client, first)
    second = stand.issue(name)
    tested = post(client, page, do="test", **given(second))
    assert "The keys work." in tested.text
    assert post(client, page, do="save", sealed=sealed_in(tested)).status_code == 302
    assert newest_event(site)[0] == "connection:keys_replace"
    assert f"…{second[1][-4:]}" in client.get(page).text
    other = post(client, page, do="save", **given(stand.issue(account())))
    assert other.status_code == 400 and "of another account" in other.text


def test_keys_that_are_removed_are_gone_and_the_list_says_so(site: Site, stand: Stand) -> None:
    client = ours(site)
    page = connect(client, stand.issue(account()), "To be cut off")
    assert post(client, f"{page}/remove").status_code == 302
    assert newest_event(site)[0] == "connection:keys_remove"
    assert "No keys are stored for this connection." in client.get(page).text
    assert "No keys are stored" in client.get("/connections").text
    assert post(client, f"{page}/remove").status_code == 302


def test_a_seal_of_one_connection_does_nothing_for_another(site: Site, stand: Stand) -> None:
    client = ours(site)
    one, other = (connect(client, stand.issue(account())) for _ in range(2))
    tested = post(client, one, do="test", **given(stand.issue(account())))
    moved = sealed_in(tested).split(".")
    moved[1] = (ids.read("connection", other.split("/")[2]) or UUID(int=0)).hex
    refused = post(client, other, do="save", sealed=".".join(moved))
    assert refused.status_code == 400 and "typed too long ago, or for another page" in refused.text
    assert post(client, other, do="save", sealed=sealed_in(tested)).status_code == 503
    assert post(client, other, do="save", sealed="nonsense").status_code == 400


def test_another_tenants_keys_are_not_there(site: Site, stand: Stand) -> None:
    page = connect(ours(site), stand.issue(account()))
    stranger = site.signed_in(site.theirs)
    assert stranger.get(page).status_code == 404
    assert post(stranger, page, do="save", **given(("a", "b"))).status_code == 404
    assert post(stranger, f"{page}/remove").status_code == 404


def test_a_late_visitor_proves_who_they_are_and_types_nothing_twice(
    site: Site, stand: Stand
) -> None:
    person = Person(site).sign_up().confirm().enrol_totp()
    person.pass_time(timedelta(minutes=11))
    key = stand.issue(account())
    asked = post(person.client, NEW, do="test", **given(key))
    assert asked.status_code == 403 and "Is it you?" in asked.text
    assert key[1] not in asked.text and key[0] not in asked.text
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    proved = person.client.post(
        "/account/security/prove", data={**fields, "proof_code": person.code(1)}
    )
    assert proved.status_code == 307
    again = person.client.post(proved.headers["Location"], data=fields)
    assert again.status_code == 200 and "The keys work." in again.text
    cut = post(person.client, NEW, do="test", **given(key))
    assert cut.status_code == 200


def test_a_page_that_is_sent_again_makes_one_connection(site: Site, stand: Stand) -> None:
    client = ours(site)
    tested = sealed_in(post(client, NEW, do="test", **given(stand.issue(account()))))
    assert post(client, NEW, do="save", name="Once", sealed=tested).status_code == 302
    again = post(client, NEW, do="save", name="Once", sealed=tested)
    assert again.status_code == 400 and "made already" in again.text


def test_a_plan_limits_connections_with_keys_as_it_does_plain_ones(
    site: Site, stand: Stand
) -> None:
    client, tenant = ours(site), site.ours.tenant_id
    tested = sealed_in(post(client, NEW, do="test", **given(stand.issue(name := account()))))
    count = "SELECT count(*) FROM web.connections WHERE tenant_id = %s"
    row = site.owner.execute(count, (tenant,)).fetchone()
    limit = "INSERT INTO web.entitlements (tenant_id, key, value, until, set_by) "
    limit += "VALUES (%s, 'paper_connections', %s, now() + interval '1 day', 'staff:test')"
    site.owner.execute(limit, (tenant, row[0] if row else 0))
    try:
        refused = post(client, NEW, do="save", name="One more", sealed=tested)
        assert refused.status_code == 403
        assert "Your plan has no more of these" in refused.text
        assert site.owner.execute(count, (tenant,)).fetchone() == row
        kept = "SELECT FROM execution.credentials WHERE account = %s"
        assert site.owner.execute(kept, (name,)).fetchone() is None
    finally:
        site.owner.execute("DELETE FROM web.entitlements WHERE tenant_id = %s", (tenant,))
    assert post(client, NEW, do="save", name="One more", sealed=tested).status_code == 302


def test_a_request_that_fails_shows_and_logs_nothing_that_was_typed(
    site: Site, stand: Stand, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, secret = ours(site), "tell-nobody-of-this-" + "x" * 20
    bad = client.post(NEW, data={"csrf_token": "wrong", **given(("PK0", secret))})
    assert bad.status_code == 400 and secret not in bad.text
    monkeypatch.setitem(site.app.extensions, "fillwire.credentials", None)
    broken = post(client, NEW, do="test", **given(("PK0", secret)))
    assert broken.status_code == 500 and secret not in broken.text
    told = capfd.readouterr()
    assert "request_failed" in told.out + told.err
    assert secret not in told.out + told.err


def test_without_execution_nothing_is_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = CredentialsClient(ExecutionClient("127.0.0.1:1"))
    monkeypatch.setitem(site.app.extensions, "fillwire.credentials", nobody)
    client = ours(site)
    assert "Execution does not answer" in client.get("/connections/new").text
    answer = post(client, NEW, do="test", **given(("PK0", "secret")))
    assert answer.status_code == 503 and 'secret"' not in answer.text.replace("typed.secret", "")


class LiveBroker(credentials_pb2_grpc.CredentialsServicer):
    """A far side that knows a broker with real money."""

    def ListBrokers(self, request: Any, context: Any) -> pb.ListBrokersResponse:
        field = pb.CredentialField(name="token", label="Token", secret=True, pattern=".+")
        broker = pb.Broker(broker="real", label="Real", environments=["live"], fields=[field])
        key = pb.TransportKey(key_id="k", public_key=bytes([9]) + bytes(31))
        return pb.ListBrokersResponse(brokers=[broker], transport_key=key)

    def TestCredentials(self, request: Any, context: Any) -> pb.TestCredentialsResponse:
        return pb.TestCredentialsResponse(found=pb.Found(account="L1", permissions=["trade"]))

    def PutCredentials(self, request: Any, context: Any) -> pb.PutCredentialsResponse:
        raise AssertionError("nothing is stored here")

    def RemoveCredentials(self, request: Any, context: Any) -> pb.RemoveCredentialsResponse:
        raise AssertionError("nothing is stored here")

    def ListCredentials(self, request: Any, context: Any) -> pb.ListCredentialsResponse:
        return pb.ListCredentialsResponse()


@pytest.fixture
def live(site: Site) -> Iterator[None]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    credentials_pb2_grpc.add_CredentialsServicer_to_server(LiveBroker(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    before = site.app.extensions["fillwire.credentials"]
    client = CredentialsClient(ExecutionClient(f"127.0.0.1:{port}"))
    site.app.extensions["fillwire.credentials"] = client
    yield
    site.app.extensions["fillwire.credentials"] = before
    server.stop(None)


def test_no_keys_are_taken_from_who_has_a_password_alone(site: Site, stand: Stand) -> None:
    person = Person(site).sign_up().confirm()
    page = person.client.get(NEW).text
    assert "Set up a second factor" in page and "typed.secret" not in page
    key = given(stand.issue(account()))
    refused = post(person.client, NEW, do="test", **key)
    assert refused.status_code == 403 and "second_factor_needed" in refused.text
    person.enrol_totp()
    assert "The keys work." in post(person.client, NEW, do="test", **key).text


def test_real_money_needs_a_confirmed_address_and_a_second_factor(site: Site, live: None) -> None:
    person = Person(site).sign_up().confirm()
    refused = post(person.client, "/connections/new/real", do="test", **{"typed.token": "t"})
    assert refused.status_code == 403 and "second factor" in refused.text
    person.enrol_totp()
    person.post("/account/security/totp/confirm", code=person.code())
    taken = post(person.client, "/connections/new/real", do="test", **{"typed.token": "t"})
    assert taken.status_code == 200 and "The keys work." in taken.text


@pytest.mark.parametrize(
    ("body", "rest", "found"),
    [
        (b"a=1&typed.k=x%2By+z&b=%20", b"a=1&b=%20", {"k": b"x+y z"}),
        (b"typed.k=%0D%0A+abc%20%0A&", b"", {"k": b"abc"}),
        (b"typed%2Ek=abc", b"", {"k": b"abc"}),
        (b"typed.k=%zz%4&typed.e=&typed.n", b"", {"k": b"%zz%4", "e": b"", "n": b""}),
        (b"k=typed.k&&=&", b"k=typed.k&&=", {}),
        (b"typed.k=%C3%A9", b"", {"k": "é".encode()}),
    ],
)
def test_what_is_typed_is_taken_out_of_the_body_byte_for_byte(
    body: bytes, rest: bytes, found: dict[str, bytes]
) -> None:
    taken: typed.Typed = {}
    assert typed.take(bytearray(body), taken) == rest
    assert {name: bytes(value) for name, value in taken.items()} == found


def test_what_was_typed_is_overwritten_when_the_request_is_over(site: Site) -> None:
    seen: list[bytearray] = []

    def site_behind(environ: Any, start_response: Any) -> list[bytes]:
        seen.extend(environ[typed.KEY].values())
        assert b"secret" not in environ["wsgi.input"].read()
        raise RuntimeError("whatever happens")

    body = b"typed.a=secret&b=1"
    environ: Any = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": NEW,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    with pytest.raises(RuntimeError):
        typed.Locker(site_behind)(environ, lambda *a: lambda b: None)
    assert seen == [bytearray(6)]
