"""What brokers say, given to whom it concerns: to the engine what is of its orders, and of those
that it has forgotten; to the positions what moved them; to reconciling what is nobody's here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

import structlog

from execution.accounts import accounts
from execution.accounts.accounts import Account
from execution.brokers.base import Adapter
from execution.domain.reports import PositionMove, Report, RulesChanged, Said
from execution.engine.engine import Engine
from execution.holding import moving
from execution.holding.reconciling import Reconciling
from execution.holding.rules import Rules, Venue
from execution.journal.journal import StoreUnavailable
from execution.journal.rows import PastTrade
from execution.journal.store import Store
from execution.messages import messages
from execution.runtime import Runtime
from protos import ids
from protos.execution.v1 import execution_pb2 as pb

log = structlog.get_logger()

RETRY_SECONDS = 0.25
# Before a past that could not be read is read again: somebody may have repaired it.
UNREAD_SECONDS = 30.0


class Hearing:
    """Of the accounts that this instance holds; `find` knows them."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        runtime: Runtime,
        adapters: Mapping[Venue, Adapter],
        rules: Rules,
        reconciling: Reconciling,
        find: Callable[[UUID], Account | None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._runtime = runtime
        self._adapters = adapters
        self._rules = rules
        self._reconciling = reconciling
        reconciling.waits = self._has_strangers
        self._find = find
        self._strangers: dict[str, list[Said]] = {}
        # Those whose past cannot be read: nobody waits for them.
        self._unread: dict[str, list[Said]] = {}
        self._tried_again: set[str] = set()
        # What an account of a name may be, by venue.
        self._ids: dict[str, list[UUID]] = {}

    def on_report(self, report: Said) -> None:
        """A report from a broker's stream. Behind one that is not recognised yet the
        account's others wait: what is stored last tells where to resume."""
        is_known = not isinstance(report, Report) or self._engine.knows(report.cl_ord_id)
        if not is_known and not self._accounts_of(report):
            return  # of another instance by now; whoever takes it hears it again
        if is_known and not self._has_strangers(report.account):
            self._hear(report)
            return
        if not self._strangers:
            self._runtime.spawn(self._recognise())
        name = report.cl_ord_id if isinstance(report, Report) else ""
        self._strangers.setdefault(name or report.report_id, []).append(report)

    def _has_strangers(self, account: str) -> bool:
        if not self._strangers:
            return False
        return any(waiting[0].account == account for waiting in self._strangers.values())

    def _hear(self, report: Said, *, is_external: bool = False) -> None:
        """One report that cannot be worked in must not end the broker's stream."""
        try:
            match report:
                case Report() if is_external:
                    for account in self._accounts_of(report):
                        self._reconciling.adopt(account, report)
                case Report():
                    self._engine.hear(report, heard=True)
                case PositionMove():
                    self._move(report)
                case RulesChanged():
                    asking = self._accounts_of(report)
                    self._runtime.spawn(self._rules.learn_again(asking, self._runtime))
            self._note(report)
        except Exception:
            log.exception("report_failed", report_id=report.report_id)

    def _note(self, report: Said) -> None:
        """All up to this one was heard; what was said of positions may have waited for it."""
        for account in self._accounts_of(report):
            outside = account.outside
            if report.sequence > outside.heard:
                outside.heard = report.sequence
            if outside.told is not None:
                self._reconciling.heard(account)

    def _move(self, said: PositionMove) -> None:
        """A position moved without a fill. An account that is not held hears it when it is."""
        for account in self._accounts_of(said):
            if moved := moving.apply(account, said):
                entry, lane = moved
                self._engine.record(entry)
                if lane is not None:
                    self._engine.settle(account, lane)

    def _accounts_of(self, said: Said) -> list[Account]:
        ids_of = self._ids.get(said.account)
        if ids_of is None:
            ids_of = [ids.account_id(*venue, said.account) for venue in self._adapters]
            self._ids[said.account] = ids_of
        find = self._find
        return [found for each in ids_of if (found := find(each)) is not None and found.epoch]

    async def _recognise(self) -> None:
        """Reports of orders that are no longer in memory: bring their trades back. What is
        nobody's here was placed at the broker by others."""
        asked = {name: len(waiting) for name, waiting in self._strangers.items()}
        reports = [report for waiting in self._strangers.values() for report in waiting]
        try:
            past, unread = await self._read_past(list(asked))
            recorded = await self._store.recorded(
                [(a.account_id, r.report_id) for r in reports for a in self._accounts_of(r)]
            )
        except StoreUnavailable:
            self._runtime.later(RETRY_SECONDS, lambda: self._runtime.spawn(self._recognise()))
            return
        for trade in past:
            unread |= self._bring_back(trade)
        reports = [report for report in reports if not self._keep_unread(report, unread)]
        for name, count in asked.items():
            del self._strangers[name][:count]
        self._strangers = {name: left for name, left in self._strangers.items() if left}
        if self._strangers:
            self._runtime.spawn(self._recognise())
        for report in sorted(reports, key=lambda report: report.sequence):
            is_ours = not isinstance(report, Report) or self._engine.knows(report.cl_ord_id)
            if is_ours or report.report_id not in recorded:
                self._hear(report, is_external=not is_ours)
            else:
                self._note(report)
        self._compare_what_was_late(reports)

    def _compare_what_was_late(self, reports: Sequence[Said]) -> None:
        """What could not be read at first may have been found by asking meanwhile, and then moved
        the position twice."""
        late = [r for r in reports if r.report_id in self._tried_again]
        self._tried_again -= {report.report_id for report in late}
        found = {a.account_id: a for report in late for a in self._accounts_of(report)}
        if found:
            self._reconciling.look(list(found.values()))

    async def _read_past(self, names: Sequence[str]) -> tuple[list[PastTrade], set[str]]:
        """The trades of these orders, and those of the orders whose trade cannot be read: one such
        keeps nothing of the others. Raises StoreUnavailable."""
        try:
            return await self._store.past(names), set()
        except StoreUnavailable:
            raise
        except Exception:
            if len(names) == 1:
                log.exception("order_not_recognised", cl_ord_id=names[0])
                return [], set(names)
        # A trade that has several of them is read once.
        found: dict[UUID, PastTrade] = {}
        unread: set[str] = set()
        for name in names:
            some, failed = await self._read_past([name])
            found |= {past.stored.trade_id: past for past in some}
            unread |= failed
        return list(found.values()), unread

    def _keep_unread(self, report: Said, unread: Collection[str]) -> bool:
        """Not to be taken for others' orders: it is tried again."""
        if not isinstance(report, Report) or report.cl_ord_id not in unread:
            return False
        if not self._unread:
            self._runtime.later(UNREAD_SECONDS, self._try_again)
        self._unread.setdefault(report.cl_ord_id, []).append(report)
        return True

    def _try_again(self) -> None:
        reports = [report for waiting in self._unread.values() for report in waiting]
        self._unread = {}
        self._tried_again |= {report.report_id for report in reports}
        for report in sorted(reports, key=lambda report: report.sequence):
            self.on_report(report)

    def _bring_back(self, past: PastTrade) -> set[str]:
        """Its orders are known again; the names of those that cannot be."""
        try:
            self._remember(past)
        except Exception:
            log.exception("trade_not_recognised", trade_id=past.stored.trade_id.hex)
            return {order.terms.cl_ord_id for order in past.orders}
        return set()

    def _remember(self, past: PastTrade) -> None:
        trade = messages.read_trade(pb.Trade.FromString(past.stored.trade))
        account = self._find(trade.account_id)
        # One not loaded yet hears it again when it attaches.
        if account is None or not account.epoch or trade.trade_id in account.runs:
            return
        run = accounts.finished_run(account, trade, past)
        for ticket in run.tickets:
            self._engine.remember(account, ticket)
        self._engine.finish(account, run)
