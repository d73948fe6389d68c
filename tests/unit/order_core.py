"""The real core of one account, without time, sockets or database: told what to send and what
was heard, killed, and rebuilt from what it committed."""

import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from unittest.mock import sentinel
from uuid import UUID

from msgspec import structs

from execution.accounts import recording
from execution.accounts.accounts import Account, rebuild
from execution.brokers.base import Report
from execution.domain import planning
from execution.domain.decisions import Decision, Progress, Scope
from execution.domain.orders import Order, Overfilled, Terms
from execution.domain.positions import Attribution, Position
from execution.domain.trades import AccountRef, Trade
from execution.domain.words import Action, Leg, OrdType, Origin, Side
from execution.engine.engine import Engine
from execution.journal import told
from execution.journal.rows import WHOLE, AccountImage, Entry, Held, Stored
from execution.lanes import known
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from execution.messages import messages
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from tests.unit.planning_kit import NOON, NOTHING, VENUE

SYMBOL = "AAPL"
REF = AccountRef("paper", "paper", "acme")
ACCOUNT = ids.account_id(REF.broker, REF.environment, REF.account)


class Still:
    """A runtime in which time is told, and nothing runs by itself."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()

    def later(self, _seconds: float, _callback: Callable[[], None]) -> "Still":
        return self

    def cancel(self) -> None:
        """As a timer."""


class Silent:
    """A session that nobody answers."""

    def withdraw(self, _cl_ord_id: str) -> bool:
        return False

    def cancel(self, _account: str, _cl_ord_id: str, *_told: object) -> None:
        """Asked, and no more."""

    def silence_seconds(self) -> float:
        return 0.0


class Disk:
    """A journal: what is committed survives, what waits may not."""

    def __init__(self) -> None:
        self.stored: list[Entry] = []
        self.waiting: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.waiting.append(entry)

    def commit(self, count: int) -> None:
        """The first that wait become durable."""
        self.stored += self.waiting[:count]
        del self.waiting[:count]

    @property
    def entries(self) -> list[Entry]:
        return [*self.stored, *self.waiting]

    def image(self, epoch: int) -> AccountImage:
        """What the store would tell of the account; its open trades are not in it."""
        image = AccountImage(ACCOUNT, REF, epoch)
        newest: dict[tuple[str, UUID], Held] = {}
        orders: dict[UUID, Order] = {}
        for entry in self.stored:
            for row in entry.orders:
                order = orders[row.id] = Order(messages.read_terms(structs.asdict(row)))
                image.orders.setdefault(row.trade_id, []).append(order)
            for fact in entry.facts:
                image.last_seq = fact.seq
                if fact.kind == "report" and fact.order_id is not None:
                    said = messages.read_report(pb.Fact.FromString(fact.fact))
                    with contextlib.suppress(Overfilled):
                        orders[fact.order_id].add(said)
                if fact.kind == "outcome" and fact.trade_id is not None:
                    before = image.outcomes.get(fact.trade_id)
                    image.outcomes[fact.trade_id] = told.outcome(fact.fact, before)
            for held in entry.positions:
                newest[held.instrument, held.subscription_id] = Held(
                    held.instrument,
                    held.subscription_id,
                    Position(held.quantity, held.avg_price),
                    Attribution(held.attribution),
                    result_day=held.result_day,
                    result=held.result,
                )
        image.positions = list(newest.values())
        return image


@dataclass(frozen=True)
class Survived:
    """What a new life must know: the reports of each order, and whose positions are whose."""

    reports: dict[str, set[str]]
    attribution: dict[UUID, Attribution]


class Core:
    """One lane of an account, from life to life. What trades want next is not asked of it,
    only what one would do now."""

    def __init__(self) -> None:
        self.runtime, self.disk = Still(), Disk()
        # As web handed them over: they are stored before anything is sent.
        self._trades: list[pb.Trade] = []
        self._begin(AccountImage(ACCOUNT, REF, epoch=1))

    @property
    def lane(self) -> Lane:
        return self._account.lane(SYMBOL)

    def send(
        self, subscription: UUID, leg: Leg, side: Side, quantity: Decimal, ord_type: OrdType
    ) -> Terms:
        """Write down the order of a new trade."""
        trade = _trade(subscription, Action(side.value), UUID(int=1000 + len(self._trades)))
        self._trades.append(trade)
        run = Run(_read(trade), self.lane, len(self._trades))
        self._account.runs[run.trade.trade_id] = run
        return self._write_down(run, leg, 0, side, quantity, ord_type)

    def replace(self, ticket: Ticket, quantity: Decimal) -> Terms:
        """Write down the next revision of an order."""
        terms, run = ticket.order.terms, ticket.run
        known_ones = [t.order.terms for t in run.tickets if t.order.terms.leg is terms.leg]
        revision = 1 + max(each.revision for each in known_ones)
        return self._write_down(run, terms.leg, revision, terms.side, quantity, terms.ord_type)

    def hear(self, report: Report, *, asked: bool = False) -> None:
        """From the stream where it is numbered there."""
        self._engine.hear(report, heard=report.sequence > 0 and not asked, asked=asked)

    def crash(self, survive: int) -> Survived:
        """Another life, of what is committed and of so much of what waited."""
        self.disk.commit(survive)
        self.disk.waiting.clear()
        image = self.disk.image(self._account.epoch + 1)
        image.open = [
            Stored(number, UUID(hex=trade.trade_id), trade.SerializeToString())
            for number, trade in enumerate(self._trades)
            if UUID(hex=trade.trade_id) in image.orders
        ]
        orders = [order for some in image.orders.values() for order in some]
        held = (each for each in image.positions if each.subscription_id != WHOLE)
        survived = Survived(
            {order.terms.cl_ord_id: set(order.reports) for order in orders},
            {each.subscription_id: each.attribution for each in held},
        )
        self._begin(image)
        return survived

    def scope(self, subscription: UUID) -> Scope:
        """What a new trade would see."""
        return self.lane.scope(self._probe(subscription, Action.EXIT))

    def decide(self, subscription: UUID, action: Action) -> Decision:
        """The first step of a new trade."""
        run = self._probe(subscription, action)
        return planning.decide(run.trade, self.lane.scope(run), Progress(), VENUE, NOTHING)

    def _probe(self, subscription: UUID, action: Action) -> Run:
        return Run(_asking(subscription, action), self.lane, 0)

    def _begin(self, image: AccountImage) -> None:
        nobody: Any = sentinel.unused
        session: Any = Silent()
        self._account = Account(ACCOUNT, REF, messages.account(REF), nobody, session)
        self._engine = Engine(journal=self.disk, runtime=self.runtime)
        tickets = rebuild(self._account, image)
        self.lane.tracks.clear()
        self._engine.prepare(self._account, tickets)
        self.tickets = {ticket.order.terms.cl_ord_id: ticket for ticket in tickets}

    def _write_down(
        self, run: Run, leg: Leg, revision: int, side: Side, quantity: Decimal, ord_type: OrdType
    ) -> Terms:
        trade, at = run.trade, self.runtime.at
        order_id, cl_ord_id = ids.order_ids(trade.trade_id, leg.value, revision)
        terms = Terms(
            order_id=order_id,
            cl_ord_id=cl_ord_id,
            trade_id=trade.trade_id,
            subscription_id=trade.subscription_id,
            leg=leg,
            revision=revision,
            origin=Origin.SIGNAL,
            instrument=SYMBOL,
            side=side,
            ord_type=ord_type,
            time_in_force="day",
            order_qty=quantity,
            limit_price=Decimal(100) if ord_type is OrdType.LIMIT else None,
            reference_price=Decimal(100),
            created_at=at,
        )
        ticket = self.tickets[terms.cl_ord_id] = Ticket(Order(terms), run, sends=1)
        run.tickets.append(ticket)
        self._engine.remember(self._account, ticket)
        entry = recording.sending(self._account, [ticket], at, _pass, _pass, None, 0)
        self.disk.write(entry)
        return terms


@lru_cache
def _asking(subscription: UUID, action: Action) -> Trade:
    return _read(_trade(subscription, action, UUID(int=999)))


def _read(trade: pb.Trade) -> Trade:
    return known.resolve(messages.read_trade(trade))


def _trade(subscription: UUID, action: Action, trade_id: UUID) -> pb.Trade:
    trade = pb.Trade(
        trade_id=trade_id.hex,
        strategy_id=UUID(int=9).hex,
        subscription_id=subscription.hex,
        account=messages.account(REF),
        action=f"ACTION_{action.name}",
        instrument=SYMBOL,
        quantity="" if action is Action.EXIT else "3",
    )
    trade.accepted_time.FromDatetime(NOON)
    return trade


def _pass() -> None:
    """Nobody waits."""
