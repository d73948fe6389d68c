"""Change who may post to a strategy's webhook: its secret, and where senders are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from protos import ids
from web.audit import service as audit
from web.config import Config
from web.db import db
from web.strategies import allowed, formers, secrets
from web.strategies import service as strategies
from web.strategies.allowed import Senders
from web.strategies.formers import Kind
from web.strategies.models import Strategy, StrategyWebhook


@dataclass(frozen=True)
class Shown:
    """A webhook as its owner sees it, secrets included."""

    url: str
    # When each former secret in the URL stops to work.
    formers: Sequence[datetime]
    per_minute: int
    per_hour: int
    senders: Senders
    addresses: Sequence[str]


def shown(strategy: Strategy) -> Shown:
    """What to copy into alerts, and who may send."""
    row = strategies.webhook_of(strategy)
    return Shown(
        strategies.webhook_url(row),
        _times(strategy, Kind.WEBHOOK),
        row.per_minute,
        row.per_hour,
        Senders(row.senders),
        row.addresses,
    )


def rotate(strategy: Strategy, *, actor: str) -> None:
    """A new secret in the URL; the one there was works for the overlap.

    Raises TooManyFormers.
    """
    row = _locked(strategy)
    before = _facts(row)
    formers.keep(strategy, Kind.WEBHOOK, row.secret_hash)
    secret = secrets.draw()
    row.secret_hash = secrets.digest(secret)
    row.secret_sealed = secrets.seal(_config().sealing_key, strategy.id, secret)
    _store(strategy, row, "rotate", before, actor)


def end_overlap(strategy: Strategy, *, actor: str) -> None:
    """Only the newest secret works from here on."""
    row = _locked(strategy)
    before = _facts(row)
    if formers.end(strategy.id, Kind.WEBHOOK):
        _store(strategy, row, "end-overlap", before, actor)


def allow(strategy: Strategy, senders: str, addresses: Sequence[str], *, actor: str) -> None:
    """Take messages from these only. The list is kept while it is not in use.

    Raises BadWebhook.
    """
    wanted = allowed.read_senders(senders)
    found = allowed.read_addresses(addresses, needed=wanted is Senders.ADDRESSES)
    row = _locked(strategy)
    before = _facts(row)
    row.senders, row.addresses = wanted, found
    if _facts(row) != before:
        _store(strategy, row, "allow", before, actor)


def _locked(strategy: Strategy) -> StrategyWebhook:
    """The webhook, held: of two changes at once the second sees the first."""
    mine = StrategyWebhook.strategy_id == strategy.id
    found = select(StrategyWebhook).where(mine).with_for_update()
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def _store(
    strategy: Strategy, row: StrategyWebhook, verb: str, before: dict[str, Any], actor: str
) -> None:
    strategies.bump(strategy.id)
    subject = ids.show("strategy", strategy.id)
    audit.record(actor, f"webhook:{verb}", subject, before=before, after=_facts(row))
    db.session.commit()


def _facts(row: StrategyWebhook) -> dict[str, Any]:
    """What the audit remembers: of secrets only that they are others."""
    return {
        "secret_hash": row.secret_hash.hex()[:8],
        "former_secrets": {
            each.secret_hash.hex()[:8]: each.until.isoformat(timespec="seconds")
            for each in formers.of(row.strategy_id, Kind.WEBHOOK)
        },
        "senders": str(row.senders),
        "addresses": list(row.addresses),
    }


def _times(strategy: Strategy, kind: Kind) -> list[datetime]:
    return [each.until for each in formers.of(strategy.id, kind)]


def _config() -> Config:
    config: Config = current_app.extensions["fillwire.config"]
    return config
