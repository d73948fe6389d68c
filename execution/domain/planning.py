"""What a trade does next, given where it stands: the one place of trading decisions.

`decide` is asked again whenever something changes, until it says End. It looks at the
trade, at the scope (position, open orders, doubt) and at the trade's own progress, so a
restart that rebuilt those three goes on where the former process stopped.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from execution.domain import following
from execution.domain.decisions import (
    CancelFirst,
    Decision,
    End,
    Progress,
    Scope,
    Send,
    VenueRules,
    Wait,
    refuse,
)
from execution.domain.orders import ZERO
from execution.domain.trades import Trade
from execution.domain.words import Action, Leg, OrdType, Sentiment, Side, TradeState

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class _Enter:
    side: Side


@dataclass(frozen=True, slots=True)
class _Close:
    """Close with orders of `side`: `want` of it, or all; then perhaps enter on that side."""

    side: Side
    want: Decimal | None
    then_enter: bool = False


@dataclass(frozen=True, slots=True)
class _Refuse:
    reason: str
    numbers: dict[str, str] = field(default_factory=dict)


_Intent = _Enter | _Close | _Refuse


def decide(
    trade: Trade,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    quote: Decimal | None = None,
) -> Decision:
    """The next step of a trade."""
    if progress.withdrawn and not progress.has_orders:
        return End(TradeState.SKIPPED, progress.withdrawn)
    if trade.action is Action.CANCEL:
        return following.cancel(scope, progress)
    if progress.entry is not None:
        return following.entry(progress, progress.entry)
    if progress.exits:
        return _after_exits(trade, scope, progress, venue, quote)
    return _begin(trade, scope, progress, venue, quote)


def exposure_of(scope: Scope, progress: Progress) -> Decimal:
    """The exposure that chooses the cell: as first seen, before anything was canceled."""
    return scope.exposure if progress.exposure is None else progress.exposure


def _begin(
    trade: Trade, scope: Scope, progress: Progress, venue: VenueRules, quote: Decimal | None
) -> Decision:
    match _choose(trade, exposure_of(scope, progress), scope.position):
        case _Refuse(reason, numbers):
            return refuse(trade, scope, reason, numbers)
        case _Enter(side):
            return _enter(trade, side, scope, progress, venue, quote)
        case _Close() as close:
            return _close(trade, close, scope, progress, venue, quote)


def _choose(trade: Trade, exposure: Decimal, position: Decimal) -> _Intent:
    """The action × sentiment × exposure table."""
    side = trade.direction
    if side is None:
        return _choose_without_side(trade, exposure, position)
    toward = exposure * side.sign
    if trade.sentiment is Sentiment.FLAT:
        return _choose_flat(trade, exposure)
    against = Sentiment.BEARISH if side is Side.BUY else Sentiment.BULLISH
    if trade.sentiment is against:
        return _choose_reduction(trade, side, toward)
    if toward < 0:
        return _choose_opposite(trade, side, position)
    if toward > 0 and not trade.allow_add:
        filled = position * side.sign > 0
        return _Refuse("already_in_position" if filled else "entry_working")
    return _Enter(side)


def _choose_without_side(trade: Trade, exposure: Decimal, position: Decimal) -> _Intent:
    if trade.action is Action.EXIT:
        held = position or exposure
        return _Close(Side.SELL if held > 0 else Side.BUY, trade.signal_quantity)
    if not position:
        return _Refuse("no_position")
    return _Enter(Side.BUY if position > 0 else Side.SELL)


def _choose_flat(trade: Trade, exposure: Decimal) -> _Intent:
    """Sentiment flat: no position afterwards, whatever the side or quantity."""
    if not exposure:
        return _Refuse("no_position")
    return _Close(Side.SELL if exposure > 0 else Side.BUY, None)


def _choose_reduction(trade: Trade, side: Side, toward: Decimal) -> _Intent:
    """`buy` + bearish, `sell` + bullish: reduce by the signal's quantity, never enter."""
    if trade.signal_quantity is None or toward > 0:
        return _Refuse("sentiment_mismatch")
    if not toward:
        return _Refuse("no_position")
    return _Close(side, trade.signal_quantity)


def _choose_opposite(trade: Trade, side: Side, position: Decimal) -> _Intent:
    asked, held = trade.signal_quantity, abs(position)
    flips = trade.swaps_to(side) and (asked is None or asked >= held)
    return _Close(side, None if flips else asked, then_enter=flips)


def _enter(
    trade: Trade,
    side: Side,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    quote: Decimal | None,
) -> Decision:
    if progress.entry_dropped:
        return refuse(trade, scope, progress.entry_dropped, dict(progress.dropped_numbers))
    if trade.entry_refused:
        return refuse(trade, scope, trade.entry_refused, dict(trade.refusal_numbers))
    if not trade.allows(side):
        return refuse(trade, scope, "side_not_allowed")
    if trade.is_crypto and side is Side.SELL:
        return refuse(trade, scope, "short_not_allowed")
    if scope.in_doubt:
        return Wait(TradeState.BLOCKED, "in_doubt")
    quantity = trade.quantity
    if quantity is None and not trade.is_crypto:
        quantity = ONE
    if quantity is None:
        return refuse(trade, scope, "quantity_missing")
    step = venue.quantity_step if side is Side.BUY else max(venue.quantity_step, ONE)
    rounded = _down(quantity, step)
    if not rounded:
        return refuse(trade, scope, "quantity_zero", {"quantity": format(quantity, "f")})
    return _send(trade, scope, Leg.ENTRY, 0, side, rounded, venue, quote)


def _close(
    trade: Trade,
    close: _Close,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    quote: Decimal | None,
) -> Decision:
    """Cancel own open entries, then send what may still be closed."""
    if to_cancel := [e.cl_ord_id for e in scope.entries if not e.cancel_asked]:
        return CancelFirst(tuple(to_cancel))
    if any(not e.in_doubt for e in scope.entries):
        return Wait(TradeState.WORKING, "")
    held = max(-scope.position * close.side.sign, ZERO)
    free = held - sum((o.leaves for o in scope.closing if o.side is close.side), ZERO)
    quantity = free
    if close.want is not None and close.want - progress.exited < free:
        quantity = _down(close.want - progress.exited, venue.quantity_step)
    if quantity > 0:
        revision = len(progress.exits)
        return _send(trade, scope, Leg.EXIT, revision, close.side, quantity, venue, quote)
    if close.want is not None and ZERO < close.want - progress.exited < free:
        return refuse(trade, scope, "quantity_zero", {"quantity": format(close.want, "f")})
    return _nothing_to_close(trade, close, scope, progress, venue, quote, held=held)


def _nothing_to_close(
    trade: Trade,
    close: _Close,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    quote: Decimal | None,
    *,
    held: Decimal,
) -> Decision:
    if scope.in_doubt:
        return Wait(TradeState.BLOCKED, "flatten_debt")
    if not held and close.then_enter:
        return _enter(trade, close.side, scope, progress, venue, quote)
    if not held and progress.in_debt and not progress.canceled_first:
        return End(TradeState.DONE, "nothing_appeared")
    if not held and progress.canceled_first:
        return End(TradeState.DONE, "entry_canceled")
    if not held:
        return refuse(trade, scope, "no_position")
    resting = [o for o in scope.closing if o.ord_type is OrdType.LIMIT]
    if trade.ord_type is OrdType.MARKET and resting:
        if to_cancel := [o.cl_ord_id for o in resting if not o.cancel_asked]:
            return CancelFirst(tuple(to_cancel))
        return Wait(TradeState.WORKING, "")
    return refuse(trade, scope, "already_closing")


def _after_exits(
    trade: Trade, scope: Scope, progress: Progress, venue: VenueRules, quote: Decimal | None
) -> Decision:
    """The exit was sent: follow it; then pay the rest of a debt, or enter."""
    side = progress.exits[0].terms.side
    wants_all = trade.signal_quantity is None or trade.sentiment is Sentiment.FLAT
    flips = _enters_toward(trade, side) and trade.swaps_to(side)
    if any(o.is_open for o in progress.exits):
        return following.open_exit(progress, flips=flips)
    if any(not o.is_filled for o in progress.exits):
        return following.ended_exit(progress)
    if progress.in_debt and (scope.in_doubt or scope.position * side.sign < 0):
        want = None if wants_all else trade.signal_quantity
        if want is None or want > progress.exited:
            return _close(trade, _Close(side, want), scope, progress, venue, quote)
    asked = trade.signal_quantity
    if flips and not scope.position and (asked is None or asked >= progress.exited):
        return _second_half(trade, side, scope, progress, venue, quote)
    return End(TradeState.FILLED, _why_no_entry(trade, side, progress))


def _second_half(
    trade: Trade,
    side: Side,
    scope: Scope,
    progress: Progress,
    venue: VenueRules,
    quote: Decimal | None,
) -> Decision:
    """The entry of a flip; refused, it leaves the flip half done, with the reason."""
    match _enter(trade, side, scope, progress, venue, quote):
        case End(_, reason, numbers):
            return End(TradeState.PARTIALLY_FILLED, reason, numbers)
        case decision:
            return decision


def _enters_toward(trade: Trade, side: Side) -> bool:
    agreeing = Sentiment.BULLISH if side is Side.BUY else Sentiment.BEARISH
    return trade.direction is side and trade.sentiment in (None, agreeing)


def _why_no_entry(trade: Trade, side: Side, progress: Progress) -> str:
    asked = trade.signal_quantity
    wanted_more = asked is not None and asked > progress.exited
    if wanted_more and _enters_toward(trade, side) and trade.allows(side):
        return "swap_off"
    return ""


def _send(
    trade: Trade,
    scope: Scope,
    leg: Leg,
    revision: int,
    side: Side,
    quantity: Decimal,
    venue: VenueRules,
    quote: Decimal | None,
) -> Decision:
    """The order, priced: limitPrice, else the quote, else signalPrice."""
    if trade.ord_type not in venue.ord_types:
        return refuse(trade, scope, "order_type_unsupported", {"ord_type": trade.ord_type.value})
    price = None
    if trade.ord_type is OrdType.LIMIT:
        price = trade.limit_price or quote or trade.signal_price
        if price is None:
            return refuse(trade, scope, "no_price")
    return Send(leg, revision, side, quantity, trade.ord_type, price, trade.signal_price)


def _down(quantity: Decimal, step: Decimal) -> Decimal:
    return quantity // step * step if quantity % step else quantity
