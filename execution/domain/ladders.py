"""Take-profit ladders: several targets, each of which closes a part of the position."""

from decimal import Decimal

from execution.domain import brackets, sizing
from execution.domain.decisions import Guard, Refusal
from execution.domain.market import Contract
from execution.domain.orders import ZERO
from execution.domain.prices import HUNDRED
from execution.domain.trades import Rung, Trade
from execution.domain.words import Side

MOST_RUNGS = 10


def targets(
    trade: Trade,
    side: Side,
    price: Decimal | None,
    quantity: Decimal,
    contract: Contract,
    step: Decimal,
) -> tuple[Guard, ...] | Refusal:
    """The targets of an entry on `side` of this quantity, the nearest first; a part that
    rounds to nothing has none."""
    found: dict[Decimal, Guard] = {}
    left = quantity
    for rung, size in zip(trade.ladder, _sizes(trade, quantity, step), strict=True):
        part = min(size, left)
        if part <= 0:
            continue
        target = brackets.target(rung.at, side, price, part, contract)
        if isinstance(target, Refusal):
            return target
        assert target.limit_price is not None
        left -= part
        same = found.get(target.limit_price)
        if same is not None and same.quantity is not None:
            part += same.quantity
        found[target.limit_price] = brackets.sized(target, part)
    if not found:
        return Refusal("target_unknown", {"missing": "quantity"})
    prices = sorted(found, reverse=side is Side.SELL)
    targets = [found[price] for price in prices]
    if not left:
        # The last one closes all that there is by then, should that be more.
        targets[-1] = brackets.sized(targets[-1], None)
    return tuple(targets)


def _sizes(trade: Trade, quantity: Decimal, step: Decimal) -> list[Decimal]:
    """How much each rung closes, in the order they were said; the last may take the rest."""
    sizes = [_size(trade, rung, quantity, step) for rung in trade.ladder]
    said = sum((rung.percent or ZERO for rung in trade.ladder), ZERO)
    if sizes[-1] is None or said == HUNDRED:
        rest = quantity - sum((size or ZERO for size in sizes[:-1]), ZERO)
        sizes[-1] = max(rest, ZERO)
    return [size or ZERO for size in sizes]


def _size(trade: Trade, rung: Rung, quantity: Decimal, step: Decimal) -> Decimal | None:
    if rung.quantity is not None:
        return sizing.down(rung.quantity * trade.multiplier, step)
    if rung.percent is not None:
        return sizing.down(quantity * rung.percent / HUNDRED, step)
    return None
