"""The JSON of every object, in one place. Money as strings, times RFC 3339 UTC with ms."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from flask import Response

from protos import ids, reasons
from web.alarms.models import Alarm
from web.connections.models import Connection
from web.formats import iso
from web.paging import Page
from web.signals import body as bodies
from web.signals.models import Signal
from web.signals.reads import Counts
from web.signals.refusals import BadSignal
from web.strategies.connectors import Shown as Connector
from web.strategies.models import Strategy
from web.strategies.webhooks import Shown as Webhook
from web.subscriptions.models import Subscription
from web.trades import plans, record
from web.trades.holdings import Holding
from web.trades.models import Fill, Order, Trade
from web.trades.quotes import Quote
from web.trades.stages import times_of
from web.trades.words import intent

T = TypeVar("T")

# Only a signal's payload holds numbers; they go back as they came, exact.
_encoder = msgspec.json.Encoder(decimal_format="number")


def to_response(
    content: dict[str, Any], status: int = 200, *, content_type: str = "application/json"
) -> Response:
    """The object as an answer."""
    return Response(_encoder.encode(content), status, content_type=content_type)


def listed(rows: Sequence[dict[str, Any]], next_cursor: str | None = None) -> dict[str, Any]:
    """The envelope of every list."""
    return {
        "object": "list",
        "data": rows,
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
    }


def paged(page: Page[T], shape: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """One page of a list."""
    return listed([shape(row) for row in page.rows], page.next_cursor)


def strategy(row: Strategy, webhook_url: str | None) -> dict[str, Any]:
    """A strategy; its webhook URL holds a secret, so only its owner gets it."""
    return {
        "object": "strategy",
        "id": ids.show("strategy", row.id),
        "name": row.name,
        "asset_class": row.asset_class,
        "enabled": row.enabled,
        "settings": row.settings,
        "webhook_url": webhook_url,
        "created_at": iso(row.created_at),
    }


def connector(row: Strategy, found: Connector) -> dict[str, Any]:
    """What Crypto-Arsenal messages name; it holds a secret, so only its owner gets it."""
    return {
        "object": "connector",
        "strategy_id": ids.show("strategy", row.id),
        "url": found.url,
        "connectorName": found.name,
        "connectorToken": found.token,
        "instrument": found.instrument,
        "market": found.market,
        "mode": found.mode,
        "leverage_convention": found.leverage_convention,
        "leverage": _number(found.leverage),
        "reserve_percent": _number(found.reserve_percent),
        "former_tokens": _until(found.formers),
    }


def webhook(row: Strategy, found: Webhook) -> dict[str, Any]:
    """Where alerts are posted, and by whom; it holds secrets, so only its owner gets it."""
    return {
        "object": "webhook",
        "strategy_id": ids.show("strategy", row.id),
        "url": found.url,
        "former_secrets": _until(found.formers),
        "senders": found.senders,
        "addresses": found.addresses,
        "signing_secret": found.signing_secret,
        "former_signing_secrets": _until(found.former_signing),
        "per_minute": found.per_minute,
        "per_hour": found.per_hour,
        "dedupe_seconds": found.dedupe_seconds,
    }


def _until(times: Sequence[datetime]) -> list[dict[str, Any]]:
    return [{"until": iso(each)} for each in times]


def connection(row: Connection) -> dict[str, Any]:
    """A connection."""
    return {
        "object": "connection",
        "id": ids.show("connection", row.id),
        "name": row.name,
        "broker": row.broker_account.broker,
        "environment": row.broker_account.environment,
        "account": row.broker_account.account,
        "mode": row.mode,
        "state": row.state,
        "created_at": iso(row.created_at),
    }


def subscription(row: Subscription) -> dict[str, Any]:
    """A subscription with its own settings."""
    return {
        "object": "subscription",
        "id": ids.show("subscription", row.id),
        "strategy_id": ids.show("strategy", row.strategy_id),
        "connection_id": ids.show("connection", row.connection_id),
        "enabled": row.enabled,
        "settings": row.settings,
        "version": row.version,
        "created_at": iso(row.created_at),
    }


def signal(
    row: Signal, counts: Counts, trades: tuple[Sequence[Trade], bool] | None = None
) -> dict[str, Any]:
    """A signal; with its first trades when they are given, and whether there are more."""
    shaped = {
        "object": "signal",
        "id": ids.show("signal", row.id),
        "strategy_id": ids.show("strategy", row.strategy_id),
        "seq": row.seq,
        "dialect": row.dialect,
        "accepted_at": iso(row.accepted_at),
        "duplicate_of": None,
        "ticker": row.parsed.get("ticker"),
        "action": row.parsed.get("action"),
        "payload": _payload(row.body),
        "warnings": list(row.parsed.get("warnings") or ()),
        "counts": {
            "trades": counts.trades,
            "filled": counts.filled,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "has_more": counts.has_more,
        },
    }
    if trades is not None:
        first, has_more = trades
        shaped |= {"trades": [trade(each) for each in first], "trades_has_more": has_more}
    return shaped


def trade(row: Trade) -> dict[str, Any]:
    """A trade with its orders and their fills."""
    return {
        "object": "trade",
        "id": ids.show("trade", row.id),
        "signal_id": ids.show("signal", row.signal_id) if row.signal_id else None,
        "subscription_id": ids.show("subscription", row.subscription_id),
        "connection_id": ids.show("connection", row.connection_id),
        "mode": row.mode,
        "state": row.state,
        "reason": row.reason,
        "message": _message(row),
        "instrument": row.instrument,
        "contract": row.contract,
        "protection": row.protection,
        "protection_details": row.protection_details,
        "warnings": [
            told for _, step in record.steps(row.decision) for told in plans.warnings(step.numbers)
        ],
        "stages": {stage: _time(at) for stage, at in times_of(row).items()},
        "orders": [order(each) for each in row.orders],
    }


def waiting(row: Trade, quote: Quote | None) -> dict[str, Any]:
    """A trade that waits, with what a person needs to decide."""
    signal_price = row.signal.get("signal_price")
    drift = quote.drift_percent(signal_price) if quote else None
    return trade(row) | {
        "strategy_id": ids.show("strategy", row.strategy_id),
        "action": row.signal["action"],
        "quantity": row.numbers.get("quantity") or row.signal.get("quantity"),
        "intent": intent(row.signal, row.numbers, row.settings),
        "signal_message": row.signal.get("message"),
        "signal_price": signal_price,
        "accepted_at": iso(row.accepted_at),
        "approval_expires_at": _time(row.approval_expires_at),
        "release_at": _time(row.waits_until),
        "last_price": _number(quote.price) if quote else None,
        "last_price_at": _time(quote.at) if quote else None,
        "last_price_from": quote.source if quote else None,
        "drift_percent": _number(drift),
    }


def order(row: Order) -> dict[str, Any]:
    """An order with its fills."""
    return {
        "object": "order",
        "id": ids.show("order", row.id),
        "cl_ord_id": row.cl_ord_id,
        "broker_order_id": row.broker_order_id,
        "leg": row.leg,
        "origin": row.origin,
        "side": row.side,
        "ord_type": row.ord_type,
        "time_in_force": row.time_in_force,
        "order_qty": _number(row.order_qty),
        "cum_qty": _number(row.cum_qty),
        "leaves_qty": _number(row.leaves_qty),
        "avg_px": _number(row.avg_px),
        "limit_price": _number(row.limit_price),
        "stop_price": _number(row.stop_price),
        "synthetic": row.synthetic,
        "ord_status": row.ord_status,
        "reason": row.reason,
        "resent_at": _time(row.resent_at),
        "fills": [fill(each) for each in row.fills],
    }


def listed_order(row: Order) -> dict[str, Any]:
    """An order outside its trade, so with what it belongs to."""
    return order(row) | {
        "trade_id": ids.show("trade", row.trade_id) if row.trade_id else None,
        "connection_id": ids.show("connection", row.connection_id),
        "instrument": row.instrument,
        "created_at": iso(row.created_at),
    }


def fill(row: Fill) -> dict[str, Any]:
    """A fill."""
    return {
        "object": "fill",
        "id": ids.show("fill", row.id),
        "qty": _number(row.qty),
        "price": _number(row.price),
        "fee": _number(row.fee),
        "at": iso(row.at),
        "busted": row.is_busted,
        "amended_at": _time(row.amended_at),
    }


def alarm(row: Alarm) -> dict[str, Any]:
    """What somebody must look at, and whether they still must."""
    return {
        "object": "alarm",
        "id": ids.show("alarm", row.id),
        "kind": row.kind,
        "open": row.is_open,
        "message": row.message,
        "fix": row.fix,
        "connection_id": ids.show("connection", row.connection_id),
        "instrument": row.instrument or None,
        "trade_id": ids.show("trade", row.trade_id) if row.trade_id else None,
        "order_id": ids.show("order", row.order_id) if row.order_id else None,
        "numbers": row.numbers,
        "raised_at": iso(row.raised_at),
        "ended_at": _time(row.ended_at),
        "acknowledged_at": _time(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
    }


def position(held: Holding) -> dict[str, Any]:
    """A position, whose part of it is how large, and what last moved it without a fill."""
    row, change = held.position, held.change
    return {
        "object": "position",
        "connection_id": ids.show("connection", row.connection_id),
        "instrument": row.instrument,
        "quantity": _number(row.quantity),
        "avg_price": _number(row.avg_price),
        "own": {_shown_subscription(name): quantity for name, quantity in row.own.items()},
        "foreign": _number(held.foreign),
        "last_change": {
            "cause": change.cause,
            "change_qty": _number(change.change_qty),
            "price": _number(change.price),
            "text": change.text,
            "at": iso(change.at),
        }
        if change
        else None,
        "updated_at": iso(row.updated_at),
    }


def _shown_subscription(name: str) -> str:
    return name if name.startswith("sub_") else ids.show("subscription", UUID(name))


def _message(row: Trade) -> str | None:
    if row.message or row.reason not in reasons.CATALOGUE:
        return row.message
    return reasons.explain(row.reason, row.numbers)


def _payload(body: bytes) -> dict[str, Any]:
    try:
        return bodies.read(body)
    except BadSignal:
        return {}


def _number(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
