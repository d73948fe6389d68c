"""Caps: what a strategy's publisher, a risk limit, a plan or a broker allows at most. Pure.

They bind entries only and only lower. One that cannot be expressed as a lower value
refuses the entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from web.subscriptions.settings.kinds import Kind, Value, load
from web.subscriptions.settings.table import BY_NAME

_SIDES = {
    "both": frozenset({"bullish", "bearish"}),
    "bullish": frozenset({"bullish"}),
    "bearish": frozenset({"bearish"}),
    "none": frozenset[str](),
}
_BY_SIDES = {found: name for name, found in _SIDES.items()}
_DOWN = Context(prec=28, rounding=ROUND_DOWN)


class CannotCompare(Exception):
    """The value and the cap are not in the same terms."""


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that a setting may be; `by` is locked, risk, plan or broker."""

    name: str
    limit: Value
    by: str
    # What a size is in.
    unit: str = ""

    @property
    def came_from(self) -> str:
        """The provenance of a value that it lowered."""
        return self.by if self.by == "locked" else f"capped:{self.by}"


def caps_of(stored: Mapping[str, Any]) -> tuple[Cap, ...]:
    """What a strategy's own settings allow its subscriptions at most."""
    found = []
    for name in stored.get("locked", ()):
        raw = stored.get(name)
        limit = BY_NAME[name].default if raw is None else load(BY_NAME[name], raw)
        unit = str(stored.get("quantity_type", "fixed_quantity")) if name == "quantity" else ""
        found.append(Cap(name, limit, "locked", unit))
    if stored.get("allow_auto_submit") is False:
        found.append(Cap("auto_submit", False, "locked"))
    return tuple(found)


def in_order(caps: Iterable[Cap]) -> Sequence[Cap]:
    """Sizes last: they look at the multiplier."""
    return sorted(caps, key=lambda cap: cap.name == "quantity")


def lower(cap: Cap, value: Value, others: Mapping[str, Value], *, from_signal: bool) -> Value:
    """The value, or less of it.

    Raises CannotCompare.
    """
    match BY_NAME[cap.name].kind:
        case Kind.BOOLEAN:
            return value if cap.limit else False
        case Kind.CHOICE:
            return _BY_SIDES[_SIDES[str(value)] & _SIDES[str(cap.limit)]]
        case Kind.TICKERS:
            return _common(value, cap.limit)
        case _ if cap.name == "quantity":
            return _smaller_size(cap, value, others, from_signal=from_signal)
        case _:
            assert isinstance(value, Decimal) and isinstance(cap.limit, Decimal)
            return min(value, cap.limit)


def _common(value: Value, limit: Value) -> Value:
    assert isinstance(limit, tuple)
    if value is None:
        return limit
    assert isinstance(value, tuple)
    return tuple(str(name) for name in value if name in limit)


def _smaller_size(
    cap: Cap, value: Value, others: Mapping[str, Value], *, from_signal: bool
) -> Value:
    assert isinstance(cap.limit, Decimal)
    if others["quantity_type"] != cap.unit:
        raise CannotCompare()
    # Nothing set anywhere is 1.
    size = value if isinstance(value, Decimal) else Decimal(1)
    factor = others["multiplier"] if from_signal else Decimal(1)
    assert isinstance(factor, Decimal)
    if size * factor <= cap.limit:
        return value
    return _DOWN.divide(cap.limit, factor)
