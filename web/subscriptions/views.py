"""The settings screens: where every value comes from, what it would do, and the switch."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from msgspec.structs import replace

from protos import reasons
from web import lists
from web.accounts import factors
from web.accounts.access import needs
from web.accounts.login import visitor
from web.accounts.proof import proof_required
from web.accounts.rules import Permission
from web.audit.declared import not_audited
from web.connections import service as connections
from web.errors import Problem
from web.signals.rules import Signal
from web.strategies import service as strategies
from web.strategies.models import Strategy
from web.subscriptions import forms, preview, reads, service, settings
from web.subscriptions.forms import Form
from web.subscriptions.models import Subscription
from web.subscriptions.reads import Affected
from web.subscriptions.settings import BadSetting, Changed, Kind
from web.trades import explain, holdings, rules

blueprint = Blueprint("subscriptions", __name__)


@blueprint.app_template_global()
def setting_words(name: str, value: Any) -> dict[str, str]:
    """A stored setting by its label and in words; one that is no more, as it stands."""
    setting = settings.BY_NAME.get(name)
    if setting is None:
        return {"label": name.replace("_", " ").capitalize(), "value": settings.to_text(value)}
    return {"label": setting.label, "value": forms.show(setting, value)}


@blueprint.get("/subscriptions/<shown(subscription):subscription_id>")
@needs(Permission.LOOK)
def page(subscription_id: UUID) -> str:
    """The form, drawn from the table of settings; `?q=` shows those that match."""
    subscription = service.get(subscription_id)
    return _page(subscription, subscription.settings)


@blueprint.post("/subscriptions/<shown(subscription):subscription_id>")
@needs(Permission.TRADE)
def save(subscription_id: UUID) -> ResponseReturnValue:
    """Store the settings; what was typed stays when something is wrong."""
    subscription = service.get(subscription_id)
    base = _base(subscription.settings)
    typed = settings.merge(base, forms.read(settings.OF_SUBSCRIPTION, request.form, sourced=True))
    try:
        mine = settings.validate(typed)
        if request.form.get("do") == "preview":
            return _page(subscription, mine, base=base)
        service.change(
            subscription, actor=visitor().actor, new_settings=_difference(base, mine), base=base
        )
    except BadSetting as bad:
        return _page(subscription, typed, bad=bad, base=base), 400
    except Changed:
        merged, theirs = forms.merge(base, subscription.settings, mine)
        return _page(subscription, merged, theirs=theirs), 409
    lists.done("Saved. Signals from now on use these settings.")
    return redirect(url_for("subscriptions.page", subscription_id=subscription.id))


@blueprint.post("/subscriptions/<shown(subscription):subscription_id>/preview")
@needs(Permission.LOOK)
@not_audited("Shows what was typed and stores nothing.")
def preview_page(subscription_id: UUID) -> str:
    """What the form, as typed and not saved, would come to: a part of the page."""
    subscription = service.get(subscription_id)
    given = forms.read(settings.OF_SUBSCRIPTION, request.form, sourced=True)
    typed = settings.merge(_base(subscription.settings), given)
    try:
        shown, bad = settings.validate(typed), None
    except BadSetting as error:
        shown, bad = subscription.settings, error
    examples = _examples(subscription, shown, reads.last_signal(subscription))
    return render_template("subscriptions/preview.html", examples=examples, bad=bad)


def _enables_live(subscription_id: UUID) -> bool:
    """Only with a second factor; and a proof of it is asked for again."""
    live = connections.get(service.get(subscription_id).connection_id).mode == "live"
    if not live or request.form.get("enabled") != "1":
        return False
    try:
        factors.require_for_live(visitor())
    except factors.NotForLive as no:
        raise Problem(403, no.code, no.title, no.detail, no.fix) from no
    return True


@blueprint.post("/subscriptions/<shown(subscription):subscription_id>/enabled")
@needs(Permission.TRADE)
@proof_required("enable trading with live money", when=_enables_live)
def switch(subscription_id: UUID) -> ResponseReturnValue:
    """Enable or pause; takes effect with the next signal."""
    subscription = service.get(subscription_id)
    enabled, actor = request.form.get("enabled") == "1", visitor().actor
    try:
        if enabled and not subscription.enabled:
            accepted = bool(request.form.get("accept_foreign"))
            holdings.acknowledge(subscription.connection_id, actor=actor, accepted=accepted)
    except holdings.ForeignHeld as error:
        page = render_template("subscriptions/foreign.html", subscription=subscription, error=error)
        return page, 409
    service.change(subscription, actor=actor, enabled=enabled)
    lists.done(
        "Enabled: the next signal is traded."
        if enabled
        else "Paused. Working orders and positions are left alone."
    )
    return redirect(url_for("subscriptions.page", subscription_id=subscription.id))


@blueprint.get("/strategies/<shown(strategy):strategy_id>/settings")
@needs(Permission.LOOK)
def defaults(strategy_id: UUID) -> str:
    """What a strategy's subscriptions inherit, and how many do."""
    strategy = strategies.get(strategy_id)
    return _defaults(strategy, strategy.settings)


@blueprint.post("/strategies/<shown(strategy):strategy_id>/settings")
@needs(Permission.CONFIGURE)
def save_defaults(strategy_id: UUID) -> ResponseReturnValue:
    """Store them; asks once when that changes what subscriptions trade."""
    strategy = strategies.get(strategy_id)
    base = _base(strategy.settings)
    typed = settings.merge(base, forms.read(settings.OF_STRATEGY, request.form, sourced=False))
    try:
        mine = settings.validate_own(typed)
        change = _difference(base, mine)
        sure = request.form.get("do") == "confirmed"
        affected = None if sure else reads.affected(strategy, change)
        if affected and affected.count:
            return _defaults(strategy, mine, base=base, affected=affected), 409
        strategies.change(strategy, actor=visitor().actor, new_settings=change, base=base)
    except BadSetting as bad:
        return _defaults(strategy, typed, bad=bad, base=base), 400
    except Changed:
        merged, theirs = forms.merge(base, strategy.settings, mine)
        return _defaults(strategy, merged, theirs=theirs), 409
    lists.done("Saved. Subscriptions that inherit use it from now on.")
    return redirect(url_for("subscriptions.defaults", strategy_id=strategy.id))


def _page(
    subscription: Subscription,
    stored: Mapping[str, Any],
    *,
    bad: BadSetting | None = None,
    theirs: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> str:
    strategy = subscription.strategy
    valid = subscription.settings if bad else stored
    caps = settings.caps_of(strategy.settings)
    form = forms.draw(
        settings.OF_SUBSCRIPTION,
        asset_class=strategy.asset_class,
        stored=stored,
        resolved=settings.resolve(None, strategy.settings, valid, caps),
        locked=strategy.settings.get("locked", ()),
        bad=bad,
        theirs=theirs,
        query=request.args.get("q", ""),
    )
    return _draw(
        "subscriptions/page.html",
        form,
        base=subscription.settings if base is None else base,
        examples=_examples(subscription, valid, reads.last_signal(subscription)),
        subscription=subscription,
    )


def _defaults(
    strategy: Strategy,
    stored: Mapping[str, Any],
    *,
    bad: BadSetting | None = None,
    theirs: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
    affected: Affected | None = None,
) -> str:
    valid = strategy.settings if bad else stored
    form = forms.draw(
        settings.OF_STRATEGY,
        asset_class=strategy.asset_class,
        stored=stored,
        resolved=settings.resolve(None, valid, {}),
        bad=bad,
        theirs=theirs,
        used_by=reads.inheriting(strategy),
        query=request.args.get("q", ""),
    )
    return _draw(
        "subscriptions/defaults.html",
        form,
        base=strategy.settings if base is None else base,
        strategy=strategy,
        affected=affected,
    )


def _draw(template: str, form: Form, *, base: Mapping[str, Any], **more: Any) -> str:
    return render_template(
        template,
        form=form,
        base=msgspec.json.encode(base).decode(),
        Kind=Kind,
        limits=settings.limits,
        **more,
    )


def _examples(
    subscription: Subscription, own: Mapping[str, Any], last: Signal | None
) -> list[dict[str, Any]]:
    """The last real signal and a sample, each with what it would come to now."""
    asset_class = subscription.strategy.asset_class
    found = [("With a sample", preview.sample(asset_class))]
    if last is not None:
        # It is looked at as if it came now.
        found.insert(0, ("With the last real signal", replace(last, sent_at=None)))
    return [_example(title, signal, subscription, own) for title, signal in found]


def _example(
    title: str, signal: Signal, subscription: Subscription, own: Mapping[str, Any]
) -> dict[str, Any]:
    strategy = subscription.strategy
    caps = settings.caps_of(strategy.settings)
    resolved = settings.resolve(signal, strategy.settings, own, caps)
    now = datetime.now(UTC)
    context = rules.Context(True, True, strategy.asset_class)
    decision = rules.decide(signal, resolved, context, accepted_at=now, now=now)
    ended = decision.reason is not None and decision.state not in ("WAITING_APPROVAL", "BLOCKED")
    refused = decision.entry_refused
    return {
        "title": title,
        "signal": signal,
        "state": decision.state,
        "reason": reasons.explain(decision.reason, decision.numbers) if decision.reason else None,
        "refused": reasons.explain(refused.reason, refused.numbers) if refused else None,
        "plan": explain.fired(strategy, signal, subscription, own)["execution"],
        "lines": [] if ended else preview.describe(signal, resolved, strategy.asset_class),
        "values": [
            (setting, forms.show(setting, resolved[setting.name]), effective.came_from)
            for setting in settings.OF_SUBSCRIPTION
            if (effective := resolved.values[setting.name]).came_from != "default"
        ],
    }


def _base(now: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the form was drawn from."""
    try:
        return msgspec.json.decode(request.form.get("base", ""), type=dict[str, Any])
    except msgspec.MsgspecError:
        return dict(now)


def _difference(base: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """What to change so that `base` becomes `mine`."""
    return {name: mine.get(name) for name in {**base, **mine} if mine.get(name) != base.get(name)}
