"""Link a tenant to a broker account. So far only paper, which needs nothing else."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from protos import ids
from web.audit import service as audit
from web.billing import limits
from web.connections.models import BrokerAccount, Connection
from web.db import current_tenant, db, get_for_tenant, mine


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


def all_of_tenant() -> list[Connection]:
    """This tenant's connections, oldest first."""
    rows = select(Connection).where(mine(Connection)).order_by(Connection.created_at, Connection.id)
    return list(db.session.scalars(rows))


def shared_with(rows: Sequence[Connection]) -> dict[UUID, list[str]]:
    """By whom else the accounts of these connections are traded: other connections by their
    names, and another tenant without one. Both share its position, its orders and its limits."""
    accounts: dict[UUID, list[Connection]] = {}
    for row in rows:
        accounts.setdefault(row.broker_account_id, []).append(row)
    others = set(db.session.scalars(text("SELECT web.accounts_of_others()")))
    told = {
        row.id: [each.name for each in accounts[row.broker_account_id] if each is not row]
        + ["somebody else"] * (row.broker_account_id in others)
        for row in rows
    }
    return {connection_id: names for connection_id, names in told.items() if names}


def get(connection_id: UUID | None) -> Connection:
    """The connection, if it is this tenant's; else 404."""
    return get_for_tenant(Connection, connection_id)
