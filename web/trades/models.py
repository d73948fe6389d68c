"""What subscriptions did with signals: trades, and read models of execution's facts."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from web.db import Base, TenantRow

# Not over yet; everything else is an outcome.
OPEN_STATES = (
    "PENDING",
    "WAITING_APPROVAL",
    "DELAYED",
    "QUEUED",
    "WORKING",
    "BLOCKED",
)
# Held back by us: a person or their time lets them go.
WAITING_STATES = ("WAITING_APPROVAL", "BLOCKED", "DELAYED", "QUEUED")
# Of these, what a person may let go; BLOCKED also is what execution holds, without an expiry.
ASKING_STATES = ("WAITING_APPROVAL", "BLOCKED")
# What was asked for happened, wholly or in part.
FILLED_STATES = ("FILLED", "PARTIALLY_FILLED", "DONE")
OPEN_ORD_STATUSES = ("PENDING_NEW", "NEW", "PARTIALLY_FILLED")


class Fill(Base):
    """A quantity at a price."""

    __tablename__ = "fills"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("web.orders.id"))
    # None of an order that was placed at the broker, by somebody else.
    trade_id: Mapped[UUID | None]
    connection_id: Mapped[UUID]
    exec_id: Mapped[str]
    instrument: Mapped[str]
    side: Mapped[str]
    qty: Mapped[Decimal]
    price: Mapped[Decimal]
    fee: Mapped[Decimal]
    at: Mapped[datetime]
    # Taken back by the broker: it never was. Or corrected, when only the time is there.
    is_busted: Mapped[bool] = mapped_column(server_default=FetchedValue())
    amended_at: Mapped[datetime | None]


class Order(Base):
    """An instruction to a broker and what became of it."""

    __tablename__ = "orders"
    __table_args__ = {"schema": "web"}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    # None of one that was placed at the broker, by somebody else.
    trade_id: Mapped[UUID | None] = mapped_column(ForeignKey("web.trades.id"))
    connection_id: Mapped[UUID]
    cl_ord_id: Mapped[str]
    broker_order_id: Mapped[str | None]
    leg: Mapped[str]
    revision: Mapped[int]
    origin: Mapped[str]
    instrument: Mapped[str]
    side: Mapped[str]
    ord_type: Mapped[str]
    time_in_force: Mapped[str]
    order_qty: Mapped[Decimal]
    cum_qty: Mapped[Decimal]
    avg_px: Mapped[Decimal | None]
    limit_price: Mapped[Decimal | None]
    stop_price: Mapped[Decimal | None]
    # Placed and linked by us, because the broker does not.
    synthetic: Mapped[bool]
    ord_status: Mapped[str]
    reason: Mapped[str | None]
    # It went out again, under the same id, since the broker was proven not to know it.
    resent_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    fills: Mapped[list[Fill]] = relationship(order_by=Fill.at, lazy="raise", viewonly=True)

    @property
    def leaves_qty(self) -> Decimal:
        """What may still fill."""
        if self.ord_status in OPEN_ORD_STATUSES:
            return max(self.order_qty - self.cum_qty, Decimal(0))
        return Decimal(0)


class Trade(TenantRow):
    """One subscription's answer to one signal, or what a kill switch closed for it."""

    __tablename__ = "trades"
    __table_args__ = {"schema": "web"}

    # None for what no signal asked for; `origin` says what did.
    signal_id: Mapped[UUID | None]
    origin: Mapped[str] = mapped_column(server_default=FetchedValue())
    signal_seq: Mapped[int]
    strategy_id: Mapped[UUID]
    subscription_id: Mapped[UUID]
    connection_id: Mapped[UUID]
    mode: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    numbers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    instrument: Mapped[str]
    # What the instrument means, where it is not just that: symbol, expiry, roll, warning.
    contract: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    signal: Mapped[dict[str, Any]] = mapped_column(JSONB)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    settings_version: Mapped[int]
    # What it was decided from: see `record`.
    decision: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # PENDING, PROTECTED, UNPROTECTED or CLOSED; with its quantities, gaps and who keeps it.
    protection: Mapped[str | None]
    protection_details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    accepted_at: Mapped[datetime]
    dequeued_at: Mapped[datetime]
    planned_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    first_fill_at: Mapped[datetime | None]
    filled_at: Mapped[datetime | None]
    approval_expires_at: Mapped[datetime | None]
    release_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    handover_due: Mapped[bool] = mapped_column(server_default=FetchedValue())
    decided_by: Mapped[str | None]
    updated_at: Mapped[datetime]

    orders: Mapped[list[Order]] = relationship(
        order_by=Order.created_at, lazy="raise", viewonly=True
    )

    @property
    def was_approved(self) -> bool:
        """True once a person let it go; what time let go names nobody."""
        return self.released_at is not None and self.decided_by is not None

    @property
    def waits_until(self) -> datetime | None:
        """When it goes by itself: at the end of its delay, or when its market opens."""
        opens = self.numbers.get("opens_at") if self.is_held_for_the_open else None
        return datetime.fromisoformat(opens) if opens else self.release_at

    @property
    def is_held_for_the_open(self) -> bool:
        """True while execution holds it until its market opens."""
        return self.state == "QUEUED" and self.release_at is None

    @property
    def doubted(self) -> list[str]:
        """The client ids of what guards or closes what it opened, and can neither be found nor
        be proven absent."""
        return [doubt.partition(".")[0] for doubt in self._doubts_of_guards]

    @property
    def _doubts_of_guards(self) -> list[str]:
        return (self.protection_details or {}).get("doubted") or []

    @property
    def doubts(self) -> list[str]:
        """The names of all its doubts, by which a person's word on them is kept."""
        own = self.numbers.get("doubted", "").split() if self.state == "NEEDS_ATTENTION" else []
        return [*own, *self._doubts_of_guards]

    @property
    def doubted_ids(self) -> set[str]:
        """The client ids of all orders that are in such doubt."""
        return {doubt.partition(".")[0] for doubt in self.doubts}

    @property
    def is_doubtful(self) -> bool:
        """True while a person has to say what became of an order."""
        is_itself = self.state == "NEEDS_ATTENTION" and self.reason == "not_provable"
        return is_itself or bool(self.doubted)

    @property
    def is_held_for_its_spread(self) -> bool:
        """True while execution holds it until the spread is narrow enough."""
        return self.state == "BLOCKED" and self.reason == "spread_too_wide"


class Position(Base):
    """Net quantity by connection and instrument; `own` by subscription."""

    __tablename__ = "positions"
    __table_args__ = {"schema": "web"}

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    instrument: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    quantity: Mapped[Decimal]
    avg_price: Mapped[Decimal | None]
    own: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime]
