"""What each request does to the batch in the making. In memory only; the writer stores."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from execution.paper import answers, book, busts, funds, jobs, matching, moves, settings
from execution.paper.book import Account, Order
from execution.paper.following import Following
from execution.paper.jobs import (
    AskOptions,
    AskPositions,
    Batch,
    Bust,
    Configure,
    Expire,
    Frame,
    Late,
    Look,
    Rematch,
    Reset,
    Transfer,
    Work,
)
from execution.paper.market import Market
from execution.paper.matching import Terms
from execution.paper.misdeeds import Struck
from execution.paper.sessions import Said, Session, Sessions
from protos.paper.v1 import paper_pb2 as pb

FAULT_TEXT = "refused by the account's fault plan"
LIMITED_TEXT = "too many requests, by the account's fault plan"
TOO_MANY_TEXT = "too many requests"
# A fill that the plan breaks comes in so many parts.
FAULTY_PARTS = 3


@dataclass
class Desk:
    """The accounts in memory, and the rules that requests follow."""

    market: Market
    visibility_seconds: float
    sessions: Sessions
    accounts: dict[str, Account] = field(default_factory=dict)

    def open(self, name: str) -> Account:
        """A new account; stored with the first thing that happens to it."""
        account = Account(name, self.visibility_seconds)
        self.accounts[name] = account
        return account

    def add(self, account: Account) -> None:
        """An account from the store."""
        if account.model.followed:
            account.feed = Following(self.accounts, account.model.followed)
        self.accounts[account.name] = account

    def ended_orders(self, work: Work) -> Iterator[str]:
        """The OrderIDs that are named and that are not open: to be read first."""
        named: Sequence[pb.NewOrder | pb.CancelOrder]
        match work:
            case Frame(request=request):
                named = (*request.new_orders, *request.cancels)
            case Late(order):
                named = (order,)
            case _:
                return
        for name, cl_ord_id in ((each.account, each.cl_ord_id) for each in named):
            account = self.accounts.get(name)
            order_id = account.order_id(cl_ord_id) if account else None
            if account and order_id and order_id not in account.open:
                yield order_id

    def apply(self, work: Work, batch: Batch) -> None:
        """Do a piece of work."""
        match work:
            case Frame(session=session, request=request):
                for attach in request.attach:
                    self.sessions.attach(session, attach.account)
                for order in request.new_orders:
                    self._take(order, session, batch)
                for cancel in request.cancels:
                    self._cancel(cancel, session, batch)
            case Late(order):
                self._take(order, None, batch)
            case Look(name, answer):
                self._look(self.accounts[name], answer, batch)
            case AskOptions(names, told):
                # One that can be no account must not keep the others from their answer.
                new = Account("", self.visibility_seconds)
                options = [answers.options(self.accounts.get(name, new)) for name in names]
                batch.answers.append(
                    lambda: jobs.resolve(told, pb.GetOptionsResponse(options=options))
                )
            case AskPositions(names, listed):
                new = Account("", self.visibility_seconds)
                held = [answers.held(self.accounts.get(n, new), batch.moment) for n in names]
                batch.answers.append(
                    lambda: jobs.resolve(listed, pb.GetPositionsResponse(accounts=held))
                )
            case Transfer(transfer, moved):
                moves.transfer(self.accounts[transfer.account], transfer, moved, batch)
            case Bust():
                self._bust(work, batch)
            case Configure(configuration, done):
                settings.change(self.accounts, configuration, done, batch)
            case Reset(name, finished):
                self._reset(self.accounts[name], finished, batch)
            case Expire(names):
                for name in names:
                    self._settle(self.accounts[name], batch)
                self._end_days(batch)
            case Rematch():
                self._rematch(batch)

    def _take(self, order: pb.NewOrder, session: Session | None, batch: Batch) -> None:
        try:
            terms = matching.read_terms(order)
            matching.read_guards(order)
        except matching.Refused as refused:
            self._refuse_terms(order, refused.text, session, batch)
            return
        account = self.accounts[terms.account]
        if session is not None and self._is_too_many(account, order, session, batch):
            return
        if account.refuses_repeats and (repeated := self._latest(account, terms.cl_ord_id, batch)):
            batch.changes.arrive(order, batch.moment, "duplicate")
            reply = _reply(order, pb.REPLY_STATUS_DUPLICATE_CL_ORD_ID, repeated)
            batch.said.append(Said(account.name, (), session, reply))
            return
        try:
            self.market.check(
                terms.instrument,
                terms.order_qty,
                batch.moment.at,
                by_hours=account.exchange_hours,
            )
            matching.check_kind(order, brackets=not account.no_brackets, stops=not account.no_stops)
            funds.check(account, terms, batch.moment.at, self.market)
        except matching.Refused as refused:
            self._refuse(account, order, terms, refused.text, session, batch)
            return
        struck: Struck | None = None
        if account.plan is not None and session is not None:
            struck = account.plan.strike(account.name, terms.cl_ord_id, batch.moment.at)
            batch.changes.accounts[account.name] = account
        if struck is None:
            self._take_new(account, order, terms, session, batch)
        else:
            batch.changes.misbehave(account, terms.cl_ord_id, struck, batch.moment)
            self._take_badly(account, order, terms, struck, session, batch)

    def _take_new(
        self,
        account: Account,
        order: pb.NewOrder,
        terms: Terms,
        session: Session | None,
        batch: Batch,
        parts: int = 1,
    ) -> None:
        first = len(batch.changes.reports)
        batch.changes.arrive(order, batch.moment, "accepted")
        guards = matching.read_guards(order)
        taken = book.take(
            account, terms, batch.moment, self.market, batch.changes, guards, parts=parts
        )
        reply = _reply(order, pb.REPLY_STATUS_ACCEPTED, taken)
        account.counter.fill(reply, batch.moment.at)
        batch.said.append(Said(account.name, batch.changes.reports[first:], session, reply))

    def _take_badly(
        self,
        account: Account,
        order: pb.NewOrder,
        terms: Terms,
        struck: Struck,
        session: Session | None,
        batch: Batch,
    ) -> None:
        match struck.kind:
            case pb.FAULT_KIND_DROP:
                return
            case pb.FAULT_KIND_LATE_ACCEPT:
                batch.late.append((struck.seconds, order))
            case pb.FAULT_KIND_REJECT:
                self._refuse(account, order, terms, FAULT_TEXT, session, batch)
            case pb.FAULT_KIND_RATE_LIMIT:
                self._is_too_many(account, order, session, batch)
            case pb.FAULT_KIND_ACCEPT_THEN_DROP:
                first = len(batch.changes.reports)
                guards = matching.read_guards(order)
                taken = book.pretend(account, terms, batch.moment, batch.changes, guards)
                reply = _reply(order, pb.REPLY_STATUS_ACCEPTED, taken)
                batch.said.append(Said(account.name, batch.changes.reports[first:], session, reply))
            case _:
                parts = FAULTY_PARTS if struck.kind == pb.FAULT_KIND_PARTIAL_FILL else 1
                self._take_new(account, order, terms, session, batch, parts)
                batch.said[-1] = batch.said[-1].spoiled(struck)

    def _is_too_many(
        self,
        account: Account,
        request: pb.NewOrder | pb.CancelOrder,
        session: Session | None,
        batch: Batch,
    ) -> bool:
        """Whether its limit or the plan takes nothing now. Then it says so, and leaves nothing
        behind."""
        wait = account.plan.limited_ms(batch.moment.at) if account.plan else 0
        if not wait and account.counter.take(batch.moment.at):
            return False
        text = LIMITED_TEXT if wait else TOO_MANY_TEXT
        reply = _reply(request, pb.REPLY_STATUS_TOO_MANY_REQUESTS, None, text=text)
        account.counter.fill(reply, batch.moment.at)
        if wait:
            reply.retry_after_ms = wait
        batch.said.append(Said(account.name, (), session, reply))
        return True

    def _refuse(
        self,
        account: Account,
        order: pb.NewOrder,
        terms: Terms,
        text: str,
        session: Session | None,
        batch: Batch,
    ) -> None:
        """Refuse an order whose terms can be written down."""
        first = len(batch.changes.reports)
        batch.changes.arrive(order, batch.moment, "rejected")
        refused = book.refuse(account, terms, batch.moment, text, batch.changes)
        reply = _reply(order, pb.REPLY_STATUS_REJECTED, refused)
        batch.said.append(Said(account.name, batch.changes.reports[first:], session, reply))

    def _refuse_terms(
        self, order: pb.NewOrder, text: str, session: Session | None, batch: Batch
    ) -> None:
        if matching.is_name(order.account) and matching.is_name(order.cl_ord_id):
            batch.changes.arrive(order, batch.moment, "rejected")
        reply = _reply(order, pb.REPLY_STATUS_REJECTED, None, text=text)
        batch.said.append(Said(order.account, (), session, reply))

    def _cancel(self, cancel: pb.CancelOrder, session: Session, batch: Batch) -> None:
        session.listen_to(cancel.account, cancel.cl_ord_id)
        account = self.accounts.get(cancel.account)
        if account is not None and self._is_too_many(account, cancel, session, batch):
            return
        order = self._latest(account, cancel.cl_ord_id, batch) if account else None
        first = len(batch.changes.reports)
        if account is None or order is None:
            status = pb.REPLY_STATUS_UNKNOWN_ORDER
        elif order.order_id in account.open:
            book.cancel(account, order, batch.moment, batch.changes)
            status = pb.REPLY_STATUS_ACCEPTED
        else:
            status = pb.REPLY_STATUS_TOO_LATE
        reply = _reply(cancel, status, order)
        if account is not None:
            account.counter.fill(reply, batch.moment.at)
        batch.said.append(Said(cancel.account, batch.changes.reports[first:], session, reply))

    def _latest(self, account: Account, cl_ord_id: str, batch: Batch) -> Order | None:
        order_id = account.order_id(cl_ord_id)
        if order_id is None:
            return None
        order = account.open.get(order_id) or batch.changes.orders.get(order_id)
        return order or batch.ended[order_id]

    def _look(
        self, account: Account, answer: asyncio.Future[pb.GetAccountResponse], batch: Batch
    ) -> None:
        if not account.is_stored:
            batch.changes.accounts[account.name] = account
        response = answers.describe(account, batch.moment, self.market)
        batch.answers.append(lambda: jobs.resolve(answer, response))

    def _reset(
        self, account: Account, answer: asyncio.Future[pb.ResetAccountResponse], batch: Batch
    ) -> None:
        first = len(batch.changes.reports)
        moves.reset(account, batch.moment, batch.changes)
        batch.said.append(Said(account.name, batch.changes.reports[first:]))
        response = pb.ResetAccountResponse(report_seq=account.report_seq)
        batch.answers.append(lambda: jobs.resolve(answer, response))

    def _bust(self, work: Bust, batch: Batch) -> None:
        account, asked = self.accounts[work.request.account], work.request
        first = len(batch.changes.reports)
        order = account.open.get(work.order.order_id, work.order) if work.order else None
        try:
            if order is None or work.fill is None:
                raise matching.Refused("there is no such fill")
            moment, changes = batch.moment, batch.changes
            busts.bust(account, order, work.fill, asked, moment, self.market, changes)
        except matching.Refused as refused:
            jobs.fail(work.answer, refused)
            return
        batch.said.append(Said(account.name, batch.changes.reports[first:]))
        response = pb.BustFillResponse(report_seq=account.report_seq)
        batch.answers.append(lambda: jobs.resolve(work.answer, response))

    def _settle(self, account: Account, batch: Batch) -> None:
        first = len(batch.changes.reports)
        for symbol in moves.expired(account, batch.moment.at, self.market):
            moves.settle(account, symbol, batch.moment, self.market, batch.changes)
        if reports := batch.changes.reports[first:]:
            batch.said.append(Said(account.name, reports))

    def _end_days(self, batch: Batch) -> None:
        for account in self.accounts.values():
            if account.exchange_hours and account.open:
                first = len(batch.changes.reports)
                moves.end_days(account, batch.moment, self.market, batch.changes)
                if reports := batch.changes.reports[first:]:
                    batch.said.append(Said(account.name, reports))

    def _rematch(self, batch: Batch) -> None:
        for account in self.accounts.values():
            if account.open:
                first = len(batch.changes.reports)
                book.rematch(account, batch.moment, self.market, batch.changes)
                if reports := batch.changes.reports[first:]:
                    batch.said.append(Said(account.name, reports))


def _reply(
    request: pb.NewOrder | pb.CancelOrder,
    status: pb.ReplyStatus,
    order: Order | None,
    *,
    text: str = "",
) -> pb.OrderReply:
    return pb.OrderReply(
        account=request.account,
        cl_ord_id=request.cl_ord_id,
        status=status,
        text=text or (order.text if order else ""),
        order=order.to_message() if order else None,
        cancel=isinstance(request, pb.CancelOrder),
    )
