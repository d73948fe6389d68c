"""What is on record after a run: the journal, the leases and the broker's arrivals, and what
web had asked for. The checker sees nothing else; above all nothing that an engine remembers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import UUID

from msgspec import Struct

from execution.domain.orders import WATCHED
from execution.journal.rows import WHOLE
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.sim.plan import Subscription
from tests.sim.tables import Tables, Taking
from tests.sim.venue import Arrival, Order, Venue

ZERO = Decimal(0)
PASSING = frozenset(
    {
        pb.TRADE_STATE_UNSPECIFIED,
        pb.TRADE_STATE_PENDING,
        pb.TRADE_STATE_WORKING,
        pb.TRADE_STATE_BLOCKED,
        pb.TRADE_STATE_QUEUED,
        pb.TRADE_STATE_DELAYED,
        pb.TRADE_STATE_WAITING_APPROVAL,
        pb.TRADE_STATE_NEEDS_ATTENTION,
    }
)
# Of an order that may still fill.
OPEN = (
    pb.ORD_STATUS_NEW,
    pb.ORD_STATUS_PENDING_NEW,
    pb.ORD_STATUS_PARTIALLY_FILLED,
)
JUST_NOW = 0.001
_SIGN = {"buy": 1, "sell": -1}
Lane = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade that web handed over."""

    id: UUID
    message: pb.Trade
    to: Subscription
    signaled: float

    @property
    def track(self) -> tuple[UUID, str]:
        """Whose turn it waits for."""
        return self.to.id, self.to.symbol

    def supersedes(self, earlier: "Trade") -> bool:
        """Whether it ends the entries of an earlier trade that never reached the broker."""
        said, before = self.message, earlier.message
        if said.action == pb.ACTION_CANCEL:
            # A delay may have come between; what was asked for meanwhile stays.
            asked, since = before.accepted_time, said.accepted_time
            return (asked.seconds, asked.nanos) <= (since.seconds, since.nanos)
        if said.action in (pb.ACTION_EXIT, pb.ACTION_REVERSE):
            return True
        if said.sentiment == pb.SENTIMENT_FLAT or said.HasField("target"):
            return True
        sides = {said.action, before.action}
        return sides == {pb.ACTION_BUY, pb.ACTION_SELL}


class Fact(Struct, frozen=True):
    """One fact, read."""

    account_id: UUID
    seq: int
    kind: str
    canonical_id: str
    committed: float
    message: pb.Fact
    # The trade that it is about.
    trade_id: UUID | None


class Row(Struct, frozen=True):
    """An order as it was written down."""

    cl_ord_id: str
    id: UUID
    trade_id: UUID
    leg: str
    revision: int
    account_id: UUID
    subscription: UUID
    instrument: str
    side: str
    quantity: Decimal
    committed: float
    # Who wanted it.
    origin: str
    # It waited with us for its price.
    is_watched: bool

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return _SIGN[self.side]


@dataclass
class Reading:
    """Facts and orders, each read once however often they are looked at: nothing of what is
    committed is ever changed."""

    facts: list[Fact] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    of_trade: dict[UUID, list[Row]] = field(default_factory=dict)

    def catch_up(self, tables: Tables) -> None:
        """Read what was committed since the last time."""
        self.facts += map(_fact, tables.facts[len(self.facts) :])
        for row in islice(tables.orders.values(), len(self.rows), None):
            read = self.rows[row["cl_ord_id"]] = _row(row)
            self.of_trade.setdefault(read.trade_id, []).append(read)


@dataclass
class Record:
    """Everything that a check may look at."""

    trades: list[Trade]
    tables: Tables
    venue: Venue
    # Nothing is excused that is known to be open.
    with_gaps: bool = False
    # Nothing that was sent arrived long after.
    comes_in_time: bool = True
    # What earlier records of the run have read.
    reading: Reading = field(default_factory=Reading)
    instructions: dict[UUID, dict[str, Any]] = field(init=False)
    rows: dict[str, Row] = field(init=False)

    def __post_init__(self) -> None:
        self.reading.catch_up(self.tables)
        self.instructions, self.rows = self.tables.instructions, self.reading.rows

    @cached_property
    def trade(self) -> dict[UUID, Trade]:
        """Trades by id."""
        return {trade.id: trade for trade in self.trades}

    @cached_property
    def facts(self) -> list[Fact]:
        """All facts, in the order of their accounts' numbers."""
        return sorted(self.reading.facts, key=lambda f: (f.account_id.int, f.seq))

    @cached_property
    def by_trade(self) -> dict[UUID, list[Fact]]:
        """Facts by the trade they are about."""
        found: dict[UUID, list[Fact]] = defaultdict(list)
        for fact in self.facts:
            if fact.trade_id is not None:
                found[fact.trade_id].append(fact)
        return found

    @cached_property
    def tracks(self) -> dict[tuple[UUID, str], list[Trade]]:
        """The stored trades of each subscription and instrument, as they were stored."""
        found: dict[tuple[UUID, str], list[Trade]] = defaultdict(list)
        for trade_id in self.instructions:
            trade = self.trade[trade_id]
            found[trade.track].append(trade)
        return found

    def outcomes(self, trade_id: UUID) -> list[Fact]:
        """The outcomes told of a trade, oldest first."""
        return [f for f in self.by_trade[trade_id] if f.kind == "outcome"]

    def last_outcome(self, trade_id: UUID) -> pb.TradeOutcome:
        """The current outcome; unspecified before the first."""
        told = self.outcomes(trade_id)
        return told[-1].message.trade_outcome if told else pb.TradeOutcome()

    def fired_at(self, row: Row) -> float | None:
        """When it was on record that the price had come which a watched entry waited for."""
        told = (f for f in self.outcomes(row.trade_id) if "fired_at" in _numbers(f))
        return next((f.committed for f in told), None)

    def displaced(self, trade_id: UUID) -> dict[str, Decimal]:
        """Whose place a trade takes, and what each had filled when it was asked to go."""
        told = [_numbers(f).get("displaced", "") for f in self.outcomes(trade_id)]
        words = (word.partition(":") for word in next(filter(None, reversed(told)), "").split())
        return {cl_ord_id: Decimal(filled) for cl_ord_id, _, filled in words}

    def last_protection(self, trade_id: UUID) -> pb.TradeProtection | None:
        """Where the protection of what a trade opened stands; None where it has none."""
        told = [f for f in self.by_trade[trade_id] if f.kind == "protection"]
        return told[-1].message.trade_protection if told else None

    def rows_of(self, trade_id: UUID, *legs: str) -> list[Row]:
        """The orders of a trade."""
        rows = self.reading.of_trade.get(trade_id, ())
        return [row for row in rows if not legs or row.leg in legs]

    def venue_orders(self, cl_ord_id: str) -> Iterable[Order]:
        """What the broker has under an id."""
        for account in self.venue.accounts.values():
            yield from account.orders.get(cl_ord_id, ())

    def filled(self, cl_ord_id: str) -> Decimal:
        """How much the broker filled under an id."""
        return sum((order.cum_qty for order in self.venue_orders(cl_ord_id)), ZERO)

    def is_open(self, cl_ord_id: str) -> bool:
        """True while the broker may still fill it."""
        return any(order.is_open for order in self.venue_orders(cl_ord_id))

    @cached_property
    def ends(self) -> dict[str, pb.ExecutionReport]:
        """The last words about orders whose end is on record."""
        told = [f.message.execution_report for f in self.facts if f.kind == "report"]
        return {said.cl_ord_id: said for said in told if said.ord_status not in OPEN}

    @cached_property
    def unheard(self) -> set[str]:
        """Orders of which nothing was ever heard."""
        told = {f.message.execution_report.cl_ord_id for f in self.facts if f.kind == "report"}
        return set(self.rows) - told

    def taking(self, account_id: UUID, at: float) -> Taking | None:
        """When the account was taken, and by which life, that held it at some second."""
        takings = reversed(self.tables.takings)
        return next((t for t in takings if t.account_id == account_id and t.at <= at), None)

    def holder(self, account_id: UUID, at: float) -> str:
        """Which life held the account at some second."""
        taking = self.taking(account_id, at)
        return "" if taking is None else taking.holder

    def is_of_another(self, arrival: Arrival) -> bool:
        """True for what a former holder wrote."""
        row = self.rows.get(arrival.cl_ord_id)
        if row is None:
            return False
        return self.holder(row.account_id, arrival.written) != arrival.author

    def is_stale(self, arrival: Arrival) -> bool:
        """True for what was on its way to the socket as its writer was paused, and lost the
        account: nobody can prevent that."""
        return self.is_of_another(arrival) and self.woke_with_it(arrival)

    def came_apart(self, earlier: Trade, newer: Trade) -> bool:
        """True when the older trade was stored through an instance beside the one that held
        the account and was given the newer: the holder finds it in the database, later."""
        first, second = self.instructions[earlier.id], self.instructions[newer.id]
        if self.with_gaps or first["author"] == second["author"]:
            return False
        takings = [t for t in self.tables.takings if t.account_id == first["account_id"]]
        return any(t.holder == second["author"] and t.at < first["committed"] for t in takings)

    def woke_with_it(self, arrival: Arrival) -> bool:
        """True for what was on its way to the socket when its writer was paused."""
        return any(
            author == arrival.author and 0 <= arrival.written - until < JUST_NOW
            for author, until in self.venue.world.wakings
        )

    @cached_property
    def stale_ids(self) -> set[str]:
        """Orders that some former holder was about to write when it was paused."""
        return {a.cl_ord_id for a in self.venue.arrivals if self.is_stale(a)}

    @cached_property
    def by_hand(self) -> set[tuple[str, str]]:
        """Accounts and instruments that moved behind our back: by hand, or after an end."""
        return {
            (account.name, symbol)
            for account in self.venue.accounts.values()
            for symbol in account.touched_by_hand | account.touched_late
        }

    def sees_all(self, row: Row) -> bool:
        """True for an order of a subscription to which the whole account is its own."""
        where = self.tables.positions.get((row.account_id, row.instrument, row.subscription))
        return where is not None and where["attribution"] == "account"

    def position(self, account_id: UUID, symbol: str, subscription: UUID = WHOLE) -> Decimal:
        """A position as recorded."""
        row = self.tables.positions.get((account_id, symbol, subscription))
        return ZERO if row is None else row["quantity"]


def _numbers(fact: Fact) -> Mapping[str, str]:
    return fact.message.trade_outcome.numbers


def _fact(row: dict[str, Any]) -> Fact:
    message = pb.Fact.FromString(row["fact"])
    about = ids.from_hex(message.trade_id) if message.trade_id else None
    return Fact(
        row["account_id"], row["seq"], row["kind"], row["canonical_id"], row["committed"],
        message, about,
    )  # fmt: skip


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["cl_ord_id"], row["id"], row["trade_id"], row["leg"], row["revision"],
        row["account_id"], row["subscription_id"], row["instrument"], row["side"],
        row["order_qty"], row["committed"], row["origin"], WATCHED in row["decided_from"],
    )  # fmt: skip
