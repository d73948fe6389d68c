"""Facts become read models: orders, fills, positions, and where each trade stands.

Durable fact: the cursor, moved in the same transaction as the rows. Reading from the
beginning gives the same rows again; a fact already read changes nothing. A fact that
cannot be read is put aside for its account only, and the rest goes on.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import faults, reasons, wire
from protos.execution.v1 import execution_pb2 as pb
from web import fills, logins, positions
from web.alarms import raising
from web.changes import events
from web.db import Pool, need_not_last, one_go, to_json
from web.execution_client import ExecutionClient
from web.external import External
from web.quarantine import put_aside
from web.queue import Bell
from web.trades import record, told, unasked

MAX_FACTS = 1000
RENEW_SECONDS = 1.0
NAME = "read models"

log = structlog.get_logger()

Row = dict[str, Any]

_LEGS = told.small_words(pb.Leg, "LEG_")
_ORIGINS = told.small_words(pb.Origin, "ORIGIN_")
_SIDES = told.small_words(pb.Side, "SIDE_")
_TYPES = told.small_words(pb.OrdType, "ORD_TYPE_")
_REASONS = told.small_words(pb.Reason, "REASON_")
_STATUSES = told.words(pb.OrdStatus, "ORD_STATUS_")
_STATES = told.words(pb.TradeState, "TRADE_STATE_")

# What a person waits for, or did, on the page of what waits.
_DOUBTS = ("not_provable", "declared_absent", "declared_present")

_ORDERS = """
INSERT INTO web.orders AS o (id, tenant_id, trade_id, connection_id, cl_ord_id, leg, revision,
    origin, instrument, side, ord_type, time_in_force, order_qty, limit_price, stop_price,
    synthetic, ord_status, created_at, updated_at)
SELECT id, tenant_id, trade_id, connection_id, cl_ord_id, leg, revision, origin, instrument, side,
    ord_type, time_in_force, order_qty, limit_price, stop_price, synthetic, 'PENDING_NEW', at, at
FROM json_to_recordset(%s::json) AS r(id uuid, tenant_id uuid, trade_id uuid, connection_id uuid,
    cl_ord_id text, leg text, revision int, origin text, instrument text, side text, ord_type text,
    time_in_force text, order_qty numeric, limit_price numeric, stop_price numeric,
    synthetic boolean, at timestamptz)
ON CONFLICT (id) DO NOTHING
"""

_ORDER_STATES = """
UPDATE web.orders o SET ord_status = coalesce(r.ord_status, o.ord_status),
    cum_qty = coalesce(r.cum_qty, o.cum_qty), avg_px = coalesce(r.avg_px, o.avg_px),
    resent_at = coalesce(r.resent_at, o.resent_at),
    broker_order_id = coalesce(nullif(r.broker_order_id, ''), o.broker_order_id),
    reason = coalesce(nullif(r.text, ''), o.reason), updated_at = r.at
FROM json_to_recordset(%s::json) AS r(id uuid, ord_status text, cum_qty numeric, avg_px numeric,
    broker_order_id text, text text, resent_at timestamptz, at timestamptz)
WHERE o.id = r.id
"""

_TRADES = """
UPDATE web.trades t SET
    state = coalesce(r.state, t.state),
    reason = CASE WHEN r.state IS NULL THEN t.reason ELSE r.reason END,
    approval_expires_at = CASE WHEN r.state IS NULL THEN t.approval_expires_at
        ELSE r.approval_expires_at END,
    message = CASE WHEN r.state IS NULL THEN t.message ELSE r.message END,
    numbers = CASE WHEN r.numbers IS NULL THEN t.numbers ELSE t.numbers || r.numbers END,
    contract = coalesce(r.contract, t.contract),
    protection = coalesce(r.protection, t.protection),
    protection_details = coalesce(r.protection_details, t.protection_details),
    planned_at = coalesce(t.planned_at, r.planned_at),
    submitted_at = coalesce(t.submitted_at, r.submitted_at),
    acknowledged_at = coalesce(t.acknowledged_at, r.acknowledged_at),
    first_fill_at = coalesce(t.first_fill_at, r.first_fill_at),
    filled_at = coalesce(r.filled_at, t.filled_at),
    decision = CASE WHEN r.decision IS NULL THEN t.decision ELSE t.decision || r.decision END,
    fact_seq = r.fact_seq, updated_at = clock_timestamp()
FROM json_to_recordset(%s::json) AS r(id uuid, fact_seq bigint, state text, reason text,
    message text, numbers jsonb, contract jsonb, protection text, protection_details jsonb,
    decision jsonb, approval_expires_at timestamptz, planned_at timestamptz,
    submitted_at timestamptz, acknowledged_at timestamptz, first_fill_at timestamptz,
    filled_at timestamptz)
WHERE t.id = r.id AND t.fact_seq < r.fact_seq
"""

_MOVE = """
INSERT INTO web.fact_cursor AS c (name, cursor) VALUES (%(name)s, %(to)s)
ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, updated_at = now()
WHERE c.cursor = %(from)s
RETURNING true
"""


class Superseded(Exception):
    """Another projector moved the cursor."""


class Batch:
    """The rows that a run of facts comes to. Later facts of a thing replace earlier ones."""

    def __init__(self) -> None:
        self.unasked: list[pb.Fact] = []
        self.orders: list[Row] = []
        self.order_states: dict[str, Row] = {}
        self.fills: list[Row] = []
        self.amended: list[Row] = []
        self.positions: dict[tuple[str, str], Row] = {}
        self.trades: dict[str, Row] = {}
        self.moves: list[Row] = []
        self.external = External()
        self.logins: list[Row] = []
        self.alarms: list[Row] = []
        self.changes: set[tuple[str, str, str]] = set()

    def add(self, fact: pb.Fact) -> None:
        """Work one fact in. Raises ValueError when it cannot be read."""
        if fact.HasField("alarm"):
            self.alarms.append(raising.of_fact(fact))
        match fact.WhichOneof("kind"):
            case "order_sending":
                self._sending(fact, fact.order_sending)
            case "execution_report":
                self._report(fact, fact.execution_report)
            case "order_resent":
                self._resent(fact, fact.order_resent.order_id)
            case "trade_outcome":
                self._outcome(fact, fact.trade_outcome)
            case "trade_resolved":
                self._trade(fact)["contract"] = told.contract(fact.trade_resolved.resolved)
            case "trade_protection":
                self._trade(fact).update(told.protection(fact.trade_protection))
                if "doubted" in fact.trade_protection.numbers:
                    self.changes.add((fact.tenant_id, "approval", fact.trade_id))
            case "position_change":
                self.moves.append(positions.row(fact, fact.position_change))
            case "external_report":
                self.external.add(fact)
                if fact.external_report.HasField("change"):
                    self.moves.append(positions.row(fact, fact.external_report.change))
            case "account_login":
                self.logins.append(logins.row(fact, fact.account_login))
            case "order_stopped" | "lane_stop" | "order_unanswered":
                # What the trade does instead is in the facts after it; what else is not done
                # there, those trades say.
                pass
            case None if fact.HasField("alarm"):
                pass
            case kind:
                raise ValueError(f"unknown kind of fact: {kind}")

    @property
    def tenants(self) -> set[str]:
        """Whom it changes something for."""
        return {UUID(tenant).hex for tenant in {tenant for tenant, _, _ in self.changes}}

    def write(self, connection: Connection[TupleRow]) -> None:
        """All rows, a statement a table."""
        unasked.add(connection, self.unasked)
        for statement, rows in (
            (_ORDERS, self.orders),
            (_ORDER_STATES, list(self.order_states.values())),
            (fills.ADD, self.fills),
            (fills.AMEND, self.amended),
            (positions.AFTER_FILLS, list(self.positions.values())),
            (_TRADES, list(self.trades.values())),
        ):
            if rows:
                connection.execute(statement, (to_json(rows),), prepare=True)
        if self.logins:
            logins.write(connection, self.logins)
        self.changes |= self.external.write(connection)
        if self.moves:
            self.changes |= positions.write(connection, self.moves)
        for tenant, kind, alarm in raising.write(connection, self.alarms):
            self.changes.add((tenant.hex, kind, alarm.hex))
        if self.changes:
            tenants, kinds, objects = zip(*events.few(self.changes), strict=True)
            connection.execute(
                "SELECT web.record_changes(%s::uuid[], %s, %s::uuid[])",
                (list(tenants), list(kinds), list(objects)),
            )

    def _sending(self, fact: pb.Fact, sending: pb.OrderSending) -> None:
        order = sending.order
        self.orders.append(
            {
                "id": order.order_id,
                "tenant_id": fact.tenant_id,
                "trade_id": fact.trade_id,
                "connection_id": fact.connection_id,
                "cl_ord_id": order.cl_ord_id,
                "leg": _LEGS[order.leg],
                "revision": order.revision,
                "origin": _ORIGINS[order.origin],
                "instrument": order.instrument,
                "side": _SIDES[order.side],
                "ord_type": _TYPES[order.ord_type],
                "time_in_force": order.time_in_force,
                "order_qty": order.order_qty,
                "limit_price": order.limit_price or None,
                "stop_price": order.stop_price or None,
                "synthetic": order.synthetic,
                "at": wire.to_datetime(fact.time),
            }
        )
        trade = self._trade(fact)
        trade["planned_at"] = wire.to_datetime(sending.planned_time)
        if sending.HasField("decision"):
            step = f"{self.orders[-1]['leg']}{order.revision}"
            trade.setdefault("decision", {})[step] = record.pack(sending.decision)

    def _report(self, fact: pb.Fact, report: pb.ExecutionReport) -> None:
        at = wire.to_datetime(fact.time)
        before = self.order_states.get(report.order_id, {})
        self.order_states[report.order_id] = {
            "id": report.order_id,
            "ord_status": _STATUSES[report.ord_status],
            "cum_qty": report.cum_qty or "0",
            "avg_px": report.avg_px or None,
            "broker_order_id": report.broker_order_id or before.get("broker_order_id", ""),
            "text": report.text or before.get("text", ""),
            "resent_at": before.get("resent_at"),
            "at": at,
        }
        trade = self._trade(fact)
        if report.leg in (pb.LEG_TAKE_PROFIT, pb.LEG_STOP):
            # The stages of a trade are those of what it was asked to do.
            trade = {}
        if report.HasField("venue_time"):
            trade.setdefault("submitted_at", wire.to_datetime(report.venue_time))
        if report.exec_type != pb.EXEC_TYPE_NOT_SENT:
            trade.setdefault("acknowledged_at", at)
        if report.exec_type == pb.EXEC_TYPE_FILL:
            trade.setdefault("first_fill_at", at)
            trade["filled_at"] = at
            self.fills.append(fills.row(fact, report, at))
            self._position(fact, report, at)
        if report.exec_type in (pb.EXEC_TYPE_TRADE_CANCEL, pb.EXEC_TYPE_TRADE_CORRECT):
            self.amended.append(fills.amended(fact, report))
            self._position(fact, report, at)

    def _resent(self, fact: pb.Fact, order_id: str) -> None:
        at = wire.to_datetime(fact.time)
        before = self.order_states.get(order_id, {"id": order_id})
        self.order_states[order_id] = before | {"resent_at": at, "at": at}
        self._trade(fact)

    def _position(self, fact: pb.Fact, report: pb.ExecutionReport, at: datetime | None) -> None:
        key = (fact.connection_id, report.instrument)
        before = self.positions.get(key, {}).get("own", {})
        self.positions[key] = positions.held(fact, report, at, before)
        self.changes.add((fact.tenant_id, "position", fact.connection_id))

    def _outcome(self, fact: pb.Fact, outcome: pb.TradeOutcome) -> None:
        reason = _REASONS[outcome.reason] or None
        numbers = dict(outcome.numbers)
        shown = outcome.message or (reasons.explain(reason, numbers) if reason else None)
        trade = self._trade(fact)
        trade["state"] = _STATES[outcome.state]
        trade["reason"] = reason
        trade["message"] = shown
        trade["numbers"] = numbers
        gives_back = outcome.state == pb.TRADE_STATE_WAITING_APPROVAL
        trade["approval_expires_at"] = told.expiry(fact) if gives_back else None
        if reason in _DOUBTS or gives_back:
            self.changes.add((fact.tenant_id, "approval", fact.trade_id))
        if outcome.HasField("decision"):
            trade.setdefault("decision", {})["end"] = record.pack(outcome.decision)
        if outcome.HasField("planned_time"):
            trade["planned_at"] = wire.to_datetime(outcome.planned_time)

    def _trade(self, fact: pb.Fact) -> Row:
        trade = self.trades.setdefault(fact.trade_id, {"id": fact.trade_id})
        trade["fact_seq"] = fact.seq
        if fact.origin:
            self.unasked.append(fact)
        self.changes.add((fact.tenant_id, "trade", fact.trade_id))
        return trade


class Projector:
    """Follows the facts."""

    def __init__(
        self,
        pool: Pool,
        execution: ExecutionClient,
        bell: Bell,
        *,
        still_mine: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._execution = execution
        self._bell = bell
        self._still_mine = still_mine

    def follow(self, stop: threading.Event) -> None:
        """Read facts from the cursor on, until stopped, superseded, or the stream breaks.

        Raises ExecutionDown, psycopg.OperationalError, Superseded.
        """
        cursor = self._cursor()
        renewed_at = time.monotonic()
        for response in self._execution.facts(cursor, max_facts=MAX_FACTS):
            if stop.is_set():
                return
            if time.monotonic() - renewed_at > RENEW_SECONDS:
                if not self._still_mine():
                    return
                # A database that died may have lost what was written last, and this hears nothing
                # of it where the stream held.
                if self._cursor() != cursor:
                    raise Superseded()
                renewed_at = time.monotonic()
            if response.facts:
                cursor = self.apply(cursor, response.cursor, response.facts)

    def apply(self, cursor: str, to: str, facts: Sequence[pb.Fact]) -> str:
        """Write a run of facts and move the cursor, in one transaction.

        Raises Superseded when another projector moved it.
        """
        try:
            changed = self._write(cursor, to, facts)
        except (psycopg.OperationalError, Superseded):
            raise
        except Exception as error:
            log.warning("facts_one_by_one", error=error)
            changed = self._write_one_by_one(cursor, to, facts)
        faults.point("project.after_commit")
        self._bell.announce(changed)
        return to

    def _write(self, cursor: str, to: str, facts: Sequence[pb.Fact]) -> set[str]:
        changed: set[str] = set()
        with self._pool.connection() as connection, one_go(connection):
            need_not_last(connection)
            # First, for its answer is waited for: the rest, with the tenants' change numbers that
            # others wait for, then goes in one go.
            self._move(connection, cursor, to)
            for run in logins.runs(facts):
                batch = Batch()
                for fact in run:
                    batch.add(fact)
                batch.write(connection)
                changed |= batch.tenants
            faults.point("project.before_commit")
        return changed

    def _write_one_by_one(self, cursor: str, to: str, facts: Sequence[pb.Fact]) -> set[str]:
        """As `_write`, putting aside each fact that cannot be written."""
        changed: set[str] = set()
        with self._pool.connection() as connection, connection.transaction():
            for fact in facts:
                batch = Batch()
                try:
                    with connection.transaction():
                        batch.add(fact)
                        batch.write(connection)
                    changed |= batch.tenants
                except (psycopg.OperationalError, psycopg.ProgrammingError):
                    # Not of this fact's making: the next would fail as well.
                    raise
                except Exception as error:
                    put_aside(connection, fact, error)
            self._move(connection, cursor, to)
        return changed

    def _move(self, connection: Connection[TupleRow], cursor: str, to: str) -> None:
        moved = connection.execute(_MOVE, {"name": NAME, "from": cursor, "to": to}).fetchone()
        if moved is None:
            raise Superseded()

    def _cursor(self) -> str:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT cursor FROM web.fact_cursor WHERE name = %s", (NAME,)
            ).fetchone()
        return row[0] if row else ""
