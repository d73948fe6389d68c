"""What a message would do, for every subscription, without storing or sending anything.

The road's own parts are asked: the dialects read the message, the resolver and the rules
decide, execution plans from what it knows now. So what is fired at the same state becomes
the same orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import current_app
from msgspec.structs import replace

from protos import ids, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.execution_client import ExecutionClient, ExecutionDown
from web.formats import iso
from web.paging import Page
from web.signals import dialects
from web.signals.body import MAX_BODY_BYTES
from web.signals.connectors import Known
from web.signals.refusals import CATALOGUE, BadSignal, bad
from web.signals.rules import Signal
from web.signals.webhooks import Secret
from web.strategies import connectors
from web.strategies.models import Strategy
from web.strategies.rules import Connector, Convention, Market, Mode
from web.subscriptions import forms, preview, remarks, service, settings
from web.subscriptions.models import Subscription
from web.subscriptions.settings import Resolved
from web.switches import rules as switch_rules
from web.switches import service as switches
from web.switches.rules import On
from web.trades import messages, plans, reads, record, rules
from web.trades.asking import may_close
from web.trades.messages import Destination
from web.trades.rules import Context, Decision, Verdict

# Each is decided and planned in full: others are asked for by name.
MOST_EXPLAINED = 20


@dataclass(frozen=True, slots=True)
class _Asked:
    """A subscription with what the rules said, and its message to execution."""

    subscription: Subscription
    signal: Signal
    resolved: Resolved
    verdicts: Sequence[Verdict]
    decision: Decision
    trade: pb.Trade | None


def message(
    strategy: Strategy,
    body: bytes,
    subscription_ids: Sequence[UUID] | None = None,
    *,
    sought: str = "",
) -> dict[str, Any]:
    """A message that could be sent, as its webhook would take it; for the first of the enabled
    subscriptions, those named, or those on connections called so."""
    now = datetime.now(UTC)
    try:
        signal = _read(strategy, body, now)
    except BadSignal as refused:
        return _envelope(strategy, now) | {"accepted": False, "refusal": _refusal(refused)}
    return _explained(strategy, signal, _chosen(strategy, subscription_ids, sought), now)


def again(
    strategy: Strategy, signal: Signal, only: Subscription | None = None, *, sought: str = ""
) -> dict[str, Any]:
    """A stored signal, as if it came now; for the first of the enabled ones, or for the given."""
    now = datetime.now(UTC)
    chosen = _chosen(strategy, None, sought) if only is None else Page([only], None)
    return _explained(strategy, replace(signal, sent_at=None), chosen, now)


def fired(
    strategy: Strategy, signal: Signal, subscription: Subscription, own: Mapping[str, Any]
) -> dict[str, Any]:
    """What one subscription would do with a signal, were these its settings."""
    now = datetime.now(UTC)
    on = switches.binding(strategy.id, [subscription.connection_id])
    asked = _ask(strategy, signal, subscription, own, now, ids.new(), is_on=True, on=on)
    [told] = _told([asked])
    return told


def _read(strategy: Strategy, body: bytes, now: datetime) -> Signal:
    if len(body) > MAX_BODY_BYTES:
        raise bad("payload-too-large")
    _, signal = dialects.read(
        body,
        asset_class=strategy.asset_class,
        now=now,
        connector=lambda payload: _connector(strategy, payload),
    )
    return signal


def _connector(strategy: Strategy, payload: Mapping[str, Any]) -> Connector:
    """The strategy's own, if the message names no other."""
    row = connectors.of(strategy)
    if row is None:
        raise bad("connector-missing")
    terms = Connector(
        row.instrument,
        Market(row.market),
        Mode(row.mode),
        Convention(row.leverage_convention),
        row.leverage,
        row.reserve_percent,
    )
    old = [(each.secret_hash, each.until.timestamp()) for each in connectors.former_tokens(row)]
    if not Known(row.name, Secret(row.token_hash, tuple(old)), terms).fits(payload):
        raise bad("invalid-connector")
    return terms


def _chosen(strategy: Strategy, wanted: Sequence[UUID] | None, sought: str) -> Page[Subscription]:
    """The first enabled ones of this tenant; those that are asked for by name, on or off."""
    return service.of_strategy(
        strategy, only=wanted, sought=sought, enabled=wanted is None, limit=MOST_EXPLAINED
    )


def _explained(
    strategy: Strategy, signal: Signal, chosen: Page[Subscription], now: datetime
) -> dict[str, Any]:
    signal_id = ids.new()
    on = switches.binding(strategy.id, [row.connection_id for row in chosen.rows])
    asked = [
        _ask(strategy, signal, row, row.settings, now, signal_id, is_on=row.enabled, on=on)
        for row in chosen.rows
    ]
    read = signal.to_json()
    warnings = read.pop("warnings", [])
    return _envelope(strategy, now) | {
        "signal": read,
        "warnings": warnings,
        "subscriptions": _told(asked),
        "subscriptions_has_more": chosen.has_more,
    }


def _envelope(strategy: Strategy, now: datetime) -> dict[str, Any]:
    return {
        "object": "explanation",
        "strategy_id": ids.show("strategy", strategy.id),
        "at": iso(now),
        "accepted": True,
        "refusal": None,
        "signal": None,
        "warnings": [],
        "subscriptions": [],
        "subscriptions_has_more": False,
    }


def _refusal(refused: BadSignal) -> dict[str, Any]:
    return {
        "code": refused.code,
        "field": refused.field,
        "message": refused.message,
        "fix": refused.fix,
        "docs": CATALOGUE[refused.code].docs,
    }


def _ask(
    strategy: Strategy,
    signal: Signal,
    row: Subscription,
    own: Mapping[str, Any],
    now: datetime,
    signal_id: UUID,
    *,
    is_on: bool,
    on: Sequence[On],
) -> _Asked:
    caps = settings.caps_of(strategy.settings)
    resolved = settings.resolve(signal, strategy.settings, own, caps)
    account = row.connection.broker_account
    halted = switch_rules.binding(
        on,
        broker=ids.broker_id(account.broker, account.environment),
        tenant=row.tenant_id,
        strategy=strategy.id,
        connection=row.connection_id,
    )
    context = Context(
        strategy.enabled,
        is_on,
        strategy.asset_class,
        row.connection.mode,
        halted,
        reads.stands(row, signal, strategy.asset_class) if may_close(signal) else "",
    )
    decision = rules.decide(signal, resolved, context, accepted_at=now, now=now)
    return _Asked(
        row,
        signal,
        resolved,
        rules.verdicts(signal, resolved, context, accepted_at=now, now=now),
        decision,
        _trade(strategy, signal, row, resolved, decision, now, signal_id),
    )


def _trade(
    strategy: Strategy,
    signal: Signal,
    row: Subscription,
    resolved: Resolved,
    decision: Decision,
    now: datetime,
    signal_id: UUID,
) -> pb.Trade | None:
    """What execution would be given; None for a trade that ends before it."""
    if not decision.goes_on:
        return None
    account = row.connection.broker_account
    numbers = record.numbers_of(decision)
    if signal.action == "cancel" and (ended := reads.ended_by(row, signal)):
        numbers["superseded_waiting"] = str(ended)
    shared = messages.terms(
        strategy_id=strategy.id,
        signal_id=signal_id,
        signal_seq=0,
        signal={**signal.to_json(), "asset_class": strategy.asset_class},
        settings=settings.complete(resolved.snapshot()),
        accepted_at=now,
        released_at=None,
        asset_class=strategy.asset_class,
        numbers=numbers,
    )
    destination = Destination(
        row.tenant_id, row.id, row.connection_id,
        account.broker, account.environment, account.account,
    )  # fmt: skip
    return messages.to_trade(shared, ids.trade_id(signal_id, row.id), destination)


def _told(asked: Sequence[_Asked]) -> list[dict[str, Any]]:
    trades = [each.trade for each in asked if each.trade is not None]
    previews: Mapping[str, pb.Preview] = {}
    why = None
    try:
        previews = {planned.trade_id: planned for planned in client().preview(trades)}
    except ExecutionDown as down:
        why = f"Execution does not answer, so what it would do is not known: {down}"
    return [
        _one(each, previews.get(each.trade.trade_id) if each.trade else None, why) for each in asked
    ]


def client() -> ExecutionClient:
    """The application's own way to execution."""
    found: ExecutionClient = current_app.extensions["fillwire.execution"]
    return found


def _one(asked: _Asked, planned: pb.Preview | None, why: str | None) -> dict[str, Any]:
    row, decision = asked.subscription, asked.decision
    numbers = record.numbers_of(decision)
    refused = decision.entry_refused
    return {
        "subscription_id": ids.show("subscription", row.id),
        "connection": {
            "id": ids.show("connection", row.connection_id),
            "name": row.connection.name,
            "mode": row.connection.mode,
        },
        "state": decision.state,
        "reason": decision.reason,
        "message": reasons.explain(decision.reason, numbers) if decision.reason else None,
        "until": iso(decision.until) if decision.until else None,
        "entry_refused": refused.reason if refused else None,
        "entry_message": reasons.explain(refused.reason, refused.numbers) if refused else None,
        "arithmetic": [
            {"label": line.label, "text": line.text}
            for line in preview.describe(asked.signal, asked.resolved, row.strategy.asset_class)
        ],
        "warnings": remarks.of(asked.signal, asked.resolved),
        "effective": effective(asked.resolved),
        "verdicts": [_verdict(each) for each in asked.verdicts],
        "execution": plans.told(
            planned, why if asked.trade is not None else None, ticker=asked.signal.instrument
        ),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule,
        "passed": verdict.passed,
        "numbers": dict(verdict.numbers),
        "message": None if verdict.passed else reasons.explain(verdict.rule, verdict.numbers),
    }


def effective(resolved: Resolved) -> list[dict[str, Any]]:
    """Each effective value with its source; what the signal said in vain beside it."""
    return [
        {
            "name": name,
            "label": settings.BY_NAME[name].label,
            "group": settings.BY_NAME[name].group,
            "text": forms.show(settings.BY_NAME[name], value.value),
            **value.to_json(),
        }
        for name, value in resolved.values.items()
    ]
