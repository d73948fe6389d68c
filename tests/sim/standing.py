"""What limits and leases ask of the database: who else lives, which silences hold, what was sent;
what is on record of an account's reports. And what may be stored."""

import base64
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from execution.journal import statements
from execution.limits import limits
from protos import ids

if TYPE_CHECKING:
    from tests.sim.tables import Row, Tables, Verbs


def may_be_stored(tables: "Tables", trade: UUID, row: "Row") -> bool:
    """New, or given back before and let go since."""
    known = tables.instructions.get(trade)
    if known is None:
        return True
    is_new = base64.b64decode(row["content_hash"]) != known["content_hash"]
    has_orders = any(order["trade_id"] == trade for order in tables.orders.values())
    return row["revives"] and is_new and known["done_at"] is not None and not has_orders


def store(tables: "Tables", author: str, row: "Row") -> int:
    """A new instruction; its number."""
    trade, number = ids.from_hex(row["trade_id"]), 1
    number += max((i["id"] for i in tables.instructions.values()), default=0)
    tables.instructions[trade] = {
        "id": number,
        "trade_id": trade,
        "content_hash": base64.b64decode(row["content_hash"]),
        "account_id": ids.from_hex(row["account_id"]),
        "strategy_id": ids.from_hex(row["strategy_id"]),
        "trade": base64.b64decode(row["trade"]),
        "stored_at": tables.now(),
        "cancel_reason": None,
        "canceled_at": None,
        "declared": None,
        "done_at": None,
        "author": author,
        "committed": tables.seconds,
        "withdrawn_at": math.inf,
    }
    return number


def store_own(tables: "Tables", author: str, rows: "Iterable[Row]") -> None:
    """Trades of execution's own."""
    for row in rows:
        if ids.from_hex(row["trade_id"]) not in tables.instructions:
            store(tables, author, row)


def stored_by_others(tables: "Tables", asked: Any) -> "list[Row]":
    """What is open and young of the accounts that are told of, where another instance lives."""
    now = tables.now()
    alive = now - timedelta(seconds=asked["ttl"])
    if not any(at > alive for n, at in tables.instances.items() if n != asked["instance"]):
        return []
    accounts = {ids.from_hex(row["account_id"]) for row in msgspec.json.decode(asked["trades"])}
    young = now - timedelta(seconds=asked["found"])
    return [
        {"key": row["trade_id"], "id": row["id"], "earlier_of": row["account_id"]}
        for row in tables.instructions.values()
        if row["account_id"] in accounts and row["done_at"] is None and row["stored_at"] > young
    ]


class Standing:
    """The penalties, beside the tables that everything else is in."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables
        self._penalties: dict[tuple[str, ...], tuple[datetime, int]] = {}

    @property
    def verbs(self) -> "Verbs":
        """The statements that it knows."""
        return {
            limits.STANDING: self._standing,
            limits.KEEP_PENALTY: self._keep,
            limits.SENT_BY_ACCOUNT: self._sent,
            statements.STILL_HELD: self._still_held,
            statements.IMAGE_SEQUENCES: self._sequences,
            statements.IMAGE_LANES: self._lanes,
            statements.RECORDED: self._recorded,
        }

    def _still_held(self, _author: str, asked: Any) -> "list[Row]":
        held = zip(asked["accounts"], asked["epochs"], strict=True)
        leases = self._tables.leases
        return [{"account_id": who} for who, epoch in held if leases[who]["epoch"] == epoch]

    def _sequences(self, _author: str, parameters: Any) -> "list[Row]":
        rows: list[Row] = []
        for account in parameters[0]:
            facts = [f for f in self._tables.facts if f["account_id"] == account]
            facts.sort(key=lambda f: f["seq"], reverse=True)
            reports = [f["fact"] for f in facts if f["kind"] == "report"][:4]
            others = [f["fact"] for f in facts if f["kind"] == "external"]
            seq = facts[0]["seq"] if facts else 0
            told = {"reports": reports, "moved": None, "external": others[0] if others else None}
            rows.append({"account_id": account, "seq": seq, **told})
        return rows

    def _lanes(self, _author: str, parameters: Any) -> "list[Row]":
        # Nobody looks at anything here.
        facts = [f for f in self._tables.facts if f["kind"] == "lane"]
        mine = [f for f in facts if f["account_id"] in parameters[0]]
        return [{**f, "seen": None} for f in sorted(mine, key=lambda f: f["seq"])]

    def _recorded(self, _author: str, parameters: Any) -> "list[Row]":
        asked = set(zip(*parameters, strict=True))
        names = (f["canonical_id"] for f in self._tables.facts
                 if (f["account_id"], f["canonical_id"]) in asked)  # fmt: skip
        return [{"canonical_id": name} for name in names]

    def _standing(self, _author: str, asked: Any) -> "list[Row]":
        now = self._tables.now()
        beaten = now - timedelta(seconds=asked["ttl"])
        others = [
            at for name, at in self._tables.instances.items()
            if name != asked["instance"] and at > beaten
        ]  # fmt: skip
        known = [
            [*of, round(until.timestamp() * 1e6), level]
            for of, (until, level) in self._penalties.items()
            if until > now
        ]
        return [{"others": len(others), "penalties": known or None}]

    def _keep(self, _author: str, row: Any) -> "list[Row]":
        of = (row["broker"], row["environment"], row["scope"], row["scope_id"])
        until, _ = self._penalties.get(of, (row["until"], 0))
        self._penalties[of] = (max(until, row["until"]), row["level"])
        return [{"level": row["level"]}]

    def _sent(self, _author: str, asked: Any) -> "list[Row]":
        since = self._tables.now() - timedelta(seconds=asked["seconds"])
        rows: list[Row] = []
        for account in asked["accounts"]:
            orders = self._tables.orders.values()
            sent = [o for o in orders if o["account_id"] == account and o["created_at"] > since]
            if sent:
                rows.append({"account_id": account, "sent": len(sent)})
        return rows
