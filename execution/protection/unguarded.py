"""What is held and not guarded: somebody hears of it when it lasts, and what no order was sent
for, because the login had ended or the limit was used up, is tried again.

Nothing of this is kept: whoever takes the account finds from its orders what was never sent.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from execution.accounts.accounts import Account
from execution.brokers.base import BrokerError
from execution.domain.protecting import Protection
from execution.lanes import covers
from execution.lanes.lanes import Lane, Run
from execution.runtime import Runtime

log = structlog.get_logger()

# Far beyond the round trip of a cancel, which is all that a gap should last.
OVERDUE_SECONDS = 5.0
# Before what was never sent is tried again: twice as long each time, up to the most.
RETRY_SECONDS = 5.0
MOST_RETRY_SECONDS = 300.0


class Unguarded:
    """Timers of covers that do not guard; `tend` looks at a lane again."""

    def __init__(self, runtime: Runtime, tend: Callable[[Account, Lane], None]) -> None:
        self._runtime = runtime
        self._tend = tend

    def measure(self, account: Account, run: Run, state: Protection) -> None:
        """How long nothing guarded what is held; too long is told."""
        kept, now = run.cover, self._runtime.now()
        assert kept is not None
        if state is Protection.UNPROTECTED:
            if kept.gap_since is None:
                kept.gap_since, kept.last_gap = now, None
            if not kept.is_overdue and not kept.has_overdue_timer:
                self._watch(account, run, kept.gap_since)
        elif kept.gap_since is not None:
            kept.last_gap = now - kept.gap_since
            kept.longest_gap = max(kept.longest_gap, kept.last_gap)
            kept.gap_since, kept.is_overdue = None, False

    def retry(self, account: Account, run: Run) -> None:
        """Send what was never sent once more, when the broker answers us again."""
        kept = run.cover
        assert kept is not None
        if kept.is_retried:
            return
        kept.is_retried = True
        wait = min(RETRY_SECONDS * 2**kept.retries, MOST_RETRY_SECONDS)

        def ring() -> None:
            self._runtime.spawn(self._ask(account, run))

        self._runtime.later(wait, ring)

    def _watch(self, account: Account, run: Run, since: datetime) -> None:
        kept = run.cover
        assert kept is not None
        kept.has_overdue_timer = True

        def ring() -> None:
            kept.has_overdue_timer = False
            if account.is_lost or kept.is_over or kept.gap_since is None:
                return
            if kept.gap_since == since:
                kept.is_overdue = True
            self._tend(account, run.lane)

        left = OVERDUE_SECONDS - (self._runtime.now() - since).total_seconds()
        self._runtime.later(max(left, 0.0) + 0.001, ring)

    async def _ask(self, account: Account, run: Run) -> None:
        """Any answer shows that we are let in; a question costs less than an order."""
        kept, first = run.cover, covers.opening(run)
        assert kept is not None and first is not None
        try:
            if account.is_lost or kept.is_over:
                return
            await account.adapter.quote(account.ref.account, first.order.terms.instrument)
        except BrokerError as error:
            log.info("protection_waits_for_broker", cause=error)
        except Exception:
            log.exception("protection_retry_failed", trade_id=run.trade.trade_id.hex)
        else:
            kept.retries += 1
            kept.forgiven = max(t.order.terms.revision for t in run.tickets)
        finally:
            kept.is_retried = False
        if not account.is_lost and not kept.is_over:
            self._tend(account, run.lane)
