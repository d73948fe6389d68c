"""Link a tenant to a broker account. So far only paper, which needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from protos import ids
from web.audit import service as audit
from web.billing import limits
from web.connections.models import BrokerAccount, Connection
from web.db import current_tenant, db, get_for_tenant, mine
from web.paging import Moment, Page, in_order

# Of those that trade the same account so many are named.
MOST_NAMED = 5
# No list to choose from is longer; more are searched.
MOST_OFFERED = 50


_BESIDE = """
SELECT a.id, c.id, c.name FROM unnest(CAST(:accounts AS uuid[])) AS a (id)
CROSS JOIN LATERAL (SELECT c.id, c.name FROM web.connections c
    WHERE c.broker_account_id = a.id AND c.tenant_id = web.current_tenant()
    ORDER BY c.created_at, c.id LIMIT :most) c
"""


class BadConnection(Exception):
    """A field of a connection cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


def create_paper(*, name: str, actor: str) -> Connection:
    """A connection to a new paper account of its own.

    Raises BadConnection.
    """
    tenant = current_tenant()
    assert tenant is not None
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 100:
        raise BadConnection("name", "A name has 1 to 100 characters.", "Give it a name.")
    limits.check("paper_connections")
    connection_id = ids.new()
    account = f"P{connection_id.hex[:16]}"
    account_id = ids.account_id("paper", "paper", account)
    # Without RETURNING: until the connection exists, nobody may read the account.
    db.session.execute(
        insert(BrokerAccount)
        .values(id=account_id, broker="paper", environment="paper", account=account)
        .on_conflict_do_nothing()
    )
    connection = Connection(
        id=connection_id,
        tenant_id=tenant,
        broker_account_id=account_id,
        name=trimmed,
        mode="paper",
        state="ok",
        reported={},
    )
    db.session.add(connection)
    audit.record(
        actor,
        "connection:create",
        ids.show("connection", connection_id),
        after={"name": trimmed, "mode": "paper", "account": account},
    )
    db.session.commit()
    return connection


def page(*, sought: str = "", limit: int, cursor: str | None) -> Page[Connection]:
    """This tenant's connections, oldest first; those that are called so or have such an account.

    Raises BadCursor.
    """
    return in_order(
        _sought(sought),
        (Connection.created_at, Connection.id),
        Moment,
        lambda row: (row.created_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def offered(query: Select[Connection], sought: str) -> Page[Connection]:
    """Some to choose from, the oldest first, and whether there are more."""
    found = query.where(fits(sought)) if sought else query
    rows = db.session.scalars(
        found.order_by(Connection.created_at, Connection.id).limit(MOST_OFFERED + 1)
    ).all()
    return Page(rows[:MOST_OFFERED], "" if len(rows) > MOST_OFFERED else None)


def named(wanted: Iterable[UUID | None]) -> dict[UUID, Connection]:
    """Those of this tenant's connections by id, for naming them in lists."""
    found = {connection_id for connection_id in wanted if connection_id}
    if not found:
        return {}
    rows = db.session.scalars(select(Connection).where(mine(Connection), Connection.id.in_(found)))
    return {row.id: row for row in rows}


def has_live() -> bool:
    """Whether any of this tenant's connections trades live money."""
    wanted = select(Connection.id).where(mine(Connection), Connection.mode == "live").limit(1)
    return db.session.scalar(wanted) is not None


def shared_with(rows: Sequence[Connection]) -> dict[UUID, list[str]]:
    """By whom else the accounts of these connections are traded: some other connections by their
    names, and another tenant without one. All share its position, its orders and its limits."""
    accounts = list({row.broker_account_id for row in rows})
    if not accounts:
        return {}
    beside: dict[UUID, list[tuple[UUID, str]]] = {}
    for account_id, connection_id, name in db.session.execute(
        text(_BESIDE), {"accounts": accounts, "most": MOST_NAMED + 1}
    ):
        beside.setdefault(account_id, []).append((connection_id, name))
    others = set(
        db.session.scalars(text("SELECT web.accounts_of_others(:accounts)"), {"accounts": accounts})
    )
    told = {row.id: _told(row, beside, row.broker_account_id in others) for row in rows}
    return {connection_id: names for connection_id, names in told.items() if names}


def _told(
    row: Connection, beside: Mapping[UUID, Sequence[tuple[UUID, str]]], is_of_others: bool
) -> list[str]:
    names = [name for id_, name in beside.get(row.broker_account_id, ()) if id_ != row.id]
    more = ["others"] if len(names) > MOST_NAMED - 1 else []
    return names[: MOST_NAMED - 1] + more + ["somebody else"] * is_of_others


def _sought(sought: str) -> Select[Connection]:
    query = select(Connection).where(mine(Connection))
    return query.where(fits(sought)) if sought else query


def fits(sought: str) -> ColumnElement[bool]:
    """Called so, or with such an account, or with this id."""
    asked = ids.read("connection", sought)
    if asked is not None:
        return Connection.id == asked
    return or_(
        Connection.name.icontains(sought, autoescape=True),
        Connection.broker_account.has(BrokerAccount.account.icontains(sought, autoescape=True)),
    )


def get(connection_id: UUID | None) -> Connection:
    """The connection, if it is this tenant's; else 404."""
    return get_for_tenant(Connection, connection_id)
