"""Decide what a subscription does with a signal, before execution hears of it. Pure.

What only execution can know (the position, the quote) is left to it. A rule that concerns
entries refuses the whole trade only when it can do nothing but enter; otherwise the
refusal travels with the trade, and what closes goes on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.settings import Resolved, windows

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
APPROVAL_AGE = timedelta(minutes=10)
# A full exit that came too late waits for one click.
LATE_EXIT_AGE = timedelta(days=1)

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
# A futures root may be followed by a month and year, or stand for the contract in front.
_CONTRACT = re.compile(r"(?P<root>[A-Z0-9]+?)(?:[FGHJKMNQUVXZ]\d{1,4}|\d!)?")
_UNDERLYING = re.compile(r"(?P<root>[A-Z.]+?)[ _]*(?:\d.*)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that says no, with the numbers it compared."""

    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a trade starts: PENDING for execution, waiting for a person or a time, or ended."""

    state: str
    reason: str | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    # Of entries, and of exits that the signal sizes; None leaves it to execution.
    quantity: Decimal | None = None
    # Why it must not open anything, though it may close.
    entry_refused: Refusal | None = None
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
    mode: str = "live"


def decide(
    signal: Signal, resolved: Resolved, context: Context, *, accepted_at: datetime, now: datetime
) -> Decision:
    """The first rule that speaks wins."""
    if signal.test and not (resolved["test_on_paper"] and context.mode == "paper"):
        return Decision("SKIPPED", "test")
    if not (context.strategy_enabled and context.subscription_enabled):
        return Decision("SKIPPED", "subscription_paused")
    delay = _delay(resolved)
    # Windows are asked for when it goes, age for when it came.
    goes_at = max(now, accepted_at + delay)
    age = _age(signal, accepted_at, goes_at - delay)
    late = None if delay else _too_late(signal, accepted_at, now)
    late = late or _too_late_by_settings(signal, resolved, age)
    if late:
        return late
    if _is_outside(signal, resolved, goes_at) and not resolved["allow_exits_outside"]:
        return _held_outside(signal, resolved, goes_at, now)
    # A wanted position says by itself how much.
    quantity = _quantity(resolved, context.asset_class) if signal.target is None else None
    refusal = None
    if not only_closes(signal):
        refusal = _refuse_entry(signal, resolved, context, age=age, goes_at=goes_at)
        if refusal is None and quantity is None and signal.action == "add":
            refusal = Refusal("quantity_missing")
    if refusal is not None and signal.action == "add":
        state = "EXPIRED" if refusal.reason == "signal_stale" else "SKIPPED"
        return Decision(state, refusal.reason, refusal.numbers)
    if delay:
        decision = Decision("DELAYED", until=accepted_at + delay)
    else:
        # What may not open anything needs nobody's approval.
        asks = refusal is None and not resolved["auto_submit"]
        decision = _let_go(signal, auto_submit=not asks, now=now)
    return replace(decision, quantity=quantity, entry_refused=refusal)


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
    ends = _SUPERSEDES.get(signal.action, ()) if signal.target is None else _ENTRIES
    is_wider = signal.action == "exit" and signal.quantity is None
    return (*ends, *_EXITS) if is_wider else ends


def meant_by_name(signal: Signal) -> str | None:
    """The sender's name for the only orders that a `cancel` means."""
    return signal.client_tag if signal.action == "cancel" else None


def _let_go(signal: Signal, *, auto_submit: bool, now: datetime) -> Decision:
    if auto_submit or only_closes(signal):
        return Decision("PENDING")
    return _wait(APPROVAL_AGE, now)


def _wait(age: timedelta, now: datetime, reason: str | None = None, /, **numbers: str) -> Decision:
    """Wait for a person, `age` at most."""
    numbers["minutes"] = f"{age.total_seconds() / 60:.0f}"
    return Decision("WAITING_APPROVAL", reason, numbers, until=now + age)


def only_closes(signal: Signal) -> bool:
    """True when no position makes an entry of it: what limits entries must not stop it."""
    against = {"buy": "bearish", "sell": "bullish"}.get(signal.action)
    ends = signal.reduces or signal.action == "breakeven"
    return ends or signal.sentiment in {"flat", against} - {None}


def _refuse_entry(
    signal: Signal, resolved: Resolved, context: Context, *, age: timedelta, goes_at: datetime
) -> Refusal | None:
    """The first rule of the settings that lets nothing be opened."""
    limit = resolved["entry_reject_after_seconds"]
    if isinstance(limit, Decimal) and age > _seconds(limit):
        return Refusal("signal_stale", _stale(age, limit))
    tickers = resolved["allowed_tickers"]
    if isinstance(tickers, tuple) and not _is_allowed(signal, tickers, context.asset_class):
        return Refusal("ticker_not_allowed", {"tickers": ", ".join(map(str, tickers)) or "none"})
    if _is_outside(signal, resolved, goes_at):
        return Refusal("outside_window", windows.describe(resolved.windows, goes_at))
    for cap in resolved.refused:
        return Refusal("above_cap", {"setting": settings.BY_NAME[cap.name].label, "by": cap.by})
    for setting in resolved.not_obeyed(context.asset_class):
        told = settings.to_text(resolved[setting.name])
        return Refusal("setting_unsupported", {"setting": setting.label, "value": told})
    return None


def _is_outside(signal: Signal, resolved: Resolved, now: datetime) -> bool:
    ignored = signal.ignore_trading_windows or signal.action == "cancel"
    return not ignored and not windows.cover(resolved.windows, now)


def _held_outside(signal: Signal, resolved: Resolved, goes_at: datetime, now: datetime) -> Decision:
    """Exits stay inside the windows too: one that only closes waits for a person."""
    numbers = windows.describe(resolved.windows, goes_at)
    if only_closes(signal):
        return _wait(LATE_EXIT_AGE, now, "outside_window", **numbers)
    return Decision("SKIPPED", "outside_window", numbers)


def _is_allowed(signal: Signal, tickers: tuple[object, ...], asset_class: str) -> bool:
    name = signal.instrument
    found = {"futures": _CONTRACT, "options": _UNDERLYING}.get(asset_class)
    if found is not None and (match := found.fullmatch(name)):
        return name in tickers or match["root"] in tickers
    return _plain(name) in {_plain(str(ticker)) for ticker in tickers}


def _plain(ticker: str) -> str:
    """BTC-USD and BTC/USD are BTCUSD; an exchange before a colon does not count."""
    return re.sub(r"[-/_ ]", "", ticker.rpartition(":")[2])


def _quantity(resolved: Resolved, asset_class: str) -> Decimal | None:
    """1 only where nothing at all is configured, and never for crypto."""
    value = resolved["quantity"]
    if isinstance(value, Decimal):
        return value
    return None if asset_class == "crypto" else Decimal(1)


def _too_late(
    signal: Signal, since: datetime, now: datetime, *, stage: str = "dequeued"
) -> Decision | None:
    """Too old for anything at all. An age equal to the limit is not too old."""
    age = now - since
    # Only execution knows whether a buy or a sell opens or closes; it judges each leg's age.
    limit = ENTRY_AGE if signal.action == "add" else EXIT_AGE
    if signal.action == "cancel" or age <= limit:
        return None
    numbers = _stale(age, Decimal(int(limit.total_seconds())), stage)
    if _is_full_exit(signal):
        return _wait(LATE_EXIT_AGE, now, "late_exit", **numbers)
    return Decision("EXPIRED", "signal_stale", numbers)


def _too_late_by_settings(signal: Signal, resolved: Resolved, age: timedelta) -> Decision | None:
    """Too old for all that it may do, by limits of the sender or of one's own."""
    if signal.action == "cancel":
        return None
    names = ["exit_reject_after_seconds"]
    if not only_closes(signal):
        names.append("entry_reject_after_seconds")
    limits = [limit for name in names if isinstance(limit := resolved[name], Decimal)]
    if len(limits) == len(names) and age > _seconds(max(limits)):
        return Decision("EXPIRED", "signal_stale", _stale(age, max(limits)))
    return None


def _delay(resolved: Resolved) -> timedelta:
    delay = resolved["delay_seconds"]
    return _seconds(delay) if isinstance(delay, Decimal) else timedelta()


def _age(signal: Signal, accepted_at: datetime, now: datetime) -> timedelta:
    """By the sender's clock, where it tells a time that can be; else since we took it."""
    sent = signal.sent_at or accepted_at
    return now - min(sent, accepted_at)


def _seconds(limit: Decimal) -> timedelta:
    return timedelta(milliseconds=int(limit * 1000))


def _stale(age: timedelta, limit: Decimal, stage: str = "dequeued") -> dict[str, str]:
    return {
        "age": f"{age.total_seconds():.0f}",
        "limit": format(limit, "f"),
        "stage": stage,
    }


def _is_full_exit(signal: Signal) -> bool:
    return signal.quantity is None and (signal.action == "exit" or signal.sentiment == "flat")
