"""Crypto-Arsenal's road in: one shared URL, a name and a token, and `ok` once it is stored."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.conftest import Database
from tests.integration.test_intake import app_for, configure
from web.accounts.attempts import PER_LOGIN

SHARED = "/trading-signal/webhook"


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def strategy(owner: psycopg.Connection) -> factories.Strategy:
    return factories.strategy(owner)


@pytest.fixture
def client(database: Database, redis_url: str) -> Iterator[FlaskClient]:
    made, taking = app_for(configure(database.url("web"), redis_url))
    yield made
    taking.close()


def post(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return client.post(path, data=json.dumps(fields, ensure_ascii=False).encode())


def stored(owner: psycopg.Connection) -> list[tuple[Any, ...]]:
    return owner.execute("SELECT dialect, parsed, body FROM web.signals ORDER BY seq").fetchall()


def test_r1_only_the_host_changes_and_r2_the_answer_is_ok_once_it_is_stored(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    answer = post(client, SHARED, **named, action="openLong", fixed="0.5", log="多單 🚀")
    assert (answer.status_code, answer.data, answer.content_type) == (
        200,
        b"ok",
        "text/plain; charset=utf-8",
    )
    [(dialect, parsed, _)] = stored(owner)
    assert dialect == "crypto_arsenal"
    assert parsed["instrument"] == "BTCUSDT"
    assert (parsed["action"], parsed["sentiment"], parsed["quantity"]) == ("buy", "bullish", "0.5")


def test_the_token_is_not_kept_with_the_message(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    post(client, SHARED, **named, action="openLong")
    post(client, SHARED, **named, action="hold")
    kept = [body for *_, body in stored(owner)]
    kept += [row[0] for row in owner.execute("SELECT body FROM web.refusals")]
    assert len(kept) == 2
    for body in kept:
        assert named["connectorToken"].encode() not in body
        assert json.loads(body)["connectorToken"] == "redacted"


def test_r1_the_strategys_own_url_needs_no_connector_fields_but_they_must_match(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    for fields in ({}, named, {"connectorName": "mine"}):
        answer = post(client, strategy.path, **fields, action="openLong", fixed="1")
        assert (answer.status_code, answer.data) == (200, b"ok")
    for wrong in ({"connectorName": "other"}, {**named, "connectorToken": "x" * 36}):
        answer = post(client, strategy.path, **wrong, action="openLong", fixed="1")
        assert answer.status_code == 400
        assert answer.json is not None and answer.json["messageCode"] == "invalid-connector"
    assert len(stored(owner)) == 3


def test_without_a_connector_nobody_knows_what_to_trade(
    client: FlaskClient, strategy: factories.Strategy
) -> None:
    answer = post(client, strategy.path, action="openLong", fixed="1")
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["messageCode"] == "connector-missing"


@pytest.mark.parametrize(
    "fields",
    [
        {"connectorName": "mine"},
        {"connectorToken": "0f8fad5b-d9cb-469f-a165-70867728950e"},
        {"connectorName": "mine", "connectorToken": "wrong"},
        {
            "connectorName": "other",
            "connectorToken": "0f8fad5b-d9cb-469f-a165-70867728950e",
        },
        {"connectorName": "mi\0ne", "connectorToken": ["x"]},
        {"connectorName": 5, "connectorToken": 6},
        {},
    ],
)
def test_r3_whatever_is_wrong_with_the_connector_the_answer_is_the_same(
    client: FlaskClient,
    strategy: factories.Strategy,
    owner: psycopg.Connection,
    fields: dict[str, Any],
) -> None:
    factories.connector(owner, strategy)
    answer = post(client, SHARED, **fields, action="openLong")
    assert (answer.status_code, answer.mimetype) == (401, "text/plain")
    assert answer.text == (
        "The connector name or token is not right. Copy both from the strategy's page."
    )
    assert stored(owner) == []


def test_r3_too_many_wrong_tries_are_told_to_wait_and_never_hold_up_the_right_one(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    wrong = {**named, "connectorToken": "wrong"}
    told = [post(client, SHARED, **wrong, action="openLong") for _ in range(PER_LOGIN + 1)]
    assert [answer.status_code for answer in told] == [401] * PER_LOGIN + [429]
    assert int(told[-1].headers["Retry-After"]) > 0
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}
    body = json.dumps({**wrong, "action": "openLong"})
    assert client.post(SHARED, data=body, **elsewhere).status_code == 429
    assert post(client, SHARED, **named, action="openLong", fixed="1").data == b"ok"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"{}{}", 400, "JSON"),
        ("{\u201caction\u201d:1}".encode(), 400, "JSON"),
        (b" " * (64 * 1024 + 1), 413, "larger"),
    ],
)
def test_r4_what_cannot_be_read_is_refused_in_one_line_of_text(
    client: FlaskClient, body: bytes, status: int, says: str
) -> None:
    answer = client.post(SHARED, data=body)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert says in answer.text and "\n" not in answer.text


def test_a_refused_message_is_counted_and_says_why_in_text(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy, market="futures")
    answer = post(client, SHARED, **named, action="buy")
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert "futures" in answer.text
    counted = owner.execute("SELECT code, field, count FROM web.refusals").fetchall()
    assert counted == [("invalid-action", "action", 1)]


def test_only_post_is_taken(client: FlaskClient) -> None:
    assert client.get(SHARED).status_code == 400


def test_r20_equal_messages_are_two_signals_and_a_key_makes_them_one(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    body = json.dumps({**named, "action": "openLong", "clientOrderId": "Long"})
    for headers in ({}, {}, {"Idempotency-Key": "a"}, {"Idempotency-Key": "a"}):
        assert client.post(SHARED, data=body, headers=headers).data == b"ok"
    assert len(stored(owner)) == 3


def test_a_changed_connector_is_seen_at_once(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    named = factories.connector(owner, strategy)
    assert post(client, SHARED, **named, action="openLong").data == b"ok"
    owner.execute("UPDATE web.connectors SET instrument = 'ETHUSDT'")
    owner.execute("UPDATE web.strategy_intake SET version = version + 1")
    assert post(client, SHARED, **named, action="openLong").data == b"ok"
    assert [parsed["instrument"] for _, parsed, _ in stored(owner)] == ["BTCUSDT", "ETHUSDT"]
    owner.execute("UPDATE web.connectors SET token_hash = sha256('another')")
    owner.execute("UPDATE web.strategy_intake SET version = version + 1")
    assert post(client, SHARED, **named, action="openLong").status_code == 401
    assert len(stored(owner)) == 2


def test_closes_have_the_allowance_that_is_kept_for_exits(
    database: Database, redis_url: str, owner: psycopg.Connection
) -> None:
    strategy = factories.strategy(owner)
    named = factories.connector(owner, strategy)
    client, taking = app_for(configure(database.url("web"), redis_url, "1/minute,500/hour"))
    sent = ("openLong", "openLong", "closeLong", "cancelAll")
    told = [post(client, SHARED, **named, action=action) for action in sent]
    taking.close()
    assert [answer.status_code for answer in told] == [200, 429, 200, 200]


def test_two_connectors_may_have_one_name(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    factories.connector(owner, strategy)
    other = factories.strategy(owner)
    named = factories.connector(owner, other, token="1" * 36)
    assert post(client, SHARED, **named, action="openLong").data == b"ok"
    [(found,)] = owner.execute("SELECT strategy_id FROM web.signals").fetchall()
    assert found == other.id
