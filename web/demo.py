"""The ready workspace of `fillwire up --demo`: the same one at every start.

People, tenant and first key are made with the owner's URL, since the web role may not;
the rest goes through the same services as the pages. Secrets lie in a 0600 file.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import select

from protos import ids
from web.accounts import keys, owners
from web.connections import service as connections
from web.db import db, get_for_tenant, tenant_scope
from web.strategies import connectors
from web.strategies import service as strategy_service
from web.strategies.models import Strategy
from web.subscriptions import service as subscriptions
from web.subscriptions.models import Subscription

EMAIL = "demo@fillwire.example"
TENANT = "Demo"
ACTOR = "system:demo"
FILE = "demo_secrets.json"


@dataclass
class Kept:
    """What the file remembers."""

    tenant_id: UUID
    email: str
    password: str
    api_key: str
    # Strategy and subscription of each demo strategy, in order.
    strategies: list[tuple[UUID, UUID]] = field(default_factory=list)


def seed(strategies: int = 1) -> dict[str, Any]:
    """Make what is missing, and return the `demo` object of the ready-file."""
    from web.app import create_site

    app = create_site()
    path: Path = app.extensions["fillwire.config"].data_dir / FILE
    with app.app_context():
        try:
            return _seed(path, strategies)
        finally:
            db.session.remove()
            db.engine.dispose()


def _seed(path: Path, count: int) -> dict[str, Any]:
    kept = _load(path) or _begin(path)
    with tenant_scope(kept.tenant_id):
        while len(kept.strategies) < count:
            kept.strategies.append(_add_strategy(len(kept.strategies) + 1))
            _save(path, kept)
        return _describe(kept, count)


def _begin(path: Path) -> Kept:
    """Account and key, written down before they are used."""
    password = secrets.token_urlsafe(15)
    with psycopg.connect(os.environ["DATABASE_URL"]) as owner:
        try:
            account = owners.add_account(owner, email=EMAIL, password=password, tenant_name=TENANT)
        except owners.AlreadyThere:
            account = owners.set_password(owner, email=EMAIL, password=password)
    with tenant_scope(account.tenant_id):
        kept = Kept(account.tenant_id, EMAIL, password, keys.add_test_key("demo", ACTOR))
    _save(path, kept)
    return kept


def _add_strategy(number: int) -> tuple[UUID, UUID]:
    name = "My first strategy" if number == 1 else f"Demo strategy {number}"
    strategy = strategy_service.create(name=name, asset_class="stocks", actor=ACTOR)
    connection = connections.create_paper(
        name="Paper" if number == 1 else f"Paper {number}", actor=ACTOR
    )
    subscription = subscriptions.create(
        strategy, connection, actor=ACTOR, enabled=True, new_settings={"auto_submit": True}
    )
    return strategy.id, subscription.id


def _describe(kept: Kept, count: int) -> dict[str, Any]:
    listed = [
        {
            "strategy_id": ids.show("strategy", strategy_id),
            "subscription_id": ids.show("subscription", subscription_id),
            "webhook_url": strategy_service.webhook_url(
                strategy_service.webhook_of(get_for_tenant(Strategy, strategy_id))
            ),
        }
        for strategy_id, subscription_id in kept.strategies[:count]
    ]
    first = get_for_tenant(Strategy, kept.strategies[0][0])
    return {
        "email": kept.email,
        "password": kept.password,
        "api_key": kept.api_key,
        "strategy_id": listed[0]["strategy_id"],
        "subscription_id": listed[0]["subscription_id"],
        "strategies": listed,
        "webhook_url": listed[0]["webhook_url"],
        "crypto_arsenal": _connector(first),
    }


def _connector(strategy: Strategy) -> dict[str, str]:
    """The connector of the first strategy, made when it is missing."""
    if connectors.of(strategy) is None:
        terms = {"instrument": "AAPL", "market": "any", "leverage_convention": "ignore"}
        connectors.save(strategy, {"name": "demo", **terms}, actor=ACTOR)
    found = connectors.shown(strategy)
    assert found is not None
    return {"url": found.url, "connectorName": found.name, "connectorToken": found.token}


def _load(path: Path) -> Kept | None:
    """What an earlier start made, if this database still has it."""
    if not path.exists():
        return None
    kept = msgspec.json.decode(path.read_bytes(), type=Kept)
    with tenant_scope(kept.tenant_id):
        known = set(db.session.scalars(select(Subscription.id)))
        key_known = keys.find(kept.api_key, "") is not None
        db.session.rollback()
    if not key_known:
        return None
    kept.strategies = [pair for pair in kept.strategies if pair[1] in known]
    return kept


def _save(path: Path, kept: Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(msgspec.json.encode(kept))
    temporary.replace(path)
