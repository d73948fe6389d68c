"""The limiters of all venues, and what must outlive this process: silences that venues asked
for, what was sent before us, and how many instances share a limit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import structlog

from execution.brokers.base import Usage
from execution.domain.ratelimit import SECOND, Kind, Limit, Meter, Penalty, Scope
from execution.journal.journal import StoreUnavailable
from execution.limits.limiter import EPOCH, Flow, Key, Limiter, micros
from execution.limits.sharing import PACE, Pace, Share
from execution.runtime import Runtime

if TYPE_CHECKING:
    from execution.limits.lending import Pool

log = structlog.get_logger()

Venue = tuple[str, str]

STANDING = """
SELECT (SELECT count(*) FROM execution.instances i WHERE i.id <> %(instance)s
            AND i.heartbeat_at > clock_timestamp() - make_interval(secs => %(ttl)s)) AS others,
    (SELECT json_agg(json_build_array(p.broker, p.environment, p.scope, p.scope_id,
            (extract(epoch FROM p.until) * 1000000)::bigint, p.level))
        FROM execution.penalties p WHERE p.until > clock_timestamp()) AS penalties
"""

KEEP_PENALTY = """
INSERT INTO execution.penalties AS p (broker, environment, scope, scope_id, until, level)
VALUES (%(broker)s, %(environment)s, %(scope)s, %(scope_id)s, %(until)s, %(level)s)
ON CONFLICT (broker, environment, scope, scope_id) DO UPDATE
    SET until = greatest(p.until, excluded.until), level = excluded.level
RETURNING level
"""

SENT = """
SELECT count(*) AS sent FROM execution.orders o JOIN execution.leases l USING (account_id)
WHERE l.broker = %(broker)s AND l.environment = %(environment)s
  AND o.created_at > clock_timestamp() - make_interval(secs => %(seconds)s)
"""

SENT_BY_ACCOUNT = """
SELECT account_id, count(*) AS sent FROM execution.orders
WHERE account_id = ANY(%(accounts)s)
  AND created_at > clock_timestamp() - make_interval(secs => %(seconds)s)
GROUP BY account_id
"""


class Rows(Protocol):
    """The store, as limits need it."""

    async def ask(self, statement: str, parameters: Any) -> list[dict[str, Any]]:
        """What a statement gives. Raises StoreUnavailable."""


class Limits:
    """One limiter a venue. Without a store everything is ours, and nothing is remembered."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        store: Rows | None = None,
        instance: str = "",
        redis_url: str = "",
        ttl_seconds: float = 6.0,
        pace: Pace = PACE,
    ) -> None:
        self._runtime = runtime
        self._store = store
        self._instance = instance
        self._redis_url = redis_url
        self._pool: Pool | None = None
        self._ttl_seconds = ttl_seconds
        self._limiters: dict[Venue, Limiter] = {}
        self._flows: dict[tuple[Venue, str], Flow] = {}
        self._shares: dict[Meter, Share] = {}
        self._penalties: dict[tuple[Venue, Key], Penalty] = {}
        self._pace = pace
        self._heard_at = 0
        self._others = 0
        self._is_borrowing = self._is_stopped = False

    async def start(self) -> None:
        """Look now, and go on looking. Raises StoreUnavailable."""
        if self._store is not None:
            await self._look(self._store)
            self._runtime.later(self._pace.look / SECOND, self._look_again)
            self._runtime.later(self._pace.borrow / SECOND, self._borrow_again)

    async def stop(self) -> None:
        """Look no more."""
        self._is_stopped = True
        if self._pool is not None:
            await self._pool.close()

    def step(self, by: timedelta) -> None:
        """Our clock was set."""
        if by > timedelta(0):
            for limiter in self._limiters.values():
                limiter.step(by // timedelta(microseconds=1))

    def flow(self, venue: Venue, account: str) -> Flow:
        """An account's way into its venue."""
        if (venue, account) not in self._flows:
            self._flows[venue, account] = self._limiter(venue).flow(account)
        return self._flows[venue, account]

    def count(self, venue: Venue, account: str, limits: Sequence[Limit]) -> None:
        """The limits that bind an account: its own, and those it shares."""
        flow = self.flow(venue, account)
        if limits or flow.meters:
            flow.own(limits)

    async def charge(self, venue: Venue, former: Mapping[str, UUID]) -> None:
        """Before accounts may send: what their former holders sent of late. Raises
        StoreUnavailable."""
        limited = {name: i for name, i in former.items() if self.flow(venue, name).meters}
        if self._store is None or not limited:
            return
        meters = {m for name in limited for m in self.flow(venue, name).meters}
        seconds = max(meter.limit.window for meter in meters) / SECOND
        rows = await self._store.ask(
            SENT_BY_ACCOUNT, {"accounts": list(limited.values()), "seconds": seconds}
        )
        sent = {row["account_id"]: row["sent"] for row in rows}
        for name, account_id in limited.items():
            self._charge(self.flow(venue, name).meters, sent.get(account_id, 0))

    def hear(self, venue: Venue, usage: Usage) -> None:
        """A reply told of a limit."""
        flow = self.flow(venue, usage.account)
        flow.limiter.learn(flow, usage.limit, usage.most, usage.remaining, usage.resets_at)

    def _limiter(self, venue: Venue) -> Limiter:
        if venue not in self._limiters:
            limiter = self._limiters[venue] = Limiter(self._runtime)
            limiter.divides = self._store is not None
            limiter.on_penalty = lambda key, penalty: self._punished(venue, key, penalty)
            for (of, key), penalty in self._penalties.items():
                if of == venue:
                    limiter.remember(key, penalty)
        return self._limiters[venue]

    def _charge(self, meters: Iterable[Meter], orders: int) -> None:
        """Orders that were sent, perhaps, just now: they count from here on."""
        for meter in meters:
            cost = meter.limit.costs.get(Kind.ORDER, 0)
            if cost and orders and not meter.limit.scope.is_shared:
                meter.charge(micros(self._runtime.now()), orders * cost)

    # -- silences

    def _punished(self, venue: Venue, key: Key, penalty: Penalty) -> None:
        if self._store is not None:
            self._runtime.spawn(self._keep(self._store, venue, key, penalty))

    async def _keep(self, store: Rows, venue: Venue, key: Key, penalty: Penalty) -> None:
        try:
            await store.ask(
                KEEP_PENALTY,
                {
                    "broker": venue[0],
                    "environment": venue[1],
                    "scope": key[0].value,
                    "scope_id": key[1],
                    "until": EPOCH + timedelta(microseconds=penalty.until),
                    "level": penalty.level,
                },
            )
        except StoreUnavailable as error:
            log.warning("penalty_not_kept", cause=error)

    # -- other instances

    def _look_again(self) -> None:
        if self._is_stopped:
            return
        if self._store is not None:
            self._runtime.spawn(self._look_safely(self._store))
        self._runtime.later(self._pace.look / SECOND, self._look_again)

    async def _look_safely(self, store: Rows) -> None:
        try:
            await self._look(store)
        except StoreUnavailable as error:
            log.warning("limits_not_looked_up", cause=error)

    async def _look(self, store: Rows) -> None:
        asked_at = micros(self._runtime.now())
        (row,) = await store.ask(STANDING, {"instance": self._instance, "ttl": self._ttl_seconds})
        self._others, self._heard_at = row["others"], asked_at
        for broker, environment, scope, of, until, level in row["penalties"] or ():
            venue, key = (broker, environment), (Scope(scope), of)
            self._penalties[venue, key] = Penalty(until, level)
            if venue in self._limiters:
                self._limiters[venue].remember(key, Penalty(until, level))
        for share in self._all_shares():
            share.count(asked_at, self._others + 1)
            if not share.is_charged and asked_at >= share.opens:
                await self._charge_share(store, share)
        self._allow()

    async def _charge_share(self, store: Rows, share: Share) -> None:
        """What all instances sent before we may."""
        (row,) = await store.ask(
            SENT,
            {
                "broker": share.venue[0],
                "environment": share.venue[1],
                "seconds": share.meter.limit.window / SECOND,
            },
        )
        cost = share.meter.limit.costs.get(Kind.ORDER, 0)
        if row["sent"] and cost:
            share.meter.charge(micros(self._runtime.now()), row["sent"] * cost)
        share.is_charged = True

    def _all_shares(self) -> list[Share]:
        """One for each limit that others count on too; new ones wait until all know of us."""
        now = micros(self._runtime.now())
        for venue, limiter in self._limiters.items():
            for (scope, of), meter in limiter.shared():
                if meter not in self._shares:
                    name = ":".join((*venue, scope.value, of, meter.limit.name))
                    self._shares[meter] = Share(
                        f"fillwire:limit:{name}",
                        venue,
                        meter,
                        now + self._pace.known_after,
                        self._pace,
                    )
        return list(self._shares.values())

    def _allow(self) -> None:
        if not self._shares:
            return
        now = micros(self._runtime.now())
        is_known = now - self._heard_at < self._pace.stale
        for share in self._shares.values():
            share.allow(now, is_known=is_known)
        for limiter in self._limiters.values():
            limiter.serve()

    # -- loans

    def _borrow_again(self) -> None:
        if self._is_stopped:
            return
        # Loans end, and so does what we know of others, when nothing is heard.
        self._allow()
        is_lent = any(share.pool for share in self._shares.values())
        if self._redis_url and is_lent and not self._is_borrowing:
            self._is_borrowing = True
            self._runtime.spawn(self._borrow(self._lender()))
        self._runtime.later(self._pace.borrow / SECOND, self._borrow_again)

    def _lender(self) -> "Pool":
        if self._pool is None:
            # An instance that is alone needs none of Redis, nor its memory.
            from execution.limits.lending import Pool

            self._pool = Pool(self._redis_url, self._instance)
        return self._pool

    async def _borrow(self, pool: "Pool") -> None:
        try:
            asked_at = micros(self._runtime.now())
            wants: list[tuple[Share, int]] = []
            for share in self._all_shares():
                queued = self._limiters[share.venue].queued(share.meter)
                want = share.want(asked_at, queued) if share.pool else 0
                if want or share.loan or share.owes:
                    share.owes = want > 0
                    wants.append((share, want))
            # What is given back is given up first.
            self._allow()
            if wants and (answers := await pool.borrow(wants)) is not None:
                for (share, _), (units, fair) in zip(wants, answers, strict=True):
                    share.borrowed(asked_at, units, fair)
            self._allow()
        finally:
            self._is_borrowing = False
