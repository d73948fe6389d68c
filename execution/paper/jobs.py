"""Pieces of work that wait for the writer, and the batch that they become."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from execution.paper import matching
from execution.paper.book import Changes, Moment, Order
from execution.paper.sessions import Said, Session
from protos.paper.v1 import paper_pb2 as pb

Value = TypeVar("Value")


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
class AskPositions:
    """A question what accounts hold."""

    accounts: Sequence[str]
    answer: asyncio.Future[pb.GetPositionsResponse]


@dataclass(slots=True)
class Transfer:
    """A part of a position comes or goes, and no report tells of it."""

    request: pb.TransferPositionRequest
    answer: asyncio.Future[pb.TransferPositionResponse]


@dataclass(slots=True)
class Bust:
    """A fill is to be taken back or corrected; the order and the report are read first."""

    request: pb.BustFillRequest
    answer: asyncio.Future[pb.BustFillResponse]
    order: Order | None = None
    fill: pb.Report | None = None


@dataclass(slots=True)
class Configure:
    """New options or a new fault plan for an account."""

    request: pb.ConfigureAccountRequest
    answer: asyncio.Future[pb.ConfigureAccountResponse]


@dataclass(slots=True)
class Rematch:
    """A new second of the quote feed."""


@dataclass(slots=True)
class Reset:
    """An account is to begin anew."""

    account: str
    answer: asyncio.Future[pb.ResetAccountResponse]


@dataclass(slots=True)
class Expire:
    """Settle what has expired, in accounts that the writer has found."""

    accounts: list[str] = field(default_factory=list)


Asked = Look | AskOptions | AskPositions | Transfer | Bust | Configure | Reset
Work = Frame | Late | Asked | Expire | Rematch


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
        case Look(account) | Reset(account):
            yield account
        case AskOptions(accounts) | AskPositions(accounts):
            yield from filter(matching.is_name, accounts)
        case Transfer(request) | Bust(request):
            yield request.account
        case Expire(accounts):
            yield from accounts
        case Configure(request):
            yield request.account
            yield from filter(matching.is_name, (request.options.feed_account,))
        case Rematch():
            return


def size(work: Work) -> int:
    """How much of a batch it fills."""
    return len(work.request.new_orders) + 1 if isinstance(work, Frame) else 1


def fail(answer: asyncio.Future[Value], error: Exception) -> None:
    """Answer that it cannot be, where somebody still waits."""
    if not answer.done():
        answer.set_exception(error)


def resolve(answer: asyncio.Future[Value], value: Value) -> None:
    """Answer, where somebody still waits."""
    if not answer.done():
        answer.set_result(value)
