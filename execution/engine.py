"""Trades become orders: the engine asks planning what comes next, writes it down, and only
then acts; reports come back and it asks again.

Everything happens in plain callbacks on one event loop, so planning in a lane is serial.
Time, tasks, storage and venues are handed in.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import structlog

from execution import recording
from execution.accounts import Account, numbers_of, supersede
from execution.brokers.base import NewOrder
from execution.domain import planning
from execution.domain.decisions import CancelFirst, Decision, End, Send, Wait, refuse
from execution.domain.orders import Order, Overfilled, Terms
from execution.domain.positions import FLAT
from execution.domain.reports import Report
from execution.domain.trades import Trade, age_limit
from execution.domain.words import ExecType, Leg, OrdStatus, OrdType, Origin, TradeState
from execution.doubt import Doubts, Found
from execution.lanes import MARKET_BOUND, Lane, Run, Ticket
from execution.rows import Entry
from execution.runtime import Runtime
from execution.session import Answer, Submitted, Waiting
from protos import ids

log = structlog.get_logger()

FLIP_SECONDS = 120.0
# After a cancel that was "too late" the fill should be here; else we ask.
CANCEL_CHECK_SECONDS = 0.5
_BOUND = MARKET_BOUND.total_seconds()


class Writes(Protocol):
    """The journal, as the engine needs it."""

    def write(self, entry: Entry) -> None:
        """Have an entry stored."""


class Engine:
    """Lanes of the accounts this instance holds."""

    def __init__(self, *, journal: Writes, runtime: Runtime) -> None:
        self._journal = journal
        self._runtime = runtime
        self._finished: deque[tuple[datetime, Account, Run]] = deque()
        self._tickets: dict[str, tuple[Account, Ticket]] = {}
        self._doubts = Doubts(runtime, Found(self._adopt, self._absent, self._unprovable))

    # -- what comes in

    def enter(self, account: Account, instruction_id: int, trade: Trade) -> None:
        """Take a stored trade into its lane; a known one changes nothing."""
        if trade.trade_id in account.runs or account.is_lost:
            return
        lane = account.lane(trade.instrument)
        run = Run(trade, lane, instruction_id)
        account.runs[trade.trade_id] = run
        track = lane.track(trade.subscription_id)
        for earlier in track:
            if trade.supersedes(earlier.trade):
                supersede(earlier, run)
        track.append(run)
        self._pump(account, lane, track)

    def prepare(self, account: Account, tickets: Sequence[Ticket]) -> None:
        """Know the orders a former holder left: whatever has no answer is in doubt."""
        for ticket in tickets:
            self.remember(account, ticket)
            ticket.last_send_at = self._runtime.now()
            ticket.in_doubt = ticket.order.is_open and not ticket.order.is_acknowledged

    def resume(self, account: Account, tickets: Sequence[Ticket]) -> None:
        """Ask about those orders, and go on with the trades."""
        for ticket in tickets:
            if ticket.order.is_open:
                self._doubts.ask_about(account, ticket)
        for lane in account.lanes.values():
            self._settle(account, lane)

    def withdraw(self, account: Account, trade_id: UUID, reason: str) -> None:
        """End a trade that was not sent; cancel what is open of one that was."""
        run = account.runs.get(trade_id)
        if run is None or run.is_done or run.withdrawn:
            return
        run.withdrawn = reason
        run.entry_dropped = run.entry_dropped or reason
        run.is_superseded = True
        for ticket in run.tickets:
            self._cancel(account, ticket)
        self._settle(account, run.lane)

    def knows(self, cl_ord_id: str) -> bool:
        """True while the order is in memory."""
        return cl_ord_id in self._tickets

    def hear(self, report: Report, *, heard: bool, asked: bool = False) -> None:
        """Fold a report into its order; one that was folded before changes nothing."""
        account, ticket = self._tickets[report.cl_ord_id]
        if account.is_lost or report.report_id in ticket.order.reports:
            return
        lane = ticket.run.lane
        try:
            ticket.order.add(report)
        except Overfilled:
            log.error("order_overfilled", cl_ord_id=report.cl_ord_id)
        if ticket.order.is_acknowledged:
            ticket.in_doubt = False
            ticket.run.unprovable = False
        if report.exec_type is ExecType.FILL:
            _move(lane, ticket, report)
        if not ticket.order.is_open:
            lane.open.pop(report.cl_ord_id, None)
        self._journal.write(recording.report(account, ticket, report, heard=heard, asked=asked))
        self._settle(account, lane)
        if ticket.run.is_done:
            self._amend(account, ticket.run)

    def remember(self, account: Account, ticket: Ticket) -> None:
        """Take back an order that was forgotten after its end."""
        self._tickets[ticket.order.terms.cl_ord_id] = (account, ticket)
        if ticket.order.is_open:
            ticket.run.lane.open[ticket.order.terms.cl_ord_id] = ticket

    def finish(self, account: Account, run: Run) -> None:
        """Keep a finished run for a while, for what may still be heard about it."""
        self._finished.append((self._runtime.now(), account, run))

    def forget(self, account: Account) -> None:
        """Drop an account whose lease is lost; nothing of it is acted on any more."""
        account.is_lost = True
        for run in account.runs.values():
            for ticket in run.tickets:
                self._tickets.pop(ticket.order.terms.cl_ord_id, None)

    def retire(self, before: datetime) -> None:
        """Drop runs from memory that were over, and recorded as such, before some time."""
        while self._finished and self._finished[0][0] < before:
            at, account, run = self._finished.popleft()
            if not run.is_recorded and not account.is_lost:
                self._finished.append((at, account, run))
                return
            account.runs.pop(run.trade.trade_id, None)
            for ticket in run.tickets:
                self._tickets.pop(ticket.order.terms.cl_ord_id, None)

    # -- what comes next

    def _settle(self, account: Account, lane: Lane) -> None:
        for track in list(lane.tracks.values()):
            self._pump(account, lane, track)

    def _pump(self, account: Account, lane: Lane, track: list[Run]) -> None:
        """Advance the runs of a track in order, up to one that has to wait its turn."""
        busy: Run | None = None
        for run in tuple(track):
            if busy is not None and not run.tickets:
                self._wake_at_bound(account, lane, busy)
                break
            self._advance(account, run)
            if run.is_busy(self._runtime.now()):
                busy = run
        track[:] = [run for run in track if not run.is_done]

    def _wake_at_bound(self, account: Account, lane: Lane, run: Run) -> None:
        if not run.has_bound_timer:
            run.has_bound_timer = True
            self._runtime.later(_BOUND, lambda: self._settle(account, lane))

    def _advance(self, account: Account, run: Run) -> None:
        if run.is_done:
            return
        if run.planned_at is None:
            self._begin(account, run)
        scope = run.lane.scope(run)
        decision = self._refuse_when_stale(account, run, self._decide(account, run))
        match decision:
            case Send():
                run.in_debt = run.in_debt or (decision.leg is Leg.EXIT and scope.in_doubt)
                run.exposure = planning.exposure_of(scope, run.progress())
                self._send(account, run, decision)
            case CancelFirst(cl_ord_ids):
                run.exposure = planning.exposure_of(scope, run.progress())
                self._cancel_first(account, run, cl_ord_ids)
            case Wait():
                if decision.reason == "flatten_debt":
                    run.in_debt = True
                    run.exposure = planning.exposure_of(scope, run.progress())
                self._wait(account, run, decision)
            case End(state, reason, numbers):
                run.is_done = True
                self.finish(account, run)
                self._say(account, run, state, reason, numbers, run.record)

    def _begin(self, account: Account, run: Run) -> None:
        """The first look at a trade: a newer one drops the unsent half of a waiting flip."""
        run.planned_at = self._runtime.now()
        for earlier in run.lane.track(run.trade.subscription_id):
            if earlier is run:
                return
            if earlier.exits and earlier.entry is None and not earlier.entry_dropped:
                earlier.entry_dropped = "superseded"

    def _decide(self, account: Account, run: Run) -> Decision:
        try:
            return planning.decide(run.trade, run.lane.scope(run), run.progress(), account.rules)
        except Exception:
            log.exception("planning_failed", trade_id=run.trade.trade_id.hex)
            return End(TradeState.SKIPPED, "internal_error")

    def _refuse_when_stale(self, account: Account, run: Run, decision: Decision) -> Decision:
        """Nothing is sent, and no entry waits, past its age."""
        now = self._runtime.now()
        match decision:
            case Send(leg=leg):
                pass
            case Wait(TradeState.BLOCKED, "in_doubt") if run.entry is None and not run.canceled:
                leg = Leg.ENTRY
            case _:
                return decision
        if not run.is_stale(leg, now):
            return decision
        numbers = _age_numbers(run, leg, run.age(leg, now), "planning")
        if run.exits and leg is Leg.ENTRY:
            run.entry_dropped, run.dropped_numbers = "signal_stale", numbers
            return self._decide(account, run)
        return refuse(run.trade, run.lane.scope(run), "signal_stale", numbers)

    def _wait(self, account: Account, run: Run, wait: Wait) -> None:
        rests = any(
            t.order.is_open and t.order.is_acknowledged and t.order.terms.ord_type is OrdType.LIMIT
            for t in run.tickets
        )
        if wait.state is not TradeState.WORKING or wait.reason or rests:
            self._say(account, run, wait.state, wait.reason, {})
        if run.exits and not run.has_flip_timer and run.trade.direction is not None:
            run.has_flip_timer = True
            self._runtime.later(FLIP_SECONDS, lambda: self._flip_timed_out(account, run))
        if not run.tickets and wait.state is TradeState.BLOCKED and not run.has_age_timer:
            run.has_age_timer = True
            left = age_limit(Leg.ENTRY) - run.age(Leg.ENTRY, self._runtime.now())
            seconds = max(left.total_seconds(), 0.0) + 0.01
            self._runtime.later(seconds, lambda: self._settle(account, run.lane))

    def _flip_timed_out(self, account: Account, run: Run) -> None:
        if run.entry is None and not run.is_done and not run.entry_dropped:
            log.warning("flip_timed_out", trade_id=run.trade.trade_id.hex)
            run.entry_dropped = "flip_timeout"
            run.dropped_numbers = {"seconds": format(FLIP_SECONDS, ".0f")}
            self._settle(account, run.lane)

    def _say(
        self,
        account: Account,
        run: Run,
        state: TradeState,
        reason: str,
        numbers: Mapping[str, str],
        committed: Callable[[], None] | None = None,
    ) -> None:
        """Record an outcome when it differs from the last one."""
        said = (state, reason, numbers.get("filled", ""))
        if said == run.said and committed is None:
            return
        run.said = said
        kept = numbers_of(run, numbers)
        entry = recording.outcome(account, run, state, reason, kept, self._runtime.now())
        entry.committed = committed
        self._journal.write(entry)

    def _amend(self, account: Account, run: Run) -> None:
        """Something was heard after the outcome: say so when it changes it."""
        if run.tickets and run.said is not None:
            match self._decide(account, run):
                case End(state, reason, numbers):
                    self._say(account, run, state, reason, numbers)
                case _:
                    return

    # -- orders out

    def _send(self, account: Account, run: Run, send: Send) -> None:
        """Write the order down; the socket comes after the commit."""
        trade, now = run.trade, self._runtime.now()
        terms = Terms(
            order_id=ids.derive("order", trade.trade_id, send.leg.value, send.revision),
            cl_ord_id=ids.cl_ord_id(trade.trade_id, send.leg.value, send.revision),
            trade_id=trade.trade_id,
            subscription_id=trade.subscription_id,
            leg=send.leg,
            revision=send.revision,
            origin=Origin.FLATTEN if run.in_debt else Origin.SIGNAL,
            instrument=trade.instrument,
            side=send.side,
            ord_type=send.ord_type,
            time_in_force="day",
            order_qty=send.quantity,
            limit_price=send.limit_price,
            reference_price=send.reference_price,
            created_at=now,
        )
        ticket = Ticket(Order(terms), run)
        run.tickets.append(ticket)
        run.lane.open[terms.cl_ord_id] = ticket
        self._tickets[terms.cl_ord_id] = (account, ticket)

        entry = recording.sending(account, ticket, now, lambda: self._submit(account, ticket))
        self._journal.write(entry)

    def _submit(self, account: Account, ticket: Ticket) -> None:
        terms = ticket.order.terms
        if account.is_lost or not ticket.order.is_open:
            return
        order = NewOrder(
            account=account.ref.account,
            cl_ord_id=terms.cl_ord_id,
            instrument=terms.instrument,
            side=terms.side,
            ord_type=terms.ord_type,
            order_qty=terms.order_qty,
            limit_price=terms.limit_price,
            time_in_force=terms.time_in_force,
            reference_price=terms.reference_price,
        )
        account.session.submit(
            Waiting(
                order,
                terms.leg is Leg.EXIT,
                lambda: self._may_go(account, ticket),
                lambda submitted: self._answered(account, ticket, submitted),
            )
        )

    def _may_go(self, account: Account, ticket: Ticket) -> bool:
        """Asked immediately before the socket: still ours, still wanted, still young."""
        if account.is_lost or not ticket.order.is_open:
            return False
        if reason := self._unwanted(ticket):
            if not ticket.in_doubt:
                self._never_sent(account, ticket, reason)
            return False
        ticket.sends += 1
        ticket.last_send_at = self._runtime.now()
        return True

    def _unwanted(self, ticket: Ticket) -> str:
        leg = ticket.order.terms.leg
        if leg is Leg.ENTRY and (ticket.run.is_superseded or ticket.cancel_asked):
            return "superseded"
        return "signal_stale" if ticket.run.is_stale(leg, self._runtime.now()) else ""

    def _answered(self, account: Account, ticket: Ticket, submitted: Submitted) -> None:
        if account.is_lost:
            return
        if submitted.report is not None:
            self.hear(submitted.report, heard=False)
        match submitted.answer:
            case Answer.TAKEN:
                if not ticket.order.is_acknowledged:
                    self._doubts.ask_about(account, ticket)
            case Answer.NOT_SENT if ticket.sends == 1:
                ticket.sends = 0
                wait = max(submitted.retry_after_seconds, 0.05)
                self._runtime.later(wait, lambda: self._submit(account, ticket))
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
            self._settle(account, ticket.run.lane)

    def _adopt(self, account: Account, ticket: Ticket, report: Report) -> None:
        self.hear(report, heard=False, asked=True)

    def _absent(self, account: Account, ticket: Ticket) -> None:
        """Proven absent: resend the same id, unless nobody wants it any more."""
        if reason := self._unwanted(ticket):
            self._never_sent(account, ticket, reason)
            return
        log.info("order_resent", cl_ord_id=ticket.order.terms.cl_ord_id)
        ticket.last_send_at = self._runtime.now()
        self._submit(account, ticket)

    def _unprovable(self, account: Account, ticket: Ticket) -> None:
        log.error("order_needs_attention", cl_ord_id=ticket.order.terms.cl_ord_id)
        ticket.run.unprovable = True
        self._settle(account, ticket.run.lane)

    def _never_sent(self, account: Account, ticket: Ticket, reason: str) -> None:
        ticket.in_doubt = False
        self._synthesise(account, ticket, ExecType.NOT_SENT, reason)

    def _synthesise(self, account: Account, ticket: Ticket, what: ExecType, text: str) -> None:
        """A report of our own finding; the broker's own word, if one comes, outweighs it."""
        terms = ticket.order.terms
        rejected = what is ExecType.REJECTED
        report = Report(
            account=account.ref.account,
            report_id=f"{terms.cl_ord_id}:{what.value.lower()}",
            sequence=0,
            cl_ord_id=terms.cl_ord_id,
            broker_order_id="",
            exec_type=what,
            ord_status=OrdStatus.REJECTED if rejected else OrdStatus.EXPIRED,
            instrument=terms.instrument,
            side=terms.side,
            exec_id="",
            last_qty=None,
            last_px=None,
            fee=None,
            text=text,
            time=self._runtime.now(),
            venue_time=None,
        )
        if self.knows(terms.cl_ord_id):
            self.hear(report, heard=False)

    # -- cancels

    def _cancel_first(self, account: Account, run: Run, cl_ord_ids: Sequence[str]) -> None:
        """Record what is about to be canceled, then ask for it."""
        targets = [run.lane.open[cl_ord_id] for cl_ord_id in cl_ord_ids]
        run.canceled += targets
        for ticket in targets:
            ticket.cancel_asked = True

        def committed() -> None:
            for ticket in targets:
                self._cancel(account, ticket)

        self._say(account, run, TradeState.WORKING, "", {}, committed)

    def _cancel(self, account: Account, ticket: Ticket) -> None:
        ticket.cancel_asked = True
        terms = ticket.order.terms
        if ticket.order.is_open and not account.is_lost:
            account.session.cancel(
                account.ref.account,
                terms.cl_ord_id,
                lambda done: self._cancel_answered(account, ticket, done),
            )

    def _cancel_answered(self, account: Account, ticket: Ticket, done: bool | None) -> None:
        if not done and ticket.order.is_open:
            self._runtime.later(CANCEL_CHECK_SECONDS, lambda: self._check_cancel(account, ticket))

    def _check_cancel(self, account: Account, ticket: Ticket) -> None:
        if not ticket.order.is_open or account.is_lost:
            return
        self._doubts.ask_about(account, ticket)
        if not ticket.in_doubt:
            self._cancel(account, ticket)


def _move(lane: Lane, ticket: Ticket, report: Report) -> None:
    """Positions after a fill: the whole account's and the subscription's own."""
    quantity, price = report.last_qty or Decimal(0), report.last_px or Decimal(0)
    side = ticket.order.terms.side
    subscription = ticket.order.terms.subscription_id
    lane.whole = lane.whole.after(side, quantity, price)
    lane.own[subscription] = lane.own.get(subscription, FLAT).after(side, quantity, price)


def _age_numbers(run: Run, leg: Leg, age: timedelta, stage: str) -> dict[str, str]:
    limit = age_limit(leg)
    return {
        "age": format(age.total_seconds(), ".1f"),
        "limit": format(limit.total_seconds(), ".0f"),
        "stage": stage,
    }
