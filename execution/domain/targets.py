"""What a wanted position comes to here: the intent, and the size of what opens. Pure.

`sync` knows the arithmetic. The position it starts from is the one first seen: after an
exit was sent, as kept with that exit. The money is what then is.
"""

from decimal import ROUND_DOWN, Decimal, localcontext

from msgspec.structs import replace

from execution.domain import sizing, sync, table
from execution.domain.decisions import End, Progress, Refusal, Scope, text
from execution.domain.market import Market
from execution.domain.ordering import Terms
from execution.domain.orders import ZERO
from execution.domain.prices import DIGITS, HUNDRED
from execution.domain.sync import Measure, Sizing, Standing, Step, Target
from execution.domain.table import Close, Enter
from execution.domain.trades import Trade
from execution.domain.words import Side, TradeState

# What is to be done does not depend on how much money there is, only how much of it.
ONE = SOME = Decimal(1)
# A third is not exact: so far it is rounded to the nearest before it is rounded down.
PLACES = 15


def choose(
    trade: Trade, scope: Scope, progress: Progress, step: Decimal
) -> Enter | Close | Refusal | End:
    """Open, close (some of it), close and then open, or nothing."""
    todo = () if _is_repeated(trade, scope) else _steps(trade, scope, progress, None)
    if not todo:
        return _nothing(trade, scope, _held(scope, progress))
    first = todo[0]
    if first.verb == "open":
        return Enter(_side(first))
    closing = _side(first).opposite
    want = None
    if first.measure is Measure.UNITS:
        want = sizing.down(first.amount, step)
    elif first.amount < HUNDRED:
        part = abs(scope.position) * first.amount / HUNDRED
        want = sizing.down(round(part, PLACES).normalize() + ZERO, step)
    return table.bound(trade, Close(closing, want, then_enter=len(todo) > 1))


def enters_after(trade: Trade, scope: Scope, progress: Progress, side: Side) -> bool:
    """True when exits with orders of `side` are followed by an entry on that side."""
    todo = _steps(trade, scope, progress, None)
    return bool(todo) and todo[-1].verb == "open" and _side(todo[-1]) is side


def units(
    trade: Trade, scope: Scope, progress: Progress, terms: Terms, market: Market | None
) -> Decimal | Refusal:
    """What opens, in units, not rounded yet."""
    balance = market.figures.free_balance if market and market.figures else None
    todo = _steps(trade, scope, progress, balance)
    if not todo or todo[-1].verb != "open":
        return Refusal("quantity_zero", {"quantity": "0"})
    opening, price, sized = todo[-1], terms.priced.planning, _target(trade).sizing
    with localcontext() as context:
        context.prec, context.rounding = DIGITS, ROUND_DOWN
        # A number of units was scaled already.
        amount = opening.amount * (ONE if sized is Sizing.UNITS else trade.multiplier)
        if opening.measure is Measure.UNITS:
            return amount
        if balance is None or price is None:
            missing = "balance" if balance is None else "price"
            return Refusal("size_unknown", {"size_type": sized, "missing": missing})
        if opening.measure is Measure.BALANCE_PERCENT:
            amount = amount * max(balance, ZERO) / HUNDRED
        return amount / (price * terms.contract.point_value)


def _target(trade: Trade) -> Target:
    """With UNITS the position itself is scaled, so that what is held compares with it."""
    wanted = trade.wanted
    assert wanted is not None
    if wanted.sizing is Sizing.UNITS:
        return replace(wanted, leverage=wanted.leverage * trade.multiplier)
    return wanted


def _steps(
    trade: Trade, scope: Scope, progress: Progress, balance: Decimal | None
) -> tuple[Step, ...]:
    """What is to be done; without a balance its amounts of money mean nothing."""
    ledger, available = scope.ledger, SOME
    if balance is not None:
        available = max(balance, ZERO)
        ledger = ledger.after_balance(available, is_flat=not scope.position)
    standing = Standing(
        _held(scope, progress),
        available,
        initial=SOME if balance is None or ledger.initial is None else ledger.initial,
        when_flat=SOME if balance is None or ledger.when_flat is None else ledger.when_flat,
        in_step=ledger.in_step or ledger.followed is not None,
    )
    return sync.steps(_target(trade), standing)


def _held(scope: Scope, progress: Progress) -> Decimal:
    """The position when the trade was first decided; without one, what may become one."""
    if progress.exits:
        kept = progress.exits[0].terms.decided_from
        return Decimal(kept["position"]) or Decimal(kept["exposure"])
    exposure = scope.exposure if progress.exposure is None else progress.exposure
    return scope.position or exposure


def _is_repeated(trade: Trade, scope: Scope) -> bool:
    """True when this very position of the sender was acted on already. A number of units
    compares with what is held, and needs no memory."""
    wanted = _target(trade)
    if wanted.sizing in (Sizing.WHOLE, Sizing.UNITS):
        return False
    return scope.ledger.followed == wanted.now and scope.position * wanted.now > 0


def _nothing(trade: Trade, scope: Scope, held: Decimal) -> End:
    numbers = {"instrument": trade.instrument, "position": text(scope.position)}
    if held:
        return End(TradeState.DONE, "target_reached", numbers)
    return End(TradeState.SKIPPED, "out_of_step", numbers)


def _side(step: Step) -> Side:
    """Which way an opening order of the step's position goes."""
    return Side.BUY if step.side == "long" else Side.SELL
