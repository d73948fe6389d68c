"""Who visits, behind the token of a session.

The look-up cannot know the tenant yet, so it goes through a definer function.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from protos import ids
from web.accounts import sessions
from web.accounts.rules import may
from web.db import db, enter_person, enter_tenant

# Switches that a page tells of; one more says that there are more.
MOST_SWITCHES = 4


@dataclass(frozen=True)
class Visitor:
    """A signed-in person in the tenant they work in. What Flask-Login calls a user."""

    person_id: UUID
    tenant_id: UUID
    email: str
    name: str
    role: str
    tenant_name: str
    # The tenant's change number before this request read anything else: live pages go on
    # from here.
    change_number: int
    # Trades that wait for a person: every page shows how many.
    approvals: int
    # Trades with an order in doubt that a person has to resolve.
    doubts: int
    # Open alarms, and what the newest says.
    alarms: int
    newest_alarm: str | None
    # Some of the kill switches that are on, the widest first: every page says so.
    switches: tuple[dict[str, Any], ...] = ()
    # What staff tell of brokers that this workspace is connected to.
    notices: tuple[dict[str, Any], ...] = ()
    # By staff: they may look and close, nothing else.
    suspended: bool = False
    session_id: UUID | None = None
    # When they last proved who they are, in this session.
    proved_at: datetime | None = None
    # Whether they have shown that mail reaches them.
    confirmed: bool = True
    has_second_factor: bool = False
    workspaces: tuple["Workspace", ...] = ()
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """For Flask-Login."""
        return self.person_id.hex

    def may(self, permission: str) -> bool:
        """Whether their role here has it."""
        return may(self.role, permission)

    @property
    def actor(self) -> str:
        """As audit events name them."""
        return f"person:{ids.show('person', self.person_id)}"


@dataclass(frozen=True)
class Workspace:
    """Another one that they may switch to."""

    tenant_id: UUID
    name: str
    role: str


class NoMember(Exception):
    """The session is good, but its person is no member of its workspace any more."""

    def __init__(self, tenant_name: str, workspaces: tuple[Workspace, ...]) -> None:
        super().__init__(tenant_name)
        self.tenant_name, self.workspaces = tenant_name, workspaces


def find_visitor(token: str, address: str) -> Visitor | None:
    """Whose session it is; from here on the request works as them, in their tenant.

    Raises NoMember.
    """
    with db.engine.begin() as connection:
        row = sessions.find(connection, token, address)
        if row is None or row.pending:
            return None
        if row.role is None:
            raise NoMember(row.tenant_name, _workspaces(row.workspaces))
        stands = _stands(connection, row.tenant_id)
    enter_tenant(row.tenant_id)
    enter_person(row.person_id)
    return Visitor(
        row.person_id,
        row.tenant_id,
        row.email,
        row.name,
        row.role,
        row.tenant_name,
        **stands,
        session_id=row.session_id,
        proved_at=row.proved_at,
        confirmed=row.confirmed,
        has_second_factor=row.second_factor,
        workspaces=_workspaces(row.workspaces),
    )


def _workspaces(told: list[dict[str, str]] | None) -> tuple[Workspace, ...]:
    return tuple(Workspace(UUID(each["id"]), each["name"], each["role"]) for each in told or ())


def look(tenant: UUID, email: str, name: str, tenant_name: str) -> Visitor:
    """As staff see the workspace who look at it as this person does: they may nothing."""
    with db.engine.begin() as connection:
        stands = _stands(connection, tenant)
    return Visitor(UUID(int=0), tenant, email, name, "viewer", tenant_name, **stands)


def _stands(connection: Connection, tenant: UUID) -> dict[str, Any]:
    """What every page tells of a workspace, as `Visitor` calls it."""
    connection.execute(
        text("SELECT set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant)}
    )
    row = connection.execute(
        text(
            "SELECT coalesce((SELECT number FROM web.tenant_changes WHERE tenant_id = :tenant), 0) "
            "AS change_number, (SELECT count(*) FROM web.trades WHERE tenant_id = :tenant "
            "AND approval_expires_at IS NOT NULL) AS approvals, "
            "(SELECT count(DISTINCT trade_id) FROM web.alarms WHERE tenant_id = :tenant "
            "AND kind IN ('not_provable', 'guard_not_provable') AND ended_at IS NULL) AS doubts, "
            "(SELECT count(*) FROM web.alarms WHERE tenant_id = :tenant "
            "AND ended_at IS NULL AND acknowledged_at IS NULL) AS alarms, "
            "(SELECT message FROM web.alarms WHERE tenant_id = :tenant AND ended_at IS NULL "
            "AND acknowledged_at IS NULL ORDER BY raised_at DESC LIMIT 1) AS newest_alarm, "
            "(SELECT json_agg(s) FROM (SELECT * FROM web.switches WHERE mode <> 'off' "
            "AND (tenant_id = :tenant OR tenant_id IS NULL) ORDER BY array_position(ARRAY["
            "'platform', 'broker', 'tenant', 'strategy', 'connection'], scope), set_at "
            "LIMIT :most_switches) s) AS switches, "
            "(SELECT suspended_at IS NOT NULL FROM web.tenants WHERE id = :tenant) AS suspended, "
            "(SELECT json_agg(n ORDER BY n.broker) FROM web.broker_notices n "
            "WHERE now() BETWEEN n.from_at AND n.until_at AND n.broker IN (SELECT b.broker "
            "FROM web.connections c JOIN web.broker_accounts b ON b.id = c.broker_account_id "
            "WHERE c.tenant_id = :tenant)) AS notices"
        ),
        {"tenant": tenant, "most_switches": MOST_SWITCHES},
    ).one()
    told = dict(row._mapping)
    return told | {name: tuple(told[name] or ()) for name in ("switches", "notices")}
