"""How much of its limits an account has used: what it lost, what it holds, what went out."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from execution.domain import limits
from execution.domain.limits import MINUTE, Used
from execution.domain.orders import ZERO
from execution.domain.positions import Position
from execution.domain.reports import Report


@dataclass(slots=True)
class Usage:
    """Counted as orders are written down and fills come in, so that two lanes of an account
    cannot both take the last of it."""

    # Realised on a trading day, by instrument.
    results: dict[str, tuple[date, Decimal]] = field(default_factory=dict)
    sent: dict[str, deque[datetime]] = field(default_factory=dict)

    def book(self, before: Position, fill: Report, point_value: Decimal) -> None:
        """A fill, with the position before it, whoever traded."""
        quantity, price = fill.last_qty or ZERO, fill.last_px or ZERO
        won = limits.result(before, fill.side, quantity, price) * point_value
        day, symbol = limits.trading_day(fill.time), fill.instrument
        known_day, known = self.results.get(symbol, (day, ZERO))
        earlier = known if known_day == day else ZERO
        self.results[symbol] = (day, earlier + won - (fill.fee or ZERO))

    def send(self, connection_id: str, at: datetime) -> None:
        """An order is about to go out."""
        self.sent.setdefault(connection_id, deque()).append(at)

    def unsend(self, connection_id: str) -> None:
        """The last one did not."""
        self.sent[connection_id].pop()

    def used(self, connection_id: str, exposed: Decimal, now: datetime) -> Used:
        """As limits compare it."""
        today = limits.trading_day(now)
        results = (result for day, result in self.results.values() if day == today)
        recent = self.sent.setdefault(connection_id, deque())
        while recent and now - recent[0] >= MINUTE:
            recent.popleft()
        return Used(max(-sum(results, ZERO), ZERO), exposed, len(recent))
