"""Rows with good defaults, made as the owner; a test names only what it is about."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from protos import ids


@dataclass
class Strategy:
    """A strategy with its webhook."""

    tenant_id: UUID
    id: UUID = field(default_factory=uuid4)
    webhook_uuid: UUID = field(default_factory=uuid4)
    secret: str = "s3cret"

    @property
    def path(self) -> str:
        """The path of its webhook URL."""
        return f"/trading/webhook/{self.webhook_uuid}/{self.secret}"


@dataclass
class Subscription:
    """A subscription with its connection."""

    tenant_id: UUID
    strategy_id: UUID
    account: str
    id: UUID = field(default_factory=uuid4)
    connection_id: UUID = field(default_factory=uuid4)


def tenant(connection: psycopg.Connection, name: str = "Acme") -> UUID:
    """A tenant."""
    tenant_id = uuid4()
    connection.execute("INSERT INTO web.tenants (id, name) VALUES (%s, %s)", (tenant_id, name))
    return tenant_id


def strategy(
    connection: psycopg.Connection,
    tenant_id: UUID | None = None,
    *,
    asset_class: str = "stocks",
    settings: dict[str, Any] | None = None,
    per_minute: int = 1000,
    per_hour: int = 10000,
    dedupe_seconds: int = 0,
) -> Strategy:
    """A strategy whose webhook takes messages."""
    made = Strategy(tenant_id or tenant(connection))
    connection.execute(
        "INSERT INTO web.strategies (id, tenant_id, name, asset_class, settings) "
        "VALUES (%s, %s, 'First', %s, %s)",
        (made.id, made.tenant_id, asset_class, _json(settings or {})),
    )
    connection.execute(
        "INSERT INTO web.strategy_webhooks (strategy_id, tenant_id, webhook_uuid, secret_hash, "
        "secret_sealed, per_minute, per_hour, dedupe_seconds) VALUES (%s,%s,%s,%s,'',%s,%s,%s)",
        (
            made.id,
            made.tenant_id,
            made.webhook_uuid,
            hashlib.sha256(made.secret.encode()).digest(),
            per_minute,
            per_hour,
            dedupe_seconds,
        ),
    )
    connection.execute(
        "INSERT INTO web.strategy_intake (strategy_id, tenant_id) VALUES (%s, %s)",
        (made.id, made.tenant_id),
    )
    return made


def connector(
    connection: psycopg.Connection,
    to: Strategy,
    *,
    name: str = "mine",
    token: str = "0f8fad5b-d9cb-469f-a165-70867728950e",
    instrument: str = "BTCUSDT",
    market: str = "any",
    mode: str = "plain",
    convention: str = "ignore",
    leverage: str = "1",
) -> dict[str, str]:
    """A connector; returns what messages send of it."""
    connection.execute(
        "INSERT INTO web.connectors (strategy_id, tenant_id, name, token_hash, token_sealed, "
        "instrument, market, mode, leverage_convention, leverage, reserve_percent) "
        "VALUES (%s, %s, %s, %s, '', %s, %s, %s, %s, %s, 1)",
        (
            to.id,
            to.tenant_id,
            name,
            hashlib.sha256(token.encode()).digest(),
            instrument,
            market,
            mode,
            convention,
            leverage,
        ),
    )
    return {"connectorName": name, "connectorToken": token}


def subscription(
    connection: psycopg.Connection,
    to: Strategy,
    tenant_id: UUID | None = None,
    *,
    settings: dict[str, Any] | None = None,
    auto_submit: bool = True,
    enabled: bool = True,
) -> Subscription:
    """A subscription on a paper connection of its own."""
    made = Subscription(tenant_id or to.tenant_id, to.id, account=f"P{uuid4().hex[:10]}")
    account_id = ids.account_id("paper", "paper", made.account)
    connection.execute(
        "INSERT INTO web.broker_accounts (id, broker, environment, account) "
        "VALUES (%s, 'paper', 'paper', %s)",
        (account_id, made.account),
    )
    connection.execute(
        "INSERT INTO web.connections (id, tenant_id, broker_account_id, name, mode) "
        "VALUES (%s, %s, %s, 'Paper', 'paper')",
        (made.connection_id, made.tenant_id, account_id),
    )
    chosen = {"auto_submit": {"source": "own", "value": auto_submit}, **(settings or {})}
    connection.execute(
        "INSERT INTO web.subscriptions (id, tenant_id, strategy_tenant_id, strategy_id, "
        "connection_id, enabled, settings) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            made.id,
            made.tenant_id,
            to.tenant_id,
            to.id,
            made.connection_id,
            enabled,
            _json(chosen),
        ),
    )
    if enabled:
        connection.execute(
            "INSERT INTO web.subscription_spans (subscription_id, tenant_id, enabled_at) "
            "VALUES (%s, %s, now() - interval '2 hours')",
            (made.id, made.tenant_id),
        )
    return made


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
