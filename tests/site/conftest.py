"""One site for a module, with two tenants that must never see each other's rows."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from protos import ids
from tests import factories
from tests.conftest import Database
from web import config
from web.accounts import passwords
from web.accounts.owners import add_account
from web.app import create
from web.db import db

PASSWORD = "correct horse battery"
BODY = b'{"ticker":"AAPL","action":"buy","quantity":5,"price":"228.40"}'
NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@dataclass
class Workspace:
    """A tenant with one of everything."""

    tenant_id: UUID
    email: str
    key: str
    strategy_id: UUID
    connection_id: UUID
    subscription_id: UUID
    signal_id: UUID
    trade_id: UUID
    alarm_id: UUID

    def shown(self, kind: str) -> str:
        """`str_…` and so on, of this workspace's own."""
        return ids.show(kind, getattr(self, f"{kind}_id"))


@dataclass
class Site:
    """The application, the owner's connection, and two workspaces."""

    app: Flask
    owner: psycopg.Connection
    database: Database
    ours: Workspace
    theirs: Workspace

    def client(self) -> FlaskClient:
        """A browser that is not signed in."""
        return self.app.test_client()

    def signed_in(self, workspace: Workspace) -> FlaskClient:
        """A browser of this workspace's person."""
        client = self.client()
        token = csrf(client, "/sign-in")
        client.post(
            "/sign-in",
            data={"email": workspace.email, "password": PASSWORD, "csrf_token": token},
        )
        return client

    def api(self, workspace: Workspace, method: str, path: str, **json: Any) -> tuple[int, Any]:
        """One call with the workspace's key."""
        headers = {"Authorization": f"Bearer {workspace.key}"}
        answer = self.client().open(
            f"/api/v1{path}", method=method, headers=headers, json=json or None
        )
        return answer.status_code, answer.json

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements that are executed meanwhile."""
        seen: list[str] = []

        def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
            if "set_config" not in statement:
                seen.append(statement)

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


def csrf(client: FlaskClient, path: str) -> str:
    """The form token that a page holds."""
    page = client.get(path).text
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def add_signal(owner: psycopg.Connection, at: Workspace | None = None, **more: Any) -> UUID:
    """A stored signal; returns its id."""
    row = {"id": uuid4(), "seq": 1, "accepted_at": NOW, **more}
    if at is not None:
        row |= {"tenant_id": at.tenant_id, "strategy_id": at.strategy_id}
    owner.execute(
        "INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, body, "
        "body_hash, parsed, received_at, accepted_at, boot_id) VALUES (%(id)s, %(tenant_id)s, "
        "%(strategy_id)s, %(seq)s, 'traderspost', 'application/json', %(body)s, '', "
        '\'{"dialect":"traderspost","ticker":"AAPL","instrument":"AAPL",'
        '"action":"buy","quantity":"5"}\', '
        "%(accepted_at)s, %(accepted_at)s, %(id)s)",
        row | {"body": BODY},
    )
    return UUID(str(row["id"]))


def add_trade(owner: psycopg.Connection, of: Any, signal_id: UUID, **more: Any) -> UUID:
    """A filled trade with one order and one fill; returns its id."""
    trade_id, order_id = uuid4(), uuid4()

    def later(ms: int) -> datetime:
        return NOW + timedelta(milliseconds=ms)

    row = {
        "id": trade_id,
        "tenant_id": of.tenant_id,
        "signal_id": signal_id,
        "strategy_id": of.strategy_id,
        "subscription_id": of.subscription_id if hasattr(of, "subscription_id") else of.id,
        "connection_id": of.connection_id,
        "state": "FILLED",
        "reason": None,
        "signal": '{"action":"buy","instrument":"AAPL"}',
        "settings": '{"quantity":{"value":"5","from":"signal"}}',
        **{f"t{index}": later(10 * index) for index in range(7)},
        "order": order_id,
        "cl_ord_id": order_id.hex[:22],
        "fill": uuid4(),
        **more,
    }
    owner.execute(
        "INSERT INTO web.trades (id, tenant_id, signal_id, signal_seq, strategy_id, "
        "subscription_id, connection_id, mode, state, reason, instrument, signal, settings, "
        "settings_version, received_at, accepted_at, dequeued_at, planned_at, submitted_at, "
        "acknowledged_at, first_fill_at, filled_at) VALUES (%(id)s, %(tenant_id)s, "
        "%(signal_id)s, 1, %(strategy_id)s, %(subscription_id)s, %(connection_id)s, 'paper', "
        "%(state)s, %(reason)s, 'AAPL', %(signal)s, %(settings)s, 1, %(t0)s, %(t1)s, %(t2)s, "
        "%(t3)s, %(t4)s, %(t5)s, %(t6)s, %(t6)s)",
        row,
    )
    owner.execute(
        "INSERT INTO web.orders (id, tenant_id, trade_id, connection_id, cl_ord_id, leg, "
        "revision, origin, instrument, side, ord_type, time_in_force, order_qty, cum_qty, "
        "avg_px, ord_status, created_at, updated_at) VALUES (%(order)s, %(tenant_id)s, %(id)s, "
        "%(connection_id)s, %(cl_ord_id)s, 'entry', 0, 'signal', 'AAPL', 'buy', 'market', "
        "'day', 5, 5, 228.40, 'FILLED', %(t4)s, %(t6)s)",
        row,
    )
    owner.execute(
        "INSERT INTO web.fills (id, tenant_id, order_id, trade_id, connection_id, exec_id, "
        "instrument, side, qty, price, at) VALUES (%(fill)s, %(tenant_id)s, %(order)s, %(id)s, "
        "%(connection_id)s, 'x', 'AAPL', 'buy', 5, 228.40, %(t6)s)",
        row,
    )
    return trade_id


def add_alarm(owner: psycopg.Connection, of: Workspace, **more: Any) -> UUID:
    """An alarm of the workspace's trade, or another; returns its id."""
    row = {"id": uuid4(), "trade_id": of.trade_id, "kind": "flip_timeout", "lasts": None, **more}
    row |= {"tenant_id": of.tenant_id, "connection_id": of.connection_id, "at": NOW}
    row |= {"acknowledged_by": more.get("acknowledged_by")}
    row |= {"acknowledged_at": NOW if row["acknowledged_by"] else None}
    owner.execute(
        "INSERT INTO web.alarms (id, tenant_id, kind, connection_id, instrument, trade_id, "
        "message, numbers, lasts, raised_at, acknowledged_at, acknowledged_by) VALUES (%(id)s, "
        "%(tenant_id)s, %(kind)s, %(connection_id)s, 'AAPL', %(trade_id)s, 'Look at AAPL.', '{}', "
        "%(lasts)s, %(at)s, %(acknowledged_at)s, %(acknowledged_by)s)",
        row,
    )
    return UUID(str(row["id"]))


def add_workspace(owner: psycopg.Connection, app: Flask, name: str) -> Workspace:
    """A tenant with a person, a key, a strategy, a subscription, a signal and a trade."""
    email, key = f"{name}@fillwire.test", f"fw_test_{passwords.new_token()}"
    account = add_account(owner, email=email, password=PASSWORD, tenant_name=name)
    owner.execute(
        "INSERT INTO web.api_keys (id, tenant_id, name, prefix, key_hash, mode) "
        "VALUES (%s, %s, 'test', %s, %s, 'test')",
        (uuid4(), account.tenant_id, key[:12], passwords.hash_token(key)),
    )
    strategy = factories.strategy(owner, account.tenant_id)
    _seal(owner, app, strategy)
    joined = factories.subscription(owner, strategy)
    made = Workspace(
        account.tenant_id,
        email,
        key,
        strategy.id,
        joined.connection_id,
        joined.id,
        uuid4(),
        uuid4(),
        uuid4(),
    )
    made.signal_id = add_signal(owner, made)
    made.trade_id = add_trade(owner, made, made.signal_id)
    made.alarm_id = add_alarm(owner, made, acknowledged_by="person:someone")
    owner.execute("UPDATE web.strategy_intake SET seq = 1 WHERE strategy_id = %s", (strategy.id,))
    owner.execute(
        "INSERT INTO web.positions (connection_id, instrument, tenant_id, quantity, avg_price, "
        "own, updated_at) VALUES (%s, 'AAPL', %s, 5, 228.40, %s, %s)",
        (
            made.connection_id,
            made.tenant_id,
            msgspec.json.encode({made.subscription_id.hex: "5"}).decode(),
            NOW,
        ),
    )
    return made


def _seal(owner: psycopg.Connection, app: Flask, strategy: factories.Strategy) -> None:
    from web.strategies import secrets

    key = app.extensions["fillwire.config"].sealing_key
    owner.execute(
        "UPDATE web.strategy_webhooks SET secret_sealed = %s WHERE strategy_id = %s",
        (secrets.seal(key, strategy.id, strategy.secret), strategy.id),
    )


@contextmanager
def hashed_by(hasher: PasswordHasher) -> Iterator[None]:
    """Passwords cost meanwhile what this one lets them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", hasher)
        patch.setattr(passwords, "_nobody_hash", "")
        yield


@pytest.fixture(scope="module")
def cheap_passwords() -> Iterator[None]:
    """A site's tests sign in a thousand times; what hashing costs is for test_asvs to say."""
    with hashed_by(PasswordHasher.from_parameters(CHEAPEST)):
        yield


@pytest.fixture(scope="module")
def site(
    cheap_passwords: None, module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The site on a database of its own. No Redis: the site must do without."""
    folder: Path = tmp_path_factory.mktemp("site")
    app = create(
        config.read(
            {
                "FILLWIRE_WEB_DATABASE_URL": module_database.url("web"),
                "FILLWIRE_STAFF_DATABASE_URL": module_database.url("staff"),
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "FILLWIRE_DATA_DIR": str(folder),
                "FILLWIRE_WEB_URL": "http://localhost",
                "FILLWIRE_SEALING_KEY": urlsafe_b64encode(b"k" * 32).decode(),
            }
        )
    )
    with psycopg.connect(module_database.url("owner"), autocommit=True) as owner:
        yield Site(
            app,
            owner,
            module_database,
            add_workspace(owner, app, "ours"),
            add_workspace(owner, app, "theirs"),
        )
    app.extensions["fillwire.intake"].close()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
