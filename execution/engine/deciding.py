"""The next step of a run: judged, whatever happens on the way."""

from datetime import datetime

import structlog
from msgspec.structs import replace

from execution.accounts.accounts import Account
from execution.domain import judging, planning
from execution.domain.decisions import OVER, Decision, End, Progress, Wait
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.switches import Binding
from execution.domain.words import Action, Sentiment, TradeState
from execution.lanes.lanes import Run
from execution.messages.alike import Alike

log = structlog.get_logger()

# How a trade ends whatever its account holds.
_OF_NO_ACCOUNT = (TradeState.EXPIRED, TradeState.HALTED, TradeState.WAITING_APPROVAL)


def see(account: Account, run: Run, market: Market | None, binding: Binding, now: datetime) -> Seen:
    """All that the next step of a run is decided from."""
    return Seen(
        run.lane.scope(run),
        run.progress(),
        account.rules,
        market,
        now,
        bool(run.lane.overfills),
        run.opens_at,
        binding,
    )


def filled(run: Run) -> End | None:
    """The end of a trade whose entry is filled. Nothing else that could be seen would change
    that, so it need not be looked at."""
    entry = run.entry
    return End(TradeState.FILLED) if entry is not None and entry.order.is_filled else None


def judge(run: Run, seen: Seen, alike: Alike) -> Decision:
    """What comes next; a mistake of ours stops no other trade."""
    try:
        decision = judging.judge(run.trade, seen, alike.plan)
    except Exception:
        log.exception("planning_failed", trade_id=run.trade.trade_id.hex)
        return _failed(run, seen)
    if isinstance(decision, End) and decision.reason == "signal_stale" and run.exits:
        run.entry_dropped, run.dropped_numbers = "signal_stale", dict(decision.numbers)
    return decision


def after_the_end(run: Run, seen: Seen, progress: Progress) -> Decision | None:
    """What a trade is whose end was told, and that it was, should something of it work after all;
    None after a mistake of ours, which stops no other."""
    try:
        now = planning.decide(run.trade, seen.scope, progress, seen.venue, seen.market)
        return replace(now, numbers={**now.numbers, OVER: "yes"}) if isinstance(now, Wait) else now
    except Exception:
        log.exception("planning_failed", trade_id=run.trade.trade_id.hex)
        return None


def admit(account: Account, run: Run, decision: Decision) -> Decision:
    """The same, unless nothing can be asked of the broker in the name of the run's connection. It
    is told nothing of the account then, neither by how its trade ends nor by what that was decided
    from: an end that stays is another value."""
    if run.tickets or not account.keeps_out(run.trade.connection_id):
        return decision
    match decision:
        case Wait():
            return decision
        case End(state) if state in _OF_NO_ACCOUNT or run.entry_dropped:
            return replace(decision)
        case _:
            return End(TradeState.REJECTED, "broker_auth")


def _failed(run: Run, seen: Seen) -> Decision:
    """What becomes of a trade that we failed to plan. One that opens is over. An exit of which
    nothing was done is given back to a person, who has it tried again by one click; what was
    begun is tried again here, with an alarm until it goes."""
    trade, progress = run.trade, seen.progress
    closes = _closes(run, seen)
    if progress.has_orders or trade.action is Action.CANCEL:
        return Wait(TradeState.NEEDS_ATTENTION, "internal_error")
    if not closes:
        return End(TradeState.SKIPPED, "internal_error")
    if progress.has_canceled or not trade.origin.is_of_a_signal:
        return Wait(TradeState.NEEDS_ATTENTION, "internal_error")
    told = {"instrument": trade.instrument, "given_back": "yes"}
    return End(TradeState.WAITING_APPROVAL, "internal_error", told)


def _closes(run: Run, seen: Seen) -> bool:
    """True for what would close, or guard, what is held or may be."""
    trade, scope = run.trade, seen.scope
    if trade.action is Action.EXIT or trade.sentiment is Sentiment.FLAT:
        return True
    if trade.action in (Action.REVERSE, Action.BREAKEVEN):
        return bool(scope.position or scope.exposure)
    side = trade.direction
    return side is not None and min(scope.position * side.sign, scope.exposure * side.sign) < 0
