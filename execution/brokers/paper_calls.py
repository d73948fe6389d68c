"""Calls to the paper venue on their way: waiting to be written in a frame, then for a reply."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from execution.brokers.base import BrokerError, InDoubt, NotSent, Report
from protos.paper.v1 import paper_pb2 as pb

FRAME_ORDERS = 250
Key = tuple[str, str, bool]


@dataclass(slots=True)
class Answer:
    reply: pb.OrderReply
    acknowledgement: Report | None


@dataclass(slots=True, eq=False)
class Call:
    """One submit or cancel: waiting to be written, then for its reply."""

    request: pb.NewOrder | pb.CancelOrder
    answer: asyncio.Future[Answer]
    is_written: bool = False
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        is_cancel = isinstance(self.request, pb.CancelOrder)
        self.key = (self.request.account, self.request.cl_ord_id, is_cancel)

    def fail(self, cause: str) -> None:
        """End it with what is now true of it."""
        if not self.answer.done():
            error: BrokerError = InDoubt(cause) if self.is_written else NotSent(cause)
            self.answer.set_exception(error)


@dataclass(slots=True)
class Outbox:
    """What goes into the next frames."""

    attaches: list[pb.Attach] = field(default_factory=list)
    calls: deque[Call] = field(default_factory=deque)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def next_frame(self) -> tuple[pb.SessionRequest, list[Call]]:
        """Take what waits, up to the size of a frame."""
        frame = pb.SessionRequest(attach=self.attaches)
        self.attaches = []
        taken: list[Call] = []
        while self.calls and len(taken) < FRAME_ORDERS:
            call = self.calls.popleft()
            if call.answer.done():
                continue
            if isinstance(call.request, pb.NewOrder):
                frame.new_orders.append(call.request)
            else:
                frame.cancels.append(call.request)
            taken.append(call)
        if not self.calls:
            self.waiting.clear()
        return frame, taken
