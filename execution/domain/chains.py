"""Which contract of an option chain a signal means. The chain's order does not matter."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from execution.domain.expiries import shifted
from execution.domain.options import OptionContract, Right

_DISTANCE = re.compile(r"\+\s*(\d{1,4})\s*(day|week|month|year)s?")


class Moneyness(StrEnum):
    ITM = "itm"
    OTM = "otm"


class Choice(Struct, frozen=True):
    """What is asked for: by the distance from the money, or by an exact strike.

    `strikes_away` 0 is the strike nearest to the price; 1 is the first beyond it, on the
    side that `moneyness` names. A strike that equals the price is on neither side.
    """

    right: Right
    # Contracts that expire before this are not looked at; the first left counts.
    earliest: date
    moneyness: Moneyness = Moneyness.OTM
    strikes_away: int = 0
    strike: Decimal | None = None


def pick(chain: Iterable[OptionContract], spot: Decimal, choice: Choice) -> OptionContract | None:
    """The contract that is meant; None when this much of the chain does not hold it, and a
    wider one must be asked for."""
    fitting = [
        contract
        for contract in chain
        if contract.right is choice.right and contract.expiration >= choice.earliest
    ]
    nearest = min((contract.expiration for contract in fitting), default=None)
    strikes = {c.strike: c for c in fitting if c.expiration == nearest}
    if choice.strike is not None:
        return strikes.get(choice.strike)
    if not choice.strikes_away:
        return strikes[_nearest(strikes, spot)] if _surrounds(strikes, spot) else None
    beyond = _beyond(strikes, spot, choice)
    if len(beyond) < choice.strikes_away or not _surrounds(strikes, spot):
        return None
    return strikes[beyond[choice.strikes_away - 1]]


def earliest_expiration(text: str | None, today: date) -> date:
    """The date that `expiration` asks for: a date, `+2 weeks`, or the nearest there is.

    Raises ValueError.
    """
    if not text:
        return today
    distance = _DISTANCE.fullmatch(text.strip().lower())
    if distance is None:
        return date.fromisoformat(text.strip())
    count, unit = int(distance[1]), distance[2]
    match unit:
        case "day":
            return today + timedelta(days=count)
        case "week":
            return today + timedelta(weeks=count)
        case "month":
            return _months_on(today, count)
        case _:
            return _months_on(today, 12 * count)


def _beyond(strikes: Iterable[Decimal], spot: Decimal, choice: Choice) -> list[Decimal]:
    """The strikes on the asked side, from the money outwards."""
    is_above = (choice.right is Right.CALL) == (choice.moneyness is Moneyness.OTM)
    if is_above:
        return sorted(strike for strike in strikes if strike > spot)
    return sorted((strike for strike in strikes if strike < spot), reverse=True)


def _nearest(strikes: Iterable[Decimal], spot: Decimal) -> Decimal:
    return min(strikes, key=lambda strike: (abs(strike - spot), strike))


def _surrounds(strikes: Iterable[Decimal], spot: Decimal) -> bool:
    """Whether the money lies within these strikes: else nearer ones may be missing."""
    listed = list(strikes)
    return bool(listed) and min(listed) <= spot <= max(listed)


def _months_on(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    first = shifted(day.year, day.month, months)
    last = shifted(first.year, first.month, 1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))
