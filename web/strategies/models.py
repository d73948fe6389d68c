"""A strategy, its webhook, and the row that counts its signals."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base, TenantRow

ASSET_CLASSES = ("stocks", "options", "futures", "crypto")


class Strategy(TenantRow):
    """A source of signals. Followers may read it; never its webhook or its signals."""

    __tablename__ = "strategies"
    __table_args__ = {"schema": "web"}

    name: Mapped[str]
    asset_class: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class StrategyWebhook(Base):
    """Where a strategy's signals arrive: the secret as a hash, and sealed for display."""

    __tablename__ = "strategy_webhooks"
    __table_args__ = {"schema": "web"}

    strategy_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    webhook_uuid: Mapped[UUID]
    secret_hash: Mapped[bytes]
    secret_sealed: Mapped[bytes]
    per_minute: Mapped[int] = mapped_column(server_default=FetchedValue())
    per_hour: Mapped[int] = mapped_column(server_default=FetchedValue())
    dedupe_seconds: Mapped[int] = mapped_column(server_default=FetchedValue())
    senders: Mapped[str] = mapped_column(server_default=FetchedValue())
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=FetchedValue())
    signing_sealed: Mapped[bytes | None]


class FormerSecret(Base):
    """A secret that was replaced, by its hash; what signs is kept sealed as well."""

    __tablename__ = "former_secrets"
    __table_args__ = {"schema": "web"}

    strategy_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    sealed: Mapped[bytes | None]
    until: Mapped[datetime]


class StrategyConnector(Base):
    """How Crypto-Arsenal messages find a strategy, and how they are read there."""

    __tablename__ = "connectors"
    __table_args__ = {"schema": "web"}

    strategy_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    name: Mapped[str]
    token_hash: Mapped[bytes]
    token_sealed: Mapped[bytes]
    instrument: Mapped[str]
    market: Mapped[str]
    mode: Mapped[str]
    leverage_convention: Mapped[str]
    leverage: Mapped[Decimal]
    reserve_percent: Mapped[Decimal]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class StrategyIntake(Base):
    """Counts a strategy's signals; intake and drain write it through functions."""

    __tablename__ = "strategy_intake"
    __table_args__ = {"schema": "web"}

    strategy_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    seq: Mapped[int] = mapped_column(server_default=FetchedValue())
    drained_seq: Mapped[int] = mapped_column(server_default=FetchedValue())
    last_accepted_at: Mapped[datetime | None]
