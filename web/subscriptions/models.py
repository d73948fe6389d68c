"""A strategy joined to a connection, with settings; when it was on, and with which."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from web.connections.models import Connection
from web.db import Base, TenantRow
from web.strategies.models import Strategy


class Subscription(TenantRow):
    """Owned by the follower's tenant; the strategy may be another tenant's."""

    __tablename__ = "subscriptions"
    __table_args__ = {"schema": "web"}

    strategy_tenant_id: Mapped[UUID]
    strategy_id: Mapped[UUID] = mapped_column(ForeignKey("web.strategies.id"))
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("web.connections.id"))
    enabled: Mapped[bool] = mapped_column(default=False)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    strategy: Mapped[Strategy] = relationship(lazy="joined", innerjoin=True)
    connection: Mapped[Connection] = relationship(lazy="joined", innerjoin=True)


class SubscriptionSpan(Base):
    """One stretch of time in which a subscription was enabled."""

    __tablename__ = "subscription_spans"
    __table_args__ = {"schema": "web"}

    subscription_id: Mapped[UUID] = mapped_column(primary_key=True)
    enabled_at: Mapped[datetime] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    disabled_at: Mapped[datetime | None]


class SettingsVersion(Base):
    """The settings of a subscription, as they were from `created_at` on."""

    __tablename__ = "settings_versions"
    __table_args__ = {"schema": "web"}

    subscription_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
