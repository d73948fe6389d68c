"""The database is away: a clear page, a clear problem, nothing half done."""

from collections.abc import Iterator

import pytest
from flask import Flask

from web import config
from web.app import create_site
from web.db import db


@pytest.fixture
def app() -> Iterator[Flask]:
    made = create_site(
        config.read({"FILLWIRE_WEB_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})
    )
    yield made
    with made.app_context():
        db.engine.dispose()


def test_a_page_says_what_happened_and_what_to_do(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("fillwire_session", "some-token")
    answer = client.get("/strategies")
    assert answer.status_code == 503
    assert "We cannot reach our database" in answer.text
    assert "Is my money affected?" in answer.text
    assert answer.headers["Request-Id"] in answer.text


def test_the_api_says_that_trying_again_helps(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/signals", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer.json is not None
    assert (answer.json["code"], answer.json["retryable"]) == ("database_down", True)


def test_health_is_this_process_only(app: Flask) -> None:
    assert app.test_client().get("/healthz").status_code == 200
