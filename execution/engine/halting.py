"""Where switches and limits meet the lanes: what binds a trade now, what was stopped while it
was written down, and what ends because a switch came on."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from execution.accounts.accounts import Account, end_waiting_entry, exposed
from execution.domain.orders import Terms, finding
from execution.domain.reports import Report
from execution.domain.switches import HALTED, Binding
from execution.domain.words import ExecType, Leg
from execution.engine.controls import Controls, scopes
from execution.lanes import covers, overfills
from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket


class Lanes(Protocol):
    """The engine, as this needs it."""

    def go_on(self, account: Account, run: Run) -> None:
        """Let the trades of a subscription go on."""

    def take_back(self, account: Account, ticket: Ticket, reason: str) -> None:
        """Do not send an order that still waits for the broker's limit."""

    def drop(self, ticket: Ticket) -> None:
        """An order that is not written down is nothing that can be heard of."""


class Halting:
    """Asks the controls on behalf of the engine."""

    def __init__(self, controls: Controls, lanes: Lanes) -> None:
        self.controls = controls
        # Told when an order was stopped that the controls, as known here, let pass.
        self.on_stopped: Callable[[], None] = _nobody
        self._lanes = lanes
        self._stopped: list[tuple[Account, Run]] = []

    def binding(self, account: Account, run: Run, now: datetime) -> Binding:
        """What binds a trade now."""
        by = run.trade.connection_id
        return self.controls.binding(
            run.trade, lambda: account.usage.used(by, exposed(account), now), now
        )

    def stop(self, account: Account, run: Run, tickets: Sequence[Ticket], now: datetime) -> None:
        """Orders were not written down: a switch or a limit changed meanwhile. What the trade
        does instead is decided once that is known here."""
        if tickets[0].cancel_asked and not tickets[0].order.terms.leg.is_protection:
            # A newer trade ended it before it came to be.
            run.entry_dropped = run.entry_dropped or "superseded"
        for ticket in tickets:
            # For whoever waits for it to be over.
            ticket.order.add(_never_was(ticket.order.terms, now))
            account.reserved.note(ticket, now)
            run.tickets.remove(ticket)
            run.lane.open.pop(ticket.order.terms.cl_ord_id, None)
            self._lanes.drop(ticket)
        covers.abandon(run)
        if not tickets[0].order.terms.leg.is_protection:
            account.usage.unsend(run.trade.connection_id)
        run.awaits_controls = True
        self._stopped.append((account, run))
        self.on_stopped()

    def bind_anew(self, accounts: Iterable[Account]) -> None:
        """The newest switches and limits are known: go on with what they stopped."""
        overfills.see(accounts, self.controls.newly_seen())
        stopped, self._stopped = self._stopped, []
        for _, run in stopped:
            run.awaits_controls = False
        for account, run in stopped:
            self._lanes.go_on(account, run)

    def end_waiting(self, accounts: Iterable[Account], stricter: Sequence[tuple[str, str]]) -> None:
        """Switches came on in these scopes: what is held back there ends."""
        bound = [
            (account, run)
            for account in accounts
            for run in account.runs.values()
            if any(scope in stricter for scope in scopes(run.trade))
        ]
        changed = [(account, run) for account, run in bound if end_waiting_entry(run)]
        for account, run in bound:
            for ticket in tuple(run.tickets):
                leg = ticket.order.terms.leg
                if ticket.order.is_open and self.controls.stops(run.trade, leg):
                    is_told = leg is not Leg.ENTRY or run.entry_dropped == HALTED
                    reason = HALTED if is_told else "superseded"
                    self._lanes.take_back(account, ticket, reason)
        for account, run in changed:
            self._lanes.go_on(account, run)

    def recall(self, account: Account) -> None:
        """What was held back when its former holder stopped, under a switch that is on; and what
        was seen since its past was read."""
        overfills.see([account], self.controls.seen)
        for run in account.runs.values():
            if self.controls.switch(run.trade) is not None:
                end_waiting_entry(run)


def _never_was(terms: Terms, now: datetime) -> Report:
    return finding(terms, "", f"{terms.cl_ord_id}:stopped", ExecType.NOT_SENT, HALTED, now)


def _nobody() -> None:
    """Until somebody reads the switches."""
