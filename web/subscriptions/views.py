"""A subscription's settings: where every value comes from, and the switch."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from web import lists
from web.accounts.login import sign_in_required, visitor
from web.subscriptions import service, settings
from web.subscriptions.models import Subscription
from web.subscriptions.settings import BadSetting, Kind, Setting, Source

blueprint = Blueprint("subscriptions", __name__)


@dataclass(frozen=True)
class Field:
    """One row of the form."""

    setting: Setting
    source: str
    value: Any
    sources: tuple[str, ...]
    effective: Any
    came_from: str
    error: BadSetting | None


@blueprint.get("/subscriptions/<shown(subscription):subscription_id>")
@sign_in_required
def page(subscription_id: UUID) -> str:
    """The form, drawn from the table of settings."""
    subscription = service.get(subscription_id)
    return _form(subscription, subscription.settings)


@blueprint.post("/subscriptions/<shown(subscription):subscription_id>")
@sign_in_required
def save(subscription_id: UUID) -> ResponseReturnValue:
    """Store the settings; what was typed stays when something is wrong."""
    subscription = service.get(subscription_id)
    given = _given(request.form)
    try:
        service.change(subscription, actor=visitor().actor, new_settings=given)
    except BadSetting as bad:
        return _form(service.get(subscription_id), given, bad), 400
    lists.done("Saved. Signals from now on use these settings.")
    return redirect(url_for("subscriptions.page", subscription_id=subscription.id))


@blueprint.post("/subscriptions/<shown(subscription):subscription_id>/enabled")
@sign_in_required
def switch(subscription_id: UUID) -> ResponseReturnValue:
    """Enable or pause; takes effect with the next signal."""
    subscription = service.get(subscription_id)
    enabled = request.form.get("enabled") == "1"
    service.change(subscription, actor=visitor().actor, enabled=enabled)
    lists.done(
        "Enabled: the next signal is traded."
        if enabled
        else "Paused. Working orders and positions are left alone."
    )
    return redirect(url_for("subscriptions.page", subscription_id=subscription.id))


def fields(
    subscription: Subscription, stored: Mapping[str, Any], bad: BadSetting | None = None
) -> list[Field]:
    """Every setting with its source, its own value and what results without a signal."""
    resolved = settings.resolve(None, subscription.strategy.settings, subscription.settings)
    return [
        Field(
            setting=setting,
            source=_source(setting, stored),
            value=(stored.get(setting.name) or {}).get("value"),
            sources=tuple(
                source
                for source in Source
                if source != Source.SIGNAL or setting.from_signal
            ),
            effective=resolved.values[setting.name].value,
            came_from=resolved.values[setting.name].came_from,
            error=bad if bad and bad.name == setting.name else None,
        )
        for setting in settings.SETTINGS
    ]


def _form(
    subscription: Subscription, stored: Mapping[str, Any], bad: BadSetting | None = None
) -> str:
    rows = fields(subscription, stored, bad)
    groups = [(name, list(group)) for name, group in groupby(rows, lambda row: row.setting.group)]
    return render_template(
        "subscriptions/page.html", subscription=subscription, groups=groups, bad=bad, Kind=Kind
    )


def _source(setting: Setting, stored: Mapping[str, Any]) -> str:
    if stored.get(setting.name):
        return str(stored[setting.name]["source"])
    return Source.SIGNAL if setting.from_signal else Source.STRATEGY


def _given(form: Mapping[str, str]) -> dict[str, Any]:
    """The form as the API would send it: one source and value a setting."""
    given: dict[str, Any] = {}
    for setting in settings.SETTINGS:
        raw: str | bool | None = form.get(f"{setting.name}.value", "").strip() or None
        if setting.kind is Kind.BOOLEAN and raw is not None:
            raw = raw == "true"
        given[setting.name] = {"source": form.get(f"{setting.name}.source", ""), "value": raw}
    return given
