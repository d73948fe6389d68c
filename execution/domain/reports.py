"""What a broker says about an order."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from execution.domain.words import ExecType, OrdStatus, Side


@dataclass(frozen=True, slots=True)
class Report:
    """One thing the broker said about an order. `report_id` is canonical: the same event
    has the same one, whether heard on the stream or found by asking."""

    account: str
    report_id: str
    # Position in the account's stream; 0 when the broker numbers nothing.
    sequence: int
    cl_ord_id: str
    broker_order_id: str
    exec_type: ExecType
    ord_status: OrdStatus
    instrument: str
    side: Side
    exec_id: str
    last_qty: Decimal | None
    last_px: Decimal | None
    fee: Decimal | None
    text: str
    time: datetime
    # When the venue took the order in.
    venue_time: datetime | None
