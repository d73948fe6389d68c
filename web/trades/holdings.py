"""What is held: both numbers of each position, the account's and every subscription's own, and
what last moved it without a fill of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Text, Uuid, column, select, true, values
from sqlalchemy.orm import aliased

from protos import ids
from web.audit import service as audit
from web.connections.models import PositionChange
from web.db import db, mine
from web.paging import Page
from web.strategies.models import Strategy
from web.subscriptions.models import Subscription
from web.trades.models import Position
from web.trades.reads import position_page

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


def page(*, sought: str = "", limit: int, cursor: str | None) -> Page[Holding]:
    """This tenant's positions, by connection and instrument; three queries. Raises BadCursor."""
    found = position_page(sought=sought, limit=limit, cursor=cursor)
    return Page(_held(found.rows), found.next_cursor)


def one_held(connection_id: UUID, instrument: str) -> Holding | None:
    """One of them."""
    row = db.session.scalar(
        select(Position).where(
            mine(Position),
            Position.connection_id == connection_id,
            Position.instrument == instrument,
        )
    )
    return None if row is None else _held([row])[0]


def of_connection(connection_id: UUID) -> list[Holding]:
    """What is held on one connection, by instrument."""
    query = select(Position).where(mine(Position), Position.connection_id == connection_id)
    return _held(db.session.scalars(query.order_by(Position.instrument)).all())


def _held(rows: Sequence[Position]) -> list[Holding]:
    """These with whose they are, and what moved them."""
    owners = {_owner(key) for row in rows for key in row.own}
    query = (
        select(Subscription.id, Strategy.name)
        .outerjoin(Strategy, Strategy.id == Subscription.strategy_id)
        .where(mine(Subscription), Subscription.id.in_(owners))
    )
    names = {row.id: row.name or FOLLOWED for row in db.session.execute(query)} if owners else {}
    changes = _last_changes(rows)
    return [
        Holding(row, _shares(row.own, names), changes.get((row.connection_id, row.instrument)))
        for row in rows
    ]


class ForeignHeld(Exception):
    """The account holds what no subscription of ours bought; somebody should know first."""

    def __init__(self, held: Sequence[Holding]) -> None:
        super().__init__(", ".join(holding.position.instrument for holding in held))
        self.held = held


def acknowledge(connection_id: UUID, *, actor: str, accepted: bool) -> None:
    """Before a subscription trades on a connection: somebody says that they know what its
    account holds that is not from here, which goes on record with what they then do. Raises
    ForeignHeld where they did not."""
    held = [h for h in of_connection(connection_id) if h.foreign]
    if held and not accepted:
        raise ForeignHeld(held)
    if held:
        audit.record(
            actor,
            "connection:acknowledge_foreign",
            ids.show("connection", connection_id),
            after={h.position.instrument: format(h.foreign, "f") for h in held},
        )


def _last_changes(rows: Sequence[Position]) -> Mapping[tuple[UUID, str], PositionChange]:
    """Of each position the newest, whatever stands before it."""
    if not rows:
        return {}
    wanted = [(row.connection_id, row.instrument) for row in rows]
    held = values(column("connection_id", Uuid), column("instrument", Text), name="held")
    held = held.data(wanted)
    newest = (
        select(PositionChange)
        .where(
            mine(PositionChange),
            PositionChange.connection_id == held.c.connection_id,
            PositionChange.instrument == held.c.instrument,
            PositionChange.change_qty != 0,
        )
        .order_by(PositionChange.at.desc())
        .limit(1)
        .lateral()
    )
    each = aliased(PositionChange, newest)
    found = db.session.scalars(select(each).select_from(held.join(newest, true())))
    return {(row.connection_id, row.instrument): row for row in found}


def _shares(own: Mapping[str, str], names: Mapping[UUID, str]) -> list[Share]:
    found = ((_owner(key), Decimal(own[key])) for key in own)
    shares = [Share(each, names.get(each, ""), quantity) for each, quantity in found if quantity]
    return sorted(shares, key=lambda share: (share.name, share.subscription_id))


def _owner(key: str) -> UUID:
    return ids.read("subscription", key) or UUID(key)
