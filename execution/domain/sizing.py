"""How much: every way of saying a size becomes units, rounded down, or names what is missing."""

from decimal import ROUND_DOWN, Decimal, localcontext

from execution.domain import pairs
from execution.domain.decisions import Lot, Refusal, text
from execution.domain.market import Contract, Figures
from execution.domain.orders import ZERO
from execution.domain.prices import DIGITS, HUNDRED
from execution.domain.trades import Trade
from execution.domain.words import Side, SizeType

ONE = Decimal(1)
RISK_TYPES = frozenset({SizeType.RISK_DOLLAR_AMOUNT, SizeType.RISK_PERCENT})
EQUITY_TYPES = frozenset({SizeType.RISK_PERCENT, SizeType.PERCENT_OF_EQUITY})
# Sizes that can be worked out without looking at the market or the account.
PLAIN_TYPES = frozenset({SizeType.FIXED_QUANTITY, SizeType.PERCENT_OF_POSITION})


def units(
    trade: Trade,
    value: Decimal | None,
    *,
    held: Decimal,
    price: Decimal | None,
    stop: Decimal | None,
    figures: Figures | None,
    contract: Contract,
) -> Decimal | Refusal | None:
    """A quantity of the trade in units, not rounded yet; None for none.

    `held` is the position without its sign, `stop` the stop's price as it will be sent.
    """
    if value is None:
        return None
    with localcontext() as context:
        # A size must never come out larger than it is.
        context.prec, context.rounding = DIGITS, ROUND_DOWN
        found = _units(trade, value, held, price, stop, figures, contract)
        if isinstance(found, Refusal) or trade.size_type is SizeType.PERCENT_OF_POSITION:
            return found
        return found * trade.multiplier if trade.quantity_from_signal else found


def _units(
    trade: Trade,
    value: Decimal,
    held: Decimal,
    price: Decimal | None,
    stop: Decimal | None,
    figures: Figures | None,
    contract: Contract,
) -> Decimal | Refusal:
    kind = trade.size_type
    if kind is SizeType.FIXED_QUANTITY:
        return value
    if kind is SizeType.PERCENT_OF_POSITION:
        return held * value / HUNDRED
    if price is None:
        return _missing(kind, "price")
    money = _money(kind, value, figures)
    if isinstance(money, Refusal):
        return money
    if kind not in RISK_TYPES:
        return money / (price * contract.point_value)
    if stop is None or stop == price:
        return _missing(kind, "stop")
    return money / (abs(price - stop) * contract.point_value)


def _money(kind: SizeType, value: Decimal, figures: Figures | None) -> Decimal | Refusal:
    """What is to be spent, or risked."""
    if kind in EQUITY_TYPES:
        if figures is None:
            return _missing(kind, "equity")
        return max(figures.equity, ZERO) * value / HUNDRED
    if kind is SizeType.PERCENT_OF_BALANCE:
        if figures is None:
            return _missing(kind, "balance")
        return figures.free_balance * value / HUNDRED
    return value


def _missing(kind: SizeType, what: str) -> Refusal:
    return Refusal("size_unknown", {"size_type": kind.value, "missing": what})


def lot(trade: Trade, side: Side, step: Decimal) -> Decimal:
    """What an entry's size is a multiple of: whole units, unless fractions are wanted and
    can be; nobody lends fractions, so shorts are whole."""
    fractions = trade.is_fractional and (side is Side.BUY or trade.is_crypto)
    return step if fractions else max(step, ONE)


def down(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of the step that is not above the quantity."""
    with localcontext() as context:
        context.prec = DIGITS
        return quantity // step * step if quantity % step else quantity


def entry_quantity(
    trade: Trade, side: Side, wanted: Decimal | None, step: Decimal
) -> Decimal | Refusal:
    """An entry's size: 1 only where nothing at all is configured, and never for crypto."""
    if wanted is None:
        if trade.is_crypto:
            return Refusal("quantity_missing")
        wanted = ONE
    rounded = down(wanted, lot(trade, side, step))
    return rounded if rounded > 0 else Refusal("quantity_zero", {"quantity": text(wanted)})


def buying_power_refusal(
    trade: Trade,
    quantity: Decimal,
    price: Decimal | None,
    figures: Figures | None,
    contract: Contract,
) -> Refusal | None:
    """Too large for the account, where the broker says how much that is: never lowered. Where
    it does not, what is spent of the equity is not spent a second time."""
    if figures is None or price is None:
        return None
    cost, power, taken = quantity * price * contract.point_value, figures.equity, figures.bound
    if figures.buying_power is not None:
        power, taken = figures.buying_power, figures.promised
    elif trade.size_type is not SizeType.PERCENT_OF_EQUITY or not taken:
        return None
    if cost <= power - taken:
        return None
    numbers = {"cost": text(cost), "power": text(max(power - taken, ZERO))}
    return Refusal("buying_power", numbers | ({"promised": text(taken)} if taken else {}))


def needs_the_account(trade: Trade) -> bool:
    """True when the size cannot be worked out without the account's figures."""
    by_figures = trade.size_type in EQUITY_TYPES or trade.size_type is SizeType.PERCENT_OF_BALANCE
    return by_figures or trade.wanted is not None


def is_dust(trade: Trade, lot: Lot) -> bool:
    """True for crypto that is worth too little to be sold."""
    price = trade.signal_price or lot.avg_price
    if not (trade.is_crypto and lot.quantity) or price is None:
        return False
    return pairs.is_dust(lot.quantity, price)
