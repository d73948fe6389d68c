"""What is held: both numbers of each position, the account's and every subscription's own, and
what last moved it without a fill of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from protos import ids
from web.audit import service as audit
from web.connections.models import PositionChange
from web.db import db, mine
from web.strategies.models import Strategy
from web.subscriptions.models import Subscription
from web.trades.models import Position
from web.trades.reads import positions

ZERO = Decimal(0)
# A strategy that somebody else publishes is not named here.
FOLLOWED = "a followed strategy"


@dataclass(frozen=True, slots=True)
class Share:
    """A subscription's own part of a position."""

    subscription_id: UUID
    # Of its strategy; empty for one of another tenant on the same account.
    name: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """A position with whose it is."""

    position: Position
    shares: Sequence[Share]
    # Without a fill of ours; None where that never was.
    change: PositionChange | None

    @property
    def foreign(self) -> Decimal:
        """What no subscription holds, traded at the broker or there before."""
        return self.position.quantity - sum((share.quantity for share in self.shares), ZERO)


def all_held() -> list[Holding]:
    """This tenant's positions, by connection and instrument; three queries."""
    rows = positions()
    names = {
        row.id: row.name or FOLLOWED
        for row in db.session.execute(
            select(Subscription.id, Strategy.name)
            .outerjoin(Strategy, Strategy.id == Subscription.strategy_id)
            .where(mine(Subscription))
        )
    }
    changes = _last_changes()
    return [
        Holding(row, _shares(row.own, names), changes.get((row.connection_id, row.instrument)))
        for row in rows
    ]


def one_held(connection_id: UUID, instrument: str) -> Holding | None:
    """One of them."""
    wanted = (connection_id, instrument)
    found = (h for h in all_held() if (h.position.connection_id, h.position.instrument) == wanted)
    return next(found, None)


class ForeignHeld(Exception):
    """The account holds what no subscription of ours bought; somebody should know first."""

    def __init__(self, held: Sequence[Holding]) -> None:
        super().__init__(", ".join(holding.position.instrument for holding in held))
        self.held = held


def acknowledge(connection_id: UUID, *, actor: str, accepted: bool) -> None:
    """Before a subscription trades on a connection: somebody says that they know what its
    account holds that is not from here, which goes on record with what they then do. Raises
    ForeignHeld where they did not."""
    held = [h for h in all_held() if h.position.connection_id == connection_id and h.foreign]
    if held and not accepted:
        raise ForeignHeld(held)
    if held:
        audit.record(
            actor,
            "connection:acknowledge_foreign",
            ids.show("connection", connection_id),
            after={h.position.instrument: format(h.foreign, "f") for h in held},
        )


def _last_changes() -> Mapping[tuple[UUID, str], PositionChange]:
    which = (PositionChange.connection_id, PositionChange.instrument)
    newest = select(PositionChange).where(mine(PositionChange)).ext(distinct_on(*which))
    query = newest.order_by(*which, PositionChange.at.desc())
    found = db.session.scalars(query.where(PositionChange.change_qty != 0))
    return {(row.connection_id, row.instrument): row for row in found}


def _shares(own: Mapping[str, str], names: Mapping[UUID, str]) -> list[Share]:
    found = ((ids.read("subscription", key) or UUID(key), Decimal(own[key])) for key in own)
    shares = [Share(each, names.get(each, ""), quantity) for each, quantity in found if quantity]
    return sorted(shares, key=lambda share: (share.name, share.subscription_id))
