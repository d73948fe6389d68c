"""Which way subscriptions stand in an underlying, as far as fills were projected.

Asked only where a person is asked before anything opens: what closes must not wait for one.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from web.signals.rules import Signal
from web.trades import rules

_OWN = """
SELECT s.id, p.instrument, (p.own->>('sub_' || replace(s.id::text, '-', '')))::numeric
FROM web.subscriptions s JOIN web.positions p ON p.connection_id = s.connection_id
WHERE s.id = ANY(%s) AND p.own ? ('sub_' || replace(s.id::text, '-', ''))
"""

Own = Mapping[str, Decimal]


def stands(own: Own, signal: Signal, asset_class: str) -> str:
    """`long`, `short`, `either` where a put may mean both, or nothing. Pure."""
    root = rules.underlying(signal.instrument, asset_class)
    held = [qty for name, qty in own.items() if rules.underlying(name, asset_class) == root]
    if asset_class == "options":
        return "either" if any(held) else ""
    net = sum(held, Decimal(0))
    return "long" if net > 0 else "short" if net < 0 else ""


def own_of(positions: Mapping[str, Mapping[str, Any]], subscription_id: UUID) -> Own:
    """A subscription's part of each of these positions, by instrument."""
    key = f"sub_{subscription_id.hex}"
    return {name: Decimal(own[key]) for name, own in positions.items() if key in own}


class Standing:
    """What was looked up; for one turn of whoever asks."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._known: dict[UUID, dict[str, Decimal]] = {}

    def of(
        self, signal: Signal, asset_class: str, subscription_id: UUID, among: Sequence[UUID]
    ) -> str:
        """Which way a subscription stands; those `among` which it is are looked up with it."""
        if subscription_id not in self._known:
            self._known.update({one: {} for one in among})
            for owner, instrument, quantity in self._connection.execute(_OWN, (list(among),)):
                self._known[owner][instrument] = quantity
        return stands(self._known[subscription_id], signal, asset_class)
