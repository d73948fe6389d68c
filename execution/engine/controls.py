"""The kill switches and limits as this instance last saw them.

They are read again four times a second, and whenever a transaction refused an order that
was decided without the newest of them: that transaction is what decides (`statements`).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog

from execution.domain import switches
from execution.domain.limits import NO_LIMITS, Limits, LimitsState, Used
from execution.domain.switches import FREE, Binding, Mode, Scope, Switch
from execution.domain.trades import Trade
from execution.domain.words import Leg
from execution.journal.journal import StoreUnavailable
from execution.journal.rows import SwitchRow
from execution.journal.switch_store import SwitchStore
from execution.runtime import Runtime
from protos import wire

log = structlog.get_logger()

POLL_SECONDS = 0.25
# Known older than this, nothing is opened: what was set meanwhile may forbid it.
MOST_AGE = timedelta(seconds=1)
STOP, LIMITS, SEEN = "stop", "limits", "seen"


class Controls:
    """What binds trades, by scope."""

    def __init__(self) -> None:
        self.version = 0
        # None where nobody reads them: a test's engine is bound by what the test says.
        self._seen_at: datetime | None = None
        self._switches: dict[tuple[str, str], Switch] = {}
        self._limits: dict[str, LimitsState] = {}
        # What orders that were filled too much were filled for when somebody looked.
        self.seen: dict[UUID, Decimal] = {}
        self._newly_seen: dict[UUID, Decimal] = {}

    def switch(self, trade: Trade) -> Switch | None:
        """The strictest switch that binds a trade."""
        if not self._switches:
            return None
        keys = scopes(trade)
        return switches.strictest(s for key in keys if (s := self._switches.get(key)))

    def binding(self, trade: Trade, used: Callable[[], Used], now: datetime) -> Binding:
        """All that binds a trade; what is used of its limits is asked for only if it has any."""
        if not self._switches and not self._limits:
            return FREE
        state = self._limits.get(trade.connection_id)
        limits = NO_LIMITS if state is None else state.at(now)
        if limits == NO_LIMITS:
            return Binding(self.switch(trade))
        return Binding(self.switch(trade), limits, used())

    def stops(self, trade: Trade, leg: Leg) -> bool:
        """True for an order that must not reach the socket."""
        switch = self.switch(trade)
        return switch is not None and switch.stops(leg)

    def is_fresh(self, now: datetime) -> bool:
        """True while what was set since can be neither old nor much."""
        return self._seen_at is None or now - self._seen_at <= MOST_AGE

    def newly_seen(self) -> dict[UUID, Decimal]:
        """What was seen since this was asked last."""
        found, self._newly_seen = self._newly_seen, {}
        return found

    def take(self, rows: Iterable[SwitchRow], at: datetime) -> list[tuple[str, str]]:
        """Rows as they were at some time; the scopes in which more is stopped than before."""
        stricter: list[tuple[str, str]] = []
        for row in rows:
            if row.version <= self.version:
                # Of a look that was overtaken by a later one.
                continue
            self.version = row.version
            key = (row.scope, row.scope_id)
            if row.name == SEEN:
                seen = {UUID(hex=row.scope_id): Decimal(row.value["filled"])}
                self.seen |= seen
                self._newly_seen |= seen
                continue
            if row.name == LIMITS:
                self._limits[row.scope_id] = read_limits(row.value)
                continue
            mode, before = Mode(row.value["mode"]), self._switches.pop(key, None)
            if mode is not Mode.OFF:
                self._switches[key] = Switch(Scope(row.scope), mode)
                if before is None or before.mode is not mode:
                    stricter.append(key)
        self._seen_at = at if self._seen_at is None else max(at, self._seen_at)
        return stricter


class Watch:
    """Keeps controls new, and tells of what is stopped."""

    def __init__(
        self,
        controls: Controls,
        store: SwitchStore,
        runtime: Runtime,
        on_stop: Callable[[Sequence[tuple[str, str]]], None],
        on_read: Callable[[], None],
    ) -> None:
        self._controls = controls
        self._store = store
        self._runtime = runtime
        self._on_stop = on_stop
        self._on_read = on_read

    async def start(self) -> None:
        """Read them once, then for ever. Raises StoreUnavailable."""
        await self.read()
        self._runtime.later(POLL_SECONDS, self._poll)

    def look_now(self) -> None:
        """Something changed: do not wait for the next look."""
        self._runtime.spawn(self._look())

    def _poll(self) -> None:
        self.look_now()
        self._runtime.later(POLL_SECONDS, self._poll)

    async def _look(self) -> None:
        try:
            await self.read()
        except StoreUnavailable as error:
            log.warning("switches_not_read", cause=error)

    async def read(self) -> None:
        """Read what was changed since. Raises StoreUnavailable."""
        asked_at = self._runtime.now()
        rows = await self._store.after(self._controls.version)
        stricter = self._controls.take(rows, asked_at)
        if stricter:
            log.warning("switches_on", scopes=stricter)
            self._on_stop(stricter)
        self._on_read()


def scopes(trade: Trade) -> tuple[tuple[str, str], ...]:
    """Where a switch binds a trade, the widest first."""
    return (
        (Scope.PLATFORM.value, ""),
        (Scope.TENANT.value, trade.tenant_id),
        (Scope.STRATEGY.value, trade.strategy_id.hex),
        (Scope.CONNECTION.value, trade.connection_id),
    )


def read_limits(value: dict[str, object]) -> LimitsState:
    """Limits as they are stored."""
    then = value.get("then")
    at = value.get("then_at")
    return LimitsState(
        _limits(value["now"]),
        _limits(then) if then else None,
        datetime.fromisoformat(str(at)) if at else None,
    )


def write_limits(state: LimitsState) -> dict[str, object]:
    """Limits as they are to be stored."""
    then, at = state.then, state.then_at
    return {
        "now": _told(state.now),
        "then": _told(then) if then is not None else None,
        "then_at": at.isoformat() if at is not None else None,
    }


def _limits(told: object) -> Limits:
    assert isinstance(told, dict)
    most = told.get("max_orders")
    return Limits(
        wire.to_decimal(told.get("max_daily_loss") or ""),
        wire.to_decimal(told.get("max_position") or ""),
        int(most) if most else None,
    )


def _told(limits: Limits) -> dict[str, str]:
    def text(number: Decimal | None) -> str:
        return wire.to_text(number)

    return {
        "max_daily_loss": text(limits.max_daily_loss),
        "max_position": text(limits.max_position),
        "max_orders": str(limits.max_orders or ""),
    }
