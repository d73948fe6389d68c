"""What execution last said of each switch."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from web.db import Base


class Switch(Base):
    """A kill switch of this tenant, or the platform's."""

    __tablename__ = "switches"
    __table_args__ = {"schema": "web"}

    scope: Mapped[str] = mapped_column(primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None]
    mode: Mapped[str]
    why: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    version: Mapped[int]
