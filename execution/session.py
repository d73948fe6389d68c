"""One broker account's way to its broker: waits for its limits, submits, and says what is
known afterwards in one of five answers. It keeps no order state and retries nothing."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from execution.brokers.base import (
    Adapter,
    AuthFailed,
    InDoubt,
    NewOrder,
    NotSent,
    Rejected,
    Report,
)
from execution.domain import ratelimit
from execution.runtime import Runtime

log = structlog.get_logger()

# What our own paper venue takes from one account; real brokers bring theirs.
CAPACITY = 400.0
PER_SECOND = 200.0
RESERVED = 40.0
# Longer than any healthy reply; after it the order is asked about.
ANSWER_SECONDS = 5.0


class Answer(Enum):
    """What is known after a submit."""

    TAKEN = auto()
    REJECTED = auto()
    NOT_SENT = auto()
    IN_DOUBT = auto()
    AUTH_FAILED = auto()


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submit, with what came along."""

    answer: Answer
    report: Report | None = None
    text: str = ""
    retry_after_seconds: float = 0.0


@dataclass(slots=True)
class Waiting:
    """An order that waits for its turn. `may_go` is asked immediately before the socket."""

    order: NewOrder
    is_exit: bool
    may_go: Callable[[], bool]
    answered: Callable[[Submitted], None]
    has_answer: bool = False


class Session:
    """Exits first, each within the account's limit."""

    def __init__(self, adapter: Adapter, runtime: Runtime) -> None:
        self._adapter = adapter
        self._runtime = runtime
        self._exits: deque[Waiting] = deque()
        self._entries: deque[Waiting] = deque()
        self._is_waiting = False
        self._bucket = ratelimit.full(
            capacity=CAPACITY, per_second=PER_SECOND, reserved=RESERVED, at=runtime.now()
        )

    def submit(self, waiting: Waiting) -> None:
        """Send when the limits allow; the answer comes to `answered`."""
        (self._exits if waiting.is_exit else self._entries).append(waiting)
        if not self._is_waiting:
            self._send_what_may_go()

    def cancel(self, account: str, cl_ord_id: str, answered: Callable[[bool | None], None]) -> None:
        """Ask to cancel; None when it is not known whether the broker was asked."""
        self._runtime.spawn(self._cancel(account, cl_ord_id, answered))

    def _send_what_may_go(self) -> None:
        self._is_waiting = False
        while queue := self._exits or self._entries:
            is_exit = queue is self._exits
            self._bucket, wait = ratelimit.take(self._bucket, self._runtime.now(), is_exit=is_exit)
            if wait:
                self._is_waiting = True
                self._runtime.later(wait, self._send_what_may_go)
                return
            waiting = queue.popleft()
            if waiting.may_go():
                self._runtime.spawn(self._submit(waiting))

    async def _submit(self, waiting: Waiting) -> None:
        timer = self._runtime.later(
            ANSWER_SECONDS, lambda: _give(waiting, Submitted(Answer.IN_DOUBT, text="no answer"))
        )
        result = await self._ask(waiting.order)
        timer.cancel()
        _give(waiting, result)

    async def _ask(self, order: NewOrder) -> Submitted:
        try:
            return Submitted(Answer.TAKEN, report=await self._adapter.submit(order))
        except Rejected as error:
            return Submitted(Answer.REJECTED, text=error.text)
        except NotSent as error:
            wait = error.retry_after_seconds
            return Submitted(Answer.NOT_SENT, text=str(error), retry_after_seconds=wait)
        except AuthFailed as error:
            return Submitted(Answer.AUTH_FAILED, text=str(error))
        except InDoubt as error:
            return Submitted(Answer.IN_DOUBT, text=str(error))
        except Exception as error:
            log.exception("submit_failed", cl_ord_id=order.cl_ord_id)
            return Submitted(Answer.IN_DOUBT, text=repr(error))

    async def _cancel(
        self, account: str, cl_ord_id: str, answered: Callable[[bool | None], None]
    ) -> None:
        result: bool | None
        try:
            result = await self._adapter.cancel(account, cl_ord_id)
        except (InDoubt, NotSent, AuthFailed) as error:
            log.info("cancel_unanswered", cl_ord_id=cl_ord_id, cause=str(error))
            result = None
        except Exception:
            log.exception("cancel_failed", cl_ord_id=cl_ord_id)
            result = None
        answered(result)


def _give(waiting: Waiting, result: Submitted) -> None:
    """Hand over the first answer; a reply after our own time-out still brings its report."""
    if waiting.has_answer and result.report is None:
        return
    waiting.has_answer = True
    waiting.answered(result)
