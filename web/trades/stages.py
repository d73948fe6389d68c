"""A trade's stage times, by the names that the waterfall and the API use."""

from collections.abc import Mapping
from datetime import datetime

from web.trades.models import Trade


def times_of(trade: Trade) -> Mapping[str, datetime | None]:
    """When each stage was reached; None for those that were not."""
    return {
        "sent": trade.sent_at,
        "received": trade.received_at,
        "accepted": trade.accepted_at,
        "dequeued": trade.dequeued_at,
        "planned": trade.planned_at,
        "approved": trade.approved_at,
        "submitted": trade.submitted_at,
        "acknowledged": trade.acknowledged_at,
        "first_fill": trade.first_fill_at,
        "filled": trade.filled_at,
    }
