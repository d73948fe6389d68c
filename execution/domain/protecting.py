"""What keeps a position guarded once its entry filled: who guards how much of it, and what is
to be done so that at most one protective leg can close it, and none closes more than is held.

Where the venue links a target and a stop itself they are left alone while they fit. All else
is synthetic: the stop rests, the target is watched; what cannot rest is watched as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from execution.domain.decisions import Guard, Refusal, VenueRules, text
from execution.domain.market import Market, Quote
from execution.domain.orders import ZERO
from execution.domain.words import AssetClass, Leg, OrdType, Side

_MAY_BE_WATCHED = (OrdType.LIMIT, OrdType.STOP, OrdType.STOP_LIMIT)


class Protection(StrEnum):
    """Where the protection of a position stands."""

    PENDING = "PENDING"
    PROTECTED = "PROTECTED"
    UNPROTECTED = "UNPROTECTED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Resting:
    """An open protective order."""

    cl_ord_id: str
    leg: Leg
    leaves: Decimal
    cancel_asked: bool = False
    # The venue ends it when its twin fills.
    is_linked: bool = False
    # The broker has it.
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Cover:
    """What guards the position that one entry opened."""

    trade_id: UUID
    subscription_id: UUID
    # The closing side.
    side: Side
    # Opened, less what its own legs and others closed.
    left: Decimal
    stop: Guard | None = None
    target: Guard | None = None
    orders: tuple[Resting, ...] = ()
    # The leg whose price was reached.
    fired: Leg | None = None
    rests_stop: bool = True
    # The entry still works, so guards that go with it wait for its fills.
    is_growing: bool = False

    @property
    def is_linked(self) -> bool:
        """True while the venue itself keeps every leg that was asked for, and links them."""
        wanted = {guard.leg for guard in (self.stop, self.target) if guard is not None}
        linked = {o.leg for o in self.orders if o.is_linked and not o.cancel_asked}
        return bool(self.orders) and linked == wanted and all(o.is_linked for o in self.orders)

    @property
    def may_close(self) -> Decimal:
        """How much its orders may still close, should all of them fill."""
        linked = max((o.leaves for o in self.orders if o.is_linked), default=ZERO)
        if self.is_growing and linked:
            linked = min(linked, self.left)
        return linked + sum((o.leaves for o in self.orders if not o.is_linked), ZERO)

    @property
    def main(self) -> Guard | None:
        """The one leg whose orders may be at the venue; the other one is watched."""
        if self.fired is Leg.TAKE_PROFIT:
            return self.target
        if self.fired is Leg.STOP:
            return None if self.stop is None else fired_stop(self.stop)
        if self.stop is not None:
            return self.stop if self.rests_stop else None
        return self.target

    @property
    def watched(self) -> tuple[Guard, ...]:
        """The legs that wait for their price here."""
        if self.is_linked or not self.left:
            return ()
        legs = [guard for guard in (self.stop, self.target) if guard is not None]
        return tuple(guard for guard in legs if guard is not self.main)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a cover needs now."""

    cancels: tuple[str, ...] = ()
    sends: Guard | None = None
    quantity: Decimal = ZERO
    # How much is guarded.
    covered: Decimal = ZERO


def share(
    covers: Sequence[Cover], whole: Decimal, own: Mapping[UUID, Decimal]
) -> dict[UUID, Decimal]:
    """How much of a position each cover guards: what was opened first is closed first. `whole`
    and each subscription's `own` are what of it may be guarded; covers come oldest first."""
    left, owned, shares = whole, dict(own), {}
    for cover in reversed(covers):
        found = max(min(cover.left, left, owned.get(cover.subscription_id, ZERO)), ZERO)
        shares[cover.trade_id] = found
        left -= found
        owned[cover.subscription_id] = owned.get(cover.subscription_id, ZERO) - found
    return shares


def tend(cover: Cover, quantity: Decimal, room: Decimal) -> Upkeep:
    """What makes the orders of a cover guard this quantity. Nothing is sent before everything
    that could still close the same part is gone: `room` is what no other order may close."""
    if cover.is_growing and not cover.left:
        return Upkeep()
    if cover.is_linked:
        return _linked(cover, quantity)
    main = cover.main
    kept, cancels = ZERO, []
    for order in cover.orders:
        if order.cancel_asked:
            continue
        fits = main is not None and order.leg is main.leg and kept + order.leaves <= quantity
        if fits and not order.is_linked:
            kept += order.leaves
        else:
            cancels.append(order.cl_ord_id)
    if main is None:
        watching = quantity if not cover.orders else ZERO
        return Upkeep(tuple(cancels), covered=watching)
    known = sum(
        (
            o.leaves
            for o in cover.orders
            if o.is_known and o.cl_ord_id not in cancels and not o.cancel_asked
        ),
        ZERO,
    )
    lacks = min(quantity - cover.may_close, room)
    if cancels or lacks <= 0:
        return Upkeep(tuple(cancels), covered=known)
    return Upkeep(sends=main, quantity=lacks, covered=known)


def _linked(cover: Cover, quantity: Decimal) -> Upkeep:
    """The venue sizes linked legs to the fills of their entry; smaller they cannot be made."""
    guarded = min(max(o.leaves for o in cover.orders), cover.left)
    if quantity >= guarded > 0:
        is_known = all(o.is_known for o in cover.orders)
        return Upkeep(covered=guarded if is_known else ZERO)
    return Upkeep(tuple(o.cl_ord_id for o in cover.orders if not o.cancel_asked))


def is_reached(guard: Guard, quote: Quote) -> bool:
    """True when the price has come to a watched leg: what a closing order would trade at."""
    price = quote.bid if guard.side is Side.SELL else quote.ask
    price = quote.last if price is None else price
    level = guard.limit_price if guard.leg is Leg.TAKE_PROFIT else guard.stop_price
    if price is None or level is None:
        return False
    toward = 1 if guard.leg is Leg.TAKE_PROFIT else -1
    return (level - price) * guard.side.sign * toward >= 0


def fired_stop(stop: Guard) -> Guard:
    """A watched stop whose price has come."""
    if stop.ord_type is OrdType.STOP_LIMIT:
        return replace(stop, ord_type=OrdType.LIMIT, stop_price=None)
    return Guard(Leg.STOP, stop.side, OrdType.MARKET)


def is_native(
    guards: Sequence[Guard], quantity: Decimal, venue: VenueRules, asset_class: AssetClass
) -> bool:
    """True when the venue takes these with their entry; fractions of shares it never does."""
    is_whole = asset_class is not AssetClass.STOCKS or quantity == quantity.to_integral_value()
    return venue.has_brackets and is_whole and all(g.ord_type in venue.ord_types for g in guards)


def rests(stop: Guard | None, venue: VenueRules) -> bool:
    """True when the venue holds a stop of this kind by itself."""
    return stop is None or stop.ord_type in venue.ord_types


def unsupported(
    guards: Sequence[Guard], venue: VenueRules, market: Market | None
) -> Refusal | None:
    """Why these can exist neither at the venue nor here, as far as is known."""
    is_quoted = market is None or market.quote is not None
    for guard in guards:
        is_stop = guard.leg is Leg.STOP
        watched = guard.ord_type not in venue.ord_types or (not is_stop and len(guards) > 1)
        if watched and (not is_quoted or guard.ord_type not in _MAY_BE_WATCHED):
            reason = "stop_unsupported" if is_stop else "target_unsupported"
            return Refusal(reason, {"ord_type": guard.ord_type.value})
    return None


def state(cover: Cover, held: Decimal, free: Decimal, covered: Decimal) -> Protection:
    """Where a cover stands. `held` is its part of the position, `free` what of it no exit is
    about to close."""
    if not held:
        return Protection.PENDING if cover.is_growing else Protection.CLOSED
    if free > 0 and covered >= free:
        return Protection.PROTECTED
    return Protection.UNPROTECTED


def written(guards: Sequence[Guard], *, is_native: bool) -> dict[str, str]:
    """What guards a position, as it is kept with the order that opened it."""
    told = {"guarded": "native" if is_native else "synthetic"} if guards else {}
    for guard in guards:
        if guard.leg is Leg.TAKE_PROFIT:
            told["target"] = text(guard.limit_price)
            continue
        told |= {
            "stop": text(guard.stop_price),
            "stop_type": guard.ord_type.value,
            "stop_limit": text(guard.limit_price),
            "stop_trail": text(guard.trail_amount),
            "stop_trail_percent": text(guard.trail_percent),
        }
    return {name: value for name, value in told.items() if value}


def read(side: Side, kept: Mapping[str, str]) -> tuple[Guard, ...]:
    """The guards that were written; `side` is the closing one."""

    def number(name: str) -> Decimal | None:
        return Decimal(kept[name]) if name in kept else None

    found: list[Guard] = []
    if "target" in kept:
        found.append(Guard(Leg.TAKE_PROFIT, side, OrdType.LIMIT, limit_price=number("target")))
    if "stop_type" in kept:
        found.append(
            Guard(
                Leg.STOP,
                side,
                OrdType(kept["stop_type"]),
                limit_price=number("stop_limit"),
                stop_price=number("stop"),
                trail_amount=number("stop_trail"),
                trail_percent=number("stop_trail_percent"),
            )
        )
    return tuple(found)
