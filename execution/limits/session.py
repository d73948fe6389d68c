"""One broker account's way to its broker: waits for its limits, submits, and says what is
known afterwards in one of six answers. It keeps no order state and retries nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TypeVar

import structlog
from msgspec import Struct

from execution.brokers.base import (
    Adapter,
    AuthFailed,
    InDoubt,
    NewOrder,
    NotSent,
    RateLimited,
    Rejected,
    Report,
)
from execution.domain.ratelimit import SECOND, Kind, Limit, Rank
from execution.limits.limiter import Flow, Held, Limiter, Request, Turn
from execution.runtime import Runtime

log = structlog.get_logger()

Told = TypeVar("Told")

# Longer than any healthy reply; after it the order is asked about.
ANSWER_SECONDS = 5.0
# A wait as long as this is told to people.
LONG_WAIT = 1 * SECOND
# A question that would wait for longer is not asked: nobody waits for its answer then.
PATIENCE_SECONDS = 2.0


class Answer(Enum):
    """What is known after a submit."""

    TAKEN = auto()
    REJECTED = auto()
    NOT_SENT = auto()
    IN_DOUBT = auto()
    AUTH_FAILED = auto()
    # Its turn would come too late: it was refused before it was sent.
    TOO_LATE = auto()


class Submitted(Struct, frozen=True):
    """The answer to a submit, with what came along."""

    answer: Answer
    report: Report | None = None
    text: str = ""
    retry_after_seconds: float = 0.0
    # What a refusal compared.
    numbers: Mapping[str, str] = {}


@dataclass(slots=True)
class Waiting:
    """An order that waits for its turn. `may_go` is asked immediately before the socket."""

    order: NewOrder
    is_exit: bool
    may_go: Callable[[], bool]
    answered: Callable[[Submitted], None]
    # An entry whose turn would come after this is refused at once.
    deadline: Callable[[], datetime] | None = None
    # It waits, and for what.
    held: Callable[[Mapping[str, str]], None] | None = None
    # Whose order it is: nobody trades by the login of another connection.
    connection_id: str = ""
    # Asked again once the broker let it in, which may have taken long.
    may_still_go: Callable[[], bool] | None = None
    has_answer: bool = False


class Session:
    """What lowers risk goes first, each within the limits."""

    def __init__(self, adapter: Adapter, runtime: Runtime, flow: Flow | None = None) -> None:
        self._adapter = adapter
        self._runtime = runtime
        self._flow = flow or Limiter(runtime).flow("")
        self._requests: dict[str, Request] = {}

    @property
    def is_free(self) -> bool:
        """True while nothing that is asked is counted."""
        return self._flow.is_free

    def limit(self, limits: Sequence[Limit]) -> None:
        """Count requests by these limits from now on."""
        self._flow.count_by(limits)

    def submit(self, waiting: Waiting) -> None:
        """Send when the limits allow; the answer comes to `answered`."""
        if self._flow.is_free:
            if waiting.may_go():
                self._runtime.spawn(self._submit(waiting))
            return
        cl_ord_id = waiting.order.cl_ord_id

        def go(turn: Turn) -> None:
            self._runtime.spawn(self._submit(waiting, turn))

        def may_go() -> bool:
            self._requests.pop(cl_ord_id, None)
            return waiting.may_go()

        def refuse(held: Held) -> None:
            self._requests.pop(cl_ord_id, None)
            waiting.answered(Submitted(Answer.TOO_LATE, numbers=held.numbers))

        rank = Rank.RELIEF if waiting.is_exit else Rank.ENTRY
        deadline = None
        if waiting.deadline is not None and not waiting.is_exit:
            deadline = waiting.deadline()
        request = Request(self._flow, Kind.ORDER, rank, go, may_go, deadline, refuse)
        if (held := self._flow.ask(request)) is not None:
            self._requests[cl_ord_id] = request
            if waiting.held is not None and held.wait >= LONG_WAIT:
                waiting.held(held.numbers)

    def waits(self, cl_ord_id: str) -> bool:
        """True while an order waits for its turn."""
        return cl_ord_id in self._requests

    def withdraw(self, cl_ord_id: str) -> bool:
        """Do not send an order that still waits; False when it does not."""
        request = self._requests.pop(cl_ord_id, None)
        return request is not None and self._flow.limiter.withdraw(request)

    def cancel(
        self,
        account: str,
        cl_ord_id: str,
        answered: Callable[[bool | None], None],
        connection_id: str = "",
        may_go: Callable[[], bool] | None = None,
    ) -> None:
        """Ask to cancel, for a connection or for none in particular; None when it is not known
        whether the broker was asked. `may_go` is asked immediately before the socket."""

        def go(turn: Turn | None) -> None:
            asking = self._cancel(account, cl_ord_id, answered, connection_id, may_go, turn)
            self._runtime.spawn(asking)

        if self._flow.is_free:
            go(None)
        else:
            self._flow.ask(Request(self._flow, Kind.CANCEL, Rank.RELIEF, go))

    def silence_seconds(self) -> float:
        """For how long the broker wants nothing of this account."""
        limiter = self._flow.limiter
        return limiter.silence(self._flow, limiter.now()) / SECOND

    async def ask(self, kind: Kind, rank: Rank, question: Callable[[], Awaitable[Told]]) -> Told:
        """Ask the broker something at its turn. Raises what the question raises, and NotSent
        when the turn would come too late."""
        turn = None if self._flow.is_free else await self._turn(kind, rank)
        try:
            return await question()
        except RateLimited as error:
            self._hush(error)
            raise
        finally:
            if turn is not None:
                turn.done()

    async def _turn(self, kind: Kind, rank: Rank) -> Turn:
        came: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()

        def go(turn: Turn) -> None:
            if came.done():
                turn.done()
            else:
                came.set_result(turn)

        def refuse(held: Held) -> None:
            if not came.done():
                came.set_exception(NotSent(f"the limit {held.name} is used up"))

        patience = timedelta(seconds=PATIENCE_SECONDS)
        deadline = self._runtime.now() + patience if rank is Rank.QUERY else None
        self._flow.ask(Request(self._flow, kind, rank, go, None, deadline, refuse))
        return await came

    def _hush(self, error: RateLimited) -> None:
        self._flow.limiter.penalise(self._flow, error.scope, error.retry_after_seconds)

    async def _submit(self, waiting: Waiting, turn: Turn | None = None) -> None:
        timer = self._runtime.later(
            ANSWER_SECONDS, lambda: _give(waiting, Submitted(Answer.IN_DOUBT, text="no answer"))
        )
        result = await self._send(waiting)
        timer.cancel()
        if turn is not None:
            turn.done(is_answered=result.answer is not Answer.IN_DOUBT)
        _give(waiting, result)

    async def _send(self, waiting: Waiting) -> Submitted:
        order = waiting.order
        try:
            await self._adapter.admit(order.account, waiting.connection_id)
            _look_again(waiting.may_still_go)
            return Submitted(Answer.TAKEN, report=await self._adapter.submit(order))
        except Rejected as error:
            return Submitted(Answer.REJECTED, text=error.text)
        except RateLimited as error:
            # It waits for its turn again, which comes after the silence.
            self._hush(error)
            return Submitted(Answer.NOT_SENT, text=str(error))
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
        self,
        account: str,
        cl_ord_id: str,
        answered: Callable[[bool | None], None],
        connection_id: str,
        may_go: Callable[[], bool] | None,
        turn: Turn | None,
    ) -> None:
        result: bool | None = None
        try:
            await self._adapter.admit(account, connection_id)
            _look_again(may_go)
            result = await self._adapter.cancel(account, cl_ord_id)
        except RateLimited as error:
            self._hush(error)
        except (InDoubt, NotSent, AuthFailed) as error:
            log.info("cancel_unanswered", cl_ord_id=cl_ord_id, cause=error)
        except Exception:
            log.exception("cancel_failed", cl_ord_id=cl_ord_id)
        if turn is not None:
            turn.done(is_answered=result is not None)
        answered(result)


def _look_again(may_go: Callable[[], bool] | None) -> None:
    """Raises NotSent when it may go no more."""
    if may_go is not None and not may_go():
        raise NotSent("it may go no more")


def _give(waiting: Waiting, result: Submitted) -> None:
    """Hand over the first answer; a reply after our own time-out still brings its report."""
    if waiting.has_answer and result.report is None:
        return
    waiting.has_answer = True
    waiting.answered(result)
