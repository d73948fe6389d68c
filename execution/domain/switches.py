"""Kill switches: what each lets through, and which of several holds. Pure."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct, structs
from msgspec.structs import replace

from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    Progress,
    Send,
    refuse,
)
from execution.domain.decisions import (
    Scope as Seen,
)
from execution.domain.limits import NO_LIMITS, NOTHING, Limits, Used
from execution.domain.trades import Trade
from execution.domain.words import Action, Leg, TradeState

HALTED = "halted"


class Scope(StrEnum):
    PLATFORM = "platform"
    BROKER = "broker"
    TENANT = "tenant"
    STRATEGY = "strategy"
    CONNECTION = "connection"


class Mode(StrEnum):
    OFF = "off"
    STOP_ENTRIES = "stop_entries"
    STOP_ALL = "stop_all"
    FLATTEN = "flatten"


class Switch(Struct, frozen=True):
    """A kill switch that is on."""

    scope: Scope
    mode: Mode

    def stops(self, leg: Leg) -> bool:
        """True for orders that must not be sent any more."""
        return leg is Leg.ENTRY or self.mode is Mode.STOP_ALL

    @property
    def numbers(self) -> dict[str, str]:
        """As its refusals tell it."""
        return {"scope": self.scope.value, "mode": self.mode.value.replace("_", " ")}


class Binding(Struct, frozen=True):
    """What binds a trade at the moment, from outside of it."""

    switch: Switch | None = None
    limits: Limits = NO_LIMITS
    used: Used = NOTHING


FREE = Binding()


def strictest(switches: Iterable[Switch]) -> Switch | None:
    """Of those that are on, the one that lets least through; the widest of equals."""
    found = list(switches)
    return next((s for s in found if s.mode is Mode.STOP_ALL), found[0] if found else None)


def bound(trade: Trade, switch: Switch | None) -> Trade:
    """The trade, which opens nothing while a switch is on; what closes goes on."""
    if switch is None:
        return trade
    return structs.replace(trade, entry_refused=HALTED, refusal_numbers=switch.numbers)


def stop(
    switch: Switch | None, trade: Trade, scope: Seen, progress: Progress, step: Decision
) -> End | None:
    """The end of a trade whose next step a switch does not let pass. What cannot be closed
    keeps what guards it."""
    if switch is None or switch.mode is not Mode.STOP_ALL:
        return None
    match step:
        case Send():
            pass
        case CancelFirst(ids) if trade.action is not Action.CANCEL and scope.is_reduced_by(ids):
            pass
        case _:
            return None
    end = refuse(trade, scope, HALTED, switch.numbers)
    if any(order.cum_qty for order in progress.exits):
        return replace(end, state=TradeState.PARTIALLY_FILLED)
    return end
