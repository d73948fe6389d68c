"""The paper venue's adapter: one stream to it, in batched frames, kept up.

What waits when the loop turns goes out in one frame. When the stream breaks, what was
written is in doubt, what was not is proven unsent, and the next stream resumes the
reports of every attached account from the last that was delivered. Reports that are
missing within a stream are asked for again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import grpc
import structlog
from grpc import aio

from execution.brokers import paper_wire
from execution.brokers.base import (
    AccountSnapshot,
    AuthFailed,
    BrokerError,
    Capabilities,
    ChainSnapshot,
    HeldSnapshot,
    InDoubt,
    NewOrder,
    NotSent,
    QuoteSnapshot,
    Report,
    Said,
    Usage,
)
from execution.brokers.paper_calls import Answer, Call, Key, Outbox
from execution.brokers.paper_channel import VenueChannel
from execution.brokers.paper_stream import InOrder
from protos import faults, tasks, wire
from protos.certificates import Certificates
from protos.paper.v1 import paper_pb2 as pb

log = structlog.get_logger()

# The venue's name for the session, in metadata.
SESSION = "session-id"
CONNECT_SECONDS = 2.0
FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 1.0
# A report that came early waits so long for those before it, before they are asked for.
RESEND_SECONDS = 0.2
_Stream = aio.StreamStreamCall[pb.SessionRequest, pb.SessionResponse]


class PaperAdapter:
    """The paper venue as a broker; see `base.Adapter`."""

    def __init__(
        self,
        target: str,
        shown: Certificates | None = None,
        *,
        timeout_seconds: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = VenueChannel(target, shown)
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._clock = clock
        self.on_usage: Callable[[Usage], None] = _unheard
        self.rest_after: Callable[[float], float] = _never_rests
        self._outbox = Outbox()
        self._written: dict[Key, deque[Call]] = {}
        self._in_order = InOrder()
        self._resending: asyncio.TimerHandle | None = None
        self._connected = asyncio.Event()
        # As the venue calls the stream.
        self._session_id = ""

    async def start(self, on_report: Callable[[Said], None], on_gap: Callable[[str], None]) -> None:
        """Connect in the background, and keep connected."""
        self._on_report = on_report
        self._on_gap = on_gap
        self._keeping = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        """Disconnect; calls in flight end as a lost stream ends them."""
        self._on_gap = _nobody
        if self._resending is not None:
            self._resending.cancel()
        await tasks.end([self._keeping])
        await self._channel.close()

    async def attach(self, accounts: Sequence[tuple[str, int]]) -> None:
        """Want the reports of these accounts, each from after a sequence number."""
        self._in_order.attach(accounts)
        if self._connected.is_set():
            self._want(accounts)

    async def admit(self, account: str, connection_id: str) -> None:
        """Everybody is, where it can be reached: nobody is asked for keys. Raises NotSent."""
        if not self._connected.is_set():
            await self._wait_for_stream()

    async def submit(self, order: NewOrder) -> Report | None:
        """Send an order; the report that acknowledges it, if the account is attached.

        Raises Rejected, NotSent, InDoubt.
        """
        answer = await self._ask(paper_wire.to_new_order(order))
        try:
            is_new = paper_wire.read_submit_reply(answer.reply)
        except paper_wire.UnknownWord as error:
            raise InDoubt(f"unreadable reply: {error}") from error
        if is_new:
            return answer.acknowledgement
        found = await self.find_orders(order.account, [order.cl_ord_id])
        return next(iter(found.get(order.cl_ord_id, ())), None)

    async def cancel(self, account: str, cl_ord_id: str) -> bool:
        """Ask to cancel; False when it is too late or the order is unknown.

        Raises NotSent, InDoubt.
        """
        answer = await self._ask(pb.CancelOrder(account=account, cl_ord_id=cl_ord_id))
        try:
            return paper_wire.read_cancel_reply(answer.reply)
        except paper_wire.UnknownWord as error:
            raise InDoubt(f"unreadable reply: {error}") from error

    async def find_orders(
        self, account: str, cl_ord_ids: Sequence[str]
    ) -> dict[str, Sequence[Report]]:
        """All reports so far of those of the orders that the venue knows. Raises InDoubt."""
        request = pb.GetOrdersRequest(account=account, cl_ord_ids=cl_ord_ids)
        try:
            response = await self._channel.stub.GetOrders(request, **self._call())
            return paper_wire.read_found(response)
        except (grpc.RpcError, paper_wire.UnknownWord) as error:
            raise _failed(error) from error

    async def account(self, account: str) -> AccountSnapshot:
        """Cash, positions and open orders. Raises InDoubt."""
        try:
            return paper_wire.read_account(await self._look(account))
        except paper_wire.UnknownWord as error:
            raise InDoubt(_cause(error)) from error

    async def held(self, accounts: Sequence[str]) -> Sequence[HeldSnapshot | None]:
        """What each of these accounts holds. Raises InDoubt."""
        request = pb.GetPositionsRequest(accounts=accounts)
        try:
            answer = await self._channel.stub.GetPositions(request, **self._call())
            return [paper_wire.read_held(each) for each in answer.accounts]
        except (grpc.RpcError, paper_wire.UnknownWord) as error:
            raise _failed(error) from error

    async def quote(
        self, account: str, instrument: str, *, reference_price: Decimal | None = None
    ) -> QuoteSnapshot | None:
        """What an instrument can be traded at now, to this account. Raises InDoubt."""
        asked = pb.QuoteRequest(
            instrument=instrument, reference_price=wire.to_text(reference_price)
        )
        request = pb.GetQuotesRequest(account=account, quotes=[asked])
        try:
            response = await self._channel.stub.GetQuotes(request, timeout=self._timeout_seconds)
            return next(iter(paper_wire.read_quotes(response)), None)
        except (grpc.RpcError, paper_wire.UnknownWord) as error:
            raise InDoubt(_cause(error)) from error

    async def chain(
        self,
        underlying: str,
        earliest: date,
        *,
        strikes: int,
        reference_price: Decimal | None = None,
    ) -> ChainSnapshot | None:
        """Options that end on a day or later; None where there are none. Raises InDoubt."""
        request = pb.GetChainRequest(
            underlying=underlying,
            earliest_expiration=earliest.isoformat(),
            strikes=strikes,
            reference_price=wire.to_text(reference_price),
        )
        try:
            response = await self._channel.stub.GetChain(request, timeout=self._timeout_seconds)
            return paper_wire.read_chain(response)
        except (grpc.RpcError, paper_wire.UnknownWord) as error:
            raise InDoubt(_cause(error)) from error

    async def capabilities(self, accounts: Sequence[str]) -> Sequence[Capabilities]:
        """What each of these accounts can do. Raises InDoubt."""
        request = pb.GetOptionsRequest(accounts=accounts)
        try:
            answer = await self._channel.stub.GetOptions(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            raise InDoubt(_cause(error)) from error
        return [paper_wire.read_capabilities(options) for options in answer.options]

    async def _look(self, account: str) -> pb.GetAccountResponse:
        request = pb.GetAccountRequest(account=account)
        try:
            return await self._channel.stub.GetAccount(request, **self._call())
        except grpc.RpcError as error:
            raise _failed(error) from error

    def _call(self) -> dict[str, Any]:
        """How calls beside the stream are made: in the name of its session."""
        session = ((SESSION, self._session_id),) if self._session_id else ()
        return {"timeout": self._timeout_seconds, "metadata": session}

    async def _ask(self, request: pb.NewOrder | pb.CancelOrder) -> Answer:
        if not self._connected.is_set():
            await self._wait_for_stream()
        loop = asyncio.get_running_loop()
        call = Call(request, loop.create_future())
        self._outbox.calls.append(call)
        self._outbox.waiting.set()
        timer = loop.call_later(self._timeout_seconds, call.fail, "no reply in time")
        try:
            return await call.answer
        finally:
            timer.cancel()
            self._forget(call)

    async def _wait_for_stream(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connected.wait()
        except TimeoutError:
            cause = "the venue cannot be reached"
            raise NotSent(cause, retry_after_seconds=LAST_RETRY_SECONDS) from None

    def _forget(self, call: Call) -> None:
        same = self._written.get(call.key)
        if same is not None and call in same:
            same.remove(call)
            if not same:
                del self._written[call.key]

    def _want(self, accounts: Sequence[tuple[str, int]]) -> None:
        self._outbox.attaches += [
            pb.Attach(account=account, after_report_seq=after) for account, after in accounts
        ]
        self._outbox.waiting.set()

    async def _keep_connected(self) -> None:
        wait = FIRST_RETRY_SECONDS
        while True:
            started = self._clock()
            cause = "closed"
            try:
                await self._hold_session()
            except grpc.RpcError as error:
                cause = _cause(error)
            except Exception as error:
                cause = _cause(error)
                log.exception("paper_session_failed")
            finally:
                self._lose_session(cause)
            if self._clock() - started > LAST_RETRY_SECONDS:
                wait = FIRST_RETRY_SECONDS
            await self._sleep(wait)
            wait = min(2 * wait, LAST_RETRY_SECONDS)

    async def _hold_session(self) -> None:
        stream = self._channel.session()
        told = await stream.initial_metadata()
        if stream.done():
            await stream.read()  # raises what ended it
            return
        self._session_id = next((str(value) for name, value in told if name == SESSION), "")
        self._outbox = Outbox()
        self._want(list(self._in_order.heard.items()))
        self._connected.set()
        halves = [asyncio.create_task(half(stream)) for half in (self._read, self._write)]
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in done:
                half.result()
        finally:
            stream.cancel()
            await tasks.end(halves)

    async def _read(self, stream: _Stream) -> None:
        while isinstance(response := await stream.read(), pb.SessionResponse):
            began = self._clock()
            self._hear(response)
            if rest := self.rest_after(self._clock() - began):
                await self._sleep(rest)

    async def _write(self, stream: _Stream) -> None:
        outbox = self._outbox
        while True:
            await outbox.waiting.wait()
            # One turn of the loop, so that whatever is about to be asked shares the frame.
            await asyncio.sleep(0)
            frame, calls = outbox.next_frame()
            for call in calls:
                call.is_written = True
                self._written.setdefault(call.key, deque()).append(call)
            try:
                await stream.write(frame)
            except asyncio.InvalidStateError:
                return  # the stream has ended
            if frame.new_orders:
                faults.point("socket.after_write")

    def _lose_session(self, cause: str) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        self._session_id = ""
        for call in [call for same in self._written.values() for call in same]:
            call.fail(cause)
        for call in self._outbox.calls:
            call.fail(cause)
        if was_connected:
            log.info("paper_session_lost", cause=cause)
            self._on_gap(cause)

    def _hear(self, response: pb.SessionResponse) -> None:
        acknowledgements: dict[tuple[str, str], Report] = {}
        for message in response.reports:
            try:
                report = paper_wire.read_said(message)
            except paper_wire.UnknownWord as error:
                log.error("paper_report_unreadable", account=message.account, cause=error)
                self._in_order.skip(message.account, message.report_seq)
                continue
            if isinstance(report, Report) and message.exec_type == pb.EXEC_TYPE_NEW:
                acknowledgements[report.account, report.cl_ord_id] = report
            for each in self._in_order.take(report):
                self._on_report(each)
        for last in response.last_reports:
            self._in_order.mention(last.account, last.report_seq)
        self._ask_for_missing()
        for reply in response.replies:
            if reply.HasField("limit_use") and (usage := paper_wire.read_usage(reply)):
                self.on_usage(usage)
            self._answer(reply, acknowledgements.get((reply.account, reply.cl_ord_id)))

    def _ask_for_missing(self) -> None:
        """Should reports still be missing in a moment, have them sent again."""
        if self._resending is None and self._in_order.lacking():
            loop = asyncio.get_running_loop()
            self._resending = loop.call_later(RESEND_SECONDS, self._resend)

    def _resend(self) -> None:
        self._resending = None
        if self._connected.is_set() and (lacking := self._in_order.lacking()):
            log.info("paper_reports_missing", accounts=len(lacking))
            self._want(lacking)
            self._ask_for_missing()

    def _answer(self, reply: pb.OrderReply, acknowledgement: Report | None) -> None:
        for call in self._written.get((reply.account, reply.cl_ord_id, reply.cancel), ()):
            if not call.answer.done():
                call.answer.set_result(Answer(reply, acknowledgement))
                return


def _unheard(usage: Usage) -> None:
    """Until somebody listens."""


def _never_rests(seconds: float) -> float:
    """Until somebody is in a hurry."""
    return 0.0


def _nobody(cause: str) -> None:
    """After `close`, a lost stream is no news."""


def _failed(error: Exception) -> BrokerError:
    """What a call that failed means: the venue does not let us in, or it is not known."""
    if isinstance(error, aio.AioRpcError) and error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return AuthFailed(error.details() or "")
    return InDoubt(_cause(error))


def _cause(error: Exception) -> str:
    if isinstance(error, aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error) or type(error).__name__
