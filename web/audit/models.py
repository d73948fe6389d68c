"""Audit events."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base


class AuditEvent(Base):
    """One change that a person, a key or a program made."""

    __tablename__ = "audit_events"
    __table_args__ = {"schema": "web"}

    id: Mapped[int] = mapped_column(primary_key=True, server_default=FetchedValue())
    tenant_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None]
    # From where it was asked: the request, the address (sealed), the session.
    origin: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
