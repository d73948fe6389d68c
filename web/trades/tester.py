"""The tester's page: a message, and what every subscription would do with it."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protos import ids
from web import lists
from web.accounts.access import Field, needs
from web.accounts.rules import Permission
from web.audit.declared import not_audited
from web.db import get_for_tenant
from web.signals import reads as signals
from web.signals import rules as language
from web.signals.models import Signal
from web.signals.testing import TEST_SIGNALS, send_test
from web.strategies import service as strategies
from web.strategies.models import Strategy
from web.trades import explain

blueprint = Blueprint("tester", __name__)

# Signals to pick from.
LATEST = 8


def _sends(strategy_id: UUID) -> bool:
    return request.form.get("do") == "send"


@blueprint.get("/strategies/<shown(strategy):strategy_id>/tester")
@needs(Permission.LOOK)
def page(strategy_id: UUID) -> str:
    """An example; with `?signal=` what a stored one would do now."""
    strategy = strategies.get(strategy_id)
    chosen = request.args.get("signal")
    if chosen is None:
        return _render(strategy, TEST_SIGNALS[strategy.asset_class]["buy"].decode(), None)
    stored = get_for_tenant(Signal, ids.read("signal", chosen))
    told = explain.again(strategy, language.from_json(stored.parsed), sought=lists.sought())
    return _render(strategy, stored.body.decode("utf-8", "replace"), told)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/tester")
@needs(Permission.LOOK, Field("do", Permission.TRADE, when=_sends))
@not_audited("Explains; what it sends is a signal, which is kept as such.")
def ask(strategy_id: UUID) -> ResponseReturnValue:
    """Explain what was typed, or send it as a test."""
    strategy = strategies.get(strategy_id)
    text = request.form.get("message", "")
    if request.form.get("do") != "send":
        sought = request.form.get("q", "").strip()[: lists.LONGEST_SOUGHT]
        return _render(strategy, text, explain.message(strategy, text.encode(), sought=sought))
    sent = send_test(strategies.webhook_of(strategy), text.encode())
    if sent.signal_id is None:
        lists.failed(sent.message)
        return _render(strategy, text, explain.message(strategy, text.encode()))
    lists.done(f"Sent. Stored as {ids.show('signal', sent.signal_id)}.")
    return redirect(url_for("signals.page", signal_id=sent.signal_id))


def _render(strategy: Strategy, message: str, told: dict[str, Any] | None) -> str:
    latest = signals.page(strategy_id=strategy.id, limit=LATEST, cursor=None)
    return render_template(
        "trades/tester.html",
        strategy=strategy,
        message=message,
        told=told,
        latest=latest.rows,
        sought=(request.form.get("q") or request.args.get("q") or "").strip(),
    )
