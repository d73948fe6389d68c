"""Decide what a subscription does with a signal, before execution hears of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from web.signals.rules import Signal
from web.subscriptions.settings import Resolved

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
APPROVAL_AGE = timedelta(minutes=10)
# A full exit that came too late waits for one click.
LATE_EXIT_AGE = timedelta(days=1)
SUPPORTED_ORDER_TYPES = (None, "market", "limit")
# Execution has no plan for these.
UNPLANNED_ACTIONS = ("reverse", "breakeven")

# Waiting trades as action and sentiment: what each kind of them is called below.
_LONG = ("buy ", "buy bullish", "add bullish")
_SHORT = ("sell ", "sell bearish", "add bearish")
_EITHER = ("add ", "reverse ", "reverse bullish", "reverse bearish")
_ENTRIES = (*_LONG, *_SHORT, *_EITHER)
_EXITS = (
    *(f"exit {sentiment}" for sentiment in ("", "bullish", "bearish", "flat")),
    *("buy flat", "buy bearish", "sell flat", "sell bullish"),
)
# Entries of these kinds, still waiting, end when the action on the left goes.
_SUPERSEDES: Mapping[str, tuple[str, ...]] = {
    "buy": _SHORT,
    "sell": (*_LONG, "add "),
    "exit": _ENTRIES,
    "cancel": _ENTRIES,
    "reverse": _ENTRIES,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a trade starts: PENDING for execution, waiting for a person or a time, or ended."""

    state: str
    reason: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    # For entries only; None leaves it to execution.
    quantity: Decimal | None = None
    # The end of waiting: of DELAYED its release, of WAITING_APPROVAL its expiry.
    until: datetime | None = None

    @property
    def approval_expires_at(self) -> datetime | None:
        """When nobody may approve any more."""
        return self.until if self.state == "WAITING_APPROVAL" else None

    @property
    def release_at(self) -> datetime | None:
        """When it goes on by itself."""
        return None if self.state == "WAITING_APPROVAL" else self.until

    @property
    def supersedes(self) -> bool:
        """False for what never goes, and for what has yet to wait for its time."""
        return self.reason != "test" and self.state != "DELAYED"


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
    late = None if signal.delay_seconds else _too_late(signal, accepted_at, now)
    if late:
        return late
    if signal.order_type not in SUPPORTED_ORDER_TYPES:
        numbers = {"ord_type": str(signal.order_type), "instrument": signal.instrument}
        return Decision("SKIPPED", "order_type_unsupported", numbers)
    if signal.action in UNPLANNED_ACTIONS:
        numbers = {"ord_type": signal.action, "instrument": signal.instrument}
        return Decision("SKIPPED", "order_type_unsupported", numbers)
    quantity = _entry_quantity(resolved, context.asset_class)
    if quantity is None and signal.action == "add":
        return Decision("SKIPPED", "quantity_missing")
    if signal.delay_seconds:
        delay = timedelta(milliseconds=int(signal.delay_seconds * 1000))
        return Decision("DELAYED", quantity=quantity, until=accepted_at + delay)
    auto_submit = bool(resolved["auto_submit"])
    return replace(_let_go(signal, auto_submit=auto_submit, now=now), quantity=quantity)


def release(
    signal: Signal, *, auto_submit: bool, enabled: bool, release_at: datetime, now: datetime
) -> Decision:
    """What a trade becomes when the time it waited for has come.

    Its age counts from that time, not from when we got round to it.
    """
    if not enabled:
        return Decision("SKIPPED", "subscription_paused")
    late = _too_late(signal, release_at, now, stage="release")
    return late or _let_go(signal, auto_submit=auto_submit, now=now)


def superseded_by(signal: Signal) -> tuple[str, ...]:
    """The waiting trades that end when this signal goes, as action and sentiment.

    Only a full exit displaces an exit.
    """
    ends = _SUPERSEDES.get(signal.action, ())
    is_wider = signal.action == "exit" and signal.quantity is None
    return (*ends, *_EXITS) if is_wider else ends


def _let_go(signal: Signal, *, auto_submit: bool, now: datetime) -> Decision:
    if auto_submit or signal.reduces or _only_closes(signal):
        return Decision("PENDING")
    return _wait(APPROVAL_AGE, now)


def _wait(age: timedelta, now: datetime, reason: str | None = None, /, **numbers: str) -> Decision:
    """Wait for a person, `age` at most."""
    numbers["minutes"] = f"{age.total_seconds() / 60:.0f}"
    return Decision("WAITING_APPROVAL", reason, numbers, until=now + age)


def _entry_quantity(resolved: Resolved, asset_class: str) -> Decimal | None:
    """1 only where nothing at all is configured, and never for crypto."""
    value = resolved["quantity"]
    if isinstance(value, Decimal):
        return value
    return None if asset_class == "crypto" else Decimal(1)


def _too_late(
    signal: Signal, since: datetime, now: datetime, *, stage: str = "dequeued"
) -> Decision | None:
    age = now - since
    # Only execution knows whether a buy or a sell opens or closes; it judges each leg's age.
    limit = ENTRY_AGE if signal.action == "add" else EXIT_AGE
    if signal.action == "cancel" or age <= limit:
        return None
    numbers = {
        "age": f"{age.total_seconds():.0f}",
        "limit": f"{limit.total_seconds():.0f}",
        "stage": stage,
    }
    if _is_full_exit(signal):
        return _wait(LATE_EXIT_AGE, now, "late_exit", **numbers)
    return Decision("EXPIRED", "signal_stale", numbers)


def _only_closes(signal: Signal) -> bool:
    """True when no position makes an entry of it: what limits entries must not stop it."""
    against = {"buy": "bearish", "sell": "bullish"}.get(signal.action)
    return signal.action == "exit" or signal.sentiment in {"flat", against} - {None}


def _is_full_exit(signal: Signal) -> bool:
    return signal.quantity is None and (signal.action == "exit" or signal.sentiment == "flat")
