"""Make and change strategies. Every change empties intake's and drain's caches."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text

from protos import ids
from web.audit import service as audit
from web.billing import limits
from web.config import Config
from web.db import current_tenant, db, get_for_tenant
from web.strategies import secrets
from web.strategies.models import ASSET_CLASSES, Strategy, StrategyIntake, StrategyWebhook
from web.subscriptions import settings


class BadStrategy(Exception):
    """A field of a strategy cannot be so."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.fix = fix


def create(*, name: str, asset_class: str, actor: str) -> Strategy:
    """A strategy with a webhook and a new secret.

    Raises BadStrategy.
    """
    tenant = current_tenant()
    assert tenant is not None
    if asset_class not in ASSET_CLASSES:
        allowed = ", ".join(ASSET_CLASSES)
        message = f"{asset_class!r} is not an asset class."
        raise BadStrategy("asset_class", message, f"Use one of: {allowed}.")
    limits.check("strategies")
    strategy = Strategy(
        id=ids.new(),
        tenant_id=tenant,
        name=_name(name),
        asset_class=asset_class,
        enabled=True,
        settings={},
    )
    secret = secrets.draw()
    db.session.add(strategy)
    db.session.flush()
    db.session.add(
        StrategyWebhook(
            strategy_id=strategy.id,
            tenant_id=tenant,
            webhook_uuid=ids.new(),
            secret_hash=secrets.digest(secret),
            secret_sealed=secrets.seal(_config().sealing_key, strategy.id, secret),
        )
    )
    db.session.add(StrategyIntake(strategy_id=strategy.id, tenant_id=tenant))
    audit.record(actor, "strategy:create", _shown(strategy), after=_facts(strategy))
    db.session.commit()
    return strategy


def change(
    strategy: Strategy,
    *,
    actor: str,
    name: str | None = None,
    enabled: bool | None = None,
    new_settings: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> Strategy:
    """Rename, pause or set the defaults of a strategy.

    `base` is the settings that the caller saw: nothing is done when they are not so any
    more. Raises BadStrategy, BadSetting, Changed.
    """
    # Two changes at once: the second meets what the first made of it.
    db.session.refresh(strategy, with_for_update=True)
    if base is not None and base != strategy.settings:
        raise settings.Changed()
    before = _facts(strategy)
    if name is not None:
        strategy.name = _name(name)
    if enabled is not None:
        strategy.enabled = enabled
    if new_settings is not None:
        strategy.settings = settings.validate_own(settings.merge(strategy.settings, new_settings))
    if _facts(strategy) != before:
        bump(strategy.id)
        audit.record(
            actor, "strategy:change", _shown(strategy), before=before, after=_facts(strategy)
        )
    db.session.commit()
    return strategy


def get(strategy_id: UUID | None) -> Strategy:
    """The strategy, if it is this tenant's; else 404."""
    return get_for_tenant(Strategy, strategy_id)


def webhook_of(strategy: Strategy) -> StrategyWebhook:
    """The webhook of one's own strategy."""
    return db.session.scalars(
        select(StrategyWebhook).where(StrategyWebhook.strategy_id == strategy.id)
    ).one()


def webhook_url(webhook: StrategyWebhook) -> str:
    """The whole URL, secret included."""
    config = _config()
    secret = secrets.unseal(config.sealing_key, webhook.strategy_id, webhook.secret_sealed)
    return f"{config.web_url}/trading/webhook/{webhook.webhook_uuid}/{secret}"


def bump(strategy_id: UUID) -> None:
    """Make intake and drain look the strategy up again."""
    db.session.flush()
    db.session.execute(text("SELECT web.bump_strategy_version(:id)"), {"id": strategy_id})


def _name(name: str) -> str:
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 100:
        raise BadStrategy("name", "A name has 1 to 100 characters.", "Give it a name.")
    return trimmed


def _facts(strategy: Strategy) -> dict[str, Any]:
    return {
        "name": strategy.name,
        "asset_class": strategy.asset_class,
        "enabled": strategy.enabled,
        "settings": dict(strategy.settings),
    }


def _shown(strategy: Strategy) -> str:
    return ids.show("strategy", strategy.id)


def _config() -> Config:
    config: Config = current_app.extensions["fillwire.config"]
    return config
