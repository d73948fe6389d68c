"""What a trade does next, given where it stands: the one place of trading decisions.

`decide` is asked again whenever something changes, until it says End. It looks at the
trade, at the scope (position, open orders, doubt) and at the trade's own progress, so a
restart that rebuilt those three goes on where the former process stopped. What it worked
out for an order is kept with that order, and not worked out again.
"""

from decimal import Decimal

from msgspec import Struct

from execution.domain import closing, following, ordering, sizing, straddles, table, targets
from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    Look,
    Lot,
    Progress,
    Refusal,
    Scope,
    VenueRules,
    Wait,
    refuse,
    text,
)
from execution.domain.market import Market
from execution.domain.table import BreakEven, Close, Enter
from execution.domain.trades import Trade
from execution.domain.words import Action, Leg, Sentiment, Side, SizeType, TradeState


def decide(
    trade: Trade,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    market: Market | None = None,
) -> Decision:
    """The next step of a trade; Look where it cannot be taken without the market."""
    if progress.withdrawn and not progress.has_orders:
        return End(TradeState.SKIPPED, progress.withdrawn)
    if trade.action is Action.CANCEL:
        return following.cancel(trade, scope, progress)
    if progress.stop is not None:
        return following.breakeven(trade, progress, progress.stop)
    if progress.entry is not None:
        return following.entry(trade, progress, progress.entry)
    if trade.unknown:
        return refuse(trade, scope, trade.unknown, trade.unknown_numbers)
    plan = _Plan(trade, scope, progress, venue, market)
    return plan.after_exits() if progress.exits else plan.begin()


def exposure_of(scope: Scope, progress: Progress) -> Decimal:
    """What chooses the cell: as first seen, unless others turned the position round since."""
    first = progress.exposure
    return scope.exposure if first is None or first * scope.exposure < 0 else first


class _Plan(Struct, frozen=True):
    """One look at a trade and what surrounds it."""

    trade: Trade
    scope: Scope
    progress: Progress
    venue: VenueRules
    market: Market | None

    def begin(self) -> Decision:
        if to_cancel := self._to_cancel_first():
            return CancelFirst(to_cancel, judged_after=True)
        timed_out = self.progress.entry_dropped == "cancel_timeout"
        if self._cancels_first and self._is_canceling() and not timed_out:
            return Wait(TradeState.WORKING, "")
        if self.trade.wanted is not None:
            return self._reach()
        if (first := straddles.first(self.trade, self.scope)) is not None:
            return self._close(first, None)
        exposure = exposure_of(self.scope, self.progress)
        compares = table.compares(self.trade, exposure, self.scope.position)
        asked = self._asked() if compares else None
        if isinstance(asked, Look):
            return asked
        if isinstance(asked, Refusal):
            return self._refuse(asked)
        match table.choose(self.trade, exposure, self.scope.position, asked):
            case Refusal() as refusal:
                return self._refuse(table.told(refusal, self.progress))
            case Enter(side):
                return self._enter(side, asked)
            case Close() as close:
                return self._close(close, asked)
            case BreakEven(side):
                return self._break_even(side)

    def after_exits(self) -> Decision:
        """The exit was sent: follow it; then pay the rest of a debt, or enter."""
        trade, progress = self.trade, self.progress
        first = progress.exits[0].terms
        side = trade.order_side(first.instrument, first.side)
        asked, flips = self._asked_before(), self._may_enter(side)
        if (followed := following.exits(trade, progress, flips=flips)) is not None:
            return followed
        closed = {o.terms.instrument for o in progress.exits}
        more = any(lot.instrument not in closed for lot in self.scope.against(side))
        owes = self.scope.in_doubt or self._is_canceling() or self.scope.position * side.sign < 0
        goes_on = (owes and (progress.in_debt or progress.outgrown)) or (more and self.scope.lots)
        if goes_on and not progress.is_over:
            want = None if self._wants_all() else asked
            if want is None or want > progress.exited:
                rest = self._close(Close(side, want), asked)
                return following.closed(progress) if isinstance(rest, End) else rest
        if not progress.is_over and (other := straddles.rest(trade, self.scope, side, closed)):
            return self._close(other, None)
        enters = not self.scope.position and self._enters_after(side, asked)
        if not (progress.exits[-1].is_filled or (enters and following.sent_none(trade, progress))):
            return following.closed(progress)
        if enters:
            return self._second_half(side, asked)
        return End(TradeState.FILLED, following.why_no_entry(trade, progress, side, asked))

    def _may_enter(self, side: Side) -> bool:
        if self.trade.wanted is not None:
            return targets.enters_after(self.trade, self.scope, self.progress, side)
        return table.enters_toward(self.trade, side) and self.trade.swaps_to(side)

    def _enters_after(self, side: Side, asked: Decimal | None) -> bool:
        if self.trade.wanted is not None:
            return self._may_enter(side)
        return table.enters_after(self.trade, side, asked, self.progress.exited)

    def _wants_all(self) -> bool:
        if self.trade.wanted is not None:
            return self.progress.asked is None
        flat = self.trade.sentiment is Sentiment.FLAT or self.trade.action is Action.REVERSE
        return flat or self.trade.signal_quantity is None

    def _second_half(self, side: Side, asked: Decimal | None) -> Decision:
        """The entry of a flip; refused, it leaves the flip half done, with the reason."""
        decision = self._enter(side, asked)
        if isinstance(decision, End) and self.progress.exited:
            return End(TradeState.PARTIALLY_FILLED, decision.reason, decision.numbers)
        return decision

    # -- toward a position

    def _reach(self) -> Decision:
        """Nothing is called done while the position itself is in doubt."""
        match targets.choose(self.trade, self.scope, self.progress, self._step()):
            case Enter(side):
                return self._enter(side, None)
            case Close() as close:
                return self._close(close, close.want)
            case End() as end:
                return Wait(TradeState.BLOCKED, "in_doubt") if self.scope.in_doubt else end
            case refusal:
                return self._refuse(refusal)

    # -- canceling first

    @property
    def _cancels_first(self) -> bool:
        """A wanted position is judged by what is filled, so nothing of ours may work."""
        return bool(self.trade.cancel_first) or self.trade.wanted is not None

    def _to_cancel_first(self) -> tuple[str, ...]:
        return following.asked_to_cancel(self.trade, self.scope) if self._cancels_first else ()

    def _is_canceling(self) -> bool:
        return any(e.cancel_asked and not e.in_doubt for e in self.scope.entries)

    # -- quantities

    def _asked(self) -> Decimal | Look | Refusal | None:
        """The signal's quantity in units, as first worked out. One that is sized by risk
        speaks of the position to be opened, and compares with none."""
        trade = self.trade
        if self.progress.asked is not None:
            return self.progress.asked
        if trade.signal_quantity is None or trade.size_type in sizing.RISK_TYPES:
            return None
        side = trade.direction or (Side.SELL if self.scope.position > 0 else Side.BUY)
        plain = trade.size_type in sizing.PLAIN_TYPES
        held = (*self.scope.against(Side.BUY), *self.scope.against(Side.SELL))
        symbol = held[0].instrument if held else trade.instrument
        market = self._market_of(symbol)
        if not plain and market is None:
            return Look(symbol)
        side = trade.order_side(symbol, side)
        was_held = abs(self.scope.position) + self.progress.displaced_filled
        return ordering.exit_units(trade, side, market, held=was_held)

    def _asked_before(self) -> Decimal | None:
        """As worked out for the first order; a fixed quantity needs no working out."""
        if self.progress.asked is None and self.trade.size_type is SizeType.FIXED_QUANTITY:
            asked = self._asked()
            return asked if isinstance(asked, Decimal) else None
        return self.progress.asked

    def _entry_units(
        self, terms: ordering.Terms, asked: Decimal | None
    ) -> Decimal | Refusal | None:
        """An entry's size in units, before rounding."""
        trade, exited = self.trade, self.progress.exited
        if trade.wanted is not None:
            return targets.units(trade, self.scope, self.progress, terms, self.market)
        if trade.action is Action.REVERSE and trade.signal_quantity is None:
            return exited
        if exited and asked is not None and trade.size_type is SizeType.PERCENT_OF_POSITION:
            return asked
        found = sizing.units(
            trade,
            trade.quantity,
            held=abs(self.scope.position),
            price=terms.priced.planning,
            stop=terms.stop_price,
            figures=self.market.figures if self.market else None,
            contract=terms.contract,
        )
        if exited and asked is not None and table.subtracts(trade) and isinstance(found, Decimal):
            return min(found, exited if asked == exited else asked - exited)
        return found

    def _step(self) -> Decimal:
        """What quantities are multiples of here."""
        return max(self.venue.quantity_step, ordering.contract(self.trade, None).lot)

    # -- entering

    def _enter(self, side: Side, asked: Decimal | None) -> Decision:
        if refusal := table.forbids(self.trade, self.scope, self.progress, side):
            return self._refuse(refusal)
        if self.scope.in_doubt:
            return Wait(TradeState.BLOCKED, "in_doubt")
        if (replaced := following.replaced(self.trade, self.scope, side)) is not None:
            return CancelFirst(replaced) if replaced else Wait(TradeState.WORKING, "")
        if self.trade.option is not None and self.trade.opens is None:
            # What is added to is what is held.
            held = self.scope.against(side.opposite)
            return Look(held[0].instrument if held else "", chooses=side)
        market = self._market_of(self.trade.instrument)
        if market is None and ordering.needs_the_market(self.trade, Leg.ENTRY, self.venue):
            return Look(self.trade.instrument)
        side = self.trade.entry_side(side)
        terms = ordering.entry_terms(self.trade, side, self.venue, market)
        if isinstance(terms, Refusal):
            return self._refuse(terms)
        wanted = self._entry_units(terms, asked)
        if isinstance(wanted, Refusal):
            return self._refuse(wanted)
        quantity = sizing.entry_quantity(self.trade, side, wanted, self._step())
        if isinstance(quantity, Refusal):
            return self._refuse(quantity)
        guarded = ordering.guard_entry(self.trade, terms, quantity, self.venue, market)
        if isinstance(guarded, Refusal):
            return self._refuse(guarded)
        return ordering.send(
            self.trade, terms, quantity, 0, instrument=self.trade.instrument, guards=guarded,
            venue=self.venue, numbers=self._seen(asked, terms, market),
        )  # fmt: skip

    # -- closing

    def _close(self, close: Close, asked: Decimal | None) -> Decision:
        """Cancel own open entries and protection, then send what may still be closed, one lot
        after the other."""
        want = self._left_to_close(close)
        if want is not None and want <= 0 < self.progress.displaced_filled:
            filled = text(self.progress.displaced_filled)
            return End(TradeState.DONE, "raced_fill", {"filled": filled})
        lot, scope = self.scope.next_to_close(close.side, want)
        held, progress = abs(lot.quantity), self.progress
        left = held if want is None else want
        size = held if left >= held else sizing.down(left, self._step())
        guards = (*scope.protection, *(scope.others_guards if left >= held else ()))
        displaced = closing.displaced(
            self.trade, scope, close.side, size, takes_all=left >= held > 0
        )
        obstacle: Decision | None = None
        if displaced is None and closing.is_repeated(self.trade, progress, scope, close.side, size):
            obstacle = self._refuse(closing.already(scope, close.side, size))
        elif held and (displaced or any(not o.cancel_asked for o in guards)):
            obstacle = self._cannot_close(close.side, lot, left)
        # What guards or closes the position stays while nothing else can close it.
        ours = scope.entries if obstacle else (*scope.entries, *guards)
        goes = () if obstacle else displaced or ()
        if to_cancel := [*(o.cl_ord_id for o in ours if not o.cancel_asked), *goes]:
            return CancelFirst(tuple(to_cancel))
        if any(not o.in_doubt for o in ours):
            return Wait(TradeState.WORKING, "")
        if obstacle:
            return obstacle
        if displaced is not None:
            return Wait(TradeState.WORKING, "")
        free = scope.free(close.side, want)
        if free > 0:
            quantity = sizing.down(left, self._step()) if left < free else free
            wrong = self._cannot_close(close.side, lot, left)
            return wrong or self._send_exit(close.side, lot, quantity, asked)
        return self._nothing_to_close(close, asked, lot)

    def _left_to_close(self, close: Close) -> Decimal | None:
        """What is still to be closed; None for all. What a displaced exit filled meanwhile was
        part of it, unless the wanted position says by itself how much is left."""
        if close.want is None:
            return None
        left = close.want - self.progress.exited
        return left if self.trade.wanted else left - self.progress.displaced_filled

    def _market_of(self, symbol: str) -> Market | None:
        """What was seen of the market, when that was this instrument's."""
        is_it = self.market is not None and self.market.instrument in ("", symbol)
        return self.market if is_it else None

    def _cannot_close(self, side: Side, lot: Lot, left: Decimal) -> Decision | None:
        symbol = lot.instrument or self.trade.instrument
        side, market = self.trade.order_side(symbol, side), self._market_of(symbol)
        found = closing.obstacle(self.trade, side, lot, left, self.venue, market, step=self._step())
        return self._refuse(found) if isinstance(found, Refusal) else found

    def _send_exit(
        self, side: Side, lot: Lot, quantity: Decimal, asked: Decimal | None
    ) -> Decision:
        symbol = lot.instrument or self.trade.instrument
        side, market = self.trade.order_side(symbol, side), self._market_of(symbol)
        terms = ordering.exit_terms(self.trade, side, self.venue, market)
        if isinstance(terms, Refusal):
            return self._refuse(terms)
        numbers = self._seen(asked, terms, market)
        held = abs(self.scope.position) + self.progress.exited
        return ordering.send(
            self.trade, terms, quantity, len(self.progress.exits), instrument=symbol,
            venue=self.venue, numbers=numbers | closing.made_whole(self.trade, asked, held),
        )  # fmt: skip

    def _nothing_to_close(self, close: Close, asked: Decimal | None, lot: Lot) -> Decision:
        scope, progress, held = self.scope, self.progress, abs(lot.quantity)
        if scope.in_doubt:
            return Wait(TradeState.BLOCKED, "flatten_debt")
        names_no_size = self.trade.action is Action.REVERSE and self.trade.signal_quantity is None
        if not held and close.then_enter and not names_no_size:
            return self._enter(close.side, asked)
        if not held and progress.in_debt and not progress.canceled_first:
            return End(TradeState.DONE, "nothing_appeared")
        if not held and progress.canceled_first:
            return End(TradeState.DONE, "entry_canceled")
        if not held:
            return self._refuse(Refusal("no_position"))
        return self._refuse(closing.already(scope, close.side, held))

    # -- breakeven

    def _break_even(self, side: Side) -> Decision:
        """A stop at the average price in place of the resting one."""
        lot, scope = self.scope.next_to_close(side)
        symbol = lot.instrument or self.trade.instrument
        if (market := self._market_of(symbol)) is None:
            return Look(symbol)
        if self.scope.in_doubt:
            return Wait(TradeState.BLOCKED, "in_doubt")
        terms = ordering.breakeven_terms(
            self.trade,
            self.trade.order_side(symbol, side),
            lot.avg_price,
            self.venue,
            market,
        )
        if isinstance(terms, Refusal):
            return self._refuse(terms)
        # Others' guards stay, so it stops what they do not.
        free = abs(lot.quantity) - scope.taken_by_others
        if free <= 0:
            return self._refuse(Refusal("already_closing"))
        # A target beside it is watched from then on: only one of the two may fill.
        resting = scope.protection
        if to_cancel := [o.cl_ord_id for o in resting if not o.cancel_asked]:
            return CancelFirst(tuple(to_cancel))
        if resting:
            return Wait(TradeState.WORKING, "")
        numbers = self._seen(None, terms, market)
        return ordering.send(
            self.trade, terms, free, 0, instrument=symbol, venue=self.venue, numbers=numbers
        )

    # -- what was seen

    def _seen(
        self, asked: Decimal | None, terms: ordering.Terms, market: Market | None
    ) -> dict[str, str]:
        decided = {
            "exposure": text(exposure_of(self.scope, self.progress)),
            "position": text(self.scope.position),
            "asked": text(asked),
        }
        return ordering.numbers(self.trade, terms, market, decided)

    def _refuse(self, refusal: Refusal) -> End:
        return refuse(self.trade, self.scope, refusal.reason, refusal.numbers)
