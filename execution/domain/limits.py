"""Limits that bind what an account may open, and how they change. Pure.

A tighter limit holds at once; a looser one from the next trading day on, so that nobody
raises a limit in the heat of the loss that it was made for.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import fields

from execution.domain.decisions import Refusal, Send, text
from execution.domain.orders import ZERO
from execution.domain.positions import Position
from execution.domain.words import Side

# One day for every account, whatever it trades: as futures count theirs.
_ZONE = ZoneInfo("America/New_York")
_BEGINS = time(18)
MINUTE = timedelta(minutes=1)


class Limits(Struct, frozen=True):
    """None is no limit. Money is that of the account."""

    max_daily_loss: Decimal | None = None
    max_position: Decimal | None = None
    max_orders: int | None = None


NO_LIMITS = Limits()


class Used(Struct, frozen=True):
    """How much of each limit is used, orders that may still fill included."""

    lost: Decimal = ZERO
    exposed: Decimal = ZERO
    orders: int = 0


NOTHING = Used()


class LimitsState(Struct, frozen=True):
    """The limits that hold, and looser ones that wait for their day."""

    now: Limits = NO_LIMITS
    then: Limits | None = None
    then_at: datetime | None = None

    def at(self, now: datetime) -> Limits:
        """What holds."""
        if self.then is None or self.then_at is None or now < self.then_at:
            return self.now
        return self.then

    def changed(self, wanted: Limits, now: datetime) -> "LimitsState":
        """After somebody asked for other limits."""
        tighter = _tighter(self.at(now), wanted)
        if tighter == wanted:
            return LimitsState(wanted)
        return LimitsState(tighter, wanted, day_start(trading_day(now) + timedelta(days=1)))


def trading_day(at: datetime) -> date:
    """The day that an instant belongs to: one that begins at 18:00 is called by its end."""
    local = at.astimezone(_ZONE)
    return local.date() + timedelta(days=local.time() >= _BEGINS)


def day_start(day: date) -> datetime:
    """When a trading day begins."""
    return datetime.combine(day - timedelta(days=1), _BEGINS, _ZONE)


def result(before: Position, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
    """What a fill has won, by the average price of what it closes; per point."""
    if before.avg_price is None or before.quantity * side.sign >= 0:
        return ZERO
    closed = min(abs(before.quantity), quantity)
    return (before.avg_price - price) * closed * side.sign


def refuse(limits: Limits, used: Used, send: Send, point_value: Decimal) -> Refusal | None:
    """Why an entry would pass a limit, with the numbers."""
    most = limits.max_daily_loss
    if most is not None and used.lost >= most:
        return Refusal("daily_loss_hit", {"lost": text(used.lost), "limit": text(most)})
    if limits.max_orders is not None and used.orders >= limits.max_orders:
        told = {"orders": str(used.orders), "limit": str(limits.max_orders)}
        return Refusal("max_orders", told)
    if limits.max_position is None:
        return None
    value = _value(send, point_value)
    if value is not None and used.exposed + value <= limits.max_position:
        return None
    told = {"limit": text(limits.max_position), "exposed": text(used.exposed)}
    if value is not None:
        told["value"] = text(used.exposed + value)
    return Refusal("max_position", told)


def _value(send: Send, point_value: Decimal) -> Decimal | None:
    """What it would be worth; None where nothing tells, which no limit lets pass."""
    price = send.numbers.get("planning_price") or text(send.limit_price or send.reference_price)
    return send.quantity * Decimal(price) * point_value if price else None


def _tighter(a: Limits, b: Limits) -> Limits:
    """Each limit as the stricter of the two has it."""
    both = ((getattr(a, f.name), getattr(b, f.name)) for f in fields(Limits))
    known = ([limit for limit in pair if limit is not None] for pair in both)
    return Limits(*(min(pair, default=None) for pair in known))
