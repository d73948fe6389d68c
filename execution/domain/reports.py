"""What a broker says about an order."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from execution.domain.words import ExecType, OrdStatus, OrdType, Side


class Report(Struct, frozen=True):
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
    # What was asked for and filled, where the broker tells: all that is known of an order that
    # was placed there by somebody else.
    order_qty: Decimal | None = None
    ord_type: OrdType | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    cum_qty: Decimal | None = None
    # The fill that is taken back or corrected, by its ExecID.
    ref_exec_id: str = ""


class PositionMove(Struct, frozen=True):
    """A position moved without a fill of ours: it expired, the account began anew, or somebody
    else traded it. Where it was heard it is numbered in the account's stream like a report."""

    account: str
    report_id: str
    sequence: int
    # "expiry", "reset" or "external".
    cause: str
    # Empty for what concerns the account as a whole.
    instrument: str
    # Signed: what the position gained.
    quantity: Decimal
    price: Decimal | None
    cash: Decimal | None
    text: str
    time: datetime


class RulesChanged(Struct, frozen=True):
    """What the venue does for the account is not what it was: to be asked for again."""

    account: str
    report_id: str
    sequence: int


# What comes in an account's stream.
Said = Report | PositionMove | RulesChanged
