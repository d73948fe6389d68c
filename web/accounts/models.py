"""People, the tenants they work in, and API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base


class Tenant(Base):
    """The account that pays; a workspace on screen."""

    __tablename__ = "tenants"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    plan_id: Mapped[str] = mapped_column(server_default=FetchedValue())
    # Staff's doing: its people may look and close, nothing else.
    suspended_at: Mapped[datetime | None]


class Member(Base):
    """A person in a tenant, with a role."""

    __tablename__ = "members"
    __table_args__ = {"schema": "web"}

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("web.tenants.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class ApiKey(Base):
    """A key that speaks for a tenant; only its hash is kept."""

    __tablename__ = "api_keys"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("web.tenants.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes]
    mode: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
