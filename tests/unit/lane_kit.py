"""An engine with one account, a journal that keeps everything at once, and a prompt broker."""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from execution.accounts.accounts import Account, Arrival
from execution.brokers.base import Adapter, BrokerError, Capabilities, NewOrder
from execution.domain.reports import Report
from execution.domain.trades import AccountRef, Trade
from execution.domain.words import ExecType, OrdStatus, OrdType, Side
from execution.engine.engine import Engine
from execution.engine.queueing import NextOpen, exchange_opens
from execution.holding.reconciling import Reconciling
from execution.journal.rows import Entry
from execution.limits.session import Session
from execution.messages import messages
from execution.runtime import Timer
from tests.unit.planning_kit import NOON, VENUE, a_trade

REF = AccountRef("paper", "paper", "acme")
PRICE = Decimal(100)


class Steps:
    """Time and tasks, one after the other."""

    def __init__(self) -> None:
        self.at = NOON
        self.soon: deque[Callable[[], None]] = deque()
        self.timers: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self.at

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.soon.append(lambda: _finish(work))

    def later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        if not seconds:
            self.soon.append(callback)
        else:
            self.timers.append((self.at + timedelta(seconds=seconds), callback))
        return cast("Timer", SimpleNamespace(cancel=lambda: None))

    def wait(self, seconds: float) -> None:
        """Time passes; no timer is ever called off."""
        until = self.at + timedelta(seconds=seconds)
        while due := [timer for timer in self.timers if timer[0] <= until]:
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.at = max(self.at, first[0])
            first[1]()
            self.run()
        self.at = until

    def run(self) -> None:
        while self.soon:
            self.soon.popleft()()


def _finish(work: Coroutine[Any, Any, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("something waited that nobody answers")


class Broker:
    """Takes every order, unless it `says` something else; fills them when told to."""

    def __init__(self) -> None:
        self.orders: dict[str, NewOrder] = {}
        self.canceled: list[str] = []
        self.asked: list[Sequence[str]] = []
        self.refuses_repeats = self.looks_up = True
        self.price: Decimal | None = None
        self.says: Callable[[NewOrder], BrokerError | None] = lambda _order: None

    async def admit(self, _account: str, _connection_id: str) -> None:
        """Everybody is."""

    async def submit(self, order: NewOrder) -> Report:
        if (error := self.says(order)) is not None:
            raise error
        for each in (order, *order.guards):
            self.orders[each.cl_ord_id] = each
        return said(order, ExecType.NEW)

    async def cancel(self, _account: str, cl_ord_id: str) -> bool:
        self.canceled.append(cl_ord_id)
        return True

    async def find_orders(self, _account: str, names: Sequence[str]) -> dict[str, list[Report]]:
        self.asked.append(names)
        known = [name for name in names if name in self.orders] if self.looks_up else []
        found = {name: self.orders[name] for name in known}
        return {name: [said(order, ExecType.NEW)] for name, order in found.items()}

    async def capabilities(self, accounts: Sequence[str]) -> list[Capabilities]:
        proves, looks_up = self.refuses_repeats, self.looks_up
        able = Capabilities(frozenset(OrdType), 35, proves, looks_up, Decimal(1))
        return [able for _ in accounts]

    async def quote(self, _account: str, _symbol: str, **_seen: object) -> Any:
        return self.price and SimpleNamespace(bid=self.price, ask=self.price, last=self.price)


def said(order: NewOrder, what: ExecType, quantity: Decimal | None = None) -> Report:
    """What the broker says of an order."""
    return Report(
        "acme", f"{order.cl_ord_id}:{what}", 0, order.cl_ord_id, "b", what, OrdStatus.NEW,
        order.instrument, order.side, "x" if quantity else "", quantity,
        PRICE if quantity else None, None, "", NOON, None,
    )  # fmt: skip


class Journal:
    """Everything is durable at once, in order."""

    def __init__(self, steps: Steps) -> None:
        self.entries: list[Entry] = []
        self._steps = steps

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.committed is not None:
            self._steps.soon.append(entry.committed)


class Desk:
    """One account in the hands of an engine."""

    def __init__(self, next_open: NextOpen = exchange_opens) -> None:
        self.steps, self.broker = Steps(), Broker()
        self.journal = Journal(self.steps)
        self.engine = Engine(journal=self.journal, runtime=self.steps, next_open=next_open)
        adapter = cast("Adapter", self.broker)
        session = Session(adapter, self.steps)
        self.account = Account(UUID(int=4), REF, messages.account(REF), adapter, session, VENUE)
        self.account.is_ready = True
        self.count = 0

    def enter(self, subscription: int, action: str, quantity: str | None, **fields: Any) -> Trade:
        """A trade arrives."""
        self.count += 1
        trade = a_trade(
            action,
            quantity,
            trade_id=UUID(int=10_000 + self.count),
            subscription_id=UUID(int=1_000_000 + subscription),
            ticker="AAPL",
            **fields,
        )
        self.engine.enter(self.account, Arrival(self.count, trade))
        return trade

    def declare(self, trade: Trade, word: str) -> None:
        """A person says what became of the orders that are in doubt."""
        run = self.account.runs[trade.trade_id]
        doubted = (t.doubt for t in run.tickets if t.is_unprovable)
        self.engine.believe(self.account, run, dict.fromkeys(doubted, word))
        self.steps.run()

    def fill_at_once(self) -> None:
        """Every entry that was sent fills, in one frame of the broker's stream."""
        orders, self.broker.orders = self.broker.orders, {}
        guards = {guard.cl_ord_id for order in orders.values() for guard in order.guards}
        for order in orders.values():
            if order.cl_ord_id not in guards:
                self.engine.hear(said(order, ExecType.FILL, order.order_qty), heard=True)
        self.steps.run()

    def fill_all(self) -> None:
        """Everything that was sent fills, one report after the other."""
        orders, self.broker.orders = self.broker.orders, {}
        for order in orders.values():
            self.engine.hear(said(order, ExecType.FILL, order.order_qty), heard=True)
            self.steps.run()


def held(desk: Desk) -> Decimal:
    """The account's position in AAPL."""
    return desk.account.lane("AAPL").book("AAPL").whole.quantity


def sell_by_hand(desk: Desk, quantity: str) -> None:
    """Somebody sells at the broker."""
    order = NewOrder(
        "acme", f"hand-{quantity}", "AAPL", Side.SELL, OrdType.MARKET, Decimal(quantity), None,
        "day", None,
    )  # fmt: skip
    report = said(order, ExecType.FILL, Decimal(quantity))
    Reconciling(desk.engine, desk.steps, lambda: []).adopt(desk.account, report)
    desk.steps.run()
