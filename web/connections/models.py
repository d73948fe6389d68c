"""Broker accounts, and a tenant's connections to them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from web.db import Base, TenantRow


class BrokerAccount(Base):
    """An account at a broker. It has no tenant; one sees it through one's connections."""

    __tablename__ = "broker_accounts"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    broker: Mapped[str]
    environment: Mapped[str]
    account: Mapped[str]


class Connection(TenantRow):
    """A tenant's link to a broker account, and how it is."""

    __tablename__ = "connections"
    __table_args__ = {"schema": "web"}

    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("web.broker_accounts.id"))
    name: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str] = mapped_column(default="ok")
    reported: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    broker_account: Mapped[BrokerAccount] = relationship(lazy="joined", innerjoin=True)


class PositionChange(Base):
    """A position moved without a fill, as seen at a connection to the account."""

    __tablename__ = "position_changes"
    __table_args__ = {"schema": "web"}

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    instrument: Mapped[str]
    cause: Mapped[str]
    change_qty: Mapped[Decimal | None]
    price: Mapped[Decimal | None]
    cash: Mapped[Decimal | None]
    text: Mapped[str]
    at: Mapped[datetime]
