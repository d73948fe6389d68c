"""Rows as they travel between the engine, the journal and the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from execution.domain.orders import Order
from execution.domain.positions import Attribution, Position
from execution.domain.sync import NO_LEDGER, Ledger
from execution.domain.trades import AccountRef
from execution.lanes.covers import Told
from protos.execution.v1 import execution_pb2 as pb

WHOLE = UUID(int=0)


class OrderRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order's terms; what it does not have does not travel."""

    id: UUID
    cl_ord_id: str
    trade_id: UUID
    leg: str
    revision: int
    account_id: UUID
    subscription_id: UUID
    origin: str
    instrument: str
    side: str
    ord_type: str
    time_in_force: str
    order_qty: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    reference_price: Decimal | None = None
    decided_from: dict[str, str]
    created_at: datetime


class FactRow(msgspec.Struct, frozen=True):
    """A fact; `fact` is the protobuf message."""

    account_id: UUID
    seq: int
    canonical_id: str
    kind: str
    trade_id: UUID | None
    order_id: UUID | None
    fact: bytes
    at: datetime


class PositionRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A position after a fact; the subscription WHOLE stands for the whole account."""

    account_id: UUID
    instrument: str
    subscription_id: UUID
    quantity: Decimal
    avg_price: Decimal | None
    fact_seq: int
    attribution: str
    # What targets need to know of the past.
    initial_balance: Decimal | None = None
    flat_balance: Decimal | None = None
    is_in_step: bool = False
    followed: Decimal | None = None
    # Realised on that trading day; of the whole account only.
    result_day: date | None = None
    result: Decimal | None = None


class BoundRow(msgspec.Struct, frozen=True):
    """An order about to be written down: whom switches and limits know it by, and the
    newest of them that it was decided with."""

    order_id: UUID
    trade_id: UUID
    tenant: str
    strategy: str
    connection: str
    broker: str
    seen: int


class Entry(msgspec.Struct, eq=False):
    """What becomes durable together for one account under one lease; `committed` is called
    once it is, never when the lease was lost. `stopped` is called in its place where a switch
    or a limit came between: then none of its orders is stored."""

    account_id: UUID
    epoch: int
    facts: list[FactRow]
    orders: list[OrderRow] = []
    positions: list[PositionRow] = []
    # Trades that are over; False for one that is no more, as something late was filled.
    done: dict[UUID, bool] = {}
    committed: Callable[[], None] | None = None
    bound: BoundRow | None = None
    stopped: Callable[[], None] | None = None
    # Trades of our own that this gives rise to.
    instructions: list["InstructionRow"] = []


class Written(msgspec.Struct, frozen=True):
    """What became of a batch: the accounts whose lease still holds, and the trades that a
    switch or a limit stopped."""

    held: set[UUID] = msgspec.field(default_factory=set)
    stopped: set[UUID] = msgspec.field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """A kill switch, or the limits of a connection."""

    scope: str
    scope_id: str
    name: str
    value: dict[str, Any]
    set_by: str
    set_at: datetime
    version: int


class Writes(Protocol):
    """The journal, as those who write to it need it."""

    def write(self, entry: Entry) -> None:
        """Have an entry stored."""


class InstructionRow(msgspec.Struct, frozen=True):
    """One trade of SubmitTrades."""

    trade_id: UUID
    content_hash: bytes
    account_id: UUID
    strategy_id: UUID
    trade: bytes
    # A person let it go after it had been given back.
    revives: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored instruction as read back; `trade` is the protobuf message."""

    instruction_id: int
    trade_id: UUID
    trade: bytes
    withdrawn: int = 0
    # What a person said of its orders, by the names of their doubts.
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A position at takeover."""

    instrument: str
    subscription_id: UUID
    position: Position
    attribution: Attribution
    ledger: Ledger = NO_LEDGER
    result_day: date | None = None
    result: Decimal | None = None


class Sent(NamedTuple):
    """How often an order went out again, and since when surely nobody sends it."""

    resends: int = 0
    since: datetime | None = None


@dataclass(slots=True)
class AccountImage:
    """All that the store knows of an account, for the one who took its lease."""

    account_id: UUID
    ref: AccountRef
    epoch: int
    last_seq: int = 0
    heard_seq: int = 0
    moved_seq: int = 0
    positions: list[Held] = field(default_factory=list)
    open: list[Stored] = field(default_factory=list)
    orders: dict[UUID, list[Order]] = field(default_factory=dict)
    # Of orders without an answer, what is on record of their sending, by order id.
    unanswered: dict[UUID, Sent] = field(default_factory=dict)
    # When orders were written down within the last minute, and by which connection.
    sent: list[tuple[str, datetime]] = field(default_factory=list)
    # The last outcome of each open trade (state, reason, numbers), and their count.
    outcomes: dict[UUID, "OutcomeImage"] = field(default_factory=dict)
    # What was last told of the protection of open trades.
    protections: dict[UUID, Told] = field(default_factory=dict)
    # What the tickers of open trades were found to mean.
    resolved: dict[UUID, pb.Resolved] = field(default_factory=dict)
    # What stops lanes, by the order that was filled too much; and what did.
    lanes: list[tuple[UUID | None, pb.LaneStop]] = field(default_factory=list)
    # Trades that are over, of whose exits open trades take the place.
    displaced: "list[PastTrade]" = field(default_factory=list)


@dataclass(slots=True)
class OutcomeImage:
    """What was last said about a trade."""

    count: int
    state: str
    reason: str
    numbers: dict[str, str]


@dataclass(slots=True)
class PastTrade:
    """A trade that was over, and is needed again because something late was heard."""

    stored: Stored
    orders: list[Order] = field(default_factory=list)
    outcome: OutcomeImage | None = None
    protection: Told | None = None
    resolved: pb.Resolved | None = None
