"""Sign people in and out, and know the tenant behind an API key.

Sessions live in the database; the browser holds a random token, the table its hash.
These look-ups cannot know the tenant yet, so they go through definer functions.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from protos import ids
from web.accounts import passwords
from web.accounts.models import ApiKey
from web.audit import service as audit
from web.db import current_tenant, db, enter_tenant

SESSION_LIFE = timedelta(days=14)


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
    # Trades whose order nobody can prove anything of: every page says so.
    # Trades with an order in doubt that a person has to resolve.
    doubts: int
    # Open alarms, and what the newest says.
    alarms: int
    newest_alarm: str | None
    # Kill switches that are on: every page says so.
    switches: tuple[dict[str, Any], ...] = ()
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """For Flask-Login."""
        return self.person_id.hex

    @property
    def actor(self) -> str:
        """As audit events name them."""
        return f"person:{ids.show('person', self.person_id)}"


@dataclass(frozen=True)
class Key:
    """An API key that was shown to us."""

    key_id: UUID
    tenant_id: UUID
    mode: str

    @property
    def actor(self) -> str:
        """As audit events name it."""
        return f"key:{ids.show('api_key', self.key_id)}"


def sign_in(email: str, password: str) -> str | None:
    """Open a session and return its token; None when e-mail or password is wrong."""
    login = db.session.execute(
        text("SELECT person_id, password_hash, disabled, tenant_ids FROM web.find_login(:email)"),
        {"email": email.strip()},
    ).one_or_none()
    right = passwords.is_right(login.password_hash if login else None, password)
    if login is None or not right or login.disabled or not login.tenant_ids:
        return None
    token = passwords.new_token()
    _work_as(login.tenant_ids[0])
    db.session.execute(
        text("SELECT web.open_session(:hash, :person, :tenant, :expires)"),
        {
            "hash": passwords.hash_token(token),
            "person": login.person_id,
            "tenant": login.tenant_ids[0],
            "expires": datetime.now(UTC) + SESSION_LIFE,
        },
    )
    _record_session("open", token, login.person_id)
    db.session.commit()
    return token


def find_visitor(token: str) -> Visitor | None:
    """Whose session it is; from here on the request works as their tenant."""
    with db.engine.connect() as connection:
        row = connection.execute(
            text("SELECT * FROM web.find_session(:hash)"), {"hash": passwords.hash_token(token)}
        ).one_or_none()
        if row is None:
            return None
        connection.execute(
            text("SELECT set_config('app.tenant_id', :tenant, true)"),
            {"tenant": str(row.tenant_id)},
        )
        number, approvals, doubts, alarms, newest_alarm, switches = connection.execute(
            text(
                "SELECT (SELECT number FROM web.tenant_changes WHERE tenant_id = :tenant), "
                "(SELECT count(*) FROM web.trades WHERE tenant_id = :tenant "
                "AND approval_expires_at IS NOT NULL), "
                "(SELECT count(*) FROM web.alarms WHERE tenant_id = :tenant "
                "AND kind = 'not_provable' AND ended_at IS NULL), "
                "(SELECT count(*) FROM web.alarms WHERE tenant_id = :tenant "
                "AND ended_at IS NULL AND acknowledged_at IS NULL), "
                "(SELECT message FROM web.alarms WHERE tenant_id = :tenant AND ended_at IS NULL "
                "AND acknowledged_at IS NULL ORDER BY raised_at DESC LIMIT 1), "
                "(SELECT json_agg(s) FROM web.switches s WHERE s.mode <> 'off')"
            ),
            {"tenant": row.tenant_id},
        ).one()
    enter_tenant(row.tenant_id)
    return Visitor(
        row.person_id,
        row.tenant_id,
        row.email,
        row.name,
        row.role,
        row.tenant_name,
        number or 0,
        approvals,
        doubts,
        alarms,
        newest_alarm,
        tuple(switches or ()),
    )


def sign_out(token: str) -> None:
    """Close the session for good."""
    hashed = {"hash": passwords.hash_token(token)}
    whose = db.session.execute(text("SELECT * FROM web.find_session(:hash)"), hashed).one_or_none()
    db.session.execute(text("SELECT web.close_session(:hash)"), hashed)
    if whose is not None:
        _work_as(whose.tenant_id)
        _record_session("close", token, whose.person_id)
    db.session.commit()


def _work_as(tenant: UUID) -> None:
    """Go on as this tenant, in the transaction that has begun too."""
    enter_tenant(tenant)
    db.session.execute(
        text("SELECT set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant)}
    )


def _record_session(verb: str, token: str, person_id: UUID) -> None:
    person = ids.show("person", person_id)
    audit.record(f"person:{person}", f"session:{verb}", audit.session_name(token))


def find_key(key: str) -> Key | None:
    """Whose key it is; from here on the request works as their tenant."""
    with db.engine.begin() as connection:
        row = connection.execute(
            text("SELECT * FROM web.find_api_key(:hash)"), {"hash": passwords.hash_token(key)}
        ).one_or_none()
    if row is None:
        return None
    enter_tenant(row.tenant_id)
    return Key(row.key_id, row.tenant_id, row.mode)


def add_api_key(name: str, actor: str) -> str:
    """A new test key of the current tenant. It is shown once."""
    tenant = current_tenant()
    assert tenant is not None
    key = f"fw_test_{passwords.new_token()}"
    row = ApiKey(
        id=ids.new(),
        tenant_id=tenant,
        name=name,
        prefix=key[:12],
        key_hash=passwords.hash_token(key),
        mode="test",
    )
    db.session.add(row)
    audit.record(actor, "api_key:create", ids.show("api_key", row.id), after={"name": name})
    db.session.commit()
    return key
