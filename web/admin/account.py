"""What is known of one workspace, for its page: a query for each part, none for each row."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from web.admin.trail import with_reasons
from web.db import db

Rows = Sequence[Row[Any]]
LAST = 20

_PARTS = {
    "people": (
        "SELECT p.id, p.email, p.disabled_at, p.confirmed_at, m.role, p.created_at, "
        "web.has_second_factor(p.id) AS second_factor FROM web.members m "
        "JOIN web.people p ON p.id = m.person_id WHERE m.tenant_id = :tenant "
        "ORDER BY m.created_at LIMIT 100"
    ),
    "connections": (
        "SELECT c.id, c.name, c.mode, c.state, b.broker, b.environment, b.account, c.created_at "
        "FROM web.connections c JOIN web.broker_accounts b ON b.id = c.broker_account_id "
        "WHERE c.tenant_id = :tenant ORDER BY c.created_at LIMIT 100"
    ),
    "strategies": (
        "SELECT s.id, s.name, s.asset_class, s.enabled, w.webhook_uuid, w.per_minute, w.per_hour, "
        "w.senders, i.seq, i.handed_seq, i.last_accepted_at, "
        "(SELECT count(*) FROM web.subscriptions u WHERE u.strategy_id = s.id) AS subscriptions "
        "FROM web.strategies s JOIN web.strategy_webhooks w ON w.strategy_id = s.id "
        "JOIN web.strategy_intake i ON i.strategy_id = s.id "
        "WHERE s.tenant_id = :tenant ORDER BY s.created_at LIMIT 100"
    ),
    "subscriptions": (
        "SELECT u.id, u.enabled, s.name AS strategy, c.name AS connection, c.mode, "
        "u.strategy_tenant_id <> u.tenant_id AS follows FROM web.subscriptions u "
        "JOIN web.strategies s ON s.id = u.strategy_id "
        "JOIN web.connections c ON c.id = u.connection_id "
        "WHERE u.tenant_id = :tenant ORDER BY u.created_at LIMIT 100"
    ),
    "refusals": (
        "SELECT last_at, code, count, message FROM web.refusals WHERE strategy_id IN "
        "(SELECT id FROM web.strategies WHERE tenant_id = :tenant) "
        "ORDER BY last_at DESC LIMIT :last"
    ),
    "alarms": (
        "SELECT id, kind, message, trade_id, raised_at FROM web.alarms WHERE tenant_id = :tenant "
        "AND ended_at IS NULL AND acknowledged_at IS NULL ORDER BY raised_at DESC LIMIT :last"
    ),
    "switches": (
        "SELECT scope, scope_id, mode, why, set_by, set_at FROM web.switches WHERE mode <> 'off' "
        "AND (tenant_id = :tenant OR scope = 'platform' OR scope_id IN "
        "(SELECT web.broker_id(b.broker, b.environment) FROM web.connections c "
        "JOIN web.broker_accounts b ON b.id = c.broker_account_id WHERE c.tenant_id = :tenant)) "
        "ORDER BY set_at DESC"
    ),
    "keys": (
        "SELECT id, name, prefix, mode, created_at, last_used_at, revoked_at FROM web.api_keys "
        "WHERE tenant_id = :tenant ORDER BY created_at LIMIT 50"
    ),
    "notes": (
        "SELECT n.at, n.note, s.email FROM web.staff_notes n JOIN web.staff s ON s.id = n.staff_id "
        "WHERE n.tenant_id = :tenant ORDER BY n.id DESC LIMIT :last"
    ),
    "events": (
        "SELECT at, actor, action, subject, reason FROM web.audit_events "
        "WHERE tenant_id = :tenant ORDER BY id DESC LIMIT :last"
    ),
    "entitlements": (
        "SELECT key, value, until FROM web.entitlements WHERE tenant_id = :tenant ORDER BY key"
    ),
}


def parts(tenant: UUID) -> Mapping[str, Sequence[Any]]:
    """Everything but its signals and trades."""
    given = {"tenant": tenant, "last": LAST}
    found = {name: _rows(statement, given) for name, statement in _PARTS.items()}
    return {**found, "events": with_reasons(found["events"])}


def signals(tenant: UUID) -> Rows:
    """Its last signals, with what became of them."""
    return _rows(
        "SELECT s.id, s.accepted_at, s.parsed->>'action' AS action, s.parsed->>'ticker' AS ticker, "
        "n.name AS strategy, "
        "(SELECT array_agg(DISTINCT t.state) FROM web.trades t WHERE t.signal_id = s.id "
        "AND t.tenant_id = :tenant) AS states, "
        "(SELECT array_remove(array_agg(DISTINCT t.reason), NULL) FROM web.trades t "
        "WHERE t.signal_id = s.id AND t.tenant_id = :tenant) AS reasons "
        "FROM (SELECT * FROM web.signals WHERE tenant_id = :tenant "
        "ORDER BY accepted_at DESC LIMIT :last) s "
        "JOIN web.strategies n ON n.id = s.strategy_id ORDER BY s.accepted_at DESC",
        {"tenant": tenant, "last": LAST},
    )


def failed(tenant: UUID) -> Rows:
    """Its last trades that came to nothing, each with its reason."""
    return _rows(
        "SELECT id, accepted_at, instrument, mode, state, reason, message FROM web.trades "
        "WHERE tenant_id = :tenant AND accepted_at > now() - interval '30 days' "
        "AND state IN ('REJECTED', 'EXPIRED', 'NEEDS_ATTENTION', 'HALTED') "
        "ORDER BY accepted_at DESC LIMIT :last",
        {"tenant": tenant, "last": LAST},
    )


def _rows(statement: str, given: Mapping[str, Any]) -> Rows:
    return db.session.execute(text(statement), dict(given)).all()
