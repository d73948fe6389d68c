"""People let waiting trades go, or end them.

Durable fact: the trade's new state, with its audit event. One statement finds it still
waiting and locks it, so of approval, expiry, a newer signal and a second person exactly one
wins. If we die right after, the trade is `handover_due` and the next drain takes it.
"""

from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Text, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from protos import ids, reasons
from protos.execution.v1 import execution_pb2 as pb
from web.audit import service as audit
from web.db import db
from web.execution_client import ExecutionClient
from web.queue import Bell
from web.strategies.models import Strategy
from web.subscriptions.models import Subscription
from web.trades import drift
from web.trades.models import ASKING_STATES, WAITING_STATES, Trade

_ASKS = Trade.state.in_(ASKING_STATES) & Trade.approval_expires_at.is_not(None)


class NotWaiting(Exception):
    """Someone or something else decided first; `trade` is as it is now."""

    def __init__(self, trade: Trade) -> None:
        super().__init__(trade.state)
        self.trade = trade


class Paused(Exception):
    """The subscription or its strategy is paused, so nothing of it may go."""


def approve(trade: Trade, *, actor: str, accept_drift: bool = False) -> Trade:
    """Let a waiting trade go; the next drain hands it over, with a fresh age.

    Repeated by the same actor it changes nothing. Raises NotWaiting, Paused; Drifted, unless
    the drift is accepted; ExecutionDown, where execution holds it.
    """
    if trade.is_held_for_its_spread:
        return _let_go(trade, actor)
    if trade.state == "WAITING_APPROVAL" and not accept_drift:
        drift.check(trade)
    enabled = _is_enabled(trade)
    now = func.clock_timestamp()
    if enabled and decide_once(
        trade,
        _ASKS & (Trade.approval_expires_at > now),
        actor,
        "approve",
        state="PENDING",
        reason=None,
        message=None,
        approved_at=now,
        released_at=now,
        handover_due=True,
    ):
        _bell().ring()
        return trade
    db.session.refresh(trade)
    if trade.released_at is not None and trade.decided_by == actor:
        return trade
    if not enabled and trade.approval_expires_at is not None:
        raise Paused()
    raise NotWaiting(trade)


def reject(trade: Trade, *, actor: str) -> Trade:
    """End a trade that waits for approval. Repeating changes nothing. Raises NotWaiting."""
    return _end(trade, _ASKS, actor, "reject", "rejected_by_member")


def cancel(trade: Trade, *, actor: str) -> Trade:
    """End a trade that waits for whatever. Repeating changes nothing.

    Raises NotWaiting; ExecutionDown, where execution holds it.
    """
    if trade.is_held_for_the_open:
        return _withdraw(trade, actor)
    waits = Trade.state.in_(WAITING_STATES) & (
        Trade.approval_expires_at.is_not(None) | Trade.release_at.is_not(None)
    )
    return _end(trade, waits, actor, "cancel", "canceled_by_member")


def _let_go(trade: Trade, actor: str) -> Trade:
    """Have execution send an exit that its spread filter holds, whatever the spread is.

    Durable is first who asked, with what replaying it has to know. If we die right after, it is
    held on: asked again, it goes.
    """
    held = (Trade.state == "BLOCKED") & (Trade.reason == "spread_too_wide")
    rules = Trade.decision["web"]
    kept = func.coalesce(rules["released"], rules["numbers"], cast({}, JSONB))
    known = func.jsonb_set(
        Trade.decision,
        cast(["web", "released"], ARRAY(Text)),
        kept.concat(cast({"let_go": "yes"}, JSONB)),
    )
    if decide_once(trade, held, actor, "approve", state="BLOCKED", decision=known):
        client: ExecutionClient = current_app.extensions["fillwire.execution"]
        client.resolve_doubt(trade.id, pb.DOUBT_WORD_LET_GO, tenant_id=trade.tenant_id)
        db.session.refresh(trade)
        return trade
    db.session.refresh(trade)
    raise NotWaiting(trade)


def _withdraw(trade: Trade, actor: str) -> Trade:
    """Have execution end what it holds until the market opens; its fact tells when it did.

    Durable is first who asked. If we die right after, the trade waits on: asked again, it ends.
    """
    held = (Trade.state == "QUEUED") & Trade.release_at.is_(None)
    if decide_once(trade, held, actor, "cancel", state="QUEUED"):
        client: ExecutionClient = current_app.extensions["fillwire.execution"]
        client.cancel(trade.id, pb.REASON_CANCELED_BY_MEMBER, tenant_id=trade.tenant_id)
    db.session.refresh(trade)
    ours = trade.decided_by == actor and trade.reason == "canceled_by_member"
    if trade.state != "QUEUED" and not ours:
        raise NotWaiting(trade)
    return trade


def _end(trade: Trade, waits: ColumnElement[bool], actor: str, verb: str, reason: str) -> Trade:
    message = reasons.explain(reason, {})
    if decide_once(trade, waits, actor, verb, state="SKIPPED", reason=reason, message=message):
        return trade
    db.session.refresh(trade)
    if trade.reason == reason and trade.decided_by == actor:
        return trade
    raise NotWaiting(trade)


def _is_enabled(trade: Trade) -> bool:
    """Whether strategy and subscription are on; whoever pauses it now waits for us."""
    subscription = db.session.scalar(
        select(Subscription.enabled)
        .where(Subscription.id == trade.subscription_id)
        .with_for_update(read=True)
    )
    strategy = db.session.scalar(select(Strategy.enabled).where(Strategy.id == trade.strategy_id))
    return bool(subscription and strategy)


def decide_once(
    trade: Trade, waits: ColumnElement[bool], actor: str, verb: str, **values: Any
) -> bool:
    """Change the trade if it still waits; with the event, for live pages, and durably."""
    before = trade.state
    values = {
        "approval_expires_at": None,
        "release_at": None,
        "decided_by": actor,
        "updated_at": func.now(),
        **values,
    }
    statement = update(Trade).where(Trade.id == trade.id, waits).values(values)
    decided = db.session.scalar(
        statement.returning(Trade.id).execution_options(synchronize_session=False)
    )
    if decided is not None:
        after = {"state": values["state"]}
        shown = ids.show("trade", trade.id)
        audit.record(actor, f"trade:{verb}", shown, before={"state": before}, after=after)
        db.session.execute(
            text(
                "SELECT web.record_changes(ARRAY[:tenant, :tenant]::uuid[], "
                "ARRAY['trade', 'approval'], ARRAY[:trade, :trade]::uuid[])"
            ),
            {"tenant": trade.tenant_id, "trade": trade.id},
        )
    db.session.commit()
    if decided is None:
        return False
    _bell().announce({trade.tenant_id.hex})
    return True


def _bell() -> Bell:
    bell: Bell = current_app.extensions["fillwire.bell"]
    return bell
