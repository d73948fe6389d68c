"""Orders that bring an account to the position a message wants. Pure.

A message says where its own strategy stands, before and now; how large an opening order is
follows from a sizing mode and the balance. Opposite positions are closed whole before
anything opens.
"""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)


class Sizing(StrEnum):
    """How large an opening order is."""

    # All of the balance.
    WHOLE = "whole"
    # Up to a number of units.
    UNITS = "units"
    BALANCE_PERCENT = "balance_percent"
    INITIAL_PERCENT = "initial_percent"
    INITIAL_AND_PROFIT = "initial_and_profit"
    FIXED_QUOTE = "fixed_quote"
    ORDER_SIZE = "order_size"
    FIXED_BASE = "fixed_base"
    FLAT_PERCENT = "flat_percent"
    FIXED_CAPITAL = "fixed_capital"


class Measure(StrEnum):
    """What the amount of a step counts."""

    BALANCE_PERCENT = "percent_of_balance"
    MONEY = "notional"
    UNITS = "units"
    POSITION_PERCENT = "percent_of_position"


class Target(Struct, frozen=True):
    """What a message wants. Sizes of positions are signed: negative is short."""

    sizing: Sizing
    # The sender's position; only its sign matters to `whole`.
    now: Decimal
    # None: not said, so our own position stands for it.
    before: Decimal | None = None
    value: Decimal = ZERO
    order_size: Decimal = ZERO
    order_price: Decimal = ZERO
    leverage: Decimal = ONE
    # Percent of the balance, left untouched where the balance is what is counted.
    reserve: Decimal = ZERO


class Standing(Struct, frozen=True):
    """Where the account stands: its signed position, and money in the quote currency."""

    position: Decimal
    available: Decimal
    # When the subscription began, and when it was last without a position.
    initial: Decimal
    when_flat: Decimal
    # Was the sender ever known to be flat, or followed?
    in_step: bool = False


class Ledger(Struct, frozen=True):
    """What a subscription remembers of an instrument, for targets; None is not known yet."""

    initial: Decimal | None = None
    when_flat: Decimal | None = None
    # Was the sender ever known to be flat?
    in_step: bool = False
    # The sender's position that was last acted on.
    followed: Decimal | None = None

    def after_fill(self, target: Decimal) -> "Ledger":
        """What was filled for a target follows it."""
        return replace(self, followed=target)

    def in_step_again(self) -> "Ledger":
        """The sender is flat: all that is to come is followed."""
        return replace(self, in_step=True, followed=ZERO)

    def after_balance(self, available: Decimal, *, is_flat: bool) -> "Ledger":
        """After a look at the account: the first balance stays, the one when flat is renewed."""
        initial = available if self.initial is None else self.initial
        known = self.when_flat is not None and not is_flat
        return replace(self, initial=initial, when_flat=self.when_flat if known else available)


NO_LEDGER = Ledger()


class Step(Struct, frozen=True):
    """One order. A later step goes only after the earlier one filled."""

    verb: str
    side: str
    amount: Decimal
    measure: Measure


def steps(target: Target, standing: Standing) -> tuple[Step, ...]:
    """The orders, in turn; none when nothing is to be done."""
    if target.sizing in (Sizing.WHOLE, Sizing.UNITS):
        return _reach(target, standing)
    return _follow(target, standing)


def _reach(target: Target, standing: Standing) -> tuple[Step, ...]:
    """Bring the position itself to the target."""
    held, wanted = standing.position, _wanted(target)
    if not wanted:
        return _close_all(held)
    if held * wanted < 0:
        return (*_close_all(held), _open(target, wanted, abs(wanted)))
    if not held:
        return () if _joins_late(target, standing) else (_open(target, wanted, abs(wanted)),)
    if target.sizing is Sizing.WHOLE or held == wanted:
        return ()
    if abs(wanted) > abs(held):
        return (_open(target, wanted, abs(wanted) - abs(held)),)
    return (Step("close", _side(held), abs(held) - abs(wanted), Measure.UNITS),)


def _joins_late(target: Target, standing: Standing) -> bool:
    """Counting units begins where both are flat: the sender's former units are not ours.
    Once in step, what it holds is what is wanted."""
    if target.sizing is Sizing.WHOLE or standing.in_step:
        return False
    return target.before is None or target.before != 0


def _wanted(target: Target) -> Decimal:
    return target.now if target.sizing is Sizing.WHOLE else target.now * target.leverage


def _open(target: Target, wanted: Decimal, units: Decimal) -> Step:
    side = _side(wanted)
    if target.sizing is Sizing.WHOLE:
        percent = _less_reserve(target, HUNDRED) * target.leverage
        return Step("open", side, percent, Measure.BALANCE_PERCENT)
    return Step("open", side, units, Measure.UNITS)


def _follow(target: Target, standing: Standing) -> tuple[Step, ...]:
    """Do what the sender's strategy did: grow, flip, shrink or leave."""
    held, now = standing.position, target.now
    before = standing.position if target.before is None else target.before
    grows = now * before >= 0 and abs(now) > abs(before)
    if grows or now * before < 0:
        opened = _opening(target, before, standing)
        closed = _close_all(held) if held * now < 0 else ()
        return (*closed, *opened)
    if not held:
        return ()
    if not now or held * now < 0:
        return _close_all(held)
    part = (ONE - now / before) * HUNDRED if before else ZERO
    return (_close(held, part),) if part > 0 else ()


def _opening(target: Target, before: Decimal, standing: Standing) -> tuple[Step, ...]:
    amount, measure = _amount(target, before, standing)
    amount *= target.leverage
    if target.sizing is Sizing.INITIAL_AND_PROFIT:
        profit = max(standing.available - standing.initial, ZERO)
        amount += profit * target.value / HUNDRED
    return (Step("open", _side(target.now), amount, measure),) if amount > 0 else ()


def _amount(target: Target, before: Decimal, standing: Standing) -> tuple[Decimal, Measure]:
    """What leverage multiplies."""
    value, share = target.value, target.value / HUNDRED
    started_with = min(standing.initial, standing.available)
    match target.sizing:
        case Sizing.BALANCE_PERCENT:
            return _less_reserve(target, value), Measure.BALANCE_PERCENT
        case Sizing.INITIAL_PERCENT:
            return started_with * share, Measure.MONEY
        case Sizing.INITIAL_AND_PROFIT:
            return started_with, Measure.MONEY
        case Sizing.FIXED_QUOTE:
            return min(value, standing.available), Measure.MONEY
        case Sizing.ORDER_SIZE:
            return _opening_part(target, before), Measure.UNITS
        case Sizing.FIXED_BASE:
            return value, Measure.UNITS
        case Sizing.FLAT_PERCENT:
            return standing.when_flat * share, Measure.MONEY
        case Sizing.FIXED_CAPITAL:
            spent = _opening_part(target, before) * target.order_price
            return standing.when_flat * min(spent / value, ONE), Measure.MONEY
        case Sizing.WHOLE | Sizing.UNITS:
            raise ValueError(target.sizing)


def _less_reserve(target: Target, percent: Decimal) -> Decimal:
    """10 is 10; everything is everything but the reserve. Above 100 the reserve grows too."""
    kept = HUNDRED - target.reserve
    return min(percent, max(kept, percent * kept / HUNDRED))


def _opening_part(target: Target, before: Decimal) -> Decimal:
    """The sender's order without what closes: an order that flips does both."""
    closing = abs(before) if target.now * before < 0 else ZERO
    return target.order_size - closing


def _close_all(held: Decimal) -> tuple[Step, ...]:
    return (_close(held, HUNDRED),) if held else ()


def _close(held: Decimal, percent: Decimal) -> Step:
    return Step("close", _side(held), percent, Measure.POSITION_PERCENT)


def _side(signed: Decimal) -> str:
    return "long" if signed > 0 else "short"
