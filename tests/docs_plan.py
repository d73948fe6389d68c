"""The plan of a message on a page of the docs: read, resolved, decided and planned for real."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from execution import messages as execution_messages
from execution import seeing
from execution.domain import previewing
from execution.domain.decisions import Progress, Scope, VenueRules
from execution.domain.judging import Seen
from execution.domain.market import Figures, Market, Quote
from execution.domain.words import OrdType
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


def plan_of(
    message: str,
    chosen: dict[str, Any] | None = None,
    *,
    position: str = "0",
    last: str = "100",
    asset_class: str = "stocks",
) -> str:
    """The orders in words, or the reason for none."""
    _, signal = dialects.read(message.encode(), asset_class=asset_class, now=NOW)
    stored = settings.validate({"auto_submit": True, **(chosen or {})})
    resolved = settings.resolve(signal, {}, stored)
    context = Context(True, True, asset_class, "paper")
    decision = rules.decide(signal, resolved, context, accepted_at=NOW, now=NOW)
    if decision.state not in ("PENDING", "DELAYED", "WAITING_APPROVAL"):
        return f"{decision.state} ({decision.reason})"
    asked = messages.to_trade(
        trade_id=NOBODY,
        strategy_id=NOBODY,
        signal_id=NOBODY,
        signal_seq=1,
        signal=signal.to_json(),
        settings=settings.complete(resolved.snapshot()),
        destination=Destination(NOBODY, NOBODY, NOBODY, "paper", "paper", "P1"),
        accepted_at=NOW,
        released_at=None,
        asset_class=asset_class,
        numbers=record.numbers_of(decision),
    )
    trade = execution_messages.read_trade(asked)
    held, price, money = Decimal(position), Decimal(last), Decimal(10000)
    scope = Scope(held, avg_price=price if held else None)
    market = Market(Quote(last=price), Figures(money, money))
    plan = previewing.plan(trade, Seen(scope, Progress(), VENUE, market, NOW))
    sent = [order for send in plan.sends for order in seeing.orders(send)]
    lines = [plans.in_words(plans.order(order)) for order in sent]
    if plan.reason:
        assert plan.reason in reasons.CATALOGUE
        lines.append(f"{plan.state.value.upper()} ({plan.reason})")
    return "; ".join(lines) or plan.state.value.upper()
