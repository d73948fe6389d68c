"""A strategy's webhook: its URL, a new secret, who may send."""

import re
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from web import lists
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.rules import Permission
from web.db import db
from web.signals.senders import SENDERS
from web.signals.testing import TEST_SIGNALS
from web.strategies import formers, service, webhooks
from web.strategies.allowed import LONGEST_WINDOW, PUBLISHED, BadWebhook
from web.strategies.formers import TooManyFormers
from web.strategies.models import Strategy

blueprint = Blueprint("webhooks", __name__)

_SEPARATOR = re.compile(r"[,;]")


@blueprint.get("/strategies/<shown(strategy):strategy_id>/webhook")
@needs(Permission.TRADE)
def page(strategy_id: UUID) -> str:
    """The URL, its former secrets, and who may send."""
    strategy = service.get(strategy_id)
    return _render(strategy, *_now(strategy))


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook")
@needs(Permission.CONFIGURE)
def allow(strategy_id: UUID) -> ResponseReturnValue:
    """Who may send."""
    strategy = service.get(strategy_id)
    senders, typed = request.form.get("senders", ""), request.form.get("addresses", "")
    try:
        webhooks.change(
            strategy,
            senders=senders,
            addresses=_SEPARATOR.sub(" ", typed).split(),
            actor=visitor().actor,
        )
    except BadWebhook as bad:
        db.session.rollback()
        return _render(strategy, senders, typed, bad), 400
    lists.done("Saved. Messages from anybody else are refused, and shown with their address.")
    return _back(strategy_id)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/repeats")
@needs(Permission.CONFIGURE)
def merge_repeats(strategy_id: UUID) -> ResponseReturnValue:
    """How long equal messages are one signal."""
    strategy = service.get(strategy_id)
    typed = request.form.get("dedupe_seconds", "")
    try:
        seconds = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1
        webhooks.change(strategy, dedupe_seconds=seconds, actor=visitor().actor)
    except BadWebhook as bad:
        db.session.rollback()
        return _render(strategy, *_now(strategy), bad), 400
    lists.done("Saved. A message taken for a repeat is answered with the first one's signal.")
    return _back(strategy_id)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/rotate")
@needs(Permission.CONFIGURE)
def rotate(strategy_id: UUID) -> ResponseReturnValue:
    """A new secret; the one there was works for a day."""
    strategy = service.get(strategy_id)
    try:
        webhooks.rotate(strategy, actor=visitor().actor)
    except TooManyFormers:
        lists.failed(f"{formers.MOST} former secrets still work. End the overlap first.")
        return _back(strategy_id)
    lists.done("The URL has a new secret. Copy it into your alerts; the old one works for 24 h.")
    return _back(strategy_id)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/end-overlap")
@needs(Permission.CONFIGURE)
def end_overlap(strategy_id: UUID) -> ResponseReturnValue:
    """Former secrets stop to work at once."""
    webhooks.end_overlap(service.get(strategy_id), actor=visitor().actor)
    lists.done("Only the newest URL works now. Messages to a former one are refused.")
    return _back(strategy_id)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/webhook/signing")
@needs(Permission.CONFIGURE)
def sign(strategy_id: UUID) -> ResponseReturnValue:
    """Ask for signatures, or for none; a new secret where there was one."""
    strategy, actor = service.get(strategy_id), visitor().actor
    do = request.form.get("do")
    try:
        if do == "stop":
            webhooks.stop_signing(strategy, actor=actor)
            lists.done("Messages need no signature any more.")
        elif do == "end-overlap":
            webhooks.end_signing_overlap(strategy, actor=actor)
            lists.done("Only the newest signing secret works now.")
        elif do == "sign":
            webhooks.sign(strategy, actor=actor)
            lists.done("Copy the signing secret into your sender.")
        else:
            abort(400)
    except TooManyFormers:
        lists.failed(f"{formers.MOST} former secrets still work. End the overlap first.")
    return _back(strategy_id)


def _now(strategy: Strategy) -> tuple[str, str]:
    """Who may send, as the form has it."""
    found = webhooks.shown(strategy)
    return found.senders, "\n".join(found.addresses)


def _render(strategy: Strategy, senders: str, typed: str, bad: BadWebhook | None = None) -> str:
    found = webhooks.shown(strategy)
    message = TEST_SIGNALS[strategy.asset_class]["buy"].decode()
    samples = [(each, each.signed(message, found.url)) for each in SENDERS.values() if each.signed]
    return render_template(
        "strategies/webhook.html",
        strategy=strategy,
        webhook=found,
        samples=samples,
        senders=senders,
        addresses=typed,
        bad=bad,
        published=PUBLISHED,
        longest_window=LONGEST_WINDOW,
    )


def _back(strategy_id: UUID) -> Response:
    return redirect(url_for("webhooks.page", strategy_id=strategy_id))
