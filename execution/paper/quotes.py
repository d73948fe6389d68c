"""The seeded quote feed: the same seed, instrument and second give the same price.

A price swings at most one percent around a middle: the price a client has seen, where it
named one, else a price drawn once from the seed and the instrument.
"""

import hashlib
from decimal import ROUND_HALF_EVEN, Decimal

# Seconds between the drawn points that the swing moves along.
KNOT_SECONDS = 30
SWING = Decimal("0.01")
_DRIFT_POINTS = 8000
_JITTER_POINTS = 2000
_SCALE = Decimal(_DRIFT_POINTS + _JITTER_POINTS)


def price(seed: int, instrument: str, step: int, middle: Decimal | None = None) -> Decimal:
    """The price of an instrument in second `step`."""
    around = base_price(seed, instrument) if middle is None else middle
    moved = around * (1 + SWING * _swing(seed, instrument, step) / _SCALE)
    return moved.quantize(tick(around), ROUND_HALF_EVEN)


def base_price(seed: int, instrument: str) -> Decimal:
    """The middle of an instrument that nobody has named a price for: 10.00 to 499.99."""
    return Decimal(1000 + _draw(seed, instrument, "base") % 49000) / 100


def _swing(seed: int, instrument: str, step: int) -> int:
    knot, into = divmod(step, KNOT_SECONDS)
    here = _between(_DRIFT_POINTS, _draw(seed, instrument, f"knot{knot}"))
    there = _between(_DRIFT_POINTS, _draw(seed, instrument, f"knot{knot + 1}"))
    jitter = _between(_JITTER_POINTS, _draw(seed, instrument, f"step{step}"))
    return here + (there - here) * into // KNOT_SECONDS + jitter


def _between(bound: int, drawn: int) -> int:
    return drawn % (2 * bound + 1) - bound


def _draw(seed: int, instrument: str, what: str) -> int:
    spelled = f"{seed}\x1f{instrument}\x1f{what}".encode()
    return int.from_bytes(hashlib.sha256(spelled).digest()[:8], "big")


def tick(around: Decimal) -> Decimal:
    """The smallest step of a price."""
    return Decimal("0.01") if around >= 1 else Decimal("0.00000001")
