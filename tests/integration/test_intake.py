"""The webhook URL: stored before it is answered, and every refusal says why."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from protos import faults
from tests import factories
from tests.conftest import Database
from web import config
from web.boots import Boot
from web.config import Config
from web.queue import Bell
from web.signals.intake import Door
from web.signals.service import Intake

GOOD = '{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'


def configure(database_url: str, redis_url: str, limits: str = "") -> Config:
    return config.read(
        {
            "FILLWIRE_WEB_DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "FILLWIRE_WEBHOOK_LIMITS": limits,
        }
    )


def app_for(settings: Config) -> tuple[FlaskClient, Intake]:
    app = Flask("intake")
    boot = Boot(settings.web_database_url, "web")
    boot.start()
    taking = Intake(settings, Bell(settings.redis_url), boot)
    app.wsgi_app = Door(app.wsgi_app, taking, settings.web_url)  # type: ignore[method-assign]
    return app.test_client(), taking


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


@pytest.fixture
def fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Arms one fault in this process."""

    def arm(text: str) -> None:
        monkeypatch.setenv("FILLWIRE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("FILLWIRE_FAULT", text)
        faults.arm("web")

    yield arm
    monkeypatch.delenv("FILLWIRE_FAULT", raising=False)
    faults.arm("web")


def answer(client: FlaskClient, path: str, body: str | bytes, **more: Any) -> tuple[int, Any]:
    response = client.post(path, data=body, **more)
    return response.status_code, response.json


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/json", ""])
def test_any_content_type_is_stored_and_answered(
    client: FlaskClient,
    strategy: factories.Strategy,
    owner: psycopg.Connection,
    content_type: str,
) -> None:
    status, said = answer(client, strategy.path, GOOD, content_type=content_type)
    assert (status, said["success"], said["id"]) == (200, True, said["logId"])
    assert said["payload"] == {"ticker": "AAPL", "action": "buy", "quantity": 5, "price": "228.40"}
    assert said["duplicate"] is False
    [(body,)] = owner.execute("SELECT body FROM web.signals").fetchall()
    assert body == GOOD.encode()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ("", "empty-json", None),
        ("   ", "empty-json", None),
        ('{"ticker":"AAPL",}', "malformed-json", None),
        ("buy AAPL", "malformed-json", None),
        ('{"ticker":"AAPL","action":"buy","quantity":NaN}', "malformed-json", None),
        ('{"ticker":"AAPL","ticker":"MSFT","action":"buy"}', "malformed-json", None),
        ("[" * 5000, "malformed-json", None),
        (b"\xff\xfe", "malformed-json", None),
        ('"buy"', "invalid-payload", None),
        ('{"action":"buy"}', "invalid-payload", "ticker"),
        ('{"ticker":"AAPL"}', "invalid-payload", "action"),
        ('{"ticker":" ","action":"buy"}', "empty-ticker-name", "ticker"),
        ('{"ticker":"A\\u0000","action":"buy"}', "ticker-does-not-exist", "ticker"),
        ('{"ticker":"AAPL","action":"hold"}', "invalid-action", "action"),
        ('{"ticker":"AAPL","action":"buy","sentiment":"up"}', "invalid-sentiment", "sentiment"),
        (
            '{"ticker":"AAPL","action":"exit","sentiment":"flat"}',
            "invalid-sentiment-action",
            "sentiment",
        ),
        ('{"ticker":"AAPL","action":"buy","quantity":0}', "invalid-quantity", "quantity"),
        ('{"ticker":"AAPL","action":"buy","quantity":"5 %"}', "invalid-quantity", "quantity"),
        ('{"ticker":"AAPL","action":"buy","quantity":true}', "invalid-quantity", "quantity"),
        ('{"ticker":"AAPL","action":"buy","quantity":1e400}', "invalid-quantity", "quantity"),
        ('{"ticker":"AAPL","action":"buy","orderType":"peg"}', "invalid-order-type", "orderType"),
        ('{"ticker":"AAPL","action":"buy","limitPrice":-1}', "invalid-payload", "limitPrice"),
        (
            '{"ticker":"AAPL","action":"buy","time":"noon","rejectAfter":60}',
            "invalid-payload",
            "time",
        ),
    ],
)
def test_a_bad_message_is_refused_counted_and_explained(
    client: FlaskClient,
    strategy: factories.Strategy,
    owner: psycopg.Connection,
    body: str | bytes,
    code: str,
    field: str | None,
) -> None:
    status, said = answer(client, strategy.path, body)
    assert (status, said["success"], said["messageCode"], said["field"]) == (
        400,
        False,
        code,
        field,
    )
    assert said["message"] and said["fix"] and said["logId"].startswith("ref_")
    assert said["docs"].endswith(f"/docs/errors#{code}")
    counted = owner.execute("SELECT code, count FROM web.refusals").fetchall()
    assert counted == [(code, 1)]
    assert owner.execute("SELECT count(*) FROM web.signals").fetchone() == (0,)


def test_a_wrong_secret_is_400_and_an_unknown_webhook_404(
    client: FlaskClient, strategy: factories.Strategy
) -> None:
    wrong = f"/trading/webhook/{strategy.webhook_uuid}/nope"
    status, said = answer(client, wrong, GOOD)
    assert (status, said["messageCode"]) == (400, "invalid-password")
    unknown = "/trading/webhook/6f1c1d0e-0000-4000-8000-000000000000/x"
    for path in (unknown, "/trading/webhook/not-a-uuid/x"):
        status, said = answer(client, path, GOOD)
        assert (status, said["messageCode"]) == (404, "not-found")


def test_a_webhook_that_was_erased_a_moment_ago_is_unknown(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    assert answer(client, strategy.path, GOOD)[0] == 200
    owner.execute("SELECT web.erase_tenants(ARRAY[%s])", (strategy.tenant_id,))
    status, said = answer(client, strategy.path, GOOD)
    assert (status, said["messageCode"]) == (404, "not-found")
    assert owner.execute("SELECT count(*) FROM web.doubts").fetchone() == (0,)


def test_only_post_is_taken(client: FlaskClient, strategy: factories.Strategy) -> None:
    response = client.get(strategy.path)
    assert response.status_code == 400
    assert response.json is not None and response.json["messageCode"] == "post-required"


def test_a_body_over_64_kb_is_413(client: FlaskClient, strategy: factories.Strategy) -> None:
    status, said = answer(client, strategy.path, b" " * (64 * 1024 + 1))
    assert (status, said["messageCode"]) == (413, "payload-too-large")


def test_the_limit_answers_429_and_counts(
    database: Database, redis_url: str, owner: psycopg.Connection
) -> None:
    strategy = factories.strategy(owner)
    client, taking = app_for(configure(database.url("web"), redis_url, "2/minute,500/hour"))
    assert [answer(client, strategy.path, GOOD)[0] for _ in range(2)] == [200, 200]
    response = client.post(strategy.path, data=GOOD)
    taking.close()
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert owner.execute("SELECT code, count FROM web.refusals").fetchall() == [
        ("too-many-requests", 1)
    ]


def test_an_idempotency_key_is_honoured(client: FlaskClient, strategy: factories.Strategy) -> None:
    headers = {"Idempotency-Key": "one"}
    _, first = answer(client, strategy.path, GOOD, headers=headers)
    _, again = answer(client, strategy.path, GOOD, headers=headers)
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    status, said = answer(client, strategy.path, GOOD.replace("5", "6"), headers=headers)
    assert (status, said["messageCode"]) == (409, "idempotency-mismatch")


def test_the_former_secret_does_not_pass_from_memory(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    answer(client, strategy.path, GOOD)
    owner.execute("UPDATE web.strategy_webhooks SET secret_hash = sha256('new')")
    owner.execute("UPDATE web.strategy_intake SET version = version + 1")
    status, said = answer(client, strategy.path, GOOD)
    assert (status, said["messageCode"]) == (400, "invalid-password")


def test_a_rotated_secret_is_seen_at_once(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    answer(client, strategy.path, GOOD)
    owner.execute("UPDATE web.strategy_webhooks SET secret_hash = sha256('new')")
    owner.execute("UPDATE web.strategy_intake SET version = version + 1")
    renewed = f"/trading/webhook/{strategy.webhook_uuid}/new"
    assert answer(client, renewed, GOOD)[0] == 200


def test_concurrent_equal_alerts_are_all_stored(
    client: FlaskClient, strategy: factories.Strategy, owner: psycopg.Connection
) -> None:
    app = client.application
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda _: answer(app.test_client(), strategy.path, GOOD)[0], range(40))
        )
    assert statuses == [200] * 40
    assert owner.execute("SELECT count(*), max(seq) FROM web.signals").fetchone() == (40, 40)


def test_redis_away_costs_nothing_but_the_bell(
    database: Database, owner: psycopg.Connection
) -> None:
    strategy = factories.strategy(owner)
    client, taking = app_for(configure(database.url("web"), "redis://127.0.0.1:1/0"))
    assert answer(client, strategy.path, GOOD)[0] == 200
    taking.close()


def test_database_away_is_503_in_under_a_second(redis_url: str) -> None:
    client, taking = app_for(configure("postgresql://nobody@127.0.0.1:1/none", redis_url))
    path = "/trading/webhook/6f1c1d0e-0000-4000-8000-000000000000/x"
    began = time.monotonic()
    response = client.post(path, data=GOOD)
    took = time.monotonic() - began
    taking.close()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert took < 1.0


def test_a_boot_that_ends_cleanly_says_so(
    database: Database, redis_url: str, owner: psycopg.Connection
) -> None:
    _, taking = app_for(configure(database.url("web"), redis_url))
    deadline = time.monotonic() + 5
    while not owner.execute("SELECT FROM web.boots").fetchall() and time.monotonic() < deadline:
        pass
    taking.close()
    assert owner.execute("SELECT clean FROM web.boots").fetchall() == [(True,)]


def test_a_resend_after_an_answer_in_doubt_is_the_same_signal(
    database: Database,
    redis_url: str,
    owner: psycopg.Connection,
    strategy: factories.Strategy,
) -> None:
    client, taking = app_for(configure(database.url("web"), redis_url))
    answer(client, strategy.path, b'{"ticker":"AAPL","action":"cancel"}')
    # Another transaction holds the intake row: the answer is given before the commit.
    with psycopg.connect(database.url("owner")) as other:
        other.execute("SELECT FROM web.strategy_intake FOR UPDATE")
        assert answer(client, strategy.path, GOOD)[0] == 503
    time.sleep(0.3)  # our own rest after the failure
    status, _ = answer(client, strategy.path, GOOD)
    taking.close()
    assert status == 200
    buys = owner.execute("SELECT count(*) FROM web.signals WHERE parsed->>'action' = 'buy'")
    assert buys.fetchone() == (1,)


@pytest.mark.parametrize("point", ["intake.after_commit", "intake.before_answer"])
def test_a_resend_after_a_failure_behind_the_commit_is_the_same_signal(
    client: FlaskClient,
    strategy: factories.Strategy,
    owner: psycopg.Connection,
    fault: Callable[[str], None],
    point: str,
) -> None:
    fault(f"web:{point}:1:raise")
    assert answer(client, strategy.path, GOOD)[0] == 500
    status, said = answer(client, strategy.path, GOOD)
    assert (status, said["duplicate"]) == (200, True)
    assert owner.execute("SELECT count(*) FROM web.signals").fetchone() == (1,)


def test_a_resend_after_an_answer_that_came_too_late_is_the_same_signal(
    client: FlaskClient,
    strategy: factories.Strategy,
    owner: psycopg.Connection,
    fault: Callable[[str], None],
) -> None:
    fault("web:intake.after_commit:1:delay2600")
    assert answer(client, strategy.path, GOOD)[0] == 200
    status, said = answer(client, strategy.path, GOOD)
    assert (status, said["duplicate"]) == (200, True)
    assert owner.execute("SELECT count(*) FROM web.signals").fetchone() == (1,)


@pytest.mark.rule("D6.allowance")
@pytest.mark.parametrize("limits", ["2/minute,500/hour", "100/minute,2/hour"])
def test_beyond_either_limit_sixty_exits_and_cancels_a_minute_are_still_taken(
    database: Database, redis_url: str, owner: psycopg.Connection, limits: str
) -> None:
    strategy = factories.strategy(owner)
    client, taking = app_for(configure(database.url("web"), redis_url, limits))

    def post(action: str, **fields: str) -> int:
        body = json.dumps({"ticker": "AAPL", "action": action, **fields})
        return answer(client, strategy.path, body)[0]

    assert [post("buy") for _ in range(3)] == [200, 200, 429]
    # A sell may open, so it is none of them.
    assert post("sell") == post("sell", sentiment="flat") == post("reverse") == 429
    kept = [post(("exit", "cancel")[number % 2]) for number in range(61)]
    taking.close()
    assert kept == [200] * 60 + [429]
