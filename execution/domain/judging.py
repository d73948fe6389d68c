"""A step of a trade from all that it is decided from: nothing else is looked at.

The engine decides by it and writes down what it saw; a replay reads that and decides again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from execution.domain import limits, ordering, planning, reopening, switches
from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    Look,
    Progress,
    Refusal,
    Scope,
    Send,
    VenueRules,
    Wait,
    refuse,
)
from execution.domain.market import Market
from execution.domain.orders import Order
from execution.domain.switches import FREE, Binding
from execution.domain.trades import Trade, age_limit, flattens
from execution.domain.words import Action, Leg, Origin, TradeState

# Counted up whenever a decision could come out differently than before.
RULES_VERSION = 5


class Seen(Struct, frozen=True):
    """The state that a step is decided from."""

    scope: Scope
    progress: Progress
    venue: VenueRules
    market: Market | None
    at: datetime
    is_overfilled: bool = False
    # Its market was closed until then.
    opens_at: datetime | None = None
    binding: Binding = FREE


def plan(trade: Trade, seen: Seen) -> Decision:
    """What the trade itself wants next."""
    return planning.decide(trade, seen.scope, seen.progress, seen.venue, seen.market)


def judge(trade: Trade, seen: Seen, plan: Callable[[Trade, Seen], Decision] = plan) -> Decision:
    """What comes next. Nothing is sent past a switch or a limit; nor is anything sent, and no
    entry waits, past its age. `plan` says what the trade wants, as the one above does."""
    scope, progress, switch = seen.scope, seen.progress, seen.binding.switch
    trade = switches.bound(trade, switch)
    decision = plan(trade, seen)
    if stopped := switches.stop(switch, trade, scope, progress, decision):
        return stopped
    match decision:
        case Send(leg=leg):
            pass
        case Wait(TradeState.BLOCKED, "in_doubt") if not progress.has_begun:
            leg = Leg.ENTRY
        # Held by a filter of its own, an exit grows too old as well.
        case Wait(TradeState.BLOCKED, "spread_too_wide"):
            leg = Leg.EXIT
        # Nor does an exit that comes too late take away what guards the position, or closes it.
        case CancelFirst(ids) if trade.action is not Action.CANCEL and scope.is_reduced_by(ids):
            leg = Leg.EXIT
        case _:
            return decision
    if leg is Leg.ENTRY and seen.is_overfilled:
        return refuse(trade, scope, "overfilled")
    if unseen := _price_at_the_open(seen, decision):
        return unseen
    if trade.origin is Origin.KILL_SWITCH:
        return decision
    if late := _rejected_by_sender(trade, progress, leg, seen.at):
        return refuse(trade, scope, "signal_stale", late)
    age = age_of(trade, progress.exits, leg, seen.at, seen.opens_at)
    if age > age_limit(leg):
        if _may_be_given_back(trade, progress, leg):
            told = {"instrument": trade.instrument, **_too_old(leg, age), "given_back": "yes"}
            return End(TradeState.WAITING_APPROVAL, "late_exit", told)
        refusal = Refusal("signal_stale", _too_old(leg, age))
    elif found := _over_limit(trade, seen, decision) or _past_the_open(trade, seen, decision):
        refusal = found
    else:
        return decision
    if not progress.exits or leg is not Leg.ENTRY:
        return refuse(trade, scope, refusal.reason, refusal.numbers)
    why = dict(refusal.numbers)
    dropped = replace(progress, entry_dropped=refusal.reason, dropped_numbers=why)
    return planning.decide(trade, scope, dropped, seen.venue, seen.market)


def _over_limit(trade: Trade, seen: Seen, decision: Decision) -> Refusal | None:
    """Limits bind what is opened, never what closes."""
    binding = seen.binding
    if binding.limits is limits.NO_LIMITS:
        return None
    match decision:
        case Send(leg=Leg.ENTRY) as send:
            price = send.limit_price or send.reference_price
            point = ordering.contract(trade, price, seen.market).point_value
            return limits.refuse(binding.limits, binding.used, send, point)
        case _:
            return None


def _price_at_the_open(seen: Seen, decision: Decision) -> Look | None:
    """An entry that waited for its market to open goes by the price that is then."""
    if seen.opens_at is None or not isinstance(decision, Send) or decision.leg is not Leg.ENTRY:
        return None
    market, symbol = seen.market, decision.instrument
    is_seen = market is not None and market.instrument in ("", symbol)
    return None if is_seen else Look(symbol)


def _past_the_open(trade: Trade, seen: Seen, decision: Decision) -> Refusal | None:
    """Why that price is none for it."""
    if seen.opens_at is None or not isinstance(decision, Send) or decision.leg is not Leg.ENTRY:
        return None
    return reopening.refusal(trade, decision, seen.market.quote if seen.market else None)


def age_of(
    trade: Trade,
    exits: Sequence[Order],
    leg: Leg,
    now: datetime,
    opens_at: datetime | None = None,
) -> timedelta:
    """Since release, or the open it waited for; of a flip's entry since its exit filled, of a
    smaller exit since the one ended that it stands for."""
    since = trade.released_at if opens_at is None else max(trade.released_at, opens_at)
    if not exits:
        return now - since
    if leg is Leg.ENTRY:
        fills = [order.last_fill_at for order in exits]
        since = max([since, *(at for at in fills if at is not None)])
    else:
        since = max([since, *(order.end.time for order in exits if order.end is not None)])
    return now - since


def is_whole(decision: Decision, progress: Progress) -> bool:
    """True for steps that are decided from what was seen, not from how an order went."""
    if progress.entry is not None or progress.stop is not None:
        return False
    if not all(order.is_filled for order in progress.exits):
        return False
    match decision:
        case Send():
            return True
        case End(reason=reason):
            return not progress.exits or bool(reason)
        case _:
            return False


def _may_be_given_back(trade: Trade, progress: Progress, leg: Leg) -> bool:
    """True for a full exit that sent nothing yet: a person may still want it."""
    return leg.reduces and flattens(trade) and not (progress.has_orders or progress.has_canceled)


def _too_old(leg: Leg, age: timedelta) -> dict[str, str]:
    """The age of a leg beside its limit."""
    return {
        "age": format(age.total_seconds(), ".1f"),
        "limit": format(age_limit(leg).total_seconds(), ".0f"),
        "stage": "planning",
    }


def _rejected_by_sender(
    trade: Trade, progress: Progress, leg: Leg, now: datetime
) -> dict[str, str] | None:
    """The numbers of a trade that its sender wants no more; what is begun is finished. An
    exit begins with taking away what guards the position."""
    until, since = trade.reject_at, trade.accepted_at
    began = progress.has_orders or (leg.reduces and progress.has_canceled)
    if until is None or began or now <= until:
        return None
    return {
        "age": format((now - since).total_seconds(), ".1f"),
        "limit": format(max((until - since).total_seconds(), 0.0), ".1f"),
        "stage": "planning",
        "rejected_leg": leg.value,
    }
