"""The seeded quote feed: the same seed, instrument and second give the same quote.

A price swings at most one percent around a middle: the price a client has seen, where it
named one, else the instrument's own. Contracts of one future swing together, and the
premium of an option follows its underlying.
"""

import csv
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from importlib import resources

from execution.domain.instruments import Instrument
from execution.domain.words import AssetClass

# Seconds between the drawn points that the swing moves along.
KNOT_SECONDS = 30
SWING = Decimal("0.01")
_DRIFT_POINTS = 8000
_JITTER_POINTS = 2000
_SCALE = Decimal(_DRIFT_POINTS + _JITTER_POINTS)
# How much of a price its spread is; at least one tick.
_SPREADS = {
    AssetClass.STOCKS: Decimal("0.0001"),
    AssetClass.CRYPTO: Decimal("0.0001"),
    AssetClass.FUTURES: Decimal(0),
    AssetClass.OPTIONS: Decimal("0.02"),
}


@dataclass(frozen=True, slots=True)
class Quote:
    """What the feed shows. The last trade was at the bid or at the ask."""

    bid: Decimal
    ask: Decimal
    last: Decimal


@functools.cache
def known_prices() -> Mapping[str, Decimal]:
    """Where well-known stocks, coins and currencies trade, about."""
    table = resources.files("execution.paper").joinpath("prices.csv")
    with table.open(encoding="utf-8") as lines:
        return {row["symbol"]: Decimal(row["price"]) for row in csv.DictReader(lines)}


def base_price(seed: int, name: str) -> Decimal:
    """The middle of something that nobody has named a price for."""
    known = known_prices().get(name)
    return drawn_price(seed, name) if known is None else known


def drawn_price(seed: int, name: str) -> Decimal:
    """A middle out of nothing: 10.00 to 499.99."""
    return Decimal(1000 + draw(seed, name, "base") % 49000) / 100


def price(seed: int, name: str, step: int, middle: Decimal) -> Decimal:
    """The price in second `step`, not yet on a tick."""
    return middle * (1 + SWING * _swing(seed, name, step) / _SCALE)


def around(seed: int, instrument: Instrument, step: int, price: Decimal) -> Quote:
    """The quote of an instrument whose price is known."""
    tick = instrument.tick_at(price)
    last = max(_on_tick(price, tick), tick)
    spread = max(_on_tick(last * _SPREADS[instrument.asset_class], tick, ROUND_CEILING), tick)
    sold = draw(seed, instrument.symbol, f"side{step}") % 2 or last <= spread
    return Quote(last, last + spread, last) if sold else Quote(last - spread, last, last)


def draw(seed: int, name: str, what: str) -> int:
    """A number that depends on nothing else."""
    spelled = f"{seed}\x1f{name}\x1f{what}".encode()
    return int.from_bytes(hashlib.sha256(spelled).digest()[:8], "big")


def _swing(seed: int, name: str, step: int) -> int:
    knot, into = divmod(step, KNOT_SECONDS)
    here = _between(_DRIFT_POINTS, draw(seed, name, f"knot{knot}"))
    there = _between(_DRIFT_POINTS, draw(seed, name, f"knot{knot + 1}"))
    jitter = _between(_JITTER_POINTS, draw(seed, name, f"step{step}"))
    return here + (there - here) * into // KNOT_SECONDS + jitter


def _between(bound: int, drawn: int) -> int:
    return drawn % (2 * bound + 1) - bound


def _on_tick(price: Decimal, tick: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick
