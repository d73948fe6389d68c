"""The message builder's page: a form and a message, each made from the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, render_template, request

from web.accounts.access import needs
from web.accounts.rules import Permission
from web.audit.declared import not_audited
from web.signals import builder, lint
from web.signals.builder import Form
from web.signals.dialects import CRYPTO_ARSENAL, TRADERSPOST
from web.signals.refusals import BadSignal
from web.signals.senders import CRYPTO_ARSENAL_START, SENDERS, Sender
from web.strategies import connectors, service, webhooks
from web.strategies.models import Strategy

blueprint = Blueprint("builder", __name__)

PREFIX = "f."
LANGUAGES = {TRADERSPOST: "TradersPost", CRYPTO_ARSENAL: "Crypto-Arsenal"}
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
@needs(Permission.TRADE)
def page(strategy_id: UUID) -> str:
    """An example for the chosen sender, to go on from."""
    strategy, dialect = service.get(strategy_id), _dialect(request.args.get("dialect"))
    sender = _sender(request.args.get("sender"))
    form = Form(sender.start if dialect == TRADERSPOST else _connector_start(strategy))
    return _render(strategy, dialect, sender, form, builder.write(form))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/messages")
@needs(Permission.TRADE)
@not_audited("Writes a message on the page and stores nothing.")
def build(strategy_id: UUID) -> str:
    """Write the message from the form, or fill the form from the message."""
    strategy, dialect = service.get(strategy_id), _dialect(request.form.get("dialect"))
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
        return _render(strategy, dialect, sender, typed, builder.write(typed))
    try:
        read = builder.read(dialect, message.encode())
        return _render(strategy, dialect, sender, read, message)
    except BadSignal:
        # The verdict says what is wrong; nothing typed is lost.
        return _render(strategy, dialect, sender, typed, message)


def _dialect(name: str | None) -> str:
    return name if name in LANGUAGES else TRADERSPOST


def _connector_start(strategy: Strategy) -> Mapping[str, str]:
    """An example with the strategy's own connector, where it has one."""
    found = connectors.shown(strategy)
    named = {"connectorName": found.name, "connectorToken": found.token} if found else {}
    return {**named, **CRYPTO_ARSENAL_START}


def _sender(name: str | None) -> Sender:
    return SENDERS.get(name or "") or next(iter(SENDERS.values()))


def _rest(text: str) -> Mapping[str, Any]:
    """What the form has no field for, as the page kept it."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
    return found


def _render(strategy: Strategy, dialect: str, sender: Sender, form: Form, message: str) -> str:
    found = connectors.shown(strategy) if dialect == CRYPTO_ARSENAL else None
    url = found.url if found else service.webhook_url(service.webhook_of(strategy))
    now = datetime.now(UTC)
    sent = builder.expand(message, {NOW: now.isoformat(timespec="seconds"), **sender.samples})
    options = lint.Options(dialect, strategy.asset_class, now, jsonl=False)
    signs = webhooks.shown(strategy).signing_secret is not None
    paste = sender.signed if signs and sender.signed else sender.paste
    built = Built(form, message, paste(message, url), lint.judge(sent.encode(), options))
    return render_template(
        "strategies/messages.html",
        strategy=strategy,
        webhook_url=url,
        senders=SENDERS.values(),
        sender=sender,
        signs=signs,
        languages=LANGUAGES,
        dialect=dialect,
        lacks_connector=dialect == CRYPTO_ARSENAL and found is None,
        groups=list(builder.groups(dialect)),
        built=built,
        rest=msgspec.json.encode(form.rest, enc_hook=str).decode() if form.rest else "",
        prefix=PREFIX,
    )
