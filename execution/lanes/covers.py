"""What guards the position that a run opened, as it is kept beside the run: worked out from
its orders, and from what was last told of it, so that a takeover goes on where it stood."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from execution.domain import guarding, protecting
from execution.domain.decisions import Guard, Send, VenueRules, text
from execution.domain.orders import ZERO, Terms
from execution.domain.protecting import Cover, Key, Protection, Resting
from execution.domain.words import DECLARED, Action, ExecType, Leg, OrdStatus, Side
from execution.lanes import opened

if TYPE_CHECKING:
    from execution.lanes.lanes import Lane, Run
    from execution.lanes.tickets import Ticket

# A protective order that the broker ends so often by itself is not sent again.
MOST_RENEWALS = 3
# What expires sooner did not last for its day: the broker wants none.
SHORTEST_DAY = timedelta(minutes=1)
# What was not sent for these is tried again.
PASSING = ("broker_auth", "rate_limited")
# Why an order was not sent after all, that are not the broker's.
_OWN_WORDS = frozenset({"superseded", "entry_ended", "halted"}) | DECLARED


@dataclass(slots=True, eq=False)
class Kept:
    """The protection of what one run opened."""

    guards: tuple[Guard, ...]
    # Legs that were taken away; why that was so, or why the broker has none.
    without: set[Leg] = field(default_factory=set)
    reason: str = ""
    words: str = ""
    # Of what was opened, what others closed, or stand for.
    lost: Decimal = ZERO
    # The legs whose price was reached; where a watched trail has come to, and was told of.
    fired: frozenset[Key] = frozenset()
    level: Decimal | None = None
    told_level: Decimal | None = None
    is_over: bool = False
    # What was last told.
    state: Protection | None = None
    told_reason: str = ""
    said: tuple[object, ...] = ()
    facts: int = 0
    gap_since: datetime | None = None
    last_gap: timedelta | None = None
    # The gap lasts for longer than a cancel takes; the alarm that was raised of it.
    is_overdue: bool = False
    has_overdue_timer: bool = False
    alarmed: str = ""
    # What was never sent is tried again: whether that is under way, how often it was, and up
    # to which revision it is not held against the broker.
    is_retried: bool = False
    retries: int = 0
    forgiven: int = 0
    longest_gap: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of a protection, and how often something was."""

    count: int
    state: str
    reason: str
    numbers: Mapping[str, str]


def begin(run: "Run", send: Send, terms: Terms) -> Terms:
    """The terms of an order with what guards that which it opens; the run keeps it from now
    on. A `breakeven` brings the stop, and takes over the targets."""
    guards, replaced = send.guards, {}
    if send.leg is Leg.STOP:
        older = _older(run, send.instrument, send.side)
        if older:
            replaced["replaces"] = " ".join(other.trade.trade_id.hex for other in older)
            # Also of what others' opposite side nets just now.
            replaced["stands_for"] = text(sum((_left(other) for other in older), ZERO))
        stop = Guard(
            Leg.STOP, send.side, send.ord_type, send.limit_price, send.stop_price,
            send.trail_amount, send.trail_percent,
        )  # fmt: skip
        guards = (*_targets_now(run, send.instrument, send.side), stop)
    if not guards:
        return terms
    run.cover = Kept(guards)
    run.lane.covered.append(run)
    told = guarding.written(guards, is_native=not send.is_synthetic) | replaced
    return replace(terms, decided_from={**terms.decided_from, **told})


def recall(run: "Run", told: Told | None, *, is_over: bool = False) -> None:
    """The same, from the orders that were written down and from what was last told."""
    first = opening(run)
    if first is None:
        return
    guards = guarding.read(_side(run), first.order.terms.decided_from)
    if not guards:
        return
    kept = run.cover = Kept(guards, is_over=is_over)
    if not is_over:
        run.lane.covered.append(run)
    if told is None:
        return
    numbers = told.numbers
    kept.facts, kept.state, kept.reason = told.count, Protection(told.state), told.reason
    kept.told_reason, kept.words = told.reason, numbers.get("text", "")
    kept.without = {Leg(word) for word in numbers.get("without", "").split()}
    kept.lost = Decimal(numbers.get("lost", 0))
    kept.longest_gap = timedelta(milliseconds=int(numbers.get("longest_gap_ms", 0)))
    kept.is_overdue, kept.alarmed = "overdue" in numbers, numbers.get("alarmed", "")
    if "level" in numbers:
        kept.level = kept.told_level = Decimal(numbers["level"])
    if "gap_since" in numbers:
        kept.gap_since = datetime.fromisoformat(numbers["gap_since"])


def revive(run: "Run") -> None:
    """What was filled late opened a position after all."""
    kept = run.cover
    if kept is not None and kept.is_over and _left(run):
        kept.is_over = False
        run.lane.covered.append(run)


def abandon(run: "Run") -> None:
    """What was to open a position was never sent: there is nothing to guard."""
    if run.cover is not None and opening(run) is None:
        run.cover = None
        run.lane.covered.remove(run)


def opening(run: "Run") -> "Ticket | None":
    """The order whose position is guarded; of a `breakeven` the stop that it placed."""
    return run.stop if run.trade.action is Action.BREAKEVEN else run.entry


def orders_of(run: "Run") -> list["Ticket"]:
    """The protective orders of a run."""
    return [t for t in run.tickets if t.order.terms.leg.is_protection]


def cover(run: "Run", venue: VenueRules) -> Cover:
    """How the run's protection stands."""
    kept, first = run.cover, opening(run)
    assert kept is not None and first is not None
    side = _side(run)
    wanted = [guard for guard in kept.guards if guard.leg not in kept.without]
    stop, refused = next((guard for guard in wanted if guard.leg is Leg.STOP), None), refusal(run)
    if stop is not None and kept.level is not None:
        stop = replace(stop, stop_price=kept.level)
    return Cover(
        trade_id=run.trade.trade_id,
        subscription_id=run.trade.subscription_id,
        side=side,
        left=_left(run),
        stop=stop,
        targets=_nearest_first(side, wanted),
        orders=tuple(_resting(t) for t in orders_of(run) if t.order.is_open),
        closing=sum((t.order.leaves_qty for t in opened.bare_exits(run, side)), ZERO),
        by_hand=_by_hand(run, side),
        taken=_taken(run),
        fired=kept.fired,
        rests_stop=guarding.rests(stop, venue),
        is_growing=_is_growing(run),
        is_refused=refused is not None,
        is_given_up=refused is not None and opened.closes_bare(run, refused[0]),
    )


def refusal(run: "Run") -> tuple[str, str] | None:
    """Why no more protective orders are sent, and in whose words; None to go on."""
    renewals = 0
    for ticket in orders_of(run):
        order, end = ticket.order, ticket.order.end
        if order.is_open or end is None or ticket is run.stop:
            continue
        # A target that cannot rest beside its stop is watched.
        is_fatal = order.terms.leg is Leg.STOP or not ticket.is_guard
        if order.ord_status is OrdStatus.REJECTED and is_fatal:
            return "stop_refused", end.text
        if _is_forgiven(run, ticket):
            continue
        if end.exec_type is ExecType.NOT_SENT and end.text not in _OWN_WORDS:
            return end.text, end.text
        is_own = ticket.cancel_asked or ticket.is_guard or end.exec_type is ExecType.NOT_SENT
        # What was resized before a takeover was not taken away by the broker.
        is_own = is_own or ticket.is_inherited or end.text in DECLARED
        # Nor was what lasted for its day, where no order lasts longer.
        is_day = order.terms.time_in_force == "day" and order.ord_status is OrdStatus.EXPIRED
        is_own = is_own or (is_day and end.time - order.terms.created_at >= SHORTEST_DAY)
        renewals += not is_own and not order.cum_qty
    if renewals >= MOST_RENEWALS:
        return "stop_refused", "it was canceled there again and again"
    return None


def _is_forgiven(run: "Run", ticket: "Ticket") -> bool:
    """True for what was not sent, and has been tried again since."""
    end = ticket.order.end
    if run.cover is None or end is None or end.text not in PASSING:
        return False
    return ticket.order.terms.revision <= run.cover.forgiven


def release(runs: Iterable["Run"], legs: Iterable[Leg], reason: str) -> list["Run"]:
    """Legs that are not wanted any more; the runs that had some of them."""
    found = []
    for run in runs:
        kept, first = run.cover, opening(run)
        had = {g.leg for g in kept.guards} - kept.without if kept is not None else set()
        # A cancel that comes before the fill takes nothing from a position yet to be.
        opened = first is not None and (first.order.cum_qty or first.order.terms.leg.reduces)
        if kept is not None and opened and had & set(legs):
            kept.without |= set(legs)
            kept.reason = reason
            found.append(run)
    return found


def replace_older(run: "Run") -> None:
    """Once the stop of a `breakeven` stands, nothing else guards what it was made for; what
    was opened since keeps its own guards."""
    if run.cover is None or run.stop is None or not _is_placed(run):
        return
    names = run.stop.order.terms.decided_from.get("replaces", "").split()
    older = [other for other in run.lane.covered if other.trade.trade_id.hex in names]
    for other in release(older, (Leg.STOP, Leg.TAKE_PROFIT), "superseded"):
        if other.cover is not None:
            # The stop stands for it from now on, also where more is held than both together.
            other.cover.lost += _left(other)


def symbols(lane: "Lane") -> list[tuple[str, Side]]:
    """What is guarded on a lane, and on which closing side."""
    return sorted({(_symbol(run), _side(run)) for run in lane.covered})


def on(lane: "Lane", symbol: str, side: Side) -> list["Run"]:
    """Who guards a position, what was opened first coming first."""
    found = [run for run in lane.covered if (_symbol(run), _side(run)) == (symbol, side)]
    return sorted(found, key=lambda run: run.instruction_id)


def numbers(kept: Kept, held: Decimal, covered: Decimal, doubted: str) -> dict[str, str]:
    """What a fact tells of a protection, and what a takeover must find again."""
    told = {
        "held": text(held),
        "covered": text(covered),
        "lost": text(kept.lost or None),
        "without": " ".join(sorted(leg.value for leg in kept.without)),
        "fired": " ".join(sorted({leg.value for leg, _ in kept.fired})),
        "level": text(kept.level),
        "text": kept.words,
        "gap_since": kept.gap_since.isoformat() if kept.gap_since else "",
        "gap_ms": _ms(kept.last_gap),
        "longest_gap_ms": _ms(kept.longest_gap or None),
        "overdue": "yes" if kept.is_overdue else "",
        "alarmed": kept.alarmed,
        "doubted": doubted,
    }
    return {name: value for name, value in told.items() if value}


def _older(run: "Run", symbol: str, side: Side) -> list["Run"]:
    """Of the run's subscription, whose position is all opened, and guarded by others so far."""
    mine = run.trade.subscription_id
    found = [other for other in on(run.lane, symbol, side) if other.trade.subscription_id == mine]
    return [other for other in found if _left(other) and not _is_growing(other)]


def _left(run: "Run") -> Decimal:
    """Opened, less what its own legs and others closed."""
    kept, first = run.cover, opening(run)
    if kept is None or first is None:
        return ZERO
    held = first.order.cum_qty
    if run.trade.action is Action.BREAKEVEN:
        terms = first.order.terms
        stands_for = Decimal(terms.decided_from.get("stands_for", 0))
        held = max(terms.order_qty, stands_for) if _is_placed(run) else ZERO
    own = (*orders_of(run), *opened.bare_exits(run, _side(run)))
    return max(held - sum((t.order.cum_qty for t in own), ZERO) - kept.lost, ZERO)


def _is_placed(run: "Run") -> bool:
    """True once the broker took the stop of a `breakeven`."""
    stop = run.stop
    if stop is None or not stop.order.is_acknowledged:
        return False
    return stop.order.ord_status is not OrdStatus.REJECTED


def _is_growing(run: "Run") -> bool:
    """True while its entry works."""
    first = opening(run)
    return first is not None and first.order.is_open and not _is_placed(run)


def _resting(ticket: "Ticket") -> Resting:
    return Resting(
        ticket.order.terms.cl_ord_id,
        _key(ticket),
        _leaves(ticket),
        cancel_asked=ticket.cancel_asked,
        is_linked=ticket.is_guard,
        is_known=ticket.order.is_acknowledged and not ticket.in_doubt,
    )


def _leaves(ticket: "Ticket") -> Decimal:
    """What an order may close by now: linked ones no more than their entry opened, less what
    their twin did."""
    order = ticket.order
    if not ticket.is_guard:
        return order.leaves_qty
    pair = (t.order.cum_qty for t in ticket.run.tickets if t.is_guard)
    entry = ticket.run.entry
    opened = order.terms.order_qty if entry is None else entry.order.cum_qty
    return max(min(order.terms.order_qty, opened) - sum(pair, ZERO), ZERO)


def _by_hand(run: "Run", side: Side) -> Decimal:
    """What a person said to be closed by orders at the broker, and to be looked after there."""
    kept = [t for t in (*orders_of(run), *opened.bare_exits(run, side)) if t.is_by_hand]
    linked = max((_leaves(t) for t in kept if t.is_guard), default=ZERO)
    orders = (t.order for t in kept if not t.is_guard)
    return linked + sum((max(o.terms.order_qty - o.cum_qty, ZERO) for o in orders), ZERO)


def _key(ticket: "Ticket") -> Key:
    terms = ticket.order.terms
    return terms.leg, terms.limit_price if terms.leg is Leg.TAKE_PROFIT else None


def _taken(run: "Run") -> dict[Key, Decimal]:
    """What each target has closed, or a person looks after."""
    taken: dict[Key, Decimal] = {}
    for ticket in orders_of(run):
        gone = ticket.order.terms.order_qty if ticket.is_by_hand else ticket.order.cum_qty
        if gone and ticket.order.terms.leg is Leg.TAKE_PROFIT:
            taken[_key(ticket)] = taken.get(_key(ticket), ZERO) + gone
    return taken


def _nearest_first(side: Side, guards: Iterable[Guard]) -> tuple[Guard, ...]:
    """The targets among some legs, as the price would come to them."""
    found = [guard for guard in guards if guard.leg is Leg.TAKE_PROFIT]
    return tuple(sorted(found, key=lambda guard: -side.sign * (guard.limit_price or ZERO)))


def _targets_now(run: "Run", symbol: str, side: Side) -> tuple[Guard, ...]:
    """The targets that guard the position now: of one entry all that is left of them, of
    several entries the nearest for everything."""
    mine = run.trade.subscription_id
    theirs = [
        other
        for other in on(run.lane, symbol, side)
        if other.trade.subscription_id == mine
        and other.cover is not None
        and Leg.TAKE_PROFIT not in other.cover.without
    ]
    guards = [guard for other in theirs if other.cover for guard in other.cover.guards]
    if len(theirs) != 1:
        return tuple(replace(guard, quantity=None) for guard in _nearest_first(side, guards)[:1])
    taken = _taken(theirs[0])
    left = [_less(guard, taken) for guard in _nearest_first(side, guards)]
    return tuple(guard for guard in left if guard.quantity is None or guard.quantity > 0)


def _less(target: Guard, taken: Mapping[Key, Decimal]) -> Guard:
    """A target without what it has closed."""
    if target.quantity is None:
        return target
    return replace(target, quantity=target.quantity - taken.get(protecting.key(target), ZERO))


def _symbol(run: "Run") -> str:
    first = opening(run)
    return "" if first is None else first.order.terms.instrument


def _side(run: "Run") -> Side:
    first = opening(run)
    assert first is not None
    terms = first.order.terms
    return terms.side if terms.leg.reduces else terms.side.opposite


def _ms(gap: timedelta | None) -> str:
    return "" if gap is None else format(gap / timedelta(milliseconds=1), ".0f")
