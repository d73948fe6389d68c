"""The tables of the execution schema, and what each statement does to them."""

from binascii import a2b_base64
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from execution.journal import ringing, statements
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim import declared
from tests.sim.standing import Standing, may_be_stored, store, store_own, stored_by_others
from tests.sim.world import World

_json = msgspec.json.Decoder()
_id = ids.from_hex
NO_ROWS = "[]"
Row = dict[str, Any]
Verbs = dict[str, Callable[[str, Any], list[Row]]]
_POSITION = (
    "quantity", "avg_price", "fact_seq", "initial_balance", "flat_balance", "is_in_step",
    "followed", "result_day", "result",
)  # fmt: skip


class Write(msgspec.Struct, frozen=True):
    """A transaction of a journal that stored something for an account."""

    at: float
    author: str
    account_id: UUID
    epoch: int
    holder: str


class Taking(msgspec.Struct, frozen=True):
    """A lease that changed hands."""

    at: float
    account_id: UUID
    holder: str
    epoch: int


class Tables:
    """Everything that is committed, and who committed it when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.instances: dict[str, datetime] = {}
        self.leases: dict[UUID, Row] = {}
        self.instructions: dict[UUID, Row] = {}
        self.drain_epochs: dict[UUID, int] = {}
        self.orders: dict[UUID, Row] = {}
        self.facts: list[Row] = []
        self.positions: dict[tuple[UUID, str, UUID], Row] = {}
        # For the checker: never read by a statement.
        self.writes: list[Write] = []
        self.takings: list[Taking] = []
        self._cl_ord_ids: set[str] = set()
        self._legs: set[tuple[UUID, str, int]] = set()
        self._canonical: set[tuple[UUID, str]] = set()
        self._verbs: Verbs = {
            statements.WRITE: self._write,
            statements.WRITE_NEW: partial(self._write, is_new=True),
            statements.WRITE_AND_STORE: self._write,
            statements.ACCEPT: self._accept,
            statements.KNOWN: self._known,
            statements.WITHDRAW: self._withdraw,
            statements.HEARTBEAT: self._heartbeat,
            statements.NEW_LEASES: self._new_leases,
            statements.FREE_LEASES: self._free_leases,
            statements.TAKE_LEASES: self._take_leases,
            statements.OPEN_TRADES: self._open_trades,
            statements.TRADES: self._trades,
            statements.IMAGE_POSITIONS: self._image_positions,
            # Nobody sets a limit on orders here.
            statements.IMAGE_SENT: lambda *_: [],
            # Nobody hears a ring here: the poll has to do.
            ringing.RING: lambda *_: [],
            # Nothing expires.
            statements.HELD_INSTRUMENTS: lambda *_: [],
            statements.HOLDERS: lambda *_: [],
            statements.IMAGE_OPEN: self._image_open,
            statements.IMAGE_EARLIER: self._image_earlier,
            statements.IMAGE_ORDERS: self._image_orders,
            statements.IMAGE_REPORTS: self._kept("report", "order_id"),
            statements.IMAGE_UNANSWERED: self._kept("unanswered resent", "order_id"),
            statements.IMAGE_OUTCOMES: self._kept("outcome", "trade_id"),
            statements.IMAGE_RESOLVED: self._kept("resolved", "trade_id"),
            statements.IMAGE_PROTECTIONS: self._image_protections,
            statements.PAST_TRADES: self._past_trades,
            **Standing(self).verbs,
            **declared.statements(self.instructions, self.facts),
        }

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._world.seconds

    def now(self) -> datetime:
        """clock_timestamp()"""
        return self._world.at()

    def carry_out(self, author: str, statement: str, parameters: Any) -> list[Row]:
        """A statement at one instant. Raises psycopg.Error."""
        return self._verbs[statement](author, parameters)

    # -- the journal

    def _write(self, author: str, parameters: Row, *, is_new: bool = False) -> list[Row]:
        asked = {_id(r["account_id"]): r["epoch"] for r in _json.decode(parameters["leases"])}
        leases = self.leases
        held = [a for a, epoch in asked.items() if a in leases and leases[a]["epoch"] == epoch]
        names = {str(account) for account in held}
        orders = [_order(row) for row in _rows(parameters["orders"], names)]
        if any(order["order_qty"] <= 0 for order in orders):
            raise psycopg.errors.CheckViolation("orders_order_qty_check")
        positions = [_position(row) for row in _rows(parameters["positions"], names)]
        keys = [_key(row) for row in positions]
        if len(keys) != len(set(keys)):
            raise psycopg.errors.CardinalityViolation("a position twice in one command")
        facts = _rows(parameters["facts"], names)
        if is_new and self._is_there(orders, facts):
            raise psycopg.errors.UniqueViolation("a row of it is there")
        for account in held:
            holder = self.leases[account]["author"]
            self.writes.append(Write(self._world.seconds, author, account, asked[account], holder))
        for order in orders:
            self._add_order(author, order)
        for fact in facts:
            self._add_fact(author, fact)
        for position in positions:
            self._put_position(position)
        store_own(self, author, _rows(parameters.get("instructions", NO_ROWS), names))
        for done in _rows(parameters["done"], names):
            instruction = self.instructions.get(_id(done["trade_id"]))
            if instruction is not None:
                at = instruction["done_at"] or self.now()
                instruction["done_at"] = at if done["is_over"] else None
        # Nobody sets switches here: none stops an order.
        return [{"account_id": account, "is_stopped": False} for account in held]

    def _is_there(self, orders: list[Row], facts: list[Row]) -> bool:
        names = [(_id(fact["account_id"]), fact["canonical_id"]) for fact in facts]
        is_known = any(name in self._canonical for name in names) or len({*names}) < len(names)
        return is_known or any(self._has_order(order) for order in orders)

    def _has_order(self, order: Row) -> bool:
        leg = (order["trade_id"], order["leg"], order["revision"])
        is_known = order["id"] in self.orders or order["cl_ord_id"] in self._cl_ord_ids
        return is_known or leg in self._legs

    def _add_order(self, author: str, order: Row) -> None:
        if self._has_order(order):
            return
        leg = (order["trade_id"], order["leg"], order["revision"])
        self._cl_ord_ids.add(order["cl_ord_id"])
        self._legs.add(leg)
        order["committed"] = self._world.seconds
        self.orders[order["id"]] = order
        self._world.trace(
            "order", author, order["cl_ord_id"], order["leg"], order["side"], order["order_qty"]
        )

    def _add_fact(self, author: str, row: Row) -> None:
        account = _id(row["account_id"])
        if (account, row["canonical_id"]) in self._canonical:
            return
        self._canonical.add((account, row["canonical_id"]))
        self.facts.append(
            {
                "account_id": account,
                "seq": row["seq"],
                "canonical_id": row["canonical_id"],
                "kind": row["kind"],
                "trade_id": _uuid(row["trade_id"]),
                "order_id": _uuid(row["order_id"]),
                "fact": a2b_base64(row["fact"]),
                "committed": self._world.seconds,
            }
        )
        told = partial(_told, self.facts[-1])
        self._world.trace("fact", author, row["seq"], row["kind"], row["canonical_id"], more=told)

    def _put_position(self, row: Row) -> None:
        key = _key(row)
        known = self.positions.get(key)
        if known is None:
            self.positions[key] = row
        elif known["fact_seq"] <= row["fact_seq"]:
            known.update({name: row[name] for name in _POSITION})

    # -- instructions

    def _accept(self, author: str, parameters: Row) -> list[Row]:
        asked: dict[UUID, int] = {}
        for group in _json.decode(parameters["groups"]):
            strategy = _id(group["strategy_id"])
            asked[strategy] = max(group["epoch"], asked.get(strategy, 0))
        fresh = [s for s in sorted(asked, key=str) if self.drain_epochs.get(s, 0) <= asked[s]]
        self.drain_epochs |= {strategy: asked[strategy] for strategy in fresh}
        earlier = stored_by_others(self, parameters)
        stored: list[Row] = []
        for row in _json.decode(parameters["trades"]):
            trade, strategy = _id(row["trade_id"]), _id(row["strategy_id"])
            if strategy not in fresh or not may_be_stored(self, trade, row):
                continue
            number = store(self, author, row)
            stored.append({"key": trade, "id": number, "earlier_of": None})
            self._world.trace("stored", author, number, trade.hex[:8])
        told = [{"key": strategy, "id": None, "earlier_of": None} for strategy in fresh]
        return told + stored + earlier

    def _known(self, _author: str, parameters: Any) -> list[Row]:
        found = (self.instructions[t] for t in parameters[0] if t in self.instructions)
        return [
            {**row, "waits": row["done_at"] is None and row["canceled_at"] is None} for row in found
        ]

    def _withdraw(self, _author: str, parameters: Row) -> list[Row]:
        found = [self.instructions[t] for t in parameters["trades"] if t in self.instructions]
        for row in found:
            row["canceled_at"] = row["canceled_at"] or self._world.at()
            row["cancel_reason"] = row["cancel_reason"] or parameters["reason"]
            row["withdrawn_at"] = min(row["withdrawn_at"], self._world.seconds)
        return [{"trade_id": row["trade_id"]} for row in found]

    # -- leases

    def _heartbeat(self, _author: str, parameters: Row) -> list[Row]:
        self.instances[parameters["id"]] = self._world.at()
        return [{"clock_timestamp": self._world.at()}]

    def _new_leases(self, author: str, parameters: Row) -> list[Row]:
        taken: list[Row] = []
        for row in sorted(_json.decode(parameters["accounts"]), key=lambda r: r["account_id"]):
            account = _id(row["account_id"])
            if account not in self.leases:
                self.leases[account] = {"instance_id": "", "epoch": 0}
                self._take(author, account, parameters["instance"])
                taken.append({"account_id": account})
        return taken

    def _free_leases(self, _author: str, parameters: Row) -> list[Row]:
        return [
            {"account_id": account}
            for account in sorted(parameters["accounts"], key=str)
            if account in self.leases and self._is_free(account, parameters)
        ]

    def _take_leases(self, author: str, parameters: Row) -> list[Row]:
        free = [account for account in parameters["accounts"] if self._is_free(account, parameters)]
        for account in free:
            self._take(author, account, parameters["instance"])
        return [{"account_id": each, "epoch": self.leases[each]["epoch"]} for each in free]

    def _take(self, author: str, account: UUID, instance: str) -> None:
        lease = self.leases[account]
        lease["instance_id"], lease["epoch"] = instance, lease["epoch"] + 1
        lease["author"] = author
        self.takings.append(Taking(self._world.seconds, account, author, lease["epoch"]))
        self._world.trace("lease", author, lease["epoch"])

    def _is_free(self, account: UUID, parameters: Row) -> bool:
        holder = self.leases[account]["instance_id"]
        if holder == parameters["instance"]:
            return True
        beaten = self.instances.get(holder)
        return beaten is None or beaten < self._world.at() - timedelta(seconds=parameters["ttl"])

    def _open_trades(self, _author: str, parameters: Row) -> list[Row]:
        waiting = [row for row in self.instructions.values() if row["done_at"] is None]
        if not waiting:
            return []
        settled = self._world.at() - timedelta(seconds=parameters["settled"])
        return [
            row
            for row in waiting
            if row["stored_at"] < settled
            if row["account_id"] not in self.leases or self._is_free(row["account_id"], parameters)
        ]

    # -- reading

    def _trades(self, _author: str, parameters: Any) -> list[Row]:
        wanted = set(parameters[0])
        return [
            {**row, "withdrawn": row["cancel_reason"] or 0}
            for row in self.instructions.values()
            if row["trade_id"] in wanted and row["done_at"] is None
        ]

    def _image_open(self, _author: str, parameters: Any) -> list[Row]:
        return [
            {**row, "withdrawn": row["cancel_reason"] or 0}
            for row in self.instructions.values()
            if row["account_id"] in parameters[0] and row["done_at"] is None
        ]

    def _image_earlier(self, author: str, parameters: Any) -> list[Row]:
        known, found = set(parameters[1]), self._image_open(author, parameters)
        return [row for row in found if row["withdrawn"] or row["trade_id"] not in known]

    def _past_trades(self, _author: str, parameters: Any) -> list[Row]:
        trades = {o["trade_id"] for o in self.orders.values() if o["cl_ord_id"] in parameters[0]}
        return [
            {**row, "withdrawn": row["cancel_reason"] or 0}
            for row in self.instructions.values()
            if row["trade_id"] in trades
        ]

    def _image_positions(self, _author: str, parameters: Any) -> list[Row]:
        return [row for key, row in self.positions.items() if key[0] in parameters[0]]

    def _image_orders(self, _author: str, parameters: Any) -> list[Row]:
        found = [o for o in self.orders.values() if o["trade_id"] in parameters[0]]
        return sorted(found, key=lambda o: (o["leg"], o["revision"]))

    def _kept(self, kind: str, column: str) -> Callable[[str, Any], list[Row]]:
        return lambda _author, parameters: self._facts_of(kind, column, parameters[0])

    def _image_protections(self, _author: str, parameters: Any) -> list[Row]:
        told = self._facts_of("protection", "trade_id", parameters[0])
        count = Counter(row["trade_id"] for row in told)
        return [{**r, "count": count[t]} for t, r in {r["trade_id"]: r for r in told}.items()]

    def _facts_of(self, kinds: str, column: str, wanted: list[UUID]) -> list[Row]:
        named = kinds.split()
        found = [f for f in self.facts if f["kind"] in named and f[column] in wanted]
        return sorted(found, key=lambda f: f["seq"])


def _rows(text: str, accounts: set[str]) -> list[Row]:
    """The rows of a parameter, as far as they are of some accounts."""
    if text == NO_ROWS:
        return []
    return [row for row in _json.decode(text) if row["account_id"] in accounts]


def _told(row: Row) -> str:
    """What a fact says, for who reads the trace."""
    fact = pb.Fact.FromString(row["fact"])
    if row["kind"] == "outcome":
        said = fact.trade_outcome
        state, reason = pb.TradeState.Name(said.state), pb.Reason.Name(said.reason)
        return f"{state[12:]} {reason[7:].lower()}"
    if row["kind"] == "report":
        report = fact.execution_report
        others = "".join(f" {who[:6]} {own}" for who, own in report.others_own.items())
        told = f"position {report.position_qty} own {report.own_qty}{others}"
        return told if report.position_qty else ""
    return f"of {fact.trade_id[:8]}"


def _order(row: Row) -> Row:
    for name in ("id", "trade_id", "account_id", "subscription_id"):
        row[name] = _id(row[name])
    for name in (
        "order_qty", "limit_price", "stop_price", "trail_amount", "trail_percent",
        "reference_price",
    ):  # fmt: skip
        row[name] = _decimal(row.get(name))
    row["created_at"] = datetime.fromisoformat(row["created_at"])
    return row


def _position(row: Row) -> Row:
    for name in ("account_id", "subscription_id"):
        row[name] = _id(row[name])
    for name in (
        "quantity", "avg_price", "initial_balance", "flat_balance", "followed", "result",
    ):  # fmt: skip
        row[name] = _decimal(row.get(name))
    day = row.get("result_day")
    row["result_day"] = None if day is None else date.fromisoformat(day)
    row.setdefault("is_in_step", False)
    return row


def _key(row: Row) -> tuple[UUID, str, UUID]:
    return row["account_id"], row["instrument"], row["subscription_id"]


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else _id(text)
