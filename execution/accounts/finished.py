"""Finished runs, kept in memory for a while for what may still be heard about them."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from execution.accounts.accounts import Account
from execution.lanes.lanes import Run


class Finished:
    """In the order in which they were over."""

    def __init__(self) -> None:
        self._runs: deque[tuple[datetime, Account, Run]] = deque()

    def keep(self, at: datetime, account: Account, run: Run) -> None:
        """A run is over."""
        self._runs.append((at, account, run))

    def retire(self, before: datetime) -> Iterator[str]:
        """Forget runs that were over, and recorded, before some time; the names of their orders."""
        while self._runs and self._runs[0][0] < before:
            at, account, run = self._runs.popleft()
            if run.is_lingering:
                # Something late was heard of it; it is finished again with that.
                continue
            if not run.is_recorded and not account.is_lost:
                self._runs.append((at, account, run))
                return
            account.forget(run)
            yield from [ticket.order.terms.cl_ord_id for ticket in run.tickets]
            _part(run)


def _part(run: Run) -> None:
    """A run and its orders know each other. Apart they are freed at once; together thousands
    would wait for the collector, which stops the loop for all that it looks through."""
    if not any(ticket.order.is_open for ticket in run.tickets):
        run.tickets = []
