"""The whole road around a venue whose clock stands still: explain, fire, compare, replay."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from flask import Flask
from sqlalchemy import select

from execution.engine.queueing import NextOpen, exchange_opens
from protos import ids
from protos.execution.v1 import execution_pb2 as pb
from protos.paper.v1 import paper_pb2
from tests import factories
from tests.conftest import Database
from tests.integration.execution_kit import Kit, running
from web import config, db
from web.accounts.owners import add_account
from web.app import create_site
from web.db import get_for_tenant, tenant_scope
from web.execution_client import ExecutionClient
from web.projector import Projector
from web.queue import Bell
from web.signals import dialects
from web.strategies.models import Strategy
from web.subscriptions import settings
from web.trades import explain, plans, replay
from web.trades.models import Trade
from web.trades.service import Drain

T = TypeVar("T")
EMAIL, PASSWORD = "ann@fillwire.test", "correct horse battery"
LASTING = ("WORKING", "BLOCKED", "PENDING", "QUEUED")
# Seconds in which 500 trades are over on a slow machine.
PATIENCE = 60.0

# What subscriptions of the test choose from; None leaves it to the default.
CHOICES: Mapping[str, Sequence[Any]] = {
    "sides": ("both", "both", "bullish", "bearish", None),
    "allow_swap": (True, False, None),
    "allow_add": (True, False, None),
    "subtract_exit_quantity": (True, None, None),
    "sides_isolated": (True, None, None, None),
    "quantity": ("3", "12.5", "700", "40", None),
    "quantity_type": ("fixed_quantity", "dollar_amount", "risk_dollar_amount", None, None),
    "multiplier": ("2", "0.5", None, None),
    "fractional": (True, False, None),
    "entry_order_type": ("market", "limit", "stop", None, None, None),
    "entry_time_in_force": ("day", "gtc", None),
    "entry_spread_filter": ("0.001", "5", None, None, None),
    "market_price_type": ("mark", "ask_bid", "last", "bid", None),
    "exit_time_in_force": ("day", "gtc", None),
    "ignore_exits": (True, None, None, None, None),
    "take_profit": ("4", "7.5", None, None),
    "stop_loss": ("3", "6", None, None),
    "stop_loss_type": ("stop", "stop_limit", "trailing_stop", None),
    "cancel_open_orders": (True, False, None),
    "allowed_tickers": (["AAPL"], ["MSFT", "TSLA"], None, None, None, None, None),
    "windows": (
        [{"days": ["mon"], "from": "09:30", "to": "09:31", "zone": "America/New_York"}],
        None, None, None, None, None, None, None,
    ),
    "allow_exits_outside": (True, False, None),
    "delay_seconds": ("3600", None, None, None, None, None, None, None, None, None),
    "auto_submit": (True, True, True, True, True, True, True, False),
    "allow_signal_overrides": (True, True, False),
}  # fmt: skip


def drawn(chance: random.Random) -> dict[str, Any]:
    """Settings of a subscription that can be stored."""
    chosen = {name: chance.choice(options) for name, options in CHOICES.items()}
    given = {name: value for name, value in chosen.items() if value is not None}
    while True:
        try:
            return settings.validate(given)
        except settings.BadSetting as bad:
            del given[bad.name]


@dataclass
class Stand:
    """Subscriptions of one strategy on accounts of their own, and the road to their venue."""

    kit: Kit
    app: Flask
    owner: psycopg.Connection
    drain: Drain
    projector: Projector
    strategy: factories.Strategy
    subscriptions: list[factories.Subscription]
    seq: int = 0
    cursor: str = ""
    projected: int = 0
    orders: dict[str, list[pb.Order]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    # The account of each order that may still fill.
    open: dict[str, str] = field(default_factory=dict)

    async def inside(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something as the tenant, beside the loop that execution runs on."""

        def run() -> T:
            with self.app.app_context(), tenant_scope(self.strategy.tenant_id):
                return work(*arguments)

        return await asyncio.to_thread(run)

    async def explain(self, body: bytes) -> dict[str, Any]:
        """What is told of a message: for all, however many are explained at once."""

        def ask() -> dict[str, Any]:
            strategy = get_for_tenant(Strategy, self.strategy.id)
            told = explain.message(strategy, body)
            if told["subscriptions_has_more"]:
                most = explain.MOST_EXPLAINED
                every = [each.id for each in self.subscriptions]
                told["subscriptions"] = [
                    one
                    for start in range(0, len(every), most)
                    for one in explain.message(strategy, body, every[start : start + most])[
                        "subscriptions"
                    ]
                ]
            return told

        return await self.inside(ask)

    async def fire(self, body: bytes) -> UUID:
        """The message accepted, drained and handed over; returns the signal's id."""
        signal_id = uuid4()
        _, signal = dialects.read(body, asset_class="stocks", now=datetime.now(UTC))
        self.seq += 1
        self.owner.execute(
            "INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, "
            "body, body_hash, parsed, received_at, accepted_at, boot_id) VALUES (%(id)s, %(t)s, "
            "%(s)s, %(seq)s, 'traderspost', '', %(body)s, '', %(parsed)s, clock_timestamp(), "
            "clock_timestamp(), %(id)s)",
            {
                "id": signal_id, "t": self.strategy.tenant_id, "s": self.strategy.id,
                "seq": self.seq, "body": body, "parsed": db.to_json(signal.to_json()),
            },
        )  # fmt: skip
        self.owner.execute(
            "UPDATE web.strategy_intake SET seq = %s WHERE strategy_id = %s",
            (self.seq, self.strategy.id),
        )
        await asyncio.to_thread(self.drain.drain_due, slice_seconds=0)
        return signal_id

    async def settled(self, planned: Mapping[str, int]) -> None:
        """Until every trade is over, or works with as many orders as were told."""

        def is_over(trade_id: str, count: int) -> bool:
            said = self.said.get(trade_id, "")
            if said and said not in LASTING:
                return True
            return bool(said) and len(self.orders.get(trade_id, ())) == count

        async with asyncio.timeout(PATIENCE):
            while not all(is_over(*each) for each in planned.items()):
                await self.kit.read_facts()
                self._take_in()
                await asyncio.sleep(0.01)
            while not await self._has_heard_all():
                await self.kit.read_facts()
                self._take_in()

    async def _has_heard_all(self) -> bool:
        """True when the venue works exactly the orders that facts say are open."""
        ours: dict[str, set[str]] = {each.account: set() for each in self.subscriptions}
        for cl_ord_id, account in self.open.items():
            ours[account].add(cl_ord_id)
        for account, known in ours.items():
            answer = await self.kit.venue_stub.GetAccount(
                paper_pb2.GetAccountRequest(account=account)
            )
            if {order.cl_ord_id for order in answer.open_orders} != known:
                return False
        return True

    def _take_in(self) -> None:
        for fact in self.kit.facts[self.projected :]:
            if fact.HasField("order_sending"):
                if not fact.order_sending.order.synthetic:
                    # What guards the position afterwards comes with its fill.
                    self.orders.setdefault(fact.trade_id, []).append(fact.order_sending.order)
                if not _waits_here(fact.order_sending.order):
                    self.open[fact.order_sending.order.cl_ord_id] = fact.account.account
            if fact.HasField("execution_report") and fact.execution_report.ord_status not in (
                pb.ORD_STATUS_PENDING_NEW,
                pb.ORD_STATUS_NEW,
                pb.ORD_STATUS_PARTIALLY_FILLED,
            ):
                self.open.pop(fact.execution_report.cl_ord_id, None)
            if fact.HasField("trade_outcome"):
                state = pb.TradeState.Name(fact.trade_outcome.state)
                self.said[fact.trade_id] = state.removeprefix("TRADE_STATE_")
        self.projected = len(self.kit.facts)

    async def project(self) -> None:
        """Bring the read models up to date."""
        await self.kit.read_facts()
        facts, to = list(self.kit.facts), self.kit.cursor
        if to != self.cursor:
            await asyncio.to_thread(self.projector.apply, self.cursor, to, facts)
            self.cursor = to

    async def replay(self, **changes: Any) -> list[dict[str, Any]]:
        """Every trade, decided again."""

        def again() -> list[dict[str, Any]]:
            rows = db.db.session.scalars(select(Trade).order_by(Trade.signal_seq, Trade.id))
            return [replay.of_trade(row, changes) for row in rows.all()]

        return await self.inside(again)

    def browse(self, path: str, **form: str) -> str:
        """A page as its person sees it; with a form, what posting that gives."""
        client = self.app.test_client()
        signed = {"email": EMAIL, "password": PASSWORD}
        client.post("/sign-in", data=signed | {"csrf_token": _token(client.get("/sign-in").text)})
        if form:
            sent = form | {"csrf_token": _token(client.get(path).text)}
            return client.post(path, data=sent).text
        return client.get(path).text

    def fired(self, signal_id: UUID, subscription: str) -> list[tuple[Any, ...]]:
        """The terms of the orders that a subscription sent for a signal."""
        wanted = ids.read("subscription", subscription)
        assert wanted is not None
        sent = self.orders.get(ids.trade_id(signal_id, wanted).hex, [])
        return plans.terms(plans.order(_planned(order)) for order in sent)


def _waits_here(order: pb.Order) -> bool:
    """True for an entry that is not at the venue before its price has come."""
    return order.synthetic and order.leg == pb.LEG_ENTRY


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def _planned(order: pb.Order) -> pb.PlannedOrder:
    return pb.PlannedOrder(**{name: getattr(order, name) for name in plans.TERMS})


@asynccontextmanager
async def standing(
    database: Database, count: int, seed: int, next_open: NextOpen = exchange_opens
) -> AsyncIterator[Stand]:
    """A person's strategy with so many subscriptions of various settings, on a venue that
    stands still."""
    frozen, chance = datetime.now(UTC), random.Random(seed)
    async with running(database, next_open=next_open, venue_clock=lambda: frozen) as kit:
        target = f"127.0.0.1:{kit.server.port}"
        app = create_site(
            config.read(
                {
                    "FILLWIRE_WEB_DATABASE_URL": database.url("web"),
                    "FILLWIRE_STAFF_DATABASE_URL": database.url("staff"),
                    "REDIS_URL": "redis://127.0.0.1:1/0",
                    "FILLWIRE_EXECUTION_TARGET": target,
                }
            )
        )
        pool = db.open_pool(database.url("worker"), size=3, name="test")
        client = ExecutionClient(target)
        with psycopg.connect(database.url("owner"), autocommit=True) as owner:
            owner.execute(
                "INSERT INTO web.fact_cursor (name, cursor) VALUES ('read models', '') "
                "ON CONFLICT DO NOTHING"
            )
            account = add_account(owner, email=EMAIL, password=PASSWORD, tenant_name="Ann's")
            strategy = factories.strategy(owner, account.tenant_id)
            subscriptions = [
                factories.subscription(owner, strategy, settings=drawn(chance))
                for _ in range(count)
            ]
            projector = Projector(
                pool, client, Bell("redis://127.0.0.1:1/0"), still_mine=lambda: True
            )
            drain = Drain(pool, client)
            yield Stand(kit, app, owner, drain, projector, strategy, subscriptions)
        pool.close()
        with app.app_context():
            for engine in db.db.engines.values():
                engine.dispose()
