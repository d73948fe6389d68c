"""An account's session at its broker begun anew, because somebody asks for it.

No durable fact of its own: how a login went is one where it is news, and so is what differs from
what was known. If we die amid it, whoever takes the account logs in and asks anyway.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog

from execution.accounts.accounts import Account
from execution.brokers.base import AuthFailed, BrokerError
from execution.brokers.credentials import Asks
from execution.domain.ratelimit import Kind, Rank
from execution.domain.trades import AccountRef
from execution.engine.engine import Engine
from execution.errors import NotFound
from execution.holding.holding import Holding
from execution.holding.rules import Venue
from execution.journal import ringing
from execution.journal.store import Store
from protos import ids
from protos.execution.v1 import execution_pb2 as pb

log = structlog.get_logger()

UNREACHABLE = "unreachable"


class Refreshing:
    """Of the accounts that this instance holds; others are rung for theirs."""

    def __init__(
        self, store: Store, holding: Holding, engine: Engine, brokers: Mapping[Venue, Asks]
    ) -> None:
        self._store = store
        self._holding = holding
        self._engine = engine
        self._brokers = brokers

    async def refresh(self, request: pb.RefreshAccountRequest) -> pb.RefreshAccountResponse:
        """Here and now, or have its holder do it. Raises NotFound, StoreUnavailable."""
        named = request.account
        ref = AccountRef(named.broker, named.environment, named.account)
        if not self._holding.trades_at(ref):
            raise NotFound
        account_id = ids.account_id(ref.broker, ref.environment, ref.account)
        account = self._holding.held(account_id)
        if account is not None:
            return await self._begin_anew(account)
        await self._store.ask(ringing.RING_TO_REFRESH, (account_id.hex, account_id))
        # Where nobody alive holds it, we do from now on, and log in for that.
        self._holding.hold(ref)
        return pb.RefreshAccountResponse(status=pb.REFRESH_STATUS_ASKED)

    async def rung(self, account_id: UUID) -> None:
        """Another instance was asked, and it is held here."""
        account = self._holding.held(account_id)
        if account is not None:
            await self._begin_anew(account)

    async def _begin_anew(self, account: Account) -> pb.RefreshAccountResponse:
        """The login first; then what the broker knows, whatever became of that."""
        ref, response = account.ref, pb.RefreshAccountResponse(status=pb.REFRESH_STATUS_DONE)
        if (asks := self._brokers.get((ref.broker, ref.environment))) is not None:
            asks.renew(ref.account)
        try:
            await account.session.ask(
                Kind.QUERY, Rank.QUERY, lambda: account.adapter.account(ref.account)
            )
        except AuthFailed as error:
            response.problem, response.text = error.problem, str(error)
        except BrokerError as error:
            response.problem, response.text = UNREACHABLE, str(error)
        log.info("account_refreshed", account=ref.account, outcome=response.problem or "let_in")
        self._holding.reconcile(account)
        for run in tuple(account.runs.values()):
            self._engine.check(account, run)
        return response
