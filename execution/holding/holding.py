"""Which broker accounts this instance holds: takes their leases in batches, rebuilds them,
gives trades and reports to the engine, and lets go of what was taken away."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from execution.accounts import accounts, recording
from execution.accounts.accounts import Account, Arrival
from execution.brokers.base import Adapter, BrokerError
from execution.brokers.credentials import Logins
from execution.domain.reports import Said
from execution.domain.switches import Binding
from execution.domain.trades import AccountRef
from execution.engine.engine import Engine
from execution.holding import arriving, moving
from execution.holding.hearing import Hearing
from execution.holding.reconciling import Reconciling
from execution.holding.rules import Rules, Venue
from execution.journal.journal import StoreUnavailable
from execution.journal.rows import AccountImage
from execution.journal.store import TTL_SECONDS, OpenTrade, Store
from execution.lanes.lanes import Run
from execution.lanes.tickets import Ticket
from execution.limits.limits import Limits
from execution.limits.session import Session
from execution.messages import messages
from execution.runtime import AsyncioRuntime
from protos import ids

log = structlog.get_logger()

HEARTBEAT_SECONDS = 1.0
POLL_SECONDS = 0.5
CALM = 500
RETRY_SECONDS = 0.25
EXPIRED_SECONDS = 60.0
KEEP_FINISHED = timedelta(seconds=60)
# Nobody takes an account so soon after a heartbeat, by whatever clock.
SURE = timedelta(seconds=TTL_SECONDS - 1)
# Accounts taken by one set of statements.
MOST_AT_ONCE = 1000


class Holding:
    """The accounts of this instance."""

    def __init__(
        self,
        *,
        instance: str,
        target: str,
        store: Store,
        engine: Engine,
        runtime: AsyncioRuntime,
        adapters: Mapping[Venue, Adapter],
        limits: Limits | None = None,
    ) -> None:
        self.instance = instance
        self._target = target
        self._store = store
        self._engine = engine
        self.runtime = runtime
        self._adapters = adapters
        self._limits = limits or Limits(runtime)
        self.rules = Rules(adapters, self._limits)
        self._accounts: dict[UUID, Account] = {}
        self._to_take: list[Account] = []
        self._is_taking = False
        # How often it was asked what others had taken.
        self._asked = 0
        self._reconciling = Reconciling(engine, runtime, self.accounts)
        self._hearing = Hearing(
            store, engine, runtime, adapters, self.rules, self._reconciling, self._accounts.get
        )
        self._is_ending = self._is_gone = False

    async def start(self) -> None:
        """Say that we live, then look for open trades for ever. Raises StoreUnavailable."""
        while not await self._live():
            log.warning("database_is_slow")
        await self._limits.start()
        self.runtime.later(HEARTBEAT_SECONDS, self._beat)
        self._poll(settled_seconds=0.0)
        self._look_for_expired()
        self._reconciling.start()

    def claim_no_more(self) -> None:
        """Take no account and begin no trade any more: what is stored is for who comes next."""
        self._is_ending = True

    async def release(self) -> None:
        """Let go of every account, so that others need not wait until we are believed dead.
        Raises StoreUnavailable."""
        self._is_gone = True
        for account in self._accounts.values():
            self._engine.forget(account)
        await self._store.depart(self.instance)

    def trades_at(self, ref: AccountRef) -> bool:
        """True when there is an adapter for the account's broker."""
        return (ref.broker, ref.environment) in self._adapters

    def adapter(self, ref: AccountRef) -> Adapter:
        """The adapter for the account's broker."""
        return self._adapters[ref.broker, ref.environment]

    def session(self, ref: AccountRef) -> Session:
        """A way to the account's broker, under the limits that count it."""
        flow = self._limits.flow((ref.broker, ref.environment), ref.account)
        return Session(self.adapter(ref), self.runtime, flow)

    def held(self, account_id: UUID) -> Account | None:
        """The account, where this instance has it and it is ready."""
        account = self._accounts.get(account_id)
        return account if account is not None and account.is_ready else None

    def accounts(self) -> list[Account]:
        """The accounts that are ready."""
        return [account for account in self._accounts.values() if account.is_ready]

    def binding(self, account: Account, run: Run) -> Binding:
        """What switches and limits bind a trade."""
        return self._engine.halting.binding(account, run, self.now())

    def now(self) -> datetime:
        """Database time."""
        return self.runtime.now()

    def accept(self, arrivals: Sequence[Arrival]) -> None:
        """Take stored trades into their accounts; the first of an account takes its lease."""
        if self._is_ending:
            return
        for arrival in arrivals:
            trade = arrival.trade
            account = self._accounts.get(trade.account_id)
            if account is None:
                account = self._begin(trade.account_id, trade.account)
            if account.is_ready:
                self._engine.enter(account, arrival)
            else:
                account.pending.append(arrival)
        self._take_some()

    async def catch_up(self, earlier: Mapping[UUID, UUID]) -> None:
        """Take what others stored for accounts that we hold, before anything newer."""
        held = {trade_id: self.held(account_id) for trade_id, account_id in earlier.items()}
        await self._take_stored([t for t, a in held.items() if a and t not in a.runs])

    def withdraw(self, trade_id: UUID, reason: str) -> None:
        """End a trade if this instance has it; the others learn of it from the database."""
        for account in self._accounts.values():
            self._engine.withdraw(account, trade_id, reason)

    def believe(self, trade_id: UUID, words: Mapping[str, str]) -> None:
        """Take what a person said of a trade's orders in doubt, as `withdraw` does."""
        for account in self._accounts.values():
            arriving.believe(self._engine, account, trade_id, words)

    def hold(self, ref: AccountRef) -> None:
        """Have the account held by somebody, so that what its broker says is recorded."""
        account_id = ids.account_id(ref.broker, ref.environment, ref.account)
        if self.trades_at(ref) and account_id not in self._accounts:
            self._begin(account_id, ref)
            self._take_some()

    def reconcile(self, account: Account) -> None:
        """Ask its broker now what it holds; what follows, follows when that answers."""
        self._reconciling.look([account])

    def on_report(self, report: Said) -> None:
        """A report from a broker's stream."""
        self._hearing.on_report(report)

    def on_gap(self, cause: str) -> None:
        """A broker's stream was lost; the adapter resumes it."""
        log.warning("broker_stream_lost", cause=cause)
        self._reconciling.look_soon()

    def on_login(self, venue: Venue, name: str, logins: Logins | None) -> None:
        """A broker let the connections of an account in, or not; None: it is being asked."""
        account = self._accounts.get(ids.account_id(*venue, name))
        if account is not None:
            account.logins = logins
            self._tell_logins(account)

    def _tell_logins(self, account: Account) -> None:
        """As facts, where they are news."""
        if account.logins is None or not account.is_ready or account.is_lost:
            return
        for login in account.logins.told(account.told_logins):
            before = account.told_logins.get(login.connection_id)
            if before is None or before.problem != login.problem:
                account.told_logins[login.connection_id] = login
                self._engine.record(recording.login(account, login, self.now()))

    def lose(self, account_id: UUID, epoch: int) -> None:
        """The account's lease of this epoch is gone: another instance has it now."""
        account = self._accounts.get(account_id)
        if account is not None and account.epoch == epoch:
            del self._accounts[account_id]
            log.warning("lease_lost", account=account.ref.account)
            self._engine.forget(account)

    def _begin(self, account_id: UUID, ref: AccountRef) -> Account:
        account = Account(
            account_id, ref, messages.account(ref), self.adapter(ref), self.session(ref)
        )
        self._accounts[account_id] = account
        self._to_take.append(account)
        return account

    def _take_some(self) -> None:
        if self._to_take and not (self._is_taking or self._is_ending):
            self._is_taking = True
            self.runtime.spawn(self._take_all())

    async def _take_all(self) -> None:
        try:
            while self._to_take:
                batch = self._to_take[:MOST_AT_ONCE]
                await self._take_what_can_be(batch)
                del self._to_take[: len(batch)]
        except (StoreUnavailable, BrokerError) as error:
            log.warning("accounts_not_taken", cause=error, accounts=len(self._to_take))
            self.runtime.later(RETRY_SECONDS, self._take_some)
        finally:
            self._is_taking = False

    async def _take_what_can_be(self, batch: Sequence[Account]) -> None:
        """All together; if that fails, each alone: one account stops nobody else's. The
        one that failed is found again by the poll."""
        try:
            await self._take(batch)
        except (StoreUnavailable, BrokerError):
            raise
        except Exception:
            if len(batch) > 1:
                for account in batch:
                    await self._take_what_can_be([account])
                return
            log.exception("account_not_taken", account=batch[0].ref.account)
            self._engine.forget(batch[0])
            self._accounts.pop(batch[0].account_id, None)

    async def _take(self, batch: Sequence[Account]) -> None:
        await self.rules.ask(batch)
        # Beside: what they hold is known by the time they are ready.
        self._reconciling.look_first(batch)
        refs = {a.account_id: a.ref for a in batch}
        news = [one.trade.trade_id for a in batch for one in a.pending]
        asked = self._asked
        images = await self._store.take(self.instance, refs, news)
        await arriving.drop_what_is_over(self._store, batch, images)
        taken: list[tuple[Account, list[Ticket]]] = []
        for account in batch:
            image = images.get(account.account_id)
            if image is None:
                # Its holder lives, and finds the trades in the database.
                self._accounts.pop(account.account_id, None)
            else:
                if image.epoch == 1:
                    arriving.let_wait(account, image)
                    image.heard_seq = account.outside.opening
                tickets = accounts.rebuild(account, image)
                self._engine.prepare(account, tickets)
                taken.append((account, tickets))
        if asked != self._asked:
            # It was not known then that these are ours.
            await self._lose_what_was_taken()
            taken = [(account, tickets) for account, tickets in taken if not account.is_lost]
        await self.rules.count_former([account for account, _ in taken])
        await self._attach(images)
        for account, tickets in taken:
            self._reconciling.when_known(account, partial(self._resume, account, tickets))

    async def _attach(self, images: Mapping[UUID, AccountImage]) -> None:
        by_venue: dict[Venue, list[tuple[str, int]]] = {}
        for image in images.values():
            venue = (image.ref.broker, image.ref.environment)
            by_venue.setdefault(venue, []).append((image.ref.account, image.heard_seq))
        for venue, wanted in by_venue.items():
            await self._adapters[venue].attach(wanted)

    def _resume(self, account: Account, tickets: list[Ticket]) -> None:
        account.is_ready = True
        self._tell_logins(account)
        self._reconciling.compare(account)
        self._engine.resume(account, tickets)
        pending, account.pending = account.pending, []
        for arrival in sorted(pending, key=lambda arrival: arrival.instruction_id):
            self._engine.enter(account, arrival)

    def _look_for_expired(self) -> None:
        self.runtime.spawn(self._hold_what_expired())

    async def _hold_what_expired(self) -> None:
        """Accounts whose contracts are over: their broker settles them, and that is heard."""
        try:
            symbols = await self._store.held_instruments()
            if over := moving.over(symbols, self.runtime.now()):
                for ref in await self._store.holders(over):
                    self.hold(ref)
        except StoreUnavailable as error:
            log.warning("expired_not_looked_for", cause=error)
        finally:
            self.runtime.later(EXPIRED_SECONDS, self._look_for_expired)

    def _beat(self) -> None:
        self._engine.retire(self.runtime.now() - KEEP_FINISHED)
        self.runtime.spawn(self._heartbeat())
        self.runtime.later(HEARTBEAT_SECONDS, self._beat)

    async def _live(self) -> bool:
        """Say so. Whoever stood still, or was not heard for so long that others may have taken
        its accounts, then asks what is left of them."""
        at = self.now()

        async def beat() -> datetime:
            nonlocal at
            at = await self._store.heartbeat(self.instance, self._target)
            return at

        is_sharp = await self.runtime.follow(beat(), self._step)
        # By now: it may have been long on its way, or not to be seen for long.
        if not self._engine.standing.is_sure(self.now()):
            await self._lose_what_was_taken()
        self._engine.standing.hold(at + SURE)
        return is_sharp

    def _step(self, by: timedelta) -> None:
        """Our clock was set, and nothing became older."""
        self._limits.step(by)
        self._engine.standing.step(by)
        for account in self._accounts.values():
            accounts.step(account, by)

    async def _lose_what_was_taken(self) -> None:
        self._asked += 1
        held = {one.account_id: one.epoch for one in self._accounts.values() if one.epoch}
        ours = await self._store.still_held(self.instance, held)
        for account_id in held.keys() - ours:
            self.lose(account_id, held[account_id])

    async def _heartbeat(self) -> None:
        if self._is_gone:
            return
        try:
            await self._live()
        except StoreUnavailable as error:
            log.warning("heartbeat_failed", cause=error)

    def _poll(self, settled_seconds: float = POLL_SECONDS) -> None:
        self.runtime.spawn(self._look_for_trades(settled_seconds))

    async def _look_for_trades(self, settled_seconds: float) -> None:
        found = await self._look(settled_seconds)
        # Reading thousands of open trades has its price: then less often.
        self.runtime.later(POLL_SECONDS * (1 + found // CALM), self._poll)

    def look_now(self) -> None:
        """Trades were stored that nobody handed us: what a kill switch closes."""
        self.runtime.spawn(self.look())

    async def look(self) -> None:
        """The same, to wait for."""
        await self._look(0.0)

    async def _look(self, settled_seconds: float) -> int:
        """Take what is open, and heed what people said of it; how much is open."""
        try:
            found = await self._store.open_trades(self.instance, settled_seconds)
            unknown = [t.trade_id for t in found if not self._has(t)]
            await self._take_stored(unknown)
            self._heed(found)
            return len(found)
        except StoreUnavailable as error:
            log.warning("poll_failed", cause=error)
        except Exception:
            log.exception("poll_failed")
        return 0

    async def _take_stored(self, unknown: Sequence[UUID]) -> None:
        for start in range(0, len(unknown), MOST_AT_ONCE):
            stored = await self._store.trades(unknown[start : start + MOST_AT_ONCE])
            arrivals = [arrival for s in stored if (arrival := arriving.read(s))]
            self.accept([a for a in arrivals if self.trades_at(a.trade.account)])

    def _has(self, trade: OpenTrade) -> bool:
        account = self._accounts.get(trade.account_id)
        return account is not None and (not account.is_ready or trade.trade_id in account.runs)

    def _heed(self, found: Sequence[OpenTrade]) -> None:
        for trade in found:
            account = self._accounts.get(trade.account_id)
            if account is not None and (trade.withdrawn or trade.declared):
                arriving.heed(self._engine, account, trade)
