"""The message builder's page: a form and a message, each made from the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, render_template, request

from web.accounts.login import sign_in_required
from web.signals import builder, lint
from web.signals.builder import Form
from web.signals.refusals import BadSignal
from web.signals.senders import SENDERS, Sender
from web.strategies import service

blueprint = Blueprint("builder", __name__)

PREFIX = "f."
DIALECT = "traderspost"
# TradingView's word for the time at which an alert is sent.
NOW = "{{timenow}}"


@dataclass(frozen=True)
class Built:
    """What the page shows: the form, the message, and what would become of it."""

    form: Form
    message: str
    paste: str
    verdict: Mapping[str, Any]


@blueprint.get("/strategies/<shown(strategy):strategy_id>/messages")
@sign_in_required
def page(strategy_id: UUID) -> str:
    """An example for the chosen sender, to go on from."""
    sender = _sender(request.args.get("sender"))
    form = Form(sender.start)
    return _render(strategy_id, sender, form, builder.write(form))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/messages")
@sign_in_required
def build(strategy_id: UUID) -> str:
    """Write the message from the form, or fill the form from the message."""
    sender = _sender(request.form.get("sender"))
    typed = Form(
        {
            name.removeprefix(PREFIX): text
            for name, text in request.form.items()
            if name.startswith(PREFIX)
        },
        _rest(request.form.get("rest", "")),
    )
    message = request.form.get("message", "")
    if request.form.get("do") == "write":
        return _render(strategy_id, sender, typed, builder.write(typed))
    try:
        return _render(strategy_id, sender, builder.read(DIALECT, message.encode()), message)
    except BadSignal:
        # The verdict says what is wrong; nothing typed is lost.
        return _render(strategy_id, sender, typed, message)


def _sender(name: str | None) -> Sender:
    return SENDERS.get(name or "") or next(iter(SENDERS.values()))


def _rest(text: str) -> Mapping[str, Any]:
    """What the form has no field for, as the page kept it."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
    return found


def _render(strategy_id: UUID, sender: Sender, form: Form, message: str) -> str:
    strategy = service.get(strategy_id)
    url = service.webhook_url(service.webhook_of(strategy))
    now = datetime.now(UTC)
    sent = builder.expand(message, {NOW: now.isoformat(timespec="seconds"), **sender.samples})
    options = lint.Options(DIALECT, strategy.asset_class, now, jsonl=False)
    built = Built(form, message, sender.paste(message, url), lint.judge(sent.encode(), options))
    return render_template(
        "strategies/messages.html",
        strategy=strategy,
        webhook_url=url,
        senders=SENDERS.values(),
        sender=sender,
        groups=list(builder.groups(DIALECT)),
        built=built,
        rest=msgspec.json.encode(form.rest, enc_hook=str).decode() if form.rest else "",
        prefix=PREFIX,
    )
