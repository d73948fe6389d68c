"""Trades become orders: the engine asks planning what comes next, writes it down, and only
then acts; reports come back and it asks again.

Everything happens in plain callbacks on one event loop, so planning in a lane is serial.
Time, tasks, storage and venues are handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from execution.accounts import accounts, folding, recording
from execution.accounts.accounts import Account, Arrival
from execution.accounts.dispatch import Dispatch
from execution.accounts.finished import Finished
from execution.accounts.standing import Standing
from execution.accounts.terms import guard_terms, terms_of
from execution.domain import planning
from execution.domain.decisions import CancelFirst, End, Look, Send, Wait
from execution.domain.judging import Seen
from execution.domain.orders import Order
from execution.domain.reports import Report
from execution.domain.words import ExecType, Leg, TradeState
from execution.engine import deciding
from execution.engine.controls import Controls
from execution.engine.halting import Halting
from execution.engine.looking import Looking
from execution.engine.queueing import NextOpen, Queueing, exchange_opens
from execution.engine.waking import Waking
from execution.engine.watching import Watching
from execution.journal.rows import Writes
from execution.lanes import covers, known, opened
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from execution.messages import seeing
from execution.messages.alike import Alike
from execution.protection import shrinking
from execution.protection.protection import Protecting
from execution.runtime import Runtime
from protos.execution.v1 import execution_pb2 as pb


class Engine:
    """Lanes of the accounts this instance holds."""

    def __init__(
        self,
        *,
        journal: Writes,
        runtime: Runtime,
        controls: Controls | None = None,
        next_open: NextOpen = exchange_opens,
    ) -> None:
        self._journal, self.record = journal, journal.write
        self._runtime = runtime
        self.halting = Halting(controls or Controls(), self)
        self._finished, self._alike = Finished(), Alike()
        self._tickets: dict[str, tuple[Account, Ticket]] = {}
        self.standing = Standing()
        self._dispatch = Dispatch(runtime, self, self.halting.controls, self.standing)
        self.check, self.believe = self._dispatch.check, self._dispatch.believe
        self._looking, self._waking = Looking(runtime), Waking(runtime, self.go_on)
        self._queueing = Queueing(runtime, self._advance, self.go_on, next_open)
        self._watching = Watching(runtime, self._dispatch, self._queueing, self._say)
        stops, opens_in = self.halting.controls.stops, self._queueing.opens_in
        self._protecting = Protecting(runtime, self._dispatch, journal, self, stops, opens_in)

    # -- what comes in

    def enter(self, account: Account, arrival: Arrival) -> None:
        """Take a stored trade into its lane; a known one changes nothing."""
        if arrival.trade.trade_id in account.runs or account.is_lost:
            return
        trade = known.resolve(arrival.trade)
        lane = account.lane(trade.lane)
        run = Run(trade, lane, arrival.instruction_id)
        accounts.recall_withdrawal(run, arrival.withdrawn)
        account.runs[trade.trade_id] = run
        track = lane.track(trade.subscription_id)
        for earlier in track:
            accounts.supersede(earlier, run)
        track.append(run)
        self._pump(account, lane, trade.subscription_id)

    def prepare(self, account: Account, tickets: Sequence[Ticket]) -> None:
        """Know the orders a former holder left: whatever has no answer is in doubt."""
        for ticket in tickets:
            self.remember(account, ticket)
            ticket.in_doubt = ticket.is_unanswered
        for run in account.runs.values():
            if run.is_done and not run.is_lingering:
                self.finish(account, run)
        accounts.supersede_again(account)
        self.halting.recall(account)

    def resume(self, account: Account, tickets: Sequence[Ticket]) -> None:
        """Ask about those orders, cancel again what was given up, and go on with the trades."""
        for ticket in tickets:
            if ticket.order.is_open:
                if not ticket.waits_here:
                    self._dispatch.inherit(account, ticket)
                elif not ticket.is_guard:
                    self._watching.begin(account, ticket)
                self._dispatch.cancel_in_time(account, ticket)
                self._dispatch.tend(account, ticket, was_open=not ticket.order.is_back)
        for lane in account.lanes.values():
            self.settle(account, lane)
        for run in tuple(account.runs.values()):
            self._dispatch.cancel_all(account, opened.to_go(run), run.trade.connection_id)
            if run.is_lingering:
                self.amend(account, run)

    def withdraw(self, account: Account, trade_id: UUID, reason: str) -> None:
        """End what was not sent of a trade, cancel what is open; what it opened stays guarded."""
        account.withdraw_pending(trade_id, reason)
        run = account.runs.get(trade_id)
        if run is not None and not (run.was_told_over or run.withdrawn):
            run.withdraw(reason)
            loose = [ticket for ticket in run.tickets if not ticket.keeps_guard]
            self._dispatch.cancel_all(account, loose, run.trade.connection_id)
            self.go_on(account, run)

    def knows(self, cl_ord_id: str) -> bool:
        """True while the order is in memory."""
        return cl_ord_id in self._tickets

    def hear(self, report: Report, *, heard: bool, asked: bool = False) -> None:
        """Fold a report into its order; one that was folded before changes nothing."""
        if (known := self._tickets.get(report.cl_ord_id)) is None:
            return
        account, ticket = known
        if account.is_lost or report.report_id in ticket.order.reports:
            return
        was_open, was_in_doubt, was_done = ticket.order.is_open, ticket.in_doubt, ticket.run.is_done
        shares = folding.fold(account, ticket, report)
        account.reserved.note(ticket, self._runtime.now())
        entry = recording.report(account, ticket, report, shares, heard=heard, asked=asked)
        self._journal.write(entry)
        self._dispatch.tend(account, ticket, was_open=was_open)
        shrinking.after_report(account, ticket, shares, self._cancel_later)
        if report.exec_type is not ExecType.NEW or was_in_doubt or ticket.may_rest:
            self.go_on(account, ticket.run, frees=was_in_doubt or opened.gave_back(ticket))
        if was_done:
            self.amend(account, ticket.run)
        if report.exec_type.amends:
            self.settle(account, ticket.run.lane)

    def take_back(self, account: Account, ticket: Ticket, reason: str) -> None:
        """Do not send an order that still waits for the broker's limit."""
        self._dispatch.take_back(account, ticket, reason)

    def drop(self, ticket: Ticket) -> None:
        """An order that is not written down is nothing that can be heard of."""
        self._tickets.pop(ticket.order.terms.cl_ord_id, None)

    def remember(self, account: Account, ticket: Ticket) -> None:
        """Take back an order that was forgotten after its end."""
        self._tickets[ticket.order.terms.cl_ord_id] = (account, ticket)
        if ticket.order.is_open:
            ticket.run.lane.open[ticket.order.terms.cl_ord_id] = ticket

    def finish(self, account: Account, run: Run) -> None:
        """Keep a finished run for a while, for what may still be heard about it."""
        self._finished.keep(self._runtime.now(), account, run)

    def forget(self, account: Account) -> None:
        """Drop an account whose lease is lost; nothing of it is acted on any more."""
        account.is_lost = True
        for run in account.runs.values():
            for ticket in run.tickets:
                self._tickets.pop(ticket.order.terms.cl_ord_id, None)

    def retire(self, before: datetime) -> None:
        """Drop runs from memory that were over, and recorded, before some time."""
        for cl_ord_id in self._finished.retire(before):
            self._tickets.pop(cl_ord_id, None)

    # -- what comes next

    def settle(self, account: Account, lane: Lane) -> None:
        """Let all trades of a lane go on; what would close more than is left gives way."""
        shrinking.give_way(account, lane, self._cancel_later)
        for subscription in tuple(lane.tracks):
            self._pump(account, lane, subscription)
        self._protecting.tend_soon(account, lane)

    def go_on(self, account: Account, run: Run, *, frees: bool = False) -> None:
        """Something was heard of a trade: let go on whom it concerns; see `concerned`."""
        for subscription in opened.concerned(run, frees=frees):
            self._pump(account, run.lane, subscription)
        self._protecting.tend_soon(account, run.lane)

    def _pump(self, account: Account, lane: Lane, subscription: UUID) -> None:
        """Advance the runs of a subscription in order, up to one that has to wait its turn."""
        track = lane.track(subscription)
        if account.is_lost or account.outside.then is not None or not track:
            return
        now, busy = self._runtime.now(), None
        for run in tuple(track):
            if busy is not None and not run.tickets:
                self._waking.at_bound(account, busy)
                break
            if accounts.keeps_its_place(run, track, now):
                self._wait(account, run, Wait(TradeState.BLOCKED, "rate_limited"))
                continue
            self._advance(account, run)
            busy = run if run.is_busy(now) else busy
        track[:] = [run for run in track if not run.is_done]
        opened.watch(lane, subscription)

    def _advance(self, account: Account, run: Run) -> None:
        if run.is_done or run.awaits_controls or (run.is_looking and not run.withdrawn):
            return
        if run.planned_at is None:
            self._begin(account, run)
        if (over := deciding.filled(run)) is not None:
            self._end(account, run, over)
            return
        seen = self._see(account, run)
        scope, judged = seen.scope, deciding.judge(run, seen, self._alike)
        decision = deciding.admit(account, run, self._queueing.hold(account, run, judged))
        # What waits for the open instead was not done.
        decided = seeing.record(run.trade, seen, judged) if decision is judged else None
        run.is_waiting = isinstance(decision, Wait) and decision.state is TradeState.WORKING
        match decision:
            case Send():
                run.in_debt = run.in_debt or (decision.leg is Leg.EXIT and scope.in_doubt)
                run.exposure = planning.exposure_of(scope, seen.progress)
                if decision.leg is Leg.ENTRY:
                    accounts.drop_waiting_flips(run)
                self._send(account, run, decision, decided)
            case Look():
                self._looking.look(account, run, decision, lambda: self._looked(account, run))
            case CancelFirst(cl_ord_ids, judged_after):
                if not judged_after:
                    run.exposure = planning.exposure_of(scope, seen.progress)
                self._cancel_first(account, run, cl_ord_ids)
                self._advance(account, run)
            case Wait():
                if decision.reason == "flatten_debt":
                    run.in_debt = True
                    run.exposure = planning.exposure_of(scope, seen.progress)
                self._wait(account, run, decision)
            case End():
                self._end(account, run, decision, decided)

    def _looked(self, account: Account, run: Run) -> None:
        run.lane.see_balance(run)
        self._write_down(account, run)
        self.go_on(account, run)

    def tell_limit(self, account: Account, run: Run) -> None:
        """An order waits for the broker's limit; guards of what is over say nothing of it."""
        if not run.is_done:
            self._say(account, run, TradeState.WORKING, "rate_limited", {})

    def _end(
        self, account: Account, run: Run, end: End, decided: pb.Decision | None = None
    ) -> None:
        """Say the outcome. While something of it is at the broker, it stays to be found again."""
        run.is_done = True
        run.is_lingering = run.leaves_something
        if not run.is_lingering:
            self.finish(account, run)
        recorded = None if run.is_lingering else account.at_end(run)
        self._say(account, run, end.state, end.reason, end.numbers, recorded, decided)

    def _begin(self, account: Account, run: Run) -> None:
        """The first look: it ends earlier entries held back, and unsent halves of flips."""
        run.planned_at = self._runtime.now()
        self._write_down(account, run)
        run.lane.hear_of_sender(run)
        for earlier in run.lane.track(run.trade.subscription_id):
            if earlier is run:
                break
            if accounts.supersede(earlier, run):
                self._advance(account, earlier)
        accounts.drop_waiting_flips(run)

    def _write_down(self, account: Account, run: Run) -> None:
        """What its ticker means, once that is known."""
        if entry := recording.resolved(account, run, self._runtime.now()):
            self._journal.write(entry)

    def _see(self, account: Account, run: Run) -> Seen:
        now = self._runtime.now()
        market, binding = self._looking.seen(account, run), self.halting.binding(account, run, now)
        return deciding.see(account, run, market, binding, now)

    def _wait(self, account: Account, run: Run, wait: Wait) -> None:
        rests = any(t.order.is_open and t.is_resting for t in run.tickets)
        if wait.state is not TradeState.WORKING or wait.reason or rests or run.entry_dropped:
            doubted = " ".join(t.doubt for t in run.tickets if t.is_unprovable)
            numbers = {**wait.numbers, "doubted": doubted} if doubted else wait.numbers
            self._say(account, run, wait.state, wait.reason, numbers)
        self._waking.after(account, run, wait)

    def _say(
        self,
        account: Account,
        run: Run,
        state: TradeState,
        reason: str,
        numbers: Mapping[str, str],
        committed: Callable[[], None] | None = None,
        decided: pb.Decision | None = None,
    ) -> None:
        """Record an outcome when it differs from the last one."""
        number = numbers.get("filled") or numbers.get("doubted", "")
        said = (state, reason, number, run.entry_dropped)
        if said == run.said and committed is None:
            return
        run.said = said
        kept = accounts.numbers_of(run, numbers)
        now, closes = self._runtime.now(), not run.is_lingering
        entry = recording.outcome(account, run, state, reason, kept, now, decided, closes=closes)
        entry.committed = committed
        self._journal.write(entry)

    def amend(self, account: Account, run: Run) -> None:
        """Something was heard after the outcome: say so when it changes it."""
        if not run.tickets or run.said is None:
            return
        seen = self._see(account, run)
        # It is over: whatever was filled since, nothing more is sent for it.
        dropped = run.entry_dropped or run.said[1] or "superseded"
        progress = seen.progress.over(dropped)
        now = deciding.after_the_end(run, seen, progress)
        if isinstance(now, End):
            if run.is_lingering:
                self._end(account, run, now)
            else:
                self._say(account, run, now.state, now.reason, now.numbers)
        elif isinstance(now, Wait):
            # What was given up works after all, or nobody knows what became of it.
            run.entry_dropped = dropped
            self._wait(account, run, now)

    # -- orders out

    def _send(self, account: Account, run: Run, send: Send, decided: pb.Decision | None) -> None:
        """The order of a decision, and what guards that which it opens."""
        terms = terms_of(run, send, self._runtime.now())
        if send.guards or send.leg is Leg.STOP:
            terms = covers.begin(run, send, terms)
        together, venue = () if send.is_synthetic else send.guards, account.rules
        guards = [guard_terms(terms, guard, venue) for guard in together]
        self.send_out(account, run, [Ticket(Order(of), run) for of in (terms, *guards)], decided)
        if run.cover is not None:
            self._protecting.tend_soon(account, run.lane)

    def send_out(
        self,
        account: Account,
        run: Run,
        tickets: Sequence[Ticket],
        decided: pb.Decision | None = None,
    ) -> None:
        """Write orders that go together down; the socket comes after the commit."""
        now = self._runtime.now()
        run.tickets += tickets
        for ticket in tickets:
            self.remember(account, ticket)
        account.reserved.note(tickets[0], now)
        self._dispatch.cancel_in_time(account, tickets[0])
        if not tickets[0].order.terms.leg.is_protection:
            account.usage.send(run.trade.connection_id, now)
        self._journal.write(
            recording.sending(
                account,
                tickets,
                now,
                committed=lambda: self._go(account, tickets[0]),
                stopped=lambda: self.halting.stop(account, run, tickets, self._runtime.now()),
                decided=decided,
                seen=self.halting.controls.version,
            )
        )

    def _go(self, account: Account, ticket: Ticket) -> None:
        """To the broker; or, while its price has not come, nowhere."""
        if ticket.waits_here:
            self._watching.begin(account, ticket)
            self.go_on(account, ticket.run)
        else:
            self._dispatch.submit(account, ticket)

    def _cancel_first(self, account: Account, run: Run, cl_ord_ids: Sequence[str]) -> None:
        """Record what is about to be canceled, then ask for it."""
        targets = run.begin_to_cancel(cl_ord_ids)
        self._protecting.release(account, run, targets)
        self._dispatch.bound_cancels(account, run, targets)
        self._cancel_later(account, run, targets, run.trade.connection_id)

    def _cancel_later(
        self, account: Account, run: Run, targets: Sequence[Ticket], asker: str = ""
    ) -> None:
        cancel = partial(self._dispatch.cancel_all, account, targets, asker)
        self._say(account, run, TradeState.WORKING, "", {}, cancel)
