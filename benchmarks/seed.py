"""Rows for the benchmarks, written by the owner: accounts of their own, many followers."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from protos import ids

SETTINGS = {
    "auto_submit": {"source": "own", "value": True},
    "allow_add": {"source": "own", "value": True},
    "quantity": {"source": "own", "value": "1"},
}

Owner = psycopg.Connection[Any]


def subscribe(connection: Owner, strategies: Sequence[UUID], *, each: int) -> None:
    """Give every strategy `each` enabled subscriptions, each to a paper account of its own.

    Those it had are paused.
    """
    unsubscribe(connection, strategies)
    rows = [_subscription(strategy, number) for strategy in strategies for number in range(each)]
    tenants = dict(connection.execute("SELECT id, tenant_id FROM web.strategies").fetchall())
    with connection.transaction():
        _copy(
            connection,
            "web.broker_accounts (id, broker, environment, account)",
            [(row["account_id"], "paper", "paper", row["account"]) for row in rows],
        )
        _copy(
            connection,
            "web.connections (id, tenant_id, broker_account_id, name, mode)",
            [
                (
                    row["connection"],
                    tenants[row["strategy"]],
                    row["account_id"],
                    row["account"],
                    "paper",
                )
                for row in rows
            ],
        )
        _copy(
            connection,
            "web.subscriptions (id, tenant_id, strategy_tenant_id, strategy_id, connection_id,"
            " enabled, settings)",
            [
                (
                    row["id"],
                    tenants[row["strategy"]],
                    tenants[row["strategy"]],
                    row["strategy"],
                    row["connection"],
                    True,
                    json.dumps(SETTINGS),
                )
                for row in rows
            ],
        )
        connection.execute(
            """
            INSERT INTO web.settings_versions (subscription_id, tenant_id, version, settings)
            SELECT id, tenant_id, version, settings FROM web.subscriptions s
            WHERE NOT EXISTS (SELECT FROM web.settings_versions v WHERE v.subscription_id = s.id)
            """
        )
        connection.execute(
            """
            INSERT INTO web.subscription_spans (subscription_id, tenant_id, enabled_at)
            SELECT id, tenant_id, clock_timestamp() FROM web.subscriptions s
            WHERE enabled AND NOT EXISTS
                (SELECT FROM web.subscription_spans p WHERE p.subscription_id = s.id)
            """
        )
        _bump(connection, strategies)
    connection.execute("ANALYZE")


def unsubscribe(connection: Owner, strategies: Sequence[UUID]) -> None:
    """Pause every subscription of these strategies."""
    with connection.transaction():
        connection.execute(
            """
            UPDATE web.subscription_spans p SET disabled_at = clock_timestamp()
            FROM web.subscriptions s
            WHERE s.id = p.subscription_id AND p.disabled_at IS NULL AND s.strategy_id = ANY(%s)
            """,
            [list(strategies)],
        )
        connection.execute(
            "UPDATE web.subscriptions SET enabled = false WHERE strategy_id = ANY(%s)",
            [list(strategies)],
        )
        _bump(connection, strategies)


def _subscription(strategy: UUID, number: int) -> dict[str, Any]:
    account = f"B{strategy.hex[:8]}{ids.new().hex[:8]}{number}"
    return {
        "id": ids.new(),
        "strategy": strategy,
        "connection": ids.new(),
        "account": account,
        "account_id": ids.account_id("paper", "paper", account),
    }


def _bump(connection: Owner, strategies: Sequence[UUID]) -> None:
    connection.execute(
        "UPDATE web.strategy_intake SET version = version + 1 WHERE strategy_id = ANY(%s)",
        [list(strategies)],
    )


def _copy(connection: Owner, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
