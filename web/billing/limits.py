"""How much of each thing a workspace may have: its plan's limit, or an exception until a day.

Checked where one more is made. What is there already stays and goes on, whatever the limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from web.db import current_tenant, db
from web.problems import Problem

# What is counted, and how it is called.
KEYS: Final[Mapping[str, str]] = {
    "strategies": "Strategies",
    "paper_connections": "Paper connections",
    "subscriptions": "Subscriptions",
}
_COUNTS: Final[Mapping[str, str]] = {
    "strategies": "SELECT count(*) FROM web.strategies WHERE tenant_id = :tenant",
    "paper_connections": (
        "SELECT count(*) FROM web.connections WHERE tenant_id = :tenant AND mode = 'paper'"
    ),
    "subscriptions": "SELECT count(*) FROM web.subscriptions WHERE tenant_id = :tenant",
}
# Of a plan: how many are on it, and how many of them have more than that already.
_OVER: Final[Mapping[str, str]] = {
    key: f"SELECT count(*) AS on_it, count(*) FILTER (WHERE ({counted}) > :value) AS over "
    "FROM web.tenants t WHERE t.plan_id = :plan"
    for key, counted in ((key, _COUNTS[key].replace(":tenant", "t.id")) for key in _COUNTS)
}
# An exception of no value lifts the limit.
_LIMIT = (
    "SELECT CASE WHEN e.tenant_id IS NOT NULL THEN e.value ELSE l.value END FROM web.tenants t "
    "LEFT JOIN web.plan_limits l ON l.plan_id = t.plan_id AND l.key = :key "
    "LEFT JOIN web.entitlements e ON e.tenant_id = t.id AND e.key = :key AND e.until > now() "
    "WHERE t.id = :tenant"
)


@dataclass(frozen=True)
class Used:
    """One limit, and how far it is used; None: not limited."""

    key: str
    name: str
    used: int
    limit: int | None


def check(key: str) -> None:
    """Whether the current tenant may have one more, before it is made in this transaction.

    Two at once: the second waits for the first. Raises Problem.
    """
    tenant = current_tenant()
    limit = db.session.scalar(text(_LIMIT), {"tenant": tenant, "key": key})
    if limit is None:
        return
    db.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('limit:' || :of, 0))"),
        {"of": f"{tenant}:{key}"},
    )
    used = db.session.scalar(text(_COUNTS[key]), {"tenant": tenant})
    if used >= limit:
        raise Problem(
            403,
            "plan_limit",
            "Your plan has no more of these",
            f"{KEYS[key]}: your plan has {limit}, and {used} are in use.",
            "Go on with what is there, or ask for a larger plan.",
        )


def usage(tenant: UUID) -> list[Used]:
    """All limits of a tenant."""
    return [
        Used(
            key,
            name,
            db.session.scalar(text(_COUNTS[key]), {"tenant": tenant}) or 0,
            db.session.scalar(text(_LIMIT), {"tenant": tenant, "key": key}),
        )
        for key, name in KEYS.items()
    ]


def plans() -> Mapping[str, str]:
    """The plans' names by id."""
    rows = db.session.execute(text("SELECT id, name FROM web.plans ORDER BY id"))
    return {row.id: row.name for row in rows}


def plan_limits() -> Mapping[tuple[str, str], int]:
    """Every limit of every plan."""
    rows = db.session.execute(text("SELECT plan_id, key, value FROM web.plan_limits"))
    return {(row.plan_id, row.key): row.value for row in rows}


def set_plan_limit(plan: str, key: str, value: int | None) -> None:
    """For everybody on the plan; None: not limited. In the caller's transaction."""
    given: dict[str, Any] = {"plan": plan, "key": key, "value": value}
    statement = (
        "DELETE FROM web.plan_limits WHERE plan_id = :plan AND key = :key"
        if value is None
        else "INSERT INTO web.plan_limits (plan_id, key, value) VALUES (:plan, :key, :value) "
        "ON CONFLICT (plan_id, key) DO UPDATE SET value = excluded.value"
    )
    db.session.execute(text(statement), given)


def over(plan: str, key: str, value: int) -> tuple[int, int]:
    """How many tenants are on a plan, and how many of them have more than this already."""
    row = db.session.execute(text(_OVER[key]), {"plan": plan, "value": value}).one()
    return row.on_it, row.over


def override_of(tenant: UUID, key: str) -> str | None:
    """The exception that holds now, as the audit remembers it."""
    row = db.session.execute(
        text(
            "SELECT value, until FROM web.entitlements "
            "WHERE tenant_id = :tenant AND key = :key AND until > now()"
        ),
        {"tenant": tenant, "key": key},
    ).one_or_none()
    if row is None:
        return None
    return f"{'not limited' if row.value is None else row.value} until {row.until:%Y-%m-%d}"


def override(tenant: UUID, key: str, value: int | None, *, days: int, by: str) -> None:
    """An exception for so many days, in the caller's transaction; for none it is over."""
    until = datetime.now(UTC) + timedelta(days=days)
    db.session.execute(
        text(
            "INSERT INTO web.entitlements (tenant_id, key, value, until, set_by) "
            "VALUES (:tenant, :key, :value, :until, :by) ON CONFLICT (tenant_id, key) DO UPDATE "
            "SET value = excluded.value, until = excluded.until, set_by = excluded.set_by, "
            "set_at = clock_timestamp()"
        ),
        {"tenant": tenant, "key": key, "value": value, "until": until, "by": by},
    )
