"""What entries take of an account's money before its broker's figures tell of it.

Two lanes of an account may look at the same figures. An entry counts from the moment it is
decided, on the same event loop, so that the second lane sees what the first one took. It is
released when its order ends, and once figures were asked for after the broker knew of it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_UP, Context, Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from execution.domain.market import Market
from execution.domain.orders import ZERO, Terms
from execution.domain.prices import DIGITS
from execution.domain.words import AssetClass, Leg

if TYPE_CHECKING:
    from execution.lanes.tickets import Ticket

# Longer than figures are looked for and used.
KEPT = timedelta(seconds=10)
# Sums of these are exact, however often something is added and taken away.
_FINEST = Decimal("0.00000001")
_EXACT = Context(prec=DIGITS)


@dataclass(slots=True, eq=False)
class _Taken:
    """What one entry takes: the worth of what may still fill, and of what did."""

    working: Decimal = ZERO
    filled: Decimal = ZERO
    is_known: bool = False


@dataclass(slots=True, eq=False)
class Reserved:
    """The entries of one account, as far as its figures may not tell of them."""

    _open: dict[str, _Taken] = field(default_factory=dict)
    # Of those, what the broker has not spoken of.
    _unknown: dict[str, _Taken] = field(default_factory=dict)
    # When the broker was known to have an entry; when one filled, and what that cost.
    _known: deque[tuple[datetime, _Taken]] = field(default_factory=deque)
    _fills: deque[tuple[datetime, Decimal]] = field(default_factory=deque)
    # Cash that working entries will take.
    _working_cash: Decimal = ZERO

    def note(self, ticket: "Ticket", at: datetime) -> None:
        """An entry was decided, or something was heard of it."""
        order, terms = ticket.order, ticket.order.terms
        if terms.leg is not Leg.ENTRY:
            return
        name = terms.cl_ord_id
        taken = self._open.get(name)
        if taken is None:
            if not order.is_open and not order.cum_qty:
                return
            taken = self._open[name] = _Taken()
        working, filled = _worth(ticket)
        if pays_cash(ticket):
            self._working_cash += working - taken.working
            if filled > taken.filled:
                self._fills.append((at, filled - taken.filled))
        taken.working, taken.filled = working, filled
        if order.is_open and not order.is_acknowledged:
            self._unknown[name] = taken
        else:
            self._unknown.pop(name, None)
            if not taken.is_known:
                taken.is_known = True
                self._known.append((at, taken))
        if not order.is_open:
            del self._open[name]
        self._forget(at - KEPT)

    def beside(self, market: Market) -> Market:
        """The figures with what is taken of them."""
        if market.figures is None or market.asked_at is None:
            return market
        since = market.asked_at
        promised = sum((taken.working + taken.filled for taken in self._unknown.values()), ZERO)
        promised += _after(((at, t.working + t.filled) for at, t in reversed(self._known)), since)
        bound = self._working_cash + _after(reversed(self._fills), since)
        return replace(market, figures=replace(market.figures, promised=promised, bound=bound))

    def _forget(self, before: datetime) -> None:
        while self._known and self._known[0][0] < before:
            self._known.popleft()
        while self._fills and self._fills[0][0] < before:
            self._fills.popleft()


def planned_price(terms: Terms) -> Decimal:
    """What an order that has not filled is reckoned at."""
    planned = terms.decided_from.get("planning_price")
    price = Decimal(planned) if planned else terms.limit_price or terms.reference_price
    return price or ZERO


def pays_cash(ticket: "Ticket") -> bool:
    """False where an entry only ties money up as margin."""
    instrument = ticket.run.lane.book(ticket.order.terms.instrument).instrument
    trade = ticket.run.trade
    asset_class = trade.asset_class if instrument is None else instrument.asset_class
    return asset_class is not AssetClass.FUTURES


def _worth(ticket: "Ticket") -> tuple[Decimal, Decimal]:
    order, terms = ticket.order, ticket.order.terms
    point = ticket.run.lane.book(terms.instrument).point_value
    # In the account's currency, as it was when this was decided.
    if (rate := terms.decided_from.get("rate")) is not None:
        point = _EXACT.multiply(point, Decimal(rate))
    leaves, filled = order.leaves_qty, order.cum_qty
    return (
        _times(leaves, planned_price(terms), point) if leaves else ZERO,
        _times(filled, order.avg_px or ZERO, point) if filled else ZERO,
    )


def _times(quantity: Decimal, price: Decimal, point: Decimal) -> Decimal:
    """Their product, rounded up where it is finer than counts."""
    worth = _EXACT.multiply(_EXACT.multiply(quantity, price), point)
    is_coarse = not _EXACT.remainder(worth, _FINEST)
    return worth if is_coarse else worth.quantize(_FINEST, ROUND_UP, _EXACT)


def _after(newest_first: Iterable[tuple[datetime, Decimal]], since: datetime) -> Decimal:
    """The sum of what came after a moment, or in it."""
    total = ZERO
    for at, amount in newest_first:
        if at < since:
            break
        total += amount
    return total
