"""The paper venue's accounts that ask for an API key: one stream for all of them, on which each
account logs in by itself.

A login that is not accepted is not tried again before its keys are replaced or the stream is a
new one: brokers lock out who knocks too often.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import grpc
import structlog

from execution.brokers.base import (
    AccountSnapshot,
    AuthFailed,
    BrokerError,
    HeldSnapshot,
    InDoubt,
    NotSent,
    QuoteSnapshot,
    Report,
)
from execution.brokers.credentials import (
    Admitted,
    Field,
    Key,
    Login,
    Logins,
    Opens,
    Schema,
    Typed,
)
from execution.brokers.paper import LAST_RETRY_SECONDS, PaperAdapter
from execution.brokers.paper_calls import Answer
from protos import logins, wire
from protos.certificates import Certificates
from protos.paper.v1 import keys_pb2
from protos.paper.v1 import paper_pb2 as pb

log = structlog.get_logger()

# For whoever changed keys: a login takes much less.
SETTLE_SECONDS = 2.0

SCHEMA = Schema(
    broker="paper_keys",
    label="Paper with keys",
    help="An account at the paper venue that asks for an API key, as most brokers do. "
    "`fillwire paper-keys issue` makes one.",
    environments=("paper",),
    fields=(
        Field(
            "key_id",
            "API key ID",
            "PK and 18 digits or letters.",
            r"PK[0-9A-F]{18}",
        ),
        Field(
            "secret",
            "API secret",
            "Shown once, when the key is made.",
            r"[A-Za-z0-9_\-]{40}",
            is_secret=True,
        ),
    ),
)
_PROBLEMS = {
    keys_pb2.LOGIN_STATUS_WRONG_KEY: ("wrong_key", "the venue does not know this key and secret"),
    keys_pb2.LOGIN_STATUS_REVOKED: ("revoked", "the key was revoked at the venue"),
}


class PaperKeysAdapter(PaperAdapter):
    """The same venue, with a login in front; see `credentials.Asks`."""

    schema = SCHEMA

    def __init__(
        self, target: str, keys: Opens, shown: Certificates | None = None, **options: Any
    ) -> None:
        super().__init__(target, shown, **options)
        self._keys = keys
        # Told how each login of an account went; None while that is being found out anew.
        self.on_login: Callable[[str, Logins | None], None] = _unheard
        # Whose keys let each account in; or why that is not known.
        self._logins: dict[str, asyncio.Task[Logins | NotSent]] = {}
        # Keys that were refused, by account and version: the venue is not asked again.
        self._refused: dict[str, dict[int, AuthFailed]] = {}

    def renew(self, account: str) -> None:
        """The account's credentials changed: log in anew before anything else is asked."""
        if account in self._in_order.heard and self._connected.is_set():
            self._begin(account)
            return
        # Whoever asks next logs in; until then nothing is known of it.
        if (login := self._logins.pop(account, None)) is not None:
            login.cancel()
        self.on_login(account, None)

    async def settle(self, account: str) -> None:
        """Wait until a login that is under way is over, but not for long."""
        if (login := self._logins.get(account)) is not None:
            await asyncio.wait([login], timeout=SETTLE_SECONDS)

    async def check(self, typed: Typed) -> Admitted:
        """Log in beside everything else. Raises AuthFailed, InDoubt."""
        answer = await self._knock(typed, "")
        return Admitted(
            answer.account,
            answer.account_name,
            answer.account_type,
            answer.cash,
            answer.currency,
            tuple(answer.permissions),
        )

    async def admit(self, account: str, connection_id: str) -> None:
        """Only who is let in by keys of its own. Raises AuthFailed, NotSent."""
        if not self._connected.is_set():
            await self._wait_for_stream()
        if (problem := await self._enter(account, connection_id)) is not None:
            raise problem

    async def find_orders(
        self, account: str, cl_ord_ids: Sequence[str]
    ) -> dict[str, Sequence[Report]]:
        """As the venue's, once logged in. Raises AuthFailed, InDoubt."""
        await self._be_known(account)
        return await super().find_orders(account, cl_ord_ids)

    async def account(self, account: str) -> AccountSnapshot:
        """As the venue's, once logged in. Raises AuthFailed, InDoubt."""
        await self._be_known(account)
        return await super().account(account)

    async def held(self, accounts: Sequence[str]) -> Sequence[HeldSnapshot | None]:
        """What each holds; None of those that are not let in. Raises InDoubt."""
        refused = [not await self._is_known(each) for each in accounts]
        known = [each for each, no in zip(accounts, refused, strict=True) if not no]
        told = iter(await super().held(known) if known else ())
        return [None if no else next(told) for no in refused]

    async def quote(
        self, account: str, instrument: str, *, reference_price: Decimal | None = None
    ) -> QuoteSnapshot | None:
        """As the venue's, once logged in. Raises AuthFailed, InDoubt."""
        await self._be_known(account)
        return await super().quote(account, instrument, reference_price=reference_price)

    async def close(self) -> None:
        """Disconnect, and leave no login behind."""
        for login in self._logins.values():
            login.cancel()
        await super().close()

    async def _ask(self, request: pb.NewOrder | pb.CancelOrder) -> Answer:
        await self.admit(request.account, "")
        return await super()._ask(request)

    async def _is_known(self, account: str) -> bool:
        """False where the venue does not let it in. Raises InDoubt."""
        try:
            await self._be_known(account)
        except AuthFailed:
            return False
        return True

    async def _be_known(self, account: str) -> None:
        problem = await self._enter(account)
        if isinstance(problem, NotSent):
            raise InDoubt(str(problem))
        if problem is not None:
            raise problem

    async def _enter(self, account: str, connection_id: str = "") -> BrokerError | None:
        """What keeps a connection out, or with none the account; None once it is in."""
        while self._connected.is_set():
            login = self._logins.get(account) or self._begin(account)
            try:
                found = await asyncio.shield(login)
            except asyncio.CancelledError:
                if not login.cancelled():
                    raise
                if self._logins.get(account) in (None, login):
                    return _not_sent("the login broke off")
                continue  # the keys are others by now
            return found if isinstance(found, NotSent) else found.refusal(connection_id)
        return _not_sent("the venue cannot be reached")

    # -- logging in

    def _want(self, accounts: Sequence[tuple[str, int]]) -> None:
        """Reports are wanted once the account is in."""
        for account, _ in accounts:
            login = self._logins.get(account)
            if login is None or (login.done() and not _let_in(login)):
                self._begin(account)
            elif login.done():
                super()._want([(account, self._in_order.heard[account])])

    def _begin(self, account: str) -> "asyncio.Task[Logins | NotSent]":
        if (before := self._logins.get(account)) is not None:
            before.cancel()
        self.on_login(account, None)
        login = asyncio.create_task(self._log_in(account))
        self._logins[account] = login
        return login

    async def _log_in(self, account: str) -> Logins | NotSent:
        try:
            found = await self._try_keys(account)
        except BrokerError as error:
            return self._try_later(account, str(error))
        except Exception:
            # Never with what was being opened: the trace has names, no values.
            log.exception("login_failed", account=account)
            return self._try_later(account, "the login failed")
        if found.refusal() is None and account in self._in_order.heard:
            super()._want([(account, self._in_order.heard[account])])
        self.on_login(account, found)
        return found

    async def _try_keys(self, account: str) -> Logins:
        """Each connection's: nobody is let in by another's. Raises InDoubt."""
        stored = await self._keys.of(account)
        before = self._refused.get(account, {})
        known = {key.version: before[key.version] for key in stored if key.version in before}
        self._refused[account] = known
        found = []
        for key in stored:
            refusal = known.get(key.version) or await self._try_key(account, key)
            problem, text = (refusal.problem, str(refusal)) if refusal else ("", "")
            found.append(Login(key.connection_id, key.tenant_id, problem, text))
            if key.version not in known:
                await key.note(problem, text)
                if refusal is not None and problem != "unreadable":
                    known[key.version] = refusal
        return Logins(tuple(found))

    async def _try_key(self, account: str, key: Key) -> AuthFailed | None:
        try:
            answer = await self._knock(await key.open(), self._session_id)
        except AuthFailed as refusal:
            return refusal
        if answer.account == account:
            return None
        return AuthFailed("the keys are of another account", problem="other_account")

    def _try_later(self, account: str, cause: str) -> NotSent:
        """It is not known whether it would be let in: whoever asks next tries again."""
        login = self._logins.get(account)
        if login is asyncio.current_task():
            del self._logins[account]
        log.info("login_put_off", account=account, cause=cause)
        return _not_sent(cause)

    async def _knock(self, typed: Typed, session_id: str) -> keys_pb2.LogInResponse:
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        checked_by = logins.verifier(typed.get("secret", "").encode())
        key_id = typed.get("key_id", "")
        request = keys_pb2.LogInRequest(
            key_id=key_id,
            time=wire.to_timestamp(now),
            session_id=session_id,
            signature=logins.signature(checked_by, key_id, now, session_id),
        )
        try:
            answer = await self._channel.keys.LogIn(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            raise InDoubt("the venue cannot be reached") from error
        if answer.status == keys_pb2.LOGIN_STATUS_OK:
            return answer
        if (known := _PROBLEMS.get(answer.status)) is not None:
            raise AuthFailed(known[1], problem=known[0])
        raise InDoubt(f"the venue answers {keys_pb2.LoginStatus.Name(answer.status)}")

    def _hear(self, response: pb.SessionResponse) -> None:
        super()._hear(response)
        for account in (*response.logged_out, *response.ended_logins):
            self._put_out(account)

    def _put_out(self, account: str) -> None:
        """The venue ended the login: others may be stored by now, or it is to be told."""
        if account in self._in_order.heard:
            self._begin(account)
        else:
            self._logins.pop(account, None)

    def _lose_session(self, cause: str) -> None:
        super()._lose_session(cause)
        for login in self._logins.values():
            login.cancel()
        self._logins.clear()
        self._refused.clear()


def _let_in(login: "asyncio.Task[Logins | NotSent]") -> bool:
    if login.cancelled() or isinstance(found := login.result(), NotSent):
        return False
    return found.refusal() is None


def _not_sent(cause: str) -> NotSent:
    return NotSent(cause, retry_after_seconds=LAST_RETRY_SECONDS)


def _unheard(account: str, logins: Logins | None) -> None:
    """Until somebody listens."""
