"""Accepted signals, and what was refused."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base, TenantRow


class Signal(TenantRow):
    """One accepted webhook: its bytes and how they were read."""

    __tablename__ = "signals"
    __table_args__ = {"schema": "web"}

    strategy_id: Mapped[UUID]
    seq: Mapped[int]
    dialect: Mapped[str]
    content_type: Mapped[str]
    body: Mapped[bytes]
    parsed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[datetime]
    accepted_at: Mapped[datetime]
    duplicates: Mapped[int]


class Refusal(Base):
    """Messages of one minute that were refused for one reason; the last one's body."""

    __tablename__ = "refusals"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    strategy_id: Mapped[UUID]
    code: Mapped[str]
    minute: Mapped[datetime]
    count: Mapped[int]
    field: Mapped[str | None]
    message: Mapped[str]
    fix: Mapped[str | None]
    body: Mapped[bytes]
    last_at: Mapped[datetime]
