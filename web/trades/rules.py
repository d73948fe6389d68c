"""Decide what a subscription does with a signal, before execution hears of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from web.signals.rules import Signal
from web.subscriptions.settings import Resolved

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
APPROVAL_AGE = timedelta(minutes=10)
SUPPORTED_ORDER_TYPES = (None, "market", "limit")
# Execution has no plan for these.
UNPLANNED_ACTIONS = ("reverse", "breakeven")

# Entries of these actions, still waiting, end when the action on the left arrives.
SUPERSEDES: Mapping[str, tuple[str, ...]] = {
    "buy": ("sell",),
    "sell": ("buy", "add"),
    "exit": ("buy", "sell", "add"),
    "cancel": ("buy", "sell", "add"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a trade starts: PENDING for execution, waiting for a person, or ended."""

    state: str
    reason: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    # For entries only; None leaves it to execution.
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is true of the subscription now, apart from its settings."""

    strategy_enabled: bool
    subscription_enabled: bool
    asset_class: str


def decide(
    signal: Signal, resolved: Resolved, context: Context, *, accepted_at: datetime, now: datetime
) -> Decision:
    """The first rule that speaks wins."""
    if signal.test:
        return Decision("SKIPPED", "test")
    if not (context.strategy_enabled and context.subscription_enabled):
        return Decision("SKIPPED", "subscription_paused")
    late = _too_late(signal, accepted_at, now)
    if late:
        return late
    if signal.order_type not in SUPPORTED_ORDER_TYPES:
        numbers = {"ord_type": str(signal.order_type), "instrument": signal.instrument}
        return Decision("SKIPPED", "order_type_unsupported", numbers)
    if asked := not_yet(signal, resolved):
        return Decision("SKIPPED", "sizing_unsupported", {"asked": asked})
    if signal.action in UNPLANNED_ACTIONS:
        numbers = {"ord_type": signal.action, "instrument": signal.instrument}
        return Decision("SKIPPED", "order_type_unsupported", numbers)
    quantity = _entry_quantity(resolved, context.asset_class)
    if quantity is None and signal.action == "add":
        return Decision("SKIPPED", "quantity_missing")
    if not resolved["auto_submit"] and not (signal.reduces or _only_closes(signal)):
        return Decision("WAITING_APPROVAL", quantity=quantity)
    return Decision("PENDING", quantity=quantity)


def _entry_quantity(resolved: Resolved, asset_class: str) -> Decimal | None:
    """1 only where nothing at all is configured, and never for crypto."""
    value = resolved["quantity"]
    if isinstance(value, Decimal):
        return value
    return None if asset_class == "crypto" else Decimal(1)


def _too_late(signal: Signal, accepted_at: datetime, now: datetime) -> Decision | None:
    age = now - accepted_at
    # Only execution knows whether a buy or a sell opens or closes; it judges each leg's age.
    limit = ENTRY_AGE if signal.action == "add" else EXIT_AGE
    if signal.action == "cancel" or age <= limit:
        return None
    numbers = {
        "age": f"{age.total_seconds():.0f}",
        "limit": f"{limit.total_seconds():.0f}",
        "stage": "dequeued",
    }
    return Decision("EXPIRED", "signal_stale", numbers)


def _only_closes(signal: Signal) -> bool:
    """True when no position makes an entry of it: what limits entries must not stop it."""
    against = {"buy": "bearish", "sell": "bullish"}.get(signal.action)
    return signal.action == "exit" or signal.sentiment in {"flat", against} - {None}


def closes_whole_side(signal: Signal) -> bool:
    """`sell` + bullish or `buy` + bearish with all of the position: never an entry."""
    return (
        signal.quantity_type == "percent_of_position"
        and signal.quantity == 100
        and (signal.action, signal.sentiment) in (("sell", "bullish"), ("buy", "bearish"))
    )


def not_yet(signal: Signal, resolved: Resolved) -> str | None:
    """What execution cannot do of it yet: doing something else instead would be wrong."""
    if signal.target is not None:
        return f"Following a position by `{signal.target.mode}`"
    if signal.dialect != "crypto_arsenal":
        return None
    if signal.action == "cancel" and signal.client_tag:
        return "Canceling by `clientOrderId`"
    if signal.take_profit or signal.stop_loss:
        return "An entry with `profit` or `loss`"
    if signal.quantity_type in (None, "fixed_quantity") or closes_whole_side(signal):
        return None
    if _only_closes(signal) or resolved.values["quantity"].came_from == "signal":
        return f"A size in {signal.quantity_type}"
    return None
