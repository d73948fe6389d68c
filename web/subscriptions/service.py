"""Join strategies to connections, and keep the history of when and how.

Spans and settings versions are written in the transaction that changes the
subscription, on the database's clock, so that a signal meets what was true when it came.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.exc import IntegrityError

from protos import ids
from web.audit import service as audit
from web.billing import limits
from web.connections import service as connections
from web.connections.models import Connection
from web.db import current_tenant, db, get_for_tenant, mine
from web.paging import Moment, Page, in_order
from web.strategies import service as strategies
from web.strategies.models import Strategy
from web.subscriptions import settings
from web.subscriptions.models import SettingsVersion, Subscription, SubscriptionSpan


class AlreadySubscribed(Exception):
    """The strategy already trades on this connection."""


def create(
    strategy: Strategy,
    connection: Connection,
    *,
    actor: str,
    enabled: bool = False,
    new_settings: dict[str, Any] | None = None,
) -> Subscription:
    """Subscribe a connection to a strategy.

    To one's own it inherits, live; of another tenant's the values are copied, so that its
    publisher cannot silently change what is traded. Raises BadSetting, AlreadySubscribed.
    """
    tenant = current_tenant()
    assert tenant is not None
    limits.check("subscriptions")
    copied = settings.copy_for_follower(strategy.settings) if strategy.tenant_id != tenant else {}
    subscription = Subscription(
        id=ids.new(),
        tenant_id=tenant,
        strategy_tenant_id=strategy.tenant_id,
        strategy_id=strategy.id,
        connection_id=connection.id,
        enabled=enabled,
        settings=settings.validate(settings.merge(copied, new_settings or {})),
        version=1,
    )
    db.session.add(subscription)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise AlreadySubscribed() from error
    strategies.bump(strategy.id)
    _keep_version(subscription)
    if enabled:
        _open_span(subscription)
    audit.record(actor, "subscription:create", _shown(subscription), after=_facts(subscription))
    db.session.commit()
    return subscription


def change(
    subscription: Subscription,
    *,
    actor: str,
    enabled: bool | None = None,
    new_settings: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> Subscription:
    """Switch a subscription on or off, or set some of its settings.

    A setting given as null goes back to how it was before it was ever set. `base` is what
    the caller saw: nothing is done when it is not so any more. Raises BadSetting, Changed.
    """
    # Holds intake's row until we commit: no signal is accepted in between, so that what
    # it meets is what the clock says.
    strategies.bump(subscription.strategy_id)
    db.session.refresh(subscription)
    if base is not None and base != subscription.settings:
        raise settings.Changed()
    before = _facts(subscription)
    if new_settings is not None:
        _set(subscription, new_settings)
    if enabled is not None and enabled != subscription.enabled:
        subscription.enabled = enabled
        if enabled:
            _open_span(subscription)
        else:
            _close_span(subscription)
    if _facts(subscription) != before:
        audit.record(
            actor,
            "subscription:change",
            _shown(subscription),
            before=before,
            after=_facts(subscription),
        )
    db.session.commit()
    return subscription


def get(subscription_id: UUID | None) -> Subscription:
    """The subscription, if it is this tenant's; else 404."""
    return get_for_tenant(Subscription, subscription_id)


def of_strategy(
    strategy: Strategy,
    *,
    sought: str = "",
    only: Sequence[UUID] | None = None,
    enabled: bool = False,
    limit: int,
    cursor: str | None = None,
) -> Page[Subscription]:
    """This tenant's subscriptions to a strategy, oldest first: those on connections that are
    called so or have such an account, only those named, or only the enabled. Raises BadCursor."""
    query = select(Subscription).where(mine(Subscription), Subscription.strategy_id == strategy.id)
    if sought:
        query = query.where(Subscription.connection.has(connections.fits(sought)))
    if only is not None:
        query = query.where(Subscription.id.in_(only))
    if enabled:
        query = query.where(Subscription.enabled)
    return in_order(
        query,
        (Subscription.created_at, Subscription.id),
        Moment,
        lambda row: (row.created_at, row.id),
        limit=limit,
        cursor=cursor,
    )


def free_for(strategy: Strategy) -> Select[Connection]:
    """This tenant's connections that the strategy does not trade on yet."""
    joined = select(Subscription.id).where(
        Subscription.strategy_id == strategy.id, Subscription.connection_id == Connection.id
    )
    return select(Connection).where(mine(Connection), ~joined.exists())


def _set(subscription: Subscription, given: Mapping[str, Any]) -> None:
    stored = settings.validate(settings.merge(subscription.settings, given))
    if stored == subscription.settings:
        return
    subscription.settings = stored
    subscription.version += 1
    db.session.flush()
    _keep_version(subscription)


def _keep_version(subscription: Subscription) -> None:
    db.session.add(
        SettingsVersion(
            subscription_id=subscription.id,
            version=subscription.version,
            tenant_id=subscription.tenant_id,
            settings=subscription.settings,
            created_at=func.clock_timestamp(),
        )
    )


def _open_span(subscription: Subscription) -> None:
    db.session.flush()
    db.session.execute(
        text(
            "INSERT INTO web.subscription_spans (subscription_id, tenant_id, enabled_at) "
            "VALUES (:id, :tenant, clock_timestamp())"
        ),
        {"id": subscription.id, "tenant": subscription.tenant_id},
    )


def _close_span(subscription: Subscription) -> None:
    db.session.execute(
        update(SubscriptionSpan)
        .where(
            SubscriptionSpan.subscription_id == subscription.id,
            SubscriptionSpan.disabled_at.is_(None),
        )
        .values(disabled_at=func.clock_timestamp())
    )


def _facts(subscription: Subscription) -> dict[str, Any]:
    return {
        "enabled": subscription.enabled,
        "settings": dict(subscription.settings),
        "version": subscription.version,
    }


def _shown(subscription: Subscription) -> str:
    return ids.show("subscription", subscription.id)
