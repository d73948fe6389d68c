"""Decide what a subscription does with a signal, before execution hears of it. Pure.

What only execution can know (the position, the quote) is left to it. A rule that concerns
entries refuses the whole trade only when it can do nothing but enter; otherwise the
refusal travels with the trade, and what closes goes on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from web.signals.rules import Signal
from web.subscriptions import settings
from web.subscriptions.settings import Resolved, windows
from web.switches.rules import STOP_ALL, On
from web.trades.asking import Approval, closes, only_closes

# Counted up whenever a decision could come out differently than before.
RULES_VERSION = 3

ENTRY_AGE = timedelta(seconds=120)
EXIT_AGE = timedelta(minutes=15)
APPROVAL_AGE = timedelta(minutes=10)
# A full exit that came too late waits for one click.
LATE_EXIT_AGE = timedelta(days=1)

# Waiting trades as action and sentiment: what each kind of them is called below.
_LONG = ("buy ", "buy bullish", "add bullish")
_SHORT = ("sell ", "sell bearish", "add bearish")
_EITHER = ("add ", "reverse ", "reverse bullish", "reverse bearish")
ENTRIES = (*_LONG, *_SHORT, *_EITHER)
_EXITS = (
    *(f"exit {sentiment}" for sentiment in ("", "bullish", "bearish", "flat")),
    *("buy flat", "buy bearish", "sell flat", "sell bullish"),
)
# Entries of these kinds, still waiting, end when the action on the left goes.
_SUPERSEDES: Mapping[str, tuple[str, ...]] = {
    # Which way `add` and `reverse` go is the position's to say, and this may turn it.
    "buy": (*_SHORT, *_EITHER),
    "sell": (*_LONG, *_EITHER),
    "exit": ENTRIES,
    "cancel": ENTRIES,
    "reverse": ENTRIES,
}
_ENDS = {"signal_stale": "EXPIRED", "halted": "HALTED"}
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
    # The end of waiting: of DELAYED its release, of what a person may let go its expiry.
    until: datetime | None = None
    # Of BLOCKED: when what holds it lets it go.
    opens: datetime | None = None

    @property
    def approval_expires_at(self) -> datetime | None:
        """When nobody may approve any more."""
        return self.until if self.state in ("WAITING_APPROVAL", "BLOCKED") else None

    @property
    def release_at(self) -> datetime | None:
        """When it goes on by itself."""
        return self.until if self.state == "DELAYED" else self.opens

    @property
    def supersedes(self) -> bool:
        """False for what never goes, and for what has yet to wait for its time."""
        return self.reason != "test" and self.state != "DELAYED"

    @property
    def goes_on(self) -> bool:
        """True for what goes on to execution, at once or later; the others end here."""
        return self.state in ("PENDING", "DELAYED", "WAITING_APPROVAL", "BLOCKED")


@dataclass(frozen=True, slots=True)
class Context:
    """What is true of the subscription now, apart from its settings."""

    strategy_enabled: bool
    subscription_enabled: bool
    asset_class: str
    mode: str = "live"
    halted: On | None = None
    # Which way the subscription stands in the underlying, as last projected.
    stands: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule that was asked, with the numbers it compared."""

    rule: str
    passed: bool
    numbers: Mapping[str, str] = field(default_factory=dict)
    # What the trade becomes by it. One that did not pass and ends nothing refuses the entry.
    ends: Decision | None = None


def decide(
    signal: Signal, resolved: Resolved, context: Context, *, accepted_at: datetime, now: datetime
) -> Decision:
    """The first rule that speaks wins."""
    refusal: Refusal | None = None
    for verdict in _asked(signal, resolved, context, accepted_at=accepted_at, now=now):
        if verdict.ends is not None:
            return verdict.ends
        if not verdict.passed:
            refusal = Refusal(verdict.rule, verdict.numbers)
            break
    if refusal is not None and signal.action == "add":
        state = _ENDS.get(refusal.reason, "SKIPPED")
        return Decision(state, refusal.reason, refusal.numbers)
    if delay := _delay(resolved):
        decision = Decision("DELAYED", until=accepted_at + delay)
    else:
        approval = Approval.of(resolved)
        # What may not open anything needs nobody's approval, unless exits do too.
        if refusal is None and approval.closes_at_once(signal, context.stands):
            refusal = _needs_approval(signal)
        asks = approval.asks(signal, may_open=refusal is None)
        decision = _wait(APPROVAL_AGE, now) if asks else Decision("PENDING")
    # A wanted position says by itself how much.
    quantity = _quantity(resolved, context.asset_class) if signal.target is None else None
    return replace(decision, quantity=quantity, entry_refused=refusal)


def verdicts(
    signal: Signal, resolved: Resolved, context: Context, *, accepted_at: datetime, now: datetime
) -> list[Verdict]:
    """Every rule that applies, in the order in which they are asked: `decide` goes by the
    first that did not pass."""
    return list(_asked(signal, resolved, context, accepted_at=accepted_at, now=now))


def _asked(
    signal: Signal, resolved: Resolved, context: Context, *, accepted_at: datetime, now: datetime
) -> Iterator[Verdict]:
    tested = signal.test and not (resolved["test_on_paper"] and context.mode == "paper")
    yield _verdict("test", Decision("SKIPPED", "test") if tested else None)
    paused = not (context.strategy_enabled and context.subscription_enabled)
    yield _verdict(
        "subscription_paused", Decision("SKIPPED", "subscription_paused") if paused else None
    )
    if context.halted is not None and context.halted.mode == STOP_ALL and signal.action != "cancel":
        numbers = context.halted.numbers
        yield Verdict("halted", False, numbers, Decision("HALTED", "halted", numbers))
    delay = _delay(resolved)
    # Windows are asked for when it goes, age for when it came.
    goes_at = max(now, accepted_at + delay)
    age = _age(signal, accepted_at, goes_at - delay)
    if signal.action != "cancel":
        if not delay:
            numbers = _stale(now - accepted_at, _most_age(signal))
            yield _verdict("signal_stale", _too_late(signal, accepted_at, now), numbers)
        limit = _limit_by_settings(signal, resolved)
        if limit is not None:
            numbers = _stale(age, limit)
            if only_closes(signal):
                numbers["rejected_leg"] = "exit"
            late = age > _seconds(limit)
            ends = Decision("EXPIRED", "signal_stale", numbers) if late else None
            yield _verdict("signal_stale", ends, numbers)
    if not resolved["allow_exits_outside"]:
        outside = _is_outside(signal, resolved, goes_at)
        held = _held_outside(signal, resolved, context.stands, goes_at, now) if outside else None
        yield _verdict("outside_window", held, _compared(resolved, goes_at))
    if not only_closes(signal):
        yield from _asked_of_entries(signal, resolved, context, age=age, goes_at=goes_at)


def _verdict(rule: str, ends: Decision | None, numbers: Mapping[str, str] | None = None) -> Verdict:
    """A rule that ends the trade, unless it passes."""
    if ends is None:
        return Verdict(rule, passed=True, numbers=numbers or {})
    return Verdict(ends.reason or rule, passed=False, numbers=ends.numbers, ends=ends)


def _compared(resolved: Resolved, at: datetime) -> dict[str, str]:
    return windows.describe(resolved.windows, at) if resolved.windows else {}


def release(
    signal: Signal,
    *,
    approval: Approval,
    stands: str,
    may_open: bool,
    enabled: bool,
    release_at: datetime,
    now: datetime,
) -> Decision:
    """What a trade becomes when the time it waited for has come.

    Its age counts from that time, not from when we got round to it.
    """
    if not enabled:
        return Decision("SKIPPED", "subscription_paused")
    if late := _too_late(signal, release_at, now, stage="release"):
        return late
    if may_open and approval.closes_at_once(signal, stands):
        return Decision("PENDING", entry_refused=_needs_approval(signal))
    asks = approval.asks(signal, may_open=may_open)
    return _wait(APPROVAL_AGE, now) if asks else Decision("PENDING")


def unanswered(signal: Signal, *, asked_before: bool, now: datetime) -> Decision:
    """What becomes of a trade that nobody answered for. A full exit is asked about for a day,
    once its approval's time is over, as any that came too late."""
    if not _is_full_exit(signal) or asked_before:
        return Decision("EXPIRED", "approval_expired")
    age = Decimal(int(APPROVAL_AGE.total_seconds()))
    return _wait(LATE_EXIT_AGE, now, "late_exit", **_stale(APPROVAL_AGE, age, "approval"))


def ended_by(signal: Signal, decision: Decision) -> tuple[str, ...]:
    """The waiting trades that end by this one. An exit that is over itself closes nothing, and
    displaces none."""
    ends = superseded_by(signal) if decision.supersedes else ()
    return ends if decision.goes_on else tuple(kind for kind in ends if kind not in _EXITS)


def superseded_by(signal: Signal) -> tuple[str, ...]:
    """The waiting trades that end when this signal goes, as action and sentiment.

    Only a full exit displaces an exit.
    """
    # To be flat is an exit, whichever side says it.
    action = "exit" if signal.sentiment == "flat" else signal.action
    ends = _SUPERSEDES.get(action, ()) if signal.target is None else ENTRIES
    is_wider = signal.action == "exit" and signal.quantity is None
    return (*ends, *_EXITS) if is_wider else ends


def meant_by_name(signal: Signal) -> str | None:
    """The sender's name for the only orders that a `cancel` means."""
    return signal.client_tag if signal.action == "cancel" else None


def _needs_approval(signal: Signal) -> Refusal:
    return Refusal("approval_needed", {"instrument": signal.instrument})


def _wait(age: timedelta, now: datetime, reason: str | None = None, /, **numbers: str) -> Decision:
    """Wait for a person, `age` at most."""
    numbers["minutes"] = f"{age.total_seconds() / 60:.0f}"
    return Decision("WAITING_APPROVAL", reason, numbers, until=now + age)


def _asked_of_entries(
    signal: Signal, resolved: Resolved, context: Context, *, age: timedelta, goes_at: datetime
) -> Iterator[Verdict]:
    """Rules by which nothing may be opened: a switch, then those of the settings."""
    if context.halted is not None:
        yield Verdict("halted", False, context.halted.numbers)
    limit = resolved["entry_reject_after_seconds"]
    if isinstance(limit, Decimal):
        yield Verdict("signal_stale", age <= _seconds(limit), _stale(age, limit))
    tickers = resolved["allowed_tickers"]
    if isinstance(tickers, tuple):
        told = {"tickers": ", ".join(map(str, tickers)) or "none"}
        allowed = _is_allowed(signal, tickers, context.asset_class)
        yield Verdict("ticker_not_allowed", allowed, told)
    outside = _is_outside(signal, resolved, goes_at)
    yield Verdict("outside_window", not outside, _compared(resolved, goes_at))
    for cap in resolved.refused:
        label = settings.BY_NAME[cap.name].label
        yield Verdict("above_cap", False, {"setting": label, "by": cap.by})
    for setting in resolved.not_obeyed(context.asset_class):
        told = {"setting": setting.label, "value": settings.to_text(resolved[setting.name])}
        yield Verdict("setting_unsupported", False, told)
    if signal.action == "add":
        known = _quantity(resolved, context.asset_class) if signal.target is None else None
        told = {} if known is None else {"quantity": format(known, "f")}
        yield Verdict("quantity_missing", known is not None, told)


def _is_outside(signal: Signal, resolved: Resolved, now: datetime) -> bool:
    ignored = signal.ignore_trading_windows or signal.action == "cancel"
    return not ignored and not windows.cover(resolved.windows, now)


def _held_outside(
    signal: Signal, resolved: Resolved, stands: str, goes_at: datetime, now: datetime
) -> Decision:
    """Exits stay inside the windows too: what closes waits for a window, or for a person."""
    numbers = windows.describe(resolved.windows, goes_at)
    turns = not only_closes(signal)
    if turns and not closes(signal, stands, allow_add=bool(resolved["allow_add"])):
        return Decision("SKIPPED", "outside_window", numbers)
    held = _wait(LATE_EXIT_AGE, now, "outside_window", **numbers)
    opens = windows.next_open(resolved.windows, goes_at, now + LATE_EXIT_AGE - goes_at)
    refusal = Refusal("outside_window", numbers) if turns else None
    return replace(held, state="BLOCKED", opens=opens, entry_refused=refusal)


def _is_allowed(signal: Signal, tickers: tuple[object, ...], asset_class: str) -> bool:
    names = {signal.instrument, underlying(signal.instrument, asset_class)}
    return not names.isdisjoint({*tickers, *(_plain(str(ticker)) for ticker in tickers)})


def underlying(instrument: str, asset_class: str) -> str:
    """What instruments of one lane share, whoever spelled them."""
    found = {"futures": _CONTRACT, "options": _UNDERLYING}.get(asset_class)
    match = found.fullmatch(instrument) if found is not None else None
    return match["root"] if match else _plain(instrument)


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
    age, limit = now - since, _most_age(signal)
    if signal.action == "cancel" or age <= _seconds(limit):
        return None
    numbers = _stale(age, limit, stage)
    if _is_full_exit(signal):
        return _wait(LATE_EXIT_AGE, now, "late_exit", **numbers)
    return Decision("EXPIRED", "signal_stale", numbers)


def _most_age(signal: Signal) -> Decimal:
    # Only execution knows whether a buy or a sell opens or closes; it judges each leg's age.
    limit = ENTRY_AGE if signal.action == "add" else EXIT_AGE
    return Decimal(int(limit.total_seconds()))


def _limit_by_settings(signal: Signal, resolved: Resolved) -> Decimal | None:
    """When it is too old for all that it may do, by limits of the sender or of one's own."""
    names = ["exit_reject_after_seconds"]
    if not only_closes(signal):
        names.append("entry_reject_after_seconds")
    limits = [limit for name in names if isinstance(limit := resolved[name], Decimal)]
    return max(limits) if len(limits) == len(names) else None


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
