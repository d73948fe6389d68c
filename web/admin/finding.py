"""Find: whatever a customer quotes, and the page of it. Every look-up has an index, or a window."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy import Row, text

from protos import ids
from web.db import db

_SHOWN = re.compile(r"\b([a-z]{3})_([0-9a-f]{32})\b")
_UUID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b")
_PREFIX = re.compile(r"[0-9a-f]{6,32}")
MOST = 50
# Broker's own order ids have no index of their own: it would cost every order a little.
_RECENT = "interval '90 days'"

# From an id to the account, and what of it has a page.
_TOLD = {
    "api_key": ("api_keys", "'key ' || name"),
    "strategy": ("strategies", "'strategy ' || name"),
    "subscription": ("subscriptions", "'subscription'"),
    "connection": ("connections", "'connection ' || name"),
    "signal": ("signals", "'signal'"),
    "refusal": ("refusals", "'refused: ' || code"),
    "trade": ("trades", "'trade ' || state"),
    "order": ("orders", "'order ' || cl_ord_id"),
    "fill": ("fills", "'fill ' || exec_id"),
    "alarm": ("alarms", "'alarm ' || kind"),
}
_OF_TRADE = ("order", "fill", "alarm")
_KINDS = {
    "tenant": "SELECT id AS tenant_id, name AS told FROM web.tenants WHERE id = :id",
    "person": (
        "SELECT m.tenant_id, p.email || ', ' || m.role || ' of ' || t.name AS told "
        "FROM web.people p JOIN web.members m ON m.person_id = p.id "
        "JOIN web.tenants t ON t.id = m.tenant_id WHERE p.id = :id"
    ),
    **{
        kind: f"SELECT tenant_id{', trade_id' if kind in _OF_TRADE else ''}, {told} AS told "
        f"FROM web.{table} WHERE id = :id"
        for kind, (table, told) in _TOLD.items()
    },
}
_PAGES = {"signal": "staff_signals", "trade": "staff_trades", "connection": "staff_connections"}

_PEOPLE = (
    "SELECT m.tenant_id, p.id, p.email || ', ' || m.role || ' of ' || t.name AS told "
    "FROM web.people p JOIN web.members m ON m.person_id = p.id "
    "JOIN web.tenants t ON t.id = m.tenant_id WHERE p.email = :email ORDER BY p.created_at LIMIT 50"
)
_WEBHOOKS = (
    "SELECT w.tenant_id, s.id, 'webhook of ' || s.name || ', ' || t.name AS told "
    "FROM web.strategy_webhooks w JOIN web.strategies s ON s.id = w.strategy_id "
    "JOIN web.tenants t ON t.id = w.tenant_id "
    "WHERE w.webhook_uuid BETWEEN :first AND :last LIMIT 50"
)
_KEYS = (
    "SELECT tenant_id, id, 'key ' || name AS told FROM web.api_keys "
    "WHERE prefix = left(:key, 12) LIMIT 50"
)
_ORDERS = (
    "SELECT tenant_id, id, trade_id, 'order ' || cl_ord_id AS told FROM web.orders "
    "WHERE cl_ord_id = :given "
    "UNION SELECT tenant_id, id, trade_id, 'order ' || cl_ord_id FROM web.orders "
    f"WHERE broker_order_id = :given AND created_at > now() - {_RECENT} LIMIT 50"
)


@dataclass(frozen=True)
class Hit:
    """Something that was found, and where it is shown."""

    kind: str
    shown: str
    told: str
    url: str


def find(asked: str) -> list[Hit]:
    """Everything that it may mean; nothing twice."""
    found: dict[str, Hit] = {}
    for look in (_by_shown_id, _by_email, _by_key, _by_uuid, _by_prefix, _by_order):
        for hit in look(asked.strip()):
            # A person may be in several workspaces.
            found.setdefault(hit.url, hit)
        if found:
            break
    return list(found.values())[:MOST]


def _by_shown_id(asked: str) -> Iterator[Hit]:
    """`sig_…`, alone or inside an address; the last one of those that are known."""
    kinds = {prefix: kind for kind, prefix in ids.PREFIXES.items()}
    for prefix, digits in reversed(_SHOWN.findall(asked)):
        kind = kinds.get(prefix, "")
        hits = list(_known(kind, UUID(digits)))
        if hits:
            yield from hits
            return


def _by_email(asked: str) -> Iterator[Hit]:
    if "@" in asked:
        for row in _rows(_PEOPLE, email=asked.lower()):
            yield _hit("person", row.id, row)


def _by_key(asked: str) -> Iterator[Hit]:
    if asked.startswith("fw_"):
        for row in _rows(_KEYS, key=asked):
            yield _hit("api_key", row.id, row)


def _by_uuid(asked: str) -> Iterator[Hit]:
    """A whole one, alone or in a webhook's address: of whatever has it."""
    for given in _UUID.findall(asked.lower()):
        value = UUID(given)
        for kind in _KINDS:
            yield from _known(kind, value)
        yield from _webhooks(value, value)


def _by_prefix(asked: str) -> Iterator[Hit]:
    """How logs write the webhook: the first digits of its address."""
    digits = asked.lower().replace("-", "")
    if _PREFIX.fullmatch(digits):
        yield from _webhooks(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def _by_order(asked: str) -> Iterator[Hit]:
    if asked:
        for row in _rows(_ORDERS, given=asked):
            yield _hit("order", row.id, row)


def _webhooks(first: UUID, last: UUID) -> Iterator[Hit]:
    for row in _rows(_WEBHOOKS, first=first, last=last):
        yield _hit("strategy", row.id, row)


def _known(kind: str, value: UUID) -> Iterator[Hit]:
    if kind in _KINDS:
        for row in _rows(_KINDS[kind], id=value):
            yield _hit(kind, value, row)


def _hit(kind: str, value: UUID, row: Row[Any]) -> Hit:
    trade: UUID | None = getattr(row, "trade_id", None)
    shown = ids.show(kind, value)
    if kind in _PAGES:
        named: dict[str, Any] = {f"{kind}_id": value}
        url = url_for(f"{_PAGES[kind]}.page", **named)
    elif trade is not None:
        url = url_for("staff_trades.page", trade_id=trade)
    else:
        anchor = shown if kind not in ("tenant", "refusal") else None
        url = url_for("staff_accounts.page", tenant_id=row.tenant_id, _anchor=anchor)
    return Hit(
        kind.replace("_", " "), shown if kind != "person" else f"{shown} {row.told}", row.told, url
    )


def _rows(statement: str, **values: Any) -> list[Row[Any]]:
    return list(db.session.execute(text(statement), values))
