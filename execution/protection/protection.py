"""Guards positions after their entry: places what the venue does not place by itself, resizes
what no longer fits, and watches the prices that cannot rest.

Whatever it does follows from orders and facts that are stored: `tend` is asked again after
each change and after a takeover, and answers from what then is. Nothing is sent before all
that could close the same part is known to be gone; the gap this leaves is measured and told.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import structlog
from msgspec.structs import replace

from execution.accounts import recording
from execution.accounts.accounts import Account
from execution.accounts.dispatch import Dispatch
from execution.accounts.terms import upkeep_terms
from execution.brokers.base import BrokerError
from execution.domain import guarding, positions, protecting
from execution.domain.decisions import Guard, text
from execution.domain.market import Quote
from execution.domain.orders import ZERO, Order, Terms
from execution.domain.positions import FLAT, Attribution
from execution.domain.protecting import Cover, Part, Step
from execution.domain.protecting import Protection as State
from execution.domain.trades import Trade
from execution.domain.words import DECLARED_PRESENT, Action, Leg, OrdType, Origin, Side, TradeState
from execution.journal.rows import Writes
from execution.lanes import covers, opened
from execution.lanes.covers import Kept
from execution.lanes.lanes import Lane, Run
from execution.lanes.tickets import Ticket
from execution.messages import alarms
from execution.protection.unguarded import Unguarded
from execution.runtime import Runtime

log = structlog.get_logger()

# How often a watched price is looked at.
WATCH_SECONDS = 0.5
# How often what a switch stops is tried again.
HALTED_SECONDS = 1.0
_HELD_BACK = (TradeState.BLOCKED, TradeState.QUEUED, TradeState.NEEDS_ATTENTION)


class Keeps(Protocol):
    """The engine, as protection needs it."""

    def send_out(self, account: Account, run: Run, tickets: Sequence[Ticket]) -> None:
        """Write orders down, then send the first."""

    def amend(self, account: Account, run: Run) -> None:
        """Say what a trade is, now that its protection is over."""


class Protecting:
    """Tends the protection of every lane that has some."""

    def __init__(
        self,
        runtime: Runtime,
        dispatch: Dispatch,
        journal: Writes,
        engine: Keeps,
        stops: Callable[[Trade, Leg], bool],
        opens_in: Callable[[Account, Run], float],
    ) -> None:
        self._runtime = runtime
        self._dispatch = dispatch
        self._journal = journal
        self._engine = engine
        # True for what a switch keeps from the broker.
        self._stops = stops
        # How long the market takes no orders; 0 while it does.
        self._opens_in = opens_in
        self._unguarded = Unguarded(runtime, self.tend)
        self._watching: set[tuple[int, str, str]] = set()
        # Lanes that are being tended, and those that are to be, perhaps again.
        self._tending: set[int] = set()
        self._waiting: set[int] = set()
        # Lanes that are tended as soon as nothing else is to be done.
        self._soon: set[int] = set()

    def release(self, account: Account, canceler: Run, targets: Sequence[Ticket]) -> None:
        """A `cancel` takes protection away for good; that is known before it happens."""
        if canceler.trade.action is not Action.CANCEL:
            return
        trade, named = canceler.trade, {t.run.trade.trade_id for t in targets}
        legs = {t.order.terms.leg for t in targets if t.order.terms.leg.is_protection}
        if trade.cancel_ord_type is None and legs:
            legs = {Leg.STOP, Leg.TAKE_PROFIT}
        runs = [run for run in canceler.lane.covered if run.trade.trade_id in named]
        for run in covers.release(runs, legs, "now_unprotected"):
            self._tell(account, run, State.UNPROTECTED, ZERO, ZERO, is_synthetic=False)

    def tend_soon(self, account: Account, lane: Lane) -> None:
        """Once for all the news that came together: it looks at everything that is guarded."""
        if lane.covered and id(lane) not in self._soon:
            self._soon.add(id(lane))
            self._runtime.later(0.0, lambda: self.tend(account, lane))

    def tend(self, account: Account, lane: Lane) -> None:
        """Make what guards the positions of a lane fit them. What this itself sets off is
        looked at once it is done: what was worked out must not be done twice."""
        key = id(lane)
        self._soon.discard(key)
        self._waiting.add(key)
        if key in self._tending:
            return
        self._tending.add(key)
        try:
            while key in self._waiting:
                self._waiting.discard(key)
                self._tend_all(account, lane)
        finally:
            self._tending.discard(key)

    def _tend_all(self, account: Account, lane: Lane) -> None:
        if account.is_lost:
            return
        for run in lane.covered:
            covers.replace_older(run)
        for symbol, side in covers.symbols(lane):
            if not any(_makes_room(run, symbol) for run in lane.runs()):
                self._tend(account, lane, symbol, side)
                self._watch(account, lane, symbol, side)

    def _tend(self, account: Account, lane: Lane, symbol: str, side: Side) -> None:
        runs = covers.on(lane, symbol, side)
        found = [covers.cover(run, account.rules) for run in runs]
        owners = {cover.subscription_id for cover in found}
        whole = lane.book(symbol).whole.quantity * -side.sign
        own = {s: lane.held(s, symbol) * -side.sign for s in owners}
        shares = {s: _share(lane, s, symbol, side) for s in owners}
        their_own = [t for run in runs for t in opened.bare_exits(run, side)]
        exits = [
            (t.order.terms.subscription_id, t.order.leaves_qty)
            for t in lane.open.values()
            if _closes(t, symbol, side) and t not in their_own
        ]
        steps = protecting.keep(found, whole, own, exits, shares)
        needs_attention = any(opened.doubted(run) for run in runs)
        for run, cover, step in zip(runs, found, steps, strict=True):
            assert run.cover is not None
            run.cover.lost += cover.left - step.cover.left
            self._keep(account, run, step, needs_attention=needs_attention)

    def _keep(self, account: Account, run: Run, step: Step, *, needs_attention: bool) -> None:
        """Do what one cover needs, and tell where it stands."""
        kept, cover = run.cover, step.cover
        assert kept is not None
        if not cover.left and not cover.is_growing:
            kept.fired = frozenset()
        for ticket in covers.orders_of(run):
            if ticket.order.terms.cl_ord_id in step.upkeep.cancels:
                self._dispatch.cancel(account, ticket)
        self._send_all(account, run, step.upkeep.sends)
        refused = covers.refusal(run) if cover.left else None
        if opened.doubted(run):
            # A person looks for an order; what would close the same part waits until then.
            kept.reason = "not_provable"
        elif refused is not None:
            kept.reason, kept.words = refused
        elif needs_attention and step.state is State.UNPROTECTED:
            kept.reason = "not_provable"
        elif step.is_netted and not kept.without:
            kept.reason = "netted"
        elif cover.by_hand and cover.left and step.upkeep.covered >= step.upkeep.goal:
            kept.reason = DECLARED_PRESENT
        elif kept.reason in ("not_provable", "netted", DECLARED_PRESENT, *covers.PASSING):
            kept.reason, kept.words = "now_unprotected" if kept.without else "", ""
        self._unguarded.measure(account, run, step.state)
        if refused is not None:
            self._refused(account, run, step.free)
        is_synthetic = not cover.is_linked and cover.has_legs
        self._tell(account, run, step.state, cover.left, step.upkeep.covered, is_synthetic)
        if step.state is State.CLOSED and not (cover.orders or cover.closing):
            kept.is_over = True
            run.lane.covered.remove(run)
            if run.is_done:
                self._engine.amend(account, run)

    def _refused(self, account: Account, run: Run, free: Decimal) -> None:
        """The broker takes no stop: close the position, or leave it, as the setting says. What
        was never sent is tried again."""
        assert run.cover is not None
        if run.cover.reason in covers.PASSING:
            self._unguarded.retry(account, run)
        if not opened.closes_bare(run, run.cover.reason):
            return
        entry = run.entry
        if entry is not None and entry.order.is_open:
            if not entry.cancel_asked:
                self._dispatch.cancel(account, entry)
            return
        first = covers.opening(run)
        assert first is not None
        side = first.order.terms.side if run.entry is None else first.order.terms.side.opposite
        others = [t for t in covers.orders_of(run) if t.order.is_open]
        tried = opened.bare_exits(run, side)
        if others or free <= 0 or any(opened.is_last_try(t) for t in tried):
            return
        if seconds := self._opens_in(account, run):
            self._tend_later(account, run.lane, seconds)
            return
        close = Guard(Leg.EXIT, side, OrdType.MARKET)
        terms = self._terms(account, run, close, free, Origin.FLATTEN)
        log.error("stop_refused", trade_id=run.trade.trade_id.hex)
        self._engine.send_out(account, run, [Ticket(Order(terms), run)])

    def _send_all(self, account: Account, run: Run, sends: Sequence[Part]) -> None:
        """What is missing, unless "stop all" keeps it back, or a market that takes no orders by
        now: then once that is over."""
        assert run.cover is not None
        is_stopped = run.awaits_controls or any(self._stops(run.trade, g.leg) for g, _ in sends)
        opens_in = self._opens_in(account, run) if sends else 0.0
        if not (is_stopped or opens_in):
            for guard, quantity in sends:
                self._send(account, run, guard, quantity)
        if is_stopped and sends:
            run.cover.reason = "halted"
            self._tend_later(account, run.lane, HALTED_SECONDS)
        elif opens_in:
            opens = self._runtime.now() + timedelta(seconds=opens_in)
            run.cover.reason, run.cover.words = "market_closed", f"{opens:%Y-%m-%d %H:%M} UTC"
            self._tend_later(account, run.lane, opens_in)
        elif run.cover.reason in ("halted", "market_closed"):
            run.cover.reason = ""

    def _tend_later(self, account: Account, lane: Lane, seconds: float) -> None:
        key = (id(account), lane.name, "")

        def tend() -> None:
            self._watching.discard(key)
            self.tend(account, lane)

        if key not in self._watching:
            self._watching.add(key)
            self._runtime.later(seconds, tend)

    def _send(self, account: Account, run: Run, guard: Guard, quantity: Decimal) -> None:
        terms = self._terms(account, run, guard, quantity, Origin.PROTECTION)
        self._engine.send_out(account, run, [Ticket(Order(terms), run)])

    def _terms(
        self, account: Account, run: Run, guard: Guard, quantity: Decimal, origin: Origin
    ) -> Terms:
        first = covers.opening(run)
        assert first is not None
        venue, now = account.rules, self._runtime.now()
        return upkeep_terms(
            run, first.order.terms, guard, quantity, origin=origin, venue=venue, now=now
        )

    # -- what is told

    def _tell(
        self,
        account: Account,
        run: Run,
        state: State,
        held: Decimal,
        covered: Decimal,
        is_synthetic: bool,
    ) -> None:
        """A fact, where it differs from the last one."""
        kept = run.cover
        assert kept is not None
        doubted = opened.doubted(run)
        said = (
            state, kept.reason, is_synthetic, held, frozenset(kept.without), kept.fired,
            kept.is_overdue, *doubted,
        )  # fmt: skip
        if said == kept.said and not _has_trailed(kept):
            return
        first = covers.opening(run)
        is_known = first is not None and first.order.is_acknowledged
        if kept.state is None and state in (State.PENDING, State.CLOSED) and not is_known:
            # Nothing was opened yet, and perhaps nothing will be.
            return
        is_over = kept.state is State.CLOSED and state is State.CLOSED
        if is_over and kept.reason == kept.told_reason and not doubted:
            return
        kept.said, kept.state, kept.told_level = said, state, kept.level
        kept.told_reason = kept.reason
        kept.facts += 1
        if state is State.UNPROTECTED and kept.reason == "stop_refused":
            log.error("position_unprotected", trade_id=run.trade.trade_id.hex)
        alarm = alarms.of_protection(run, state, text(held), text(covered), doubted)
        numbers = covers.numbers(kept, held, covered, " ".join(doubted))
        if kept.reason == "market_closed" and first is not None:
            numbers |= {"instrument": first.order.terms.instrument, "opens": kept.words}
        now = self._runtime.now()
        entry = recording.protection(
            account, run, state, kept.reason, numbers, now, is_synthetic=is_synthetic, alarm=alarm
        )
        self._journal.write(entry)

    # -- what is watched

    def _watch(self, account: Account, lane: Lane, symbol: str, side: Side) -> None:
        """Look at the price, and go on looking, while some leg waits for it here."""
        key = (id(account), lane.name, symbol)
        if key in self._watching or not self._watched(account, lane, symbol, side):
            return
        self._watching.add(key)

        def look() -> None:
            self._runtime.spawn(self._look(account, lane, symbol, side, key))

        self._runtime.later(WATCH_SECONDS, look)

    def _watched(
        self, account: Account, lane: Lane, symbol: str, side: Side
    ) -> list[tuple[Run, Cover]]:
        found = [(run, covers.cover(run, account.rules)) for run in covers.on(lane, symbol, side)]
        return [(run, cover) for run, cover in found if cover.watched]

    async def _look(
        self, account: Account, lane: Lane, symbol: str, side: Side, key: tuple[int, str, str]
    ) -> None:
        quote = None
        try:
            told = await account.adapter.quote(account.ref.account, symbol)
            quote = None if told is None else Quote(told.bid, told.ask, told.last)
        except BrokerError as error:
            log.info("watched_price_not_known", instrument=symbol, cause=error)
        except Exception:
            # Whatever it is, the price must go on being watched.
            log.exception("watching_failed", instrument=symbol)
        self._watching.discard(key)
        if account.is_lost:
            return
        for run, cover in self._watched(account, lane, symbol, side):
            if quote is not None:
                self._fire(run, cover, quote)
        self.tend(account, lane)
        self._watch(account, lane, symbol, side)

    def _fire(self, run: Run, cover: Cover, quote: Quote) -> None:
        """A leg whose price has come goes to the venue; a target whose price went away again
        makes room for the stop."""
        kept, stop = run.cover, cover.stop
        assert kept is not None
        if stop in cover.watched and stop is not None and stop.ord_type is OrdType.TRAILING_STOP:
            stop = guarding.trailed(stop, quote)
            kept.level = stop.stop_price
        legs = [stop if guard is cover.stop else guard for guard in cover.watched]
        reached = [guard for guard in legs if guard and guarding.is_reached(guard, quote)]
        fired = frozenset(protecting.key(guard) for guard in reached)
        if fired - kept.fired:
            log.info("protection_fired", trade_id=run.trade.trade_id.hex, legs=len(fired))
        kept.fired = fired


def _makes_room(run: Run, symbol: str) -> bool:
    """True while a run has taken away what guards a position, to close it or to place its own
    stop, and has not come to it yet."""
    if run.is_done or run.entry is not None:
        return False
    if run.said is not None and run.said[0] in _HELD_BACK:
        return False
    takes = any(
        t.order.terms.leg.is_protection and t.order.terms.instrument == symbol for t in run.canceled
    )
    return takes and not any(
        t.order.is_open and t.order.terms.instrument == symbol for t in run.exits
    )


def _share(lane: Lane, subscription: UUID, symbol: str, side: Side) -> Decimal:
    """What is a subscription's own of a position; with what its exits of the other side open,
    should less be left there than they close."""
    book, toward = lane.book(symbol), side.opposite
    own = book.own.get(subscription, FLAT).quantity * toward.sign
    exits = [t for t in lane.open.of(subscription) if _closes(t, symbol, toward)]
    working = sum((t.order.leaves_qty for t in exits), ZERO)
    if working and lane.attribution_of(subscription) is Attribution.ACCOUNT:
        whole = book.whole.quantity
        taken = positions.closed_by(book.own, subscription, toward, working, whole)
        working = taken.get(subscription, ZERO)
    return max(own + working, ZERO)


def _closes(ticket: Ticket, symbol: str, side: Side) -> bool:
    terms = ticket.order.terms
    return terms.leg is Leg.EXIT and terms.side is side and terms.instrument == symbol


def _has_trailed(kept: Kept) -> bool:
    """True when a restart must know how far a watched trail has come."""
    stop = next((guard for guard in kept.guards if guard.leg is Leg.STOP), None)
    if stop is None or kept.level is None:
        return False
    return guarding.has_trailed(replace(stop, stop_price=kept.level), kept.told_level)
