"""Where an account's quotes come from, when not from the venue's own seeded feed.

A feed answers what it knows, and None for the rest, which the seeded feed answers. The
signal's feed stands still at the price that a client named last. A recorded one is replayed
from the moment it was given: lines of `time,instrument,bid,ask`, oldest first.
"""

import bisect
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from execution.paper import matching
from execution.paper.market import Market
from execution.paper.matching import Refused
from execution.paper.quotes import Quote

COLUMNS = ["time", "instrument", "bid", "ask"]
MOST_LINES = 20_000


class Feed(Protocol):
    """What an account asks before the seeded feed."""

    def quote(
        self, symbol: str, at: datetime, seen: Decimal | None, market: Market
    ) -> Quote | None:
        """What an instrument can be traded at now; None where this feed does not know."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The price that a client named last, and nothing around it."""

    def quote(
        self, symbol: str, at: datetime, seen: Decimal | None, market: Market
    ) -> Quote | None:
        """A quote that stands still."""
        return None if seen is None else Quote(seen, seen, seen)


@dataclass(slots=True)
class Series:
    """The quotes of one instrument: seconds since the recording began, and what was seen."""

    seconds: list[float] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recording:
    """Quotes as they were; the last one holds when it is over."""

    series: dict[str, Series]
    began_at: datetime

    def quote(
        self, symbol: str, at: datetime, seen: Decimal | None, market: Market
    ) -> Quote | None:
        """The newest quote that is not in the future."""
        found = self.series.get(symbol)
        if found is None:
            return None
        place = bisect.bisect_right(found.seconds, (at - self.began_at).total_seconds())
        return found.quotes[max(place - 1, 0)]


def read(content: bytes, began_at: datetime) -> Recording:
    """A recording from its lines. Raises Refused, naming the line."""
    try:
        lines = csv.reader(content.decode("utf-8-sig").splitlines())
        rows = [row for row in lines if row]
    except (UnicodeDecodeError, csv.Error):
        raise Refused("recording: not a CSV file in UTF-8") from None
    if not rows or [name.strip().lower() for name in rows[0]] != COLUMNS:
        raise Refused(f"recording: the first line is {','.join(COLUMNS)}")
    if not 1 < len(rows) <= MOST_LINES + 1:
        raise Refused(f"recording: 1 to {MOST_LINES} quotes")
    series: dict[str, Series] = {}
    first: datetime | None = None
    last: datetime | None = None
    for number, row in enumerate(rows[1:], 2):
        at, symbol, quote = _row(number, row)
        first = first or at
        if last is not None and at < last:
            raise Refused(f"recording: line {number}: the time is before the line above")
        last = at
        found = series.setdefault(symbol, Series())
        found.seconds.append((at - first).total_seconds())
        found.quotes.append(quote)
    return Recording(series, began_at)


def _row(number: int, row: Sequence[str]) -> tuple[datetime, str, Quote]:
    if len(row) != len(COLUMNS):
        raise Refused(f"recording: line {number}: four columns, {','.join(COLUMNS)}")
    told, symbol, bid, ask = (text.strip() for text in row)
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise Refused(f"recording: line {number}: {told[:40]!r} is no time") from None
    if at.tzinfo is None:
        raise Refused(f"recording: line {number}: the time has no zone; end it with Z")
    if not matching.is_name(symbol):
        raise Refused(f"recording: line {number}: no instrument")
    try:
        low, high = matching.read_price(bid), matching.read_price(ask)
    except Refused:
        raise Refused(f"recording: line {number}: bid and ask are prices") from None
    if low is None or high is None or low > high:
        raise Refused(f"recording: line {number}: bid and ask are prices, bid not above ask")
    return at, symbol, Quote(low, high, low)
