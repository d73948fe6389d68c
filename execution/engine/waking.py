"""Timers of trades that wait: each lets them go on, and what it finds then decides."""

from collections.abc import Callable

import structlog

from execution.accounts.accounts import Account
from execution.domain.decisions import Wait
from execution.domain.trades import age_limit
from execution.domain.words import Action, Leg, TradeState
from execution.lanes.lanes import Run
from execution.lanes.tickets import MARKET_BOUND
from execution.runtime import Runtime

log = structlog.get_logger()

# How often an exit that a wide spread holds back is looked at again.
SPREAD_SECONDS = 1.0
# And what we failed to plan: what surrounds it may be another by then.
FAILED_SECONDS = 60.0


class Waking:
    """At most one timer of a kind for a run."""

    def __init__(self, runtime: Runtime, go_on: Callable[[Account, Run], None]) -> None:
        self._runtime = runtime
        self._go_on = go_on

    def at_bound(self, account: Account, run: Run) -> None:
        """The next trade waits for this one no longer than that."""
        if not run.has_bound_timer:
            run.has_bound_timer = True
            bound = MARKET_BOUND.total_seconds()
            self._runtime.later(bound, lambda: self._look_again(account, run))

    def after(self, account: Account, run: Run, wait: Wait) -> None:
        """Whatever may end this wait by the passing of time."""
        if run.exits and not run.has_flip_timer and run.trade.action is not Action.EXIT:
            run.has_flip_timer = True
            # A restart grants no more.
            waited = self._runtime.now() - run.exits[0].order.terms.created_at
            seconds = max((run.trade.flip_wait - waited).total_seconds(), 0.0)
            self._runtime.later(seconds, lambda: self._flip_timed_out(account, run))
        if wait.reason == "spread_too_wide":
            self._try_again(account, run, SPREAD_SECONDS)
        if wait.reason == "internal_error":
            self._try_again(account, run, FAILED_SECONDS)
        if not run.tickets and wait.state is TradeState.BLOCKED and not run.has_age_timer:
            run.has_age_timer = True
            left = age_limit(Leg.ENTRY) - run.age(Leg.ENTRY, self._runtime.now())
            seconds = max(left.total_seconds(), 0.0) + 0.01
            self._runtime.later(seconds, lambda: self._look_again(account, run))

    def _look_again(self, account: Account, run: Run) -> None:
        """A timer of a run rang; should its clock say "not yet", it is set anew."""
        run.has_bound_timer = False
        run.has_age_timer = run.is_stale(Leg.ENTRY, self._runtime.now())
        self._go_on(account, run)

    def _try_again(self, account: Account, run: Run, seconds: float) -> None:
        """What holds an exit back may be over then, with the next quote."""

        def look() -> None:
            run.has_retry_timer, run.looked_at = False, None
            self._go_on(account, run)

        if not run.has_retry_timer:
            run.has_retry_timer = True
            self._runtime.later(seconds, look)

    def _flip_timed_out(self, account: Account, run: Run) -> None:
        if run.entry is None and not run.is_done and not run.entry_dropped:
            log.warning("flip_timed_out", trade_id=run.trade.trade_id.hex)
            run.entry_dropped = "flip_timeout"
            run.dropped_numbers = {"seconds": format(run.trade.flip_wait.total_seconds(), ".0f")}
            self._go_on(account, run)
