"""Orders out: to the socket when they may go, and what each answer means.

Whatever has no definite answer is in doubt and is asked about; nothing here decides what
a trade wants.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from execution.accounts import recording
from execution.accounts.accounts import Account
from execution.accounts.doubt import Doubts, Found
from execution.accounts.standing import Standing
from execution.accounts.terms import as_sent
from execution.domain.orders import OUTGROWN, finding
from execution.domain.reports import Report
from execution.domain.trades import Trade, age_limit
from execution.domain.words import ExecType, Leg
from execution.journal.rows import Entry
from execution.lanes import opened
from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket
from execution.limits.session import Answer, Submitted, Waiting
from execution.runtime import Runtime

log = structlog.get_logger()

# After a cancel that was "too late" the fill should be here; else we ask.
CANCEL_CHECK_SECONDS = 0.5
# Before an order that was held back is tried again.
HELD_BACK_SECONDS = 0.05
# What the broker took and forgot shows only by asking: soon for what should fill at once.
MARKET_CHECK_SECONDS = 2.0
RESTING_CHECK_SECONDS = 60.0


class Hears(Protocol):
    """The engine, as dispatch needs it."""

    def hear(self, report: Report, *, heard: bool, asked: bool = False) -> None:
        """Fold a report."""

    def go_on(self, account: Account, run: Run, *, frees: bool = False) -> None:
        """Let the trades of a subscription go on; `frees`: all that wait on its lane."""

    def amend(self, account: Account, run: Run) -> None:
        """Something was heard, or found, of a trade that is over."""

    def knows(self, cl_ord_id: str) -> bool:
        """True while the order is in memory."""

    def record(self, entry: Entry) -> None:
        """Have a fact of an account stored."""

    def tell_limit(self, account: Account, run: Run) -> None:
        """An order of the run waits for the broker's limit."""


class Stops(Protocol):
    """Kill switches, as dispatch needs them."""

    def stops(self, trade: Trade, leg: Leg) -> bool:
        """True for an order that must not reach the socket."""

    def is_fresh(self, now: datetime) -> bool:
        """False while it is not known what was set of late."""


class Dispatch:
    """Sends, cancels and asks, through the account's session."""

    def __init__(self, runtime: Runtime, engine: Hears, stops: Stops, standing: Standing) -> None:
        self._runtime = runtime
        self._stops, self._standing = stops, standing
        self._engine = engine
        found = Found(self._adopt, self._absent, self._unprovable, self._vanished)
        self._doubts = Doubts(runtime, found)

    def ask_about(self, account: Account, ticket: Ticket) -> None:
        """Ask the broker what it knows of an order."""
        self._doubts.ask_about(account, ticket)

    def inherit(self, account: Account, ticket: Ticket) -> None:
        """Ask about an order of before; where there is no answer to it, and nobody who took the
        account before us said so, its former holder may have sent it until now."""
        if ticket.in_doubt and ticket.last_send_at is None:
            ticket.last_send_at = now = self._runtime.now()
            self._engine.record(recording.unanswered(account, ticket, now))
        self._doubts.ask_about(account, ticket)

    def check(self, account: Account, run: Run) -> None:
        """Ask at once about what is in doubt of a trade."""
        for ticket in run.tickets:
            if ticket.in_doubt and ticket.order.is_open:
                self._doubts.ask_now(account, ticket)

    def believe(self, account: Account, run: Run, words: Mapping[str, str]) -> None:
        """A person says what became of orders that nobody can prove anything of."""
        run.declared = {**run.declared, **words}
        for ticket in tuple(run.tickets):
            if ticket.is_unprovable and ticket.declared:
                self._never_sent(account, ticket, ticket.declared)

    def bound_cancels(self, account: Account, run: Run, targets: Sequence[Ticket]) -> None:
        """Drop the run's entry when these are not canceled within its bound."""
        bound = run.trade.cancel_wait.total_seconds()

        def ring() -> None:
            waits = run.entry is None and any(ticket.order.is_open for ticket in targets)
            if waits and not run.is_done and not run.entry_dropped:
                run.entry_dropped = "cancel_timeout"
                run.dropped_numbers = {"seconds": format(bound, ".0f")}
                self._engine.go_on(account, run)

        self._runtime.later(bound, ring)

    def submit(self, account: Account, ticket: Ticket, resends: int = 0) -> None:
        """Send an order, or send it again for the so-manieth time, when it may go."""
        terms = ticket.order.terms
        if not _is_next(account, ticket, resends):
            return
        account.session.submit(
            Waiting(
                as_sent(ticket, account.ref.account, account.rules),
                terms.leg.reduces,
                lambda: self._may_go(account, ticket, resends),
                lambda submitted: self._answered(account, ticket, submitted),
                lambda: self._deadline(ticket),
                lambda numbers: self._held(account, ticket, numbers),
                ticket.run.trade.connection_id,
                lambda: self._may_still_go(account, ticket, resends),
            )
        )
        if account.session.waits(terms.cl_ord_id):
            ticket.is_held_back, ticket.is_limited = True, not terms.leg.reduces
            # An exit behind an entry need not wait.
            self._engine.go_on(account, ticket.run)

    def _deadline(self, ticket: Ticket) -> datetime:
        """When the order is too old to be sent, or its sender wants it no more."""
        leg, run, now = ticket.order.terms.leg, ticket.run, self._runtime.now()
        ends = now + age_limit(leg) - run.age(leg, now)
        until = None if run.exits or run.fired_at else run.trade.reject_at
        return ends if until is None else min(ends, until)

    def _held(self, account: Account, ticket: Ticket, numbers: Mapping[str, str]) -> None:
        ticket.run.limited = numbers
        self._engine.tell_limit(account, ticket.run)

    def _may_go(self, account: Account, ticket: Ticket, resends: int) -> bool:
        """Asked at its turn: still ours, still wanted, still young, and no more than there is
        to close."""
        if not _is_next(account, ticket, resends):
            return False
        now = self._runtime.now()
        if reason := self._unwanted(account, ticket, now):
            if not ticket.in_doubt:
                self._never_sent(account, ticket, reason)
            return False
        enters = ticket.order.terms.leg is Leg.ENTRY
        waits = enters and (opened.is_behind_doubt(ticket.run) or not self._stops.is_fresh(now))
        if waits or not self._standing.is_sure(now):
            ticket.is_held_back = True
            self._runtime.later(HELD_BACK_SECONDS, lambda: self.submit(account, ticket, resends))
            return False
        ticket.sends += 1
        ticket.is_held_back = ticket.is_limited = False
        ticket.last_send_at = now
        return True

    def _may_still_go(self, account: Account, ticket: Ticket, resends: int) -> bool:
        """Asked immediately before the socket: still ours. It is sent now, and not before."""
        ticket.last_send_at = self._runtime.now()
        return _is_next(account, ticket, resends) and self._is_ours(account)

    def _is_ours(self, account: Account) -> bool:
        return not account.is_lost and self._standing.is_sure(self._runtime.now())

    def _unwanted(self, account: Account, ticket: Ticket, now: datetime) -> str:
        leg = ticket.order.terms.leg
        if account.keeps_out(ticket.run.trade.connection_id):
            return "broker_auth"
        if leg is Leg.EXIT and opened.is_too_large(ticket):
            return OUTGROWN
        if leg is Leg.ENTRY and ticket.run.is_superseded:
            return "superseded"
        if leg is not Leg.EXIT and ticket.cancel_asked:
            return "superseded"
        if self._stops.stops(ticket.run.trade, leg):
            # An entry that a switch stands behind is never sent again.
            return "superseded" if ticket.in_doubt and leg is Leg.ENTRY else "halted"
        is_stale = not ticket.is_upkeep and ticket.run.is_stale(leg, now)
        return "signal_stale" if is_stale else ""

    def _answered(self, account: Account, ticket: Ticket, submitted: Submitted) -> None:
        if account.is_lost:
            return
        if submitted.report is not None:
            self._engine.hear(submitted.report, heard=False)
        match submitted.answer:
            case Answer.TAKEN:
                if not ticket.order.is_acknowledged:
                    self._doubts.ask_about(account, ticket)
            case Answer.NOT_SENT if ticket.sends == 1:
                ticket.sends, ticket.is_held_back = 0, True
                wait = max(submitted.retry_after_seconds, HELD_BACK_SECONDS)
                self._runtime.later(wait, lambda: self.submit(account, ticket))
            case Answer.TOO_LATE:
                ticket.run.limited = submitted.numbers
                self._never_sent(account, ticket, "rate_limited")
            case Answer.REJECTED if ticket.sends == 1:
                self._synthesise(account, ticket, ExecType.REJECTED, submitted.text)
            case Answer.AUTH_FAILED if ticket.sends == 1:
                self._never_sent(account, ticket, "broker_auth")
            case _:
                self._doubt(account, ticket)

    # -- doubt

    def _doubt(self, account: Account, ticket: Ticket) -> None:
        if ticket.order.is_open and not ticket.order.is_acknowledged:
            ticket.in_doubt = True
            log.warning("order_in_doubt", cl_ord_id=ticket.order.terms.cl_ord_id)
            self._doubts.ask_about(account, ticket)
            self._engine.go_on(account, ticket.run, frees=True)

    def _watch(self, account: Account, ticket: Ticket) -> None:
        """While it works, ask now and then whether the broker still knows it; about all that rests
        there in one go."""
        timed = account if ticket.is_resting else ticket
        if timed.has_check_timer or not (ticket.order.is_open and ticket.order.is_acknowledged):
            return

        def check() -> None:
            timed.has_check_timer = False
            for each in opened.resting(account.lanes.values()) if timed is account else [ticket]:
                if each.order.is_open and not account.is_lost:
                    if not each.in_doubt:
                        self._doubts.ask_about(account, each)
                    self._watch(account, each)

        timed.has_check_timer = True
        seconds = RESTING_CHECK_SECONDS if timed is account else MARKET_CHECK_SECONDS
        self._runtime.later(seconds, check)

    def _vanished(self, account: Account, ticket: Ticket) -> None:
        """The broker took it, and knows nothing of it: in doubt, as if sent just now and never
        answered; what it once showed may only have been slow to be found."""
        log.warning("order_vanished", cl_ord_id=ticket.order.terms.cl_ord_id)
        ticket.in_doubt, ticket.last_send_at = True, self._runtime.now()
        self._engine.go_on(account, ticket.run, frees=True)

    def _adopt(self, account: Account, ticket: Ticket, report: Report) -> None:
        self._engine.hear(report, heard=False, asked=True)
        if ticket.in_doubt and ticket.order.is_acknowledged:
            # All that was found may have been known.
            ticket.in_doubt = ticket.is_unprovable = False
            self._engine.go_on(account, ticket.run, frees=True)
            if ticket.run.is_done:
                self._engine.amend(account, ticket.run)

    def _absent(self, account: Account, ticket: Ticket) -> None:
        """Proven absent: resend the same id, unless nobody wants it any more. A guard comes
        into being with its entry, and is never sent alone."""
        if ticket.is_guard:
            if not (ticket.order.is_acknowledged and ticket.may_return):
                self._never_sent(account, ticket, "entry_ended")
            return
        if reason := self._unwanted(account, ticket, now := self._runtime.now()):
            self._never_sent(account, ticket, reason)
            return
        log.info("order_resent", cl_ord_id=ticket.order.terms.cl_ord_id)
        ticket.last_send_at = now
        ticket.resends += 1
        # Whoever takes the account from here on must know.
        committed = partial(self.submit, account, ticket, ticket.resends)
        self._engine.record(recording.resent(account, ticket, now, committed))

    def _unprovable(self, account: Account, ticket: Ticket) -> None:
        log.error("order_needs_attention", cl_ord_id=ticket.order.terms.cl_ord_id)
        ticket.is_unprovable = True
        if ticket.declared:
            self._never_sent(account, ticket, ticket.declared)
        self._engine.go_on(account, ticket.run, frees=True)
        if ticket.run.is_done:
            self._engine.amend(account, ticket.run)

    def _never_sent(self, account: Account, ticket: Ticket, reason: str) -> None:
        # What the broker once acknowledged was sent; forgotten by it, it is over. Others may have
        # waited for the end of its doubt: that it was in doubt is for whoever hears of it to see.
        what = ExecType.EXPIRED if ticket.order.is_acknowledged else ExecType.NOT_SENT
        self._synthesise(account, ticket, what, reason)

    def end_here(self, account: Account, ticket: Ticket, what: ExecType, text: str) -> None:
        """End an entry that waits here, as the broker would that had it."""
        self._synthesise(account, ticket, what, text)

    def _synthesise(self, account: Account, ticket: Ticket, what: ExecType, text: str) -> None:
        terms, named = ticket.order.terms, f"{ticket.doubt}:{what.value.lower()}"
        if self._engine.knows(terms.cl_ord_id):
            account_name, now = account.ref.account, self._runtime.now()
            found = finding(terms, account_name, named, what, text, now)
            self._engine.hear(found, heard=False)

    # -- what follows from news

    def tend(self, account: Account, ticket: Ticket, *, was_open: bool) -> None:
        """After news of an order: what works is watched, what was given up and appears after all
        is canceled, what was to guard an entry that opened nothing is over."""
        terms = ticket.order.terms
        self._watch(account, ticket)
        if ticket.order.is_open and not was_open:
            # A guard is needed, once its entry filled; a cancel of before found nothing.
            ticket.cancel_asked = False
            if not ticket.may_reappear:
                self.cancel(account, ticket)
        if terms.leg is Leg.ENTRY and not ticket.order.is_open and not ticket.order.cum_qty:
            for guard in ticket.guards:
                if guard.order.is_open and not guard.order.is_acknowledged:
                    self._never_sent(account, guard, "entry_ended")

    # -- cancels

    def cancel(self, account: Account, ticket: Ticket, asker: str = "") -> None:
        """For the connection that asks for it. What execution takes back by itself, so that
        nothing is opened by mistake, goes by any login of the account."""
        ticket.cancel_asked = True
        if not ticket.order.is_open or account.is_lost:
            return

        answered = partial(self._cancel_answered, account, ticket, asker)
        if ticket.waits_here:
            self.end_here(account, ticket, ExecType.CANCELED, "")
        elif not self.take_back(account, ticket, "superseded"):
            if account.keeps_out(asker):
                answered(None)
            else:
                name, cl_ord_id = account.ref.account, ticket.order.terms.cl_ord_id
                ours = partial(self._is_ours, account)
                account.session.cancel(name, cl_ord_id, answered, asker, ours)

    def cancel_all(self, account: Account, tickets: Sequence[Ticket], asker: str = "") -> None:
        for ticket in tickets:
            self.cancel(account, ticket, asker)

    def take_back(self, account: Account, ticket: Ticket, reason: str) -> bool:
        """Do not send what still waits for the broker's limit, or for its price, or is held back;
        False when it does not."""
        waits = ticket.waits_here or account.session.withdraw(ticket.order.terms.cl_ord_id)
        if ticket.in_doubt or not (waits or (ticket.is_held_back and not ticket.sends)):
            return False
        self._never_sent(account, ticket, reason)
        return True

    def cancel_in_time(self, account: Account, ticket: Ticket) -> None:
        """Cancel what still works after the time its order has; what is withdrawn, at once. What
        closes a position that nothing could guard has all the time it needs."""
        if ticket.run.withdrawn and not ticket.keeps_guard:
            self.cancel(account, ticket, ticket.run.trade.connection_id)
        terms = ticket.order.terms
        after = ticket.run.trade.style(terms.leg).cancel_after
        if after is None or terms.leg.is_protection or ticket.is_upkeep:
            return

        def ring() -> None:
            if ticket.order.is_open and not account.is_lost:
                self.cancel(account, ticket)

        left = after - (self._runtime.now() - terms.created_at)
        self._runtime.later(max(left.total_seconds(), 0.0), ring)

    def _cancel_answered(
        self, account: Account, ticket: Ticket, asker: str, done: bool | None
    ) -> None:
        if not done and ticket.order.is_open:
            is_hopeless = ticket.is_unprovable and ticket.order.is_acknowledged
            pause = RESTING_CHECK_SECONDS if is_hopeless else CANCEL_CHECK_SECONDS
            self._runtime.later(pause, lambda: self._check_cancel(account, ticket, asker))

    def _check_cancel(self, account: Account, ticket: Ticket, asker: str) -> None:
        """Cancel again, unless it is over; one in doubt when it has appeared. What the broker
        once showed is canceled though it is not found just now."""
        if not ticket.order.is_open or account.is_lost:
            return
        if ticket.may_not_exist and not ticket.order.is_acknowledged:
            self._cancel_answered(account, ticket, asker, None)
            return
        if not account.keeps_out(asker):
            self._doubts.ask_about(account, ticket)
        self.cancel(account, ticket, asker)


def _is_next(account: Account, ticket: Ticket, resends: int) -> bool:
    """What waited until it was sent anew is not sent beside it."""
    return not account.is_lost and ticket.order.is_open and ticket.resends == resends
