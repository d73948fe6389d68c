"""What somebody must look at, until it is over or they have."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from protos import alarms
from web.db import TenantRow


class Alarm(TenantRow):
    """One alarm. It is open until it is over by itself, or acknowledged."""

    __tablename__ = "alarms"
    __table_args__ = {"schema": "web"}

    kind: Mapped[str]
    connection_id: Mapped[UUID]
    instrument: Mapped[str]
    trade_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    message: Mapped[str]
    numbers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    lasts: Mapped[str | None]
    raised_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]

    @property
    def is_open(self) -> bool:
        """True while it asks for somebody."""
        return self.ended_at is None and self.acknowledged_at is None

    @property
    def fix(self) -> str:
        """What to do about it; one of a kind that is no more says nothing."""
        known = alarms.CATALOGUE.get(self.kind)
        return known.fix if known else ""
