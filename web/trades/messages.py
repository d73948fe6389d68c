"""A stored trade as execution's message: the same row always gives the same bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb
from web.trades import wishes

_ACTIONS = {
    "buy": pb.ACTION_BUY,
    "sell": pb.ACTION_SELL,
    "exit": pb.ACTION_EXIT,
    "add": pb.ACTION_ADD,
    "cancel": pb.ACTION_CANCEL,
    "reverse": pb.ACTION_REVERSE,
    "breakeven": pb.ACTION_BREAKEVEN,
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
_ASSET_CLASSES = {
    "stocks": pb.ASSET_CLASS_STOCKS,
    "options": pb.ASSET_CLASS_OPTIONS,
    "futures": pb.ASSET_CLASS_FUTURES,
    "crypto": pb.ASSET_CLASS_CRYPTO,
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Whose trade it is and which broker account it goes to."""

    tenant_id: UUID
    subscription_id: UUID
    connection_id: UUID
    broker: str
    environment: str
    account: str


def terms(
    *,
    strategy_id: UUID,
    signal_id: UUID,
    signal_seq: int,
    signal: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
    accepted_at: datetime,
    released_at: datetime | None,
    asset_class: str,
    numbers: Mapping[str, str],
    approved: bool = False,
) -> pb.Trade:
    """What trades of a signal with the same settings share: from its JSON and the snapshot."""
    accepted = wire.to_timestamp(accepted_at)
    trade = pb.Trade(
        strategy_id=strategy_id.hex,
        signal_id=signal_id.hex,
        signal_seq=signal_seq,
        accepted_time=accepted,
        released_time=wire.to_timestamp(released_at) if released_at else accepted,
        action=_ACTIONS[signal["action"]],
        sentiment=_SENTIMENTS[signal.get("sentiment")],
        instrument=signal["instrument"],
        quantity=numbers.get("quantity", ""),
        signal_price=signal.get("signal_price") or "",
        sides=_SIDES[settings["sides"]["value"]],
        allow_add=settings["allow_add"]["value"],
        allow_swap=settings["allow_swap"]["value"] or signal.get("reverses", False),
        asset_class=_ASSET_CLASSES[asset_class],
        entry_refusal=_refusal(numbers),
        superseded_waiting=int(numbers.get("superseded_waiting", 0)),
        client_tag=ids.tag(strategy_id, signal.get("client_tag") or ""),
    )
    if approved:
        trade.origin = pb.ORIGIN_APPROVAL
        # Execution had it before, and gave it back as too late.
        trade.revives = "given_back" in numbers
    approved_at = released_at if approved else None
    trade.MergeFrom(wishes.fields(signal, settings, asset_class, accepted_at, approved_at))
    if trade.revives or "let_go" in numbers:
        # Whoever let it go wants it whatever the spread is.
        trade.exit.spread_filter = trade.exit.spread_filter_percent = ""
    trade.ord_type, trade.limit_price = trade.entry.ord_type, trade.entry.limit_price
    return trade


def to_trade(shared: pb.Trade, trade_id: UUID, destination: Destination) -> pb.Trade:
    """The message: the terms, for one subscription and its broker account."""
    trade = pb.Trade(
        trade_id=trade_id.hex,
        tenant_id=destination.tenant_id.hex,
        subscription_id=destination.subscription_id.hex,
        connection_id=destination.connection_id.hex,
        account=pb.Account(
            broker=destination.broker,
            environment=destination.environment,
            account=destination.account,
        ),
    )
    trade.MergeFrom(shared)
    return trade


def _refusal(numbers: Mapping[str, str]) -> pb.EntryRefusal | None:
    reason = numbers.get("entry_refused")
    if reason is None:
        return None
    return pb.EntryRefusal(reason=f"REASON_{reason.upper()}", numbers=numbers)
