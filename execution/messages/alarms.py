"""What somebody must hear of: which facts carry an alarm, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from execution.domain.orders import Order
from execution.domain.protecting import Protection
from execution.domain.trades import EXIT_AGE, flattens
from execution.domain.words import DECLARED_PRESENT, TradeState
from protos import alarms

if TYPE_CHECKING:
    from execution.lanes.covers import Kept
    from execution.lanes.lanes import Run


# A cancel took the protection, a switch keeps it back, another subscription holds against it,
# nobody can trade, or a person looks after it at the broker.
_QUIET = (
    "now_unprotected", "halted", "superseded", "netted", "market_closed", DECLARED_PRESENT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; its words are in the catalogue. It is raised by the fact that carries it."""

    kind: str
    instrument: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    order_id: UUID | None = None


def of_outcome(
    run: "Run", state: TradeState, reason: str, numbers: Mapping[str, str]
) -> Alarm | None:
    """What a trade raises by where it now stands, unless that was raised and it stands so still."""
    kind, before = alarms.of_state(state, reason, numbers) or "", run.alarmed
    if not kind and reason == "signal_stale" and state is TradeState.EXPIRED and run.exits:
        # It was written down, so nobody may have it sent again.
        numbers = {"limit": format(EXIT_AGE.total_seconds(), ".0f"), **numbers}
        kind = "exit_too_late" if flattens(run.trade) else ""
    run.alarmed = kind
    return Alarm(kind, run.trade.instrument, numbers) if kind and kind != before else None


def of_protection(
    run: "Run", state: Protection, held: str, covered: str, doubted: Sequence[str]
) -> Alarm | None:
    """What a position raises that is not guarded, or of which nobody can say what becomes of it
    for orders in doubt, unless that was raised: at once where the reason is known, else once it
    lasts. What people took away themselves raises nothing."""
    kept = run.cover
    if kept is None:
        return None
    kind = _of_guards(kept, state, doubted)
    # What was raised of the bare position stands on beside what is raised of an order in doubt.
    lasting = {"guard_not_provable"} if doubted else set()
    if state is Protection.UNPROTECTED:
        lasting |= {"stop_refused", "unprotected"}
    before = lasting.intersection(kept.alarmed.split())
    kept.alarmed = " ".join(sorted(before.union([kind] if kind else [])))
    numbers = {"held": held, "covered": covered, "text": kept.words, "reason": kept.reason}
    return Alarm(kind, _instrument(run), numbers) if kind and kind not in before else None


def _of_guards(kept: "Kept", state: Protection, doubted: Sequence[str]) -> str:
    if doubted:
        return "guard_not_provable"
    if state is not Protection.UNPROTECTED or kept.reason in _QUIET:
        return ""
    if kept.reason == "stop_refused":
        return kept.reason
    return "unprotected" if kept.reason or kept.is_overdue else ""


def of_fill(order: Order) -> Alarm | None:
    """What an order raises that was filled for more than it asked."""
    if order.cum_qty <= order.terms.order_qty:
        return None
    return _of_order("overfilled", order)


def of_bust(order: Order) -> Alarm:
    """What an order raises of which a fill was taken back, or was another one."""
    return _of_order("busted", order)


def of_shares(instrument: str, taken: Decimal, left: Decimal) -> Alarm | None:
    """What a position raises that somebody else made smaller, at the cost of subscriptions."""
    numbers = {"taken": format(taken, "f"), "left": format(left, "f")}
    return Alarm("share_taken", instrument, numbers) if taken else None


def of_login(text: str) -> Alarm:
    """What a connection raises that its broker does not let in."""
    return Alarm("login_refused", numbers={"text": text})


def _of_order(kind: str, order: Order) -> Alarm:
    numbers = {
        "quantity": format(order.terms.order_qty, "f"),
        "filled": format(order.cum_qty, "f"),
    }
    return Alarm(kind, order.terms.instrument, numbers, order.terms.order_id)


def _instrument(run: "Run") -> str:
    return next((t.order.terms.instrument for t in run.tickets), run.trade.instrument)
