"""The next step of a run: judged, whatever happens on the way."""

import structlog

from execution.domain import judging
from execution.domain.decisions import Decision, End
from execution.domain.judging import Seen
from execution.domain.words import TradeState
from execution.lanes import Run

log = structlog.get_logger()


def judge(run: Run, seen: Seen) -> Decision:
    """What comes next; a mistake of ours ends the trade and stops no other."""
    try:
        decision = judging.judge(run.trade, seen)
    except Exception:
        log.exception("planning_failed", trade_id=run.trade.trade_id.hex)
        return End(TradeState.SKIPPED, "internal_error")
    if isinstance(decision, End) and decision.reason == "signal_stale" and run.exits:
        run.entry_dropped, run.dropped_numbers = "signal_stale", dict(decision.numbers)
    return decision
