"""The action × sentiment × exposure table: what a trade wants in the cell it meets. Pure.

The cell is chosen by the sign of the exposure; quantities are compared with the position.
"""

from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from execution.domain.decisions import Progress, Refusal, Scope
from execution.domain.trades import Trade
from execution.domain.words import Action, AssetClass, Sentiment, Side, Sides


class Enter(Struct, frozen=True):
    """Open, or add, on `side`."""

    side: Side


class Close(Struct, frozen=True):
    """Close with orders of `side`: `want` of it, or all; then perhaps enter on that side."""

    side: Side
    want: Decimal | None
    then_enter: bool = False


class BreakEven(Struct, frozen=True):
    """Place a stop at the average price, with orders of `side`."""

    side: Side


Intent = Enter | Close | BreakEven | Refusal
Wish = TypeVar("Wish", bound=Intent)


def choose(trade: Trade, exposure: Decimal, position: Decimal, asked: Decimal | None) -> Intent:
    """What the trade does; `asked` is the signal's quantity in units, None where it has none."""
    intent = _by_action(trade, exposure, position, asked)
    return bound(trade, intent) if exposure or position else intent


def bound(trade: Trade, intent: Wish) -> Wish | Refusal:
    """What the settings leave of it where there is a position."""
    match intent:
        case Close(side) | BreakEven(side) if trade.leaves_alone(side):
            return Refusal("side_isolated")
        case Close(side) if trade.action is Action.REVERSE and trade.leaves_alone(side.opposite):
            return Refusal("side_isolated")
        case Close() if trade.ignore_exits:
            return Refusal("exits_ignored")
        case _:
            return intent


def compares(trade: Trade, exposure: Decimal, position: Decimal) -> bool:
    """True when the cell compares the signal's quantity with a position, also with one that
    appeared behind a doubt."""
    side = trade.direction
    if side is None:
        held = bool(exposure) or (trade.action is Action.EXIT and bool(position))
        return trade.action in (Action.EXIT, Action.REVERSE) and held
    return exposure * side.sign < 0 and trade.sentiment is not Sentiment.FLAT


def enters_toward(trade: Trade, side: Side) -> bool:
    """True when the trade would hold a position on this side afterwards."""
    if trade.action is Action.REVERSE:
        return True
    agreeing = Sentiment.BULLISH if side is Side.BUY else Sentiment.BEARISH
    return trade.direction is side and trade.sentiment in (None, agreeing)


def enters_after(trade: Trade, side: Side, asked: Decimal | None, closed: Decimal) -> bool:
    """True when closing `closed` is followed by an entry on the same side."""
    if not enters_toward(trade, side) or not trade.swaps_to(side):
        return False
    if asked is None or trade.action is Action.REVERSE:
        return True
    if subtracts(trade) and asked == closed:
        return trade.is_parity
    return asked >= closed


def subtracts(trade: Trade) -> bool:
    """True when what was closed counts as part of the signal's quantity, where there is one; else
    the setting is inert."""
    return trade.subtract_exit and trade.sides is Sides.BOTH and trade.allow_swap


def _by_action(trade: Trade, exposure: Decimal, position: Decimal, asked: Decimal | None) -> Intent:
    held = position or exposure
    closing = Side.SELL if held > 0 else Side.BUY
    match trade.action:
        case Action.BUY:
            return _sided(trade, Side.BUY, exposure, position, asked)
        case Action.SELL:
            return _sided(trade, Side.SELL, exposure, position, asked)
        case Action.EXIT:
            return Close(closing, asked)
        case Action.ADD if position:
            return Enter(closing.opposite)
        case Action.REVERSE if exposure:
            return Close(closing, None, then_enter=True)
        case Action.BREAKEVEN if position:
            return BreakEven(closing)
        case _:
            return Refusal("no_position")


def _sided(
    trade: Trade, side: Side, exposure: Decimal, position: Decimal, asked: Decimal | None
) -> Intent:
    toward = exposure * side.sign
    if trade.sentiment is Sentiment.FLAT:
        # A position and an entry against it may cancel out, and still neither is flat.
        held = position or exposure
        return Close(Side.SELL if held > 0 else Side.BUY, None) if held else Refusal("no_position")
    against = Sentiment.BEARISH if side is Side.BUY else Sentiment.BULLISH
    if trade.sentiment is against:
        return _reduction(trade, side, toward, asked)
    if toward < 0:
        flips = enters_after(trade, side, asked, abs(position))
        return Close(side, None if flips else asked, then_enter=flips)
    if toward > 0 and not trade.allow_add:
        filled = position * side.sign > 0
        return Refusal("already_in_position" if filled else "entry_working")
    return Enter(side)


def _reduction(trade: Trade, side: Side, toward: Decimal, asked: Decimal | None) -> Intent:
    """`buy` + bearish, `sell` + bullish: reduce by the signal's quantity, never enter."""
    if trade.signal_quantity is None or toward > 0:
        return Refusal("sentiment_mismatch")
    if not toward:
        return Refusal("no_position")
    return Refusal("sentiment_mismatch") if asked is None else Close(side, asked)


def forbids(trade: Trade, scope: Scope, progress: Progress, side: Side) -> Refusal | None:
    """Why nothing may be opened on a side."""
    if progress.entry_dropped:
        return _dropped(progress)
    if trade.entry_refused:
        return Refusal(trade.entry_refused, dict(trade.refusal_numbers))
    if not trade.allows(side):
        return Refusal("side_not_allowed")
    if trade.is_crypto and side is Side.SELL:
        return Refusal("short_not_allowed")
    is_option = trade.asset_class is AssetClass.OPTIONS
    if is_option and trade.entry_side(side) is Side.SELL and not trade.short_options:
        return Refusal("short_options_off")
    return None if trade.allow_add else _repeats(trade, scope, side)


def told(refusal: Refusal, progress: Progress) -> Refusal:
    """Why nothing is opened: what ended an entry says more than that it would be a repeat."""
    is_repeat = refusal.reason in ("already_in_position", "entry_working")
    return _dropped(progress) if is_repeat and progress.entry_dropped else refusal


def _dropped(progress: Progress) -> Refusal:
    return Refusal(progress.entry_dropped, dict(progress.dropped_numbers))


def _repeats(trade: Trade, scope: Scope, side: Side) -> Refusal | None:
    """A position and an entry against it may cancel out: it is a repeat on either side."""
    if trade.direction is None or trade.wanted is not None:
        return None
    if scope.position * side.sign > 0 or any(lot.quantity * side.sign > 0 for lot in scope.lots):
        return Refusal("already_in_position")
    is_working = any(entry.side is side for entry in scope.entries)
    return Refusal("entry_working") if is_working else None
