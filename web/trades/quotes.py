"""Prices of what waits for a person: what execution is quoted now, or one's own last fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from protos import wire
from protos.execution.v1 import execution_pb2 as pb
from web.connections import service as connections
from web.db import db, mine
from web.execution_client import ExecutionDown
from web.trades import explain
from web.trades.models import Fill, Trade

# An older price says nothing about now.
QUOTE_AGE = timedelta(days=1)
# A page waits no longer for them.
ASK_SECONDS = 1.0


@dataclass(frozen=True)
class Quote:
    """The last price we know of an instrument, and where from: `quote` or `fill`."""

    price: Decimal
    at: datetime
    source: str = "fill"

    def drift_percent(self, signal_price: str | None) -> Decimal | None:
        """How far the price went since the signal; None when it named none."""
        then = Decimal(signal_price or 0)
        return ((self.price / then - 1) * 100).quantize(Decimal("0.01")) if then else None


def last_known(trades: Sequence[Trade]) -> Mapping[str, Quote]:
    """The last known price of each instrument of these trades; none older than a day."""
    found = _quoted(trades)
    return _filled(sorted({t.instrument for t in trades} - found.keys())) | found


def _quoted(trades: Sequence[Trade]) -> dict[str, Quote]:
    """As the broker says it now; nothing where it cannot be asked."""
    wanted = {t.instrument: t for t in trades if t.signal.get("asset_class") != "options"}
    if not wanted:
        return {}
    held = connections.named(trade.connection_id for trade in wanted.values())
    accounts = {each: row.broker_account for each, row in held.items()}
    questions = [
        _question(trade, pb.Account(broker=a.broker, environment=a.environment, account=a.account))
        for trade in wanted.values()
        if (a := accounts.get(trade.connection_id)) is not None
    ]
    try:
        told = explain.client().preview(questions, seconds=ASK_SECONDS)
    except ExecutionDown:
        return {}
    prices = {q.instrument: _price(each.seen) for q, each in zip(questions, told, strict=True)}
    at = datetime.now(UTC)
    return {name: Quote(price, at, "quote") for name, price in prices.items() if price}


def _question(trade: Trade, account: pb.Account) -> pb.Trade:
    """Money for an instrument: what it buys cannot be said without a quote."""
    now = wire.to_timestamp(datetime.now(UTC))
    asset_class = str(trade.signal.get("asset_class", "stocks")).upper()
    return pb.Trade(
        trade_id=trade.id.hex,
        tenant_id=trade.tenant_id.hex,
        strategy_id=trade.strategy_id.hex,
        subscription_id=trade.subscription_id.hex,
        connection_id=trade.connection_id.hex,
        account=account,
        accepted_time=now,
        released_time=now,
        action=pb.ACTION_BUY,
        instrument=trade.instrument,
        asset_class=cast("pb.AssetClass", pb.AssetClass.Value(f"ASSET_CLASS_{asset_class}")),
        # As when it is planned: where nothing is quoted but what a sender named.
        signal_price=trade.signal.get("signal_price") or "",
        quantity="1",
        size_type=pb.SIZE_TYPE_DOLLAR_AMOUNT,
    )


def _price(seen: pb.SeenState) -> Decimal | None:
    bid, ask = wire.to_decimal(seen.bid), wire.to_decimal(seen.ask)
    if bid is not None and ask is not None:
        return (bid + ask) / 2
    return wire.to_decimal(seen.last) or bid or ask


def _filled(instruments: Sequence[str]) -> dict[str, Quote]:
    if not instruments:
        return {}
    rows = db.session.execute(
        select(Fill.instrument, Fill.price, Fill.at)
        .ext(distinct_on(Fill.instrument))
        .where(mine(Fill), Fill.instrument.in_(instruments), Fill.at > func.now() - QUOTE_AGE)
        .order_by(Fill.instrument, Fill.at.desc())
    )
    return {instrument: Quote(price, at) for instrument, price, at in rows}
