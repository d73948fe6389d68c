"""The next step of a run: judged, whatever happens on the way."""

from datetime import datetime

import structlog

from execution.accounts import Account
from execution.alike import Alike
from execution.domain import judging
from execution.domain.decisions import Decision, End
from execution.domain.judging import Seen
from execution.domain.market import Market
from execution.domain.switches import Binding
from execution.domain.words import TradeState
from execution.lanes import Run

log = structlog.get_logger()


def see(account: Account, run: Run, market: Market | None, binding: Binding, now: datetime) -> Seen:
    """All that the next step of a run is decided from."""
    return Seen(
        run.lane.scope(run),
        run.progress(),
        account.rules,
        market,
        now,
        run.lane.is_overfilled,
        run.opens_at,
        binding,
    )


def filled(run: Run) -> End | None:
    """The end of a trade whose entry is filled. Nothing else that could be seen would change
    that, so it need not be looked at."""
    entry = run.entry
    return End(TradeState.FILLED) if entry is not None and entry.order.is_filled else None


def judge(run: Run, seen: Seen, alike: Alike) -> Decision:
    """What comes next; a mistake of ours ends the trade and stops no other."""
    try:
        decision = judging.judge(run.trade, seen, alike.plan)
    except Exception:
        log.exception("planning_failed", trade_id=run.trade.trade_id.hex)
        return End(TradeState.SKIPPED, "internal_error")
    if isinstance(decision, End) and decision.reason == "signal_stale" and run.exits:
        run.entry_dropped, run.dropped_numbers = "signal_stale", dict(decision.numbers)
    return decision
