"""What each request does to the batch in the making. In memory only; the writer stores."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from execution.paper import answers, book, matching
from execution.paper.book import Account, Changes, Moment, Order
from execution.paper.market import Market
from execution.paper.matching import Terms
from execution.paper.sessions import Said, Session, Sessions
from protos.paper.v1 import paper_pb2 as pb

Value = TypeVar("Value")

FAULT_TEXT = "refused by the account's fault plan"
TOO_MANY_TEXT = "too many requests"


@dataclass(slots=True)
class Frame:
    """A client's frame; `arrived` is the loop's time."""

    session: Session
    request: pb.SessionRequest
    arrived: float


@dataclass(slots=True)
class Late:
    """An order whose time has come after all."""

    order: pb.NewOrder


@dataclass(slots=True)
class Look:
    """A question about an account; opens it when it is new."""

    account: str
    answer: asyncio.Future[pb.GetAccountResponse]


@dataclass(slots=True)
class AskOptions:
    """A question how accounts are set up."""

    accounts: Sequence[str]
    answer: asyncio.Future[pb.GetOptionsResponse]


@dataclass(slots=True)
class Configure:
    """New options or a new fault plan for an account."""

    request: pb.ConfigureAccountRequest
    answer: asyncio.Future[pb.ConfigureAccountResponse]


@dataclass(slots=True)
class Rematch:
    """A new second of the quote feed."""


Work = Frame | Late | Look | AskOptions | Configure | Rematch


@dataclass(slots=True)
class Batch:
    """One transaction in the making, and what follows when it is stored."""

    moment: Moment
    # Ended orders that a request of this batch names, by OrderID.
    ended: dict[str, Order] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    said: list[Said] = field(default_factory=list)
    answers: list[Callable[[], None]] = field(default_factory=list)
    # Orders to take in later, and after how many seconds.
    late: list[tuple[float, pb.NewOrder]] = field(default_factory=list)


def accounts_of(work: Work) -> Iterator[str]:
    """The accounts that a piece of work needs in memory."""
    match work:
        case Frame(request=request):
            yield from filter(matching.is_name, (attach.account for attach in request.attach))
            yield from filter(matching.is_name, (order.account for order in request.new_orders))
            yield from filter(matching.is_name, (cancel.account for cancel in request.cancels))
        case Late(order):
            yield order.account
        case Look(account):
            yield account
        case AskOptions(accounts):
            yield from filter(matching.is_name, accounts)
        case Configure(request):
            yield request.account
        case Rematch():
            return


def size(work: Work) -> int:
    """How much of a batch it fills."""
    return len(work.request.new_orders) + 1 if isinstance(work, Frame) else 1


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

    def ended_orders(self, work: Work) -> Iterator[str]:
        """The OrderIDs that a frame names and that are not open: to be read first."""
        if not isinstance(work, Frame):
            return
        orders = ((order.account, order.cl_ord_id) for order in work.request.new_orders)
        cancels = ((cancel.account, cancel.cl_ord_id) for cancel in work.request.cancels)
        for name, cl_ord_id in (*orders, *cancels):
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
                batch.answers.append(lambda: _resolve(told, pb.GetOptionsResponse(options=options)))
            case Configure(configuration, done):
                self._configure(configuration, done, batch)
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
        if session is not None and not account.counter.take(batch.moment.at):
            self._refuse_too_many(account, order, session, batch)
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
        except matching.Refused as refused:
            self._refuse(account, order, terms, refused.text, session, batch)
            return
        fault = account.next_fault() if session is not None else None
        if fault is not None:
            batch.changes.accounts[account.name] = account
        self._take_new(account, order, terms, fault, session, batch)

    def _take_new(
        self,
        account: Account,
        order: pb.NewOrder,
        terms: Terms,
        fault: pb.Fault | None,
        session: Session | None,
        batch: Batch,
    ) -> None:
        kind = fault.kind if fault else pb.FAULT_KIND_UNSPECIFIED
        seconds = fault.delay_ms / 1000 if fault else 0.0
        if kind == pb.FAULT_KIND_DROP:
            return
        if kind == pb.FAULT_KIND_LATE_ACCEPT:
            batch.late.append((seconds, order))
            return
        if kind == pb.FAULT_KIND_REJECT:
            self._refuse(account, order, terms, FAULT_TEXT, session, batch)
            return
        first = len(batch.changes.reports)
        batch.changes.arrive(order, batch.moment, "accepted")
        guards = matching.read_guards(order)
        taken = book.take(account, terms, batch.moment, self.market, batch.changes, guards)
        reply = _reply(order, pb.REPLY_STATUS_ACCEPTED, taken)
        account.counter.fill(reply, batch.moment.at)
        batch.said.append(
            Said(
                account.name,
                batch.changes.reports[first:],
                session,
                reply,
                delay_seconds=seconds if kind == pb.FAULT_KIND_DELAY else 0.0,
                lost=kind == pb.FAULT_KIND_LOST_REPLY,
            )
        )

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

    def _refuse_too_many(
        self,
        account: Account,
        request: pb.NewOrder | pb.CancelOrder,
        session: Session,
        batch: Batch,
    ) -> None:
        """One request too many is not taken, and leaves nothing behind."""
        reply = _reply(request, pb.REPLY_STATUS_TOO_MANY_REQUESTS, None, text=TOO_MANY_TEXT)
        account.counter.fill(reply, batch.moment.at)
        batch.said.append(Said(account.name, (), session, reply))

    def _cancel(self, cancel: pb.CancelOrder, session: Session, batch: Batch) -> None:
        session.listen_to(cancel.account, cancel.cl_ord_id)
        account = self.accounts.get(cancel.account)
        if account is not None and not account.counter.take(batch.moment.at):
            self._refuse_too_many(account, cancel, session, batch)
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
        batch.answers.append(lambda: _resolve(answer, response))

    def _configure(
        self,
        request: pb.ConfigureAccountRequest,
        answer: asyncio.Future[pb.ConfigureAccountResponse],
        batch: Batch,
    ) -> None:
        account = self.accounts[request.account]
        if request.HasField("options"):
            account.visibility_seconds = request.options.visibility_horizon_seconds
            account.refuses_repeats = request.options.refuses_repeats
            account.exchange_hours = request.options.exchange_hours
            account.no_brackets = request.options.no_brackets
            account.no_stops = request.options.no_stops
            account.counter.most = request.options.requests_per_minute
        if request.set_faults:
            account.faults = list(request.faults)
            account.faults_counted = 0
        batch.changes.accounts[account.name] = account
        response = pb.ConfigureAccountResponse(options=answers.options(account))
        batch.answers.append(lambda: _resolve(answer, response))

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


def _resolve(answer: asyncio.Future[Value], value: Value) -> None:
    if not answer.done():
        answer.set_result(value)
