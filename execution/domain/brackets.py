"""Targets and stops of an entry: their prices, and whether they are on the right side."""

from decimal import Decimal, localcontext

from msgspec.structs import replace

from execution.domain.decisions import Guard, Refusal, text
from execution.domain.market import Contract
from execution.domain.prices import DIGITS, HUNDRED, to_tick, trail_start
from execution.domain.trades import Distance, StopLoss
from execution.domain.words import By, Leg, OrdType, Side


def stop_of(
    asked: StopLoss,
    side: Side,
    price: Decimal | None,
    quantity: Decimal | None,
    contract: Contract,
) -> Guard | Refusal:
    """The stop of an entry, rounded as it will be sent."""
    closing = side.opposite
    amount, percent = _trail(asked)
    if asked.ord_type is OrdType.TRAILING_STOP:
        stop = trail_start(price, closing, amount, percent)
    else:
        stop = _place(asked.at, side, -1, price, quantity, contract)
    if stop is None:
        return Refusal("stop_unknown", {"missing": _missing(price, asked.at, quantity)})
    stop = to_tick(stop, contract.tick, closing)
    if stop <= 0 or (price is not None and (stop - price) * side.sign >= 0):
        return Refusal("stop_wrong_side", {"stop": text(stop), "price": text(price)})
    limit = None
    if asked.ord_type is OrdType.STOP_LIMIT:
        limit = to_tick(asked.limit_price or stop, contract.tick, closing)
    trails = asked.ord_type is OrdType.TRAILING_STOP
    return Guard(
        Leg.STOP,
        closing,
        asked.ord_type,
        limit_price=limit,
        stop_price=stop,
        trail_amount=amount if trails else None,
        trail_percent=percent if trails else None,
    )


def target(
    asked: Distance,
    side: Side,
    price: Decimal | None,
    quantity: Decimal | None,
    contract: Contract,
) -> Guard | Refusal:
    """Where the profit of an entry is taken, on its tick."""
    limit = _place(asked, side, 1, price, quantity, contract)
    if limit is None:
        return Refusal("target_unknown", {"missing": _missing(price, asked, quantity)})
    limit = to_tick(limit, contract.tick, side.opposite)
    if limit <= 0 or (price is not None and (limit - price) * side.sign <= 0):
        return Refusal("target_wrong_side", {"target": text(limit), "price": text(price)})
    return Guard(Leg.TAKE_PROFIT, side.opposite, OrdType.LIMIT, limit_price=limit)


def sized(leg: Guard, quantity: Decimal | None) -> Guard:
    """A target for a part of the position; None for all that is left."""
    return replace(leg, quantity=quantity)


def _place(
    at: Distance | None,
    side: Side,
    toward: int,
    price: Decimal | None,
    quantity: Decimal | None,
    contract: Contract,
) -> Decimal | None:
    """The price of a place; `toward` is 1 on the winning side and -1 on the losing one."""
    if at is None:
        return None
    if at.by is By.PRICE:
        return at.value
    if price is None:
        return None
    away = side.sign * toward
    match at.by:
        case By.PERCENT:
            return price + away * price * at.value / HUNDRED
        case By.AMOUNT:
            return price + away * at.value
        case By.PNL_AMOUNT:
            if not quantity:
                return None
            with localcontext() as context:
                context.prec = DIGITS
                return price + away * at.value / (quantity * contract.point_value)


def _trail(asked: StopLoss) -> tuple[Decimal | None, Decimal | None]:
    """Amount and percent of the trail; a plain distance acts as one."""
    if asked.trail_amount is not None or asked.trail_percent is not None:
        return asked.trail_amount, asked.trail_percent
    match asked.at:
        case Distance(By.AMOUNT, value):
            return value, None
        case Distance(By.PERCENT, value):
            return None, value
        case _:
            return None, None


def _missing(price: Decimal | None, at: Distance | None, quantity: Decimal | None) -> str:
    if price is None:
        return "price"
    if at is not None and at.by is By.PNL_AMOUNT and not quantity:
        return "quantity"
    return "distance"


def breakeven_price(avg_price: Decimal, held: Decimal, offset: Decimal, tick: Decimal) -> Decimal:
    """The average price, moved by the offset to the winning side, on its tick."""
    closing = Side.SELL if held > 0 else Side.BUY
    return to_tick(avg_price - closing.sign * offset, tick, closing)
