"""Who may trade and see accounts that ask for a login: sessions that have logged in."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import grpc
import psycopg
import structlog
from grpc import aio

from execution.paper import matching
from execution.paper.keys import PERMISSIONS, SKEW, Key, Keys, unreachable
from execution.paper.sessions import Session, Sessions
from execution.paper.writer import Unavailable
from protos import wire
from protos.paper.v1 import keys_pb2 as pb
from protos.paper.v1 import keys_pb2_grpc, paper_pb2

log = structlog.get_logger()

Answer = TypeVar("Answer")
Context = aio.ServicerContext[Any, Any]

SESSION = "session-id"
NOT_LOGGED_IN = "this account asks for a login"
MAY_NOT_TRADE = "this key may not trade"


class Gate:
    """In front of the venue. Accounts without keys pass as if it were not there."""

    def __init__(self, keys: Keys, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions

    async def open(self, context: Context) -> None:
        """Know the keys before anything is let through; ends the call without a database."""
        try:
            await self._keys.load()
        except psycopg.OperationalError as error:
            log.warning("venue_keys_unread", error=unreachable(error))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")

    def admit(
        self, session: Session, request: paper_pb2.SessionRequest
    ) -> paper_pb2.SessionRequest:
        """What of a frame the session may ask; the rest is answered at once."""
        if not self._keys.accounts:
            return request
        asking = self._keys.accounts.intersection(_accounts_of(request))
        if not asking or asking <= session.traded:
            return request
        closed = asking - session.traded
        admitted = paper_pb2.SessionRequest()
        for each in request.attach:
            if each.account not in closed or each.account in session.logins:
                admitted.attach.append(each)
        for order in request.new_orders:
            if order.account in closed:
                session.refuse(_refusal(session, order.account, order.cl_ord_id))
            else:
                admitted.new_orders.append(order)
        for cancel in request.cancels:
            if cancel.account in closed:
                refusal = _refusal(session, cancel.account, cancel.cl_ord_id)
                refusal.cancel = True
                session.refuse(refusal)
            else:
                admitted.cancels.append(cancel)
        return admitted

    async def check(self, accounts: Iterable[str], context: Context) -> None:
        """Only a session that has logged in sees these; ends the call otherwise."""
        await self.open(context)
        asking = self._keys.accounts.intersection(accounts)
        if asking:
            told = {name: value for name, value in context.invocation_metadata() or ()}
            session = self._sessions.find(str(told.get(SESSION, "")))
            if session is None or not asking <= session.logins.keys():
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, NOT_LOGGED_IN)


class KeysServicer(keys_pb2_grpc.KeysServicer):
    """The service of `protos/paper/v1/keys.proto`."""

    def __init__(
        self,
        keys: Keys,
        sessions: Sessions,
        look: Callable[[str], Awaitable[paper_pb2.GetAccountResponse]],
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._look = look
        self._clock = clock

    async def LogIn(self, request: pb.LogInRequest, context: Context) -> pb.LogInResponse:
        await self._within(self._keys.load(), context)
        status, key = self._judge(request)
        if key is None:
            return pb.LogInResponse(status=status)
        account = await self._within(self._look(key.account), context)
        if request.session_id:
            # It may have been revoked while the account was looked at.
            status, key = self._judge(request)
            if key is None:
                return pb.LogInResponse(status=status)
            session = self._sessions.find(request.session_id)
            if session is None:
                return pb.LogInResponse(status=pb.LOGIN_STATUS_NO_SESSION)
            session.log_in(key.account, key.key_id, may_trade="trade" in key.permissions)
        return pb.LogInResponse(
            status=status,
            account=key.account,
            account_name=f"Paper {key.account}",
            account_type="cash and margin, simulated",
            cash=account.cash,
            currency=account.currency,
            permissions=key.permissions,
        )

    async def IssueKey(self, request: pb.IssueKeyRequest, context: Context) -> pb.IssueKeyResponse:
        if not matching.is_name(request.account) or set(request.permissions) - set(PERMISSIONS):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an account, and permissions")
        issuing = self._keys.issue(request.account, request.permissions, self._clock())
        key, secret = await self._within(issuing, context)
        return pb.IssueKeyResponse(key_id=key.key_id, secret=secret)

    async def RevokeKey(
        self, request: pb.RevokeKeyRequest, context: Context
    ) -> pb.RevokeKeyResponse:
        key = await self._within(self._keys.revoke(request.key_id, self._clock()), context)
        if key is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such key")
        self._sessions.log_out(key.account, key.key_id)
        return pb.RevokeKeyResponse()

    async def ListKeys(self, request: pb.ListKeysRequest, context: Context) -> pb.ListKeysResponse:
        await self._within(self._keys.load(), context)
        return pb.ListKeysResponse(keys=[_shown(key) for key in self._keys.of(request.account)])

    def _judge(self, request: pb.LogInRequest) -> "tuple[pb.LoginStatus, Key | None]":
        at = wire.to_datetime(request.time) or datetime.fromtimestamp(0, UTC)
        key = self._keys.check(request.key_id, at, request.session_id, request.signature)
        if key is None:
            return pb.LOGIN_STATUS_WRONG_KEY, None
        if key.revoked_at is not None:
            return pb.LOGIN_STATUS_REVOKED, None
        if abs(at - self._clock()) > SKEW:
            return pb.LOGIN_STATUS_WRONG_TIME, None
        return pb.LOGIN_STATUS_OK, key

    async def _within(self, work: Awaitable[Answer], context: Context) -> Answer:
        try:
            return await work
        except (psycopg.OperationalError, Unavailable) as error:
            log.warning("venue_keys_unread", error=unreachable(error))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the venue's database is away")


def _accounts_of(request: paper_pb2.SessionRequest) -> Iterator[str]:
    yield from (each.account for each in request.attach)
    yield from (each.account for each in request.new_orders)
    yield from (each.account for each in request.cancels)


def _refusal(session: Session, account: str, cl_ord_id: str) -> paper_pb2.OrderReply:
    reply = paper_pb2.OrderReply(account=account, cl_ord_id=cl_ord_id)
    if account in session.logins:
        reply.status, reply.text = paper_pb2.REPLY_STATUS_REJECTED, MAY_NOT_TRADE
    else:
        reply.status, reply.text = paper_pb2.REPLY_STATUS_NOT_LOGGED_IN, NOT_LOGGED_IN
    return reply


def _shown(key: Key) -> pb.Key:
    shown = pb.Key(key_id=key.key_id, permissions=key.permissions)
    wire.stamp(shown.made_time, key.made_at)
    if key.revoked_at is not None:
        wire.stamp(shown.revoked_time, key.revoked_at)
    return shown
