"""PostgreSQL: pools for the road, a session for the site, and whose tenant it is.

The road (intake, drain, projector) speaks SQL through psycopg pools. The site uses
Flask-SQLAlchemy. Both run as roles under row-level security; `tenant_scope` names the
tenant of the current request, and every transaction of the site tells it to PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as SiteSession
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from sqlalchemy import ColumnElement, DateTime, Engine, event, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.exceptions import NotFound

from protos.postgres import BY_ID

# What a caller waits for a connection before the answer is "down, try again".
POOL_TIMEOUT_SECONDS = 0.7
CONNECT_TIMEOUT_SECONDS = 2
# A pool's pauses between attempts double; it gives up instead, and whoever asks for a connection
# next has it try again.
RECONNECT_SECONDS = 0.25

Pool = ConnectionPool[Connection[TupleRow]]

_tenant: ContextVar[UUID | None] = ContextVar("tenant", default=None)
_person: ContextVar[UUID | None] = ContextVar("person", default=None)
# Staff's own requests run as staff's own role.
_staff: ContextVar[bool] = ContextVar("staff", default=False)
# Nothing is written: somebody looks through another's eyes.
_read_only: ContextVar[bool] = ContextVar("read_only", default=False)

STAFF = "staff"


class Base(DeclarativeBase):
    """All tables of the `web` schema."""

    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class TenantRow(Base):
    """A table whose rows belong to a tenant and are looked up by id."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]


T = TypeVar("T", bound=TenantRow)


class RoutedSession(SiteSession):
    """The request's session, as the role that its pages run as."""

    def get_bind(self, *_args: Any, **_more: Any) -> Engine:
        """The engine of that role, for whatever table."""
        return db.engine


class Database(SQLAlchemy):
    """The site's database, seen by tenants' pages as one role and by staff's as another."""

    @property
    def engine(self) -> Engine:
        """The engine of the current request."""
        return self.engines[STAFF if _staff.get() else None]


db = Database(metadata=Base.metadata, session_options={"class_": RoutedSession})


def open_pool(url: str, *, size: int, name: str) -> Pool:
    """A pool that opens in the background and mends itself after the database was away."""
    return ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=POOL_TIMEOUT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        name=name,
        open=True,
        kwargs={
            "autocommit": True,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": f"fillwire-{name}",
            "options": f"-c statement_timeout=30s -c lock_timeout=10s {BY_ID}",
        },
    )


@contextmanager
def one_go(connection: Connection[TupleRow]) -> Iterator[None]:
    """A transaction whose statements go together, and are waited for once, at its end, or where a
    result is fetched; `transaction()` waits for its BEGIN, for what is in it and for its COMMIT."""
    try:
        with connection.pipeline():
            connection.execute("BEGIN")
            yield
            connection.execute("COMMIT")
    except BaseException:
        if not connection.broken:
            connection.rollback()
        raise


def need_not_last(connection: Connection[TupleRow]) -> None:
    """What this transaction writes may be lost if the database dies within the next half second:
    whoever wrote it finds it undone, and does it again. A pipeline's own transaction will do."""
    connection.execute("SELECT set_config('synchronous_commit', 'off', true)")


def to_json(rows: Any) -> str:
    """Rows as one JSON parameter, for `jsonb_to_recordset`: any number in one round trip."""
    return msgspec.json.encode(rows, enc_hook=str).decode()


@contextmanager
def tenant_scope(tenant: UUID) -> Iterator[None]:
    """Work as this tenant: every transaction begun inside sees only its rows."""
    token = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(token)


def current_tenant() -> UUID | None:
    """The tenant of the scope we are in."""
    return _tenant.get()


def enter_tenant(tenant: UUID | None) -> None:
    """Set the tenant for the rest of this context: a request's, from its sign-in or key."""
    _tenant.set(tenant)


def enter_person(person: UUID | None) -> None:
    """Set the person for the rest of this context: they see the rows that are theirs alone."""
    _person.set(person)


def enter_staff(is_staff: bool) -> None:
    """Whether the rest of this context runs as staff's role."""
    _staff.set(is_staff)


def enter_read_only(is_read_only: bool) -> None:
    """Whether every transaction begun in the rest of this context may only read."""
    _read_only.set(is_read_only)


def is_read_only() -> bool:
    """Whether somebody looks through another's eyes: they change nothing and see no secret."""
    return _read_only.get()


def act_as(person: UUID, tenant: UUID | None) -> None:
    """From here on, in the middle of a transaction too, this person in this tenant."""
    enter_person(person)
    enter_tenant(tenant)
    _tell(db.session)


def mine(model: Any) -> ColumnElement[bool]:
    """That a row is the current tenant's: what a list asks, beside what PostgreSQL adds."""
    owned: ColumnElement[bool] = model.tenant_id == current_tenant()
    return owned


def get_for_tenant(model: type[T], row_id: UUID | None) -> T:
    """The row, if it is this tenant's; otherwise 404, as if it did not exist."""
    tenant = current_tenant()
    if row_id is not None and tenant is not None:
        found = db.session.scalar(
            select(model).where(model.id == row_id, model.tenant_id == tenant)
        )
        if found is not None:
            return found
    raise NotFound()


@event.listens_for(Session, "after_begin")
def _tell_tenant(_session: Session, _transaction: object, connection: Any) -> None:
    _tell(connection)
    if _read_only.get():
        connection.execute(text("SET TRANSACTION READ ONLY"))


def _tell(connection: Any) -> None:
    """Tell PostgreSQL whose transaction it is."""
    tenant, person = _tenant.get(), _person.get()
    connection.execute(
        text(
            "SELECT set_config('app.tenant_id', :tenant, true), "
            "set_config('app.person_id', :person, true)"
        ),
        {"tenant": str(tenant) if tenant else "", "person": str(person) if person else ""},
    )
