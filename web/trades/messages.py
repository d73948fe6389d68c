"""A stored trade as execution's message: the same row always gives the same bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from protos import wire
from protos.execution.v1 import execution_pb2 as pb

_ACTIONS = {
    "buy": pb.ACTION_BUY,
    "sell": pb.ACTION_SELL,
    "exit": pb.ACTION_EXIT,
    "add": pb.ACTION_ADD,
    "cancel": pb.ACTION_CANCEL,
}
_SENTIMENTS = {
    None: pb.SENTIMENT_UNSPECIFIED,
    "bullish": pb.SENTIMENT_BULLISH,
    "bearish": pb.SENTIMENT_BEARISH,
    "flat": pb.SENTIMENT_FLAT,
}
_SIDES = {
    "both": pb.SIDES_BOTH,
    "bullish": pb.SIDES_BULLISH,
    "bearish": pb.SIDES_BEARISH,
    "none": pb.SIDES_NONE,
}
_ORD_TYPES = {None: pb.ORD_TYPE_MARKET, "market": pb.ORD_TYPE_MARKET, "limit": pb.ORD_TYPE_LIMIT}
_ASSET_CLASSES = {
    "stocks": pb.ASSET_CLASS_STOCKS,
    "options": pb.ASSET_CLASS_OPTIONS,
    "futures": pb.ASSET_CLASS_FUTURES,
    "crypto": pb.ASSET_CLASS_CRYPTO,
}
# They never open: `sell` of a long, `buy` of a short.
_REDUCTIONS = (("sell", "bullish"), ("buy", "bearish"))
# More than any position: execution closes what there is.
EVERYTHING = "1000000000000"


@dataclass(frozen=True, slots=True)
class Destination:
    """Whose trade it is and which broker account it goes to."""

    tenant_id: UUID
    subscription_id: UUID
    connection_id: UUID
    broker: str
    environment: str
    account: str


def to_trade(
    *,
    trade_id: UUID,
    strategy_id: UUID,
    signal_id: UUID,
    signal_seq: int,
    signal: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
    destination: Destination,
    accepted_at: datetime,
    released_at: datetime | None,
    asset_class: str,
    numbers: Mapping[str, str],
) -> pb.Trade:
    """The message, from what is stored: the signal's JSON and the settings snapshot."""
    accepted = wire.to_timestamp(accepted_at)
    sized, by_signal = _quantity(
        signal, numbers.get("quantity"), settings["quantity"]["from"] == "signal"
    )
    reverses = signal.get("reverses", False)
    return pb.Trade(
        trade_id=trade_id.hex,
        tenant_id=destination.tenant_id.hex,
        strategy_id=strategy_id.hex,
        subscription_id=destination.subscription_id.hex,
        connection_id=destination.connection_id.hex,
        account=pb.Account(
            broker=destination.broker,
            environment=destination.environment,
            account=destination.account,
        ),
        signal_id=signal_id.hex,
        signal_seq=signal_seq,
        accepted_time=accepted,
        released_time=wire.to_timestamp(released_at) if released_at else accepted,
        action=_ACTIONS[signal["action"]],
        sentiment=_SENTIMENTS[signal.get("sentiment")],
        instrument=signal["instrument"],
        quantity=sized,
        # One that reverses closes the opposite position whole: its quantity sizes the entry.
        quantity_from_signal=by_signal and not reverses,
        ord_type=_ORD_TYPES[signal.get("order_type")],
        limit_price=signal.get("limit_price") or "",
        signal_price=signal.get("signal_price") or "",
        sides=_SIDES[settings["sides"]["value"]],
        allow_add=settings["allow_add"]["value"],
        allow_swap=settings["allow_swap"]["value"] or reverses,
        asset_class=_ASSET_CLASSES[asset_class],
        entry_refusal=_refusal(numbers),
    )


def _refusal(numbers: Mapping[str, str]) -> pb.EntryRefusal | None:
    reason = numbers.get("entry_refused")
    if reason is None:
        return None
    return pb.EntryRefusal(reason=f"REASON_{reason.upper()}", numbers=numbers)


def _quantity(signal: Mapping[str, Any], quantity: str | None, by_signal: bool) -> tuple[str, bool]:
    """The quantity, and whether the signal named it. A setting never sizes an exit."""
    if (signal["action"], signal.get("sentiment")) not in _REDUCTIONS:
        return quantity or "", by_signal
    asked = signal.get("quantity") or ""
    if signal.get("quantity_type") == "percent_of_position" and Decimal(asked) == 100:
        return EVERYTHING, True
    return asked, True
