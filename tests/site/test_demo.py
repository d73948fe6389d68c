"""The demo workspace is the same at every start, and its secrets are private."""

from pathlib import Path

import psycopg
import pytest

from tests.conftest import Database
from web import demo


@pytest.fixture
def environment(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("DATABASE_URL", database.url("owner"))
    monkeypatch.setenv("FILLWIRE_WEB_DATABASE_URL", database.url("web"))
    monkeypatch.setenv("FILLWIRE_DATA_DIR", str(tmp_path))
    return database


def test_seeding_again_gives_the_same_and_more_when_asked(
    environment: Database, tmp_path: Path
) -> None:
    first = demo.seed()
    # The way in for staff is for one use: each start has another.
    once = {"staff_link": first["staff_link"]}
    assert demo.seed() | once == first
    more = demo.seed(strategies=3)
    assert more["strategies"][:1] == first["strategies"]
    assert more["password"] == first["password"]
    assert len({row["webhook_url"] for row in more["strategies"]}) == 3
    assert more["webhook_url"] == first["strategies"][0]["webhook_url"]
    assert (tmp_path / demo.FILE).stat().st_mode & 0o777 == 0o600


def test_a_lost_file_gives_new_secrets_to_the_same_person(
    environment: Database, tmp_path: Path
) -> None:
    first = demo.seed()
    (tmp_path / demo.FILE).unlink()
    second = demo.seed()
    assert second["email"] == first["email"]
    assert second["api_key"] != first["api_key"]


def test_a_demo_subscription_trades_by_itself(environment: Database) -> None:
    made = demo.seed()
    with psycopg.connect(environment.url("owner")) as owner:
        found = owner.execute(
            "SELECT enabled, settings FROM web.subscriptions WHERE id = %s",
            (made["subscription_id"].removeprefix("sub_"),),
        ).fetchone()
    assert found == (True, {"auto_submit": {"source": "own", "value": True}})


def test_the_demo_has_a_connector_that_stays_the_same(environment: Database) -> None:
    first = demo.seed()["crypto_arsenal"]
    assert demo.seed()["crypto_arsenal"] == first
    assert first["url"].endswith("/trading-signal/webhook")
    assert first["connectorName"] == "demo"
    assert len(first["connectorToken"]) == 36
