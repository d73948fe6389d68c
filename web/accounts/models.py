"""People, the tenants they work in, and API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base


class Tenant(Base):
    """The account that pays; a workspace on screen."""

    __tablename__ = "tenants"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


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
    role: Mapped[str]
    # Permissions; empty for all that the role has.
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    # Empty for anywhere.
    networks: Mapped[list[str]] = mapped_column(ARRAY(CIDR))
    expires_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Invitation(Base):
    """Somebody who was asked to join; the address is kept while it is open."""

    __tablename__ = "invitations"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("web.tenants.id"))
    email: Mapped[str | None]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(deferred=True)
    invited_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
