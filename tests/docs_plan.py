"""The plan of a message on a page of the docs: read, resolved, decided and planned for real."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import sentinel
from uuid import UUID

from msgspec import structs

from execution import reference
from execution.accounts.accounts import Account
from execution.brokers.base import ChainSnapshot, QuoteSnapshot
from execution.domain import previewing
from execution.domain.decisions import Lot, Progress, Scope, VenueRules
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.previewing import Plan
from execution.domain.trades import AccountRef, Trade
from execution.domain.words import OrdType, Side
from execution.engine import looking
from execution.lanes import known
from execution.limits.session import Session
from execution.messages import messages as execution_messages
from execution.messages import seeing
from execution.paper.market import Market as PaperMarket
from execution.runtime import AsyncioRuntime
from protos import reasons
from web.signals import dialects
from web.subscriptions import settings
from web.trades import messages, plans, record, rules
from web.trades.messages import Destination
from web.trades.rules import Context

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
NOBODY = UUID(int=0)
VENUE = VenueRules(
    frozenset(OrdType),
    Decimal("0.001"),
    times_in_force=frozenset({"day", "gtc", "ioc"}),
    has_brackets=True,
)


# The paper venue's own feed.
FEED = PaperMarket(0, reference.load())


class Chains:
    """Answers for option chains as the paper venue would; nothing else is asked."""

    async def chain(
        self, underlying: str, earliest: date, *, strikes: int, reference_price: Decimal
    ) -> ChainSnapshot:
        """The feed's options around a price."""
        spot, listed = FEED.chain(underlying, NOW, earliest, strikes, reference_price)
        quotes = [
            QuoteSnapshot(
                each.contract.symbol, each.quote.bid, each.quote.ask, each.quote.last, NOW
            )
            for each in listed
        ]
        return ChainSnapshot(
            QuoteSnapshot(underlying, spot.bid, spot.ask, spot.last, NOW),
            [each.contract for each in listed],
            quotes,
        )


def plan_of(
    message: str,
    chosen: dict[str, Any] | None = None,
    *,
    position: str = "0",
    last: str = "100",
    asset_class: str = "stocks",
) -> str:
    """The orders in words, or the reason for none. A position may be of contracts: `2 MNQZ2026,
    1 MNQH2027`."""
    _, signal = dialects.read(message.encode(), asset_class=asset_class, now=NOW)
    stored = settings.validate({"auto_submit": True, **(chosen or {})})
    resolved = settings.resolve(signal, {}, stored)
    context = Context(True, True, asset_class, "paper")
    decision = rules.decide(signal, resolved, context, accepted_at=NOW, now=NOW)
    if decision.state not in ("PENDING", "DELAYED", "WAITING_APPROVAL"):
        return f"{decision.state} ({decision.reason})"
    asked = messages.to_trade(
        messages.terms(
            strategy_id=NOBODY,
            signal_id=NOBODY,
            signal_seq=1,
            signal=signal.to_json(),
            settings=settings.complete(resolved.snapshot()),
            accepted_at=NOW,
            released_at=None,
            asset_class=asset_class,
            numbers=record.numbers_of(decision),
        ),
        NOBODY,
        Destination(NOBODY, NOBODY, NOBODY, "paper", "paper", "P1"),
    )
    trade = known.resolve(execution_messages.read_trade(asked))
    price, money = Decimal(last), Decimal(10000)
    if trade.option is not None:
        trade = structs.replace(trade, underlying_price=price)
    known_of = trade.opens.root if trade.option and trade.opens else trade.instrument
    market = Market(Quote(last=price), Figures(money, money), known_of)
    scope = _scope(trade, position, price)
    plan = _plan(trade, Seen(scope, Progress(), VENUE, market, NOW), price)
    sent = [order for send in plan.sends for order in seeing.orders(send, VENUE)]
    lines = [plans.in_words(plans.order(order), signal.instrument) for order in sent]
    if plan.reason:
        assert plan.reason in reasons.CATALOGUE
        lines.append(f"{plan.state.value.upper()} ({plan.reason})")
    return "; ".join(lines) or plan.state.value.upper()


def _scope(trade: Trade, position: str, price: Decimal) -> Scope:
    """What is held, in the trade's own signs."""
    lots = []
    for part in position.split(", "):
        quantity, _, symbol = part.partition(" ")
        symbol = symbol or trade.instrument
        sign = trade.order_side(symbol, Side.BUY).sign
        lots.append(Lot(symbol, Decimal(quantity) * sign, price))
    held = tuple(lot for lot in lots if lot.quantity)
    return Scope(sum((lot.quantity for lot in held), Decimal(0)), lots=held)


def _plan(trade: Trade, seen: Seen, price: Decimal) -> Plan:
    """The plan, with the quotes and the contract that it turns out to need; options are priced
    by this price of their underlying."""
    nobody: Any = sentinel.unused
    chains: Any = Chains()
    session = Session(chains, AsyncioRuntime())
    account = Account(NOBODY, AccountRef("paper", "paper", "P1"), nobody, chains, session)
    markets: dict[str, Market] = {}
    while True:
        try:
            return previewing.plan(trade, seen, markets)
        except previewing.Unseen as unseen:
            wanted = unseen.wanted
        if wanted.chooses is None:
            markets[wanted.instrument] = Market(_quote(wanted.instrument, price))
        else:
            chosen = asyncio.run(looking.choose(account, trade, wanted, NOW))
            assert chosen is not None, wanted
            trade = chosen


def _quote(symbol: str, price: Decimal) -> Quote:
    """An option's, at a price of its underlying."""
    option = FEED.instrument(symbol)
    assert option.expiry is not None
    _, listed = FEED.chain(option.root, NOW, option.expiry, 100, price)
    found = next(each.quote for each in listed if each.contract.symbol == symbol)
    return Quote(found.bid, found.ask, found.last)
