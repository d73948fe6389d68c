"""Change who may post to a strategy's webhook: its secret, where senders are, how they sign."""

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
    # Equal messages within so many seconds are one signal; 0: each is its own.
    dedupe_seconds: int
    senders: Senders
    addresses: Sequence[str]
    # None: messages need no signature.
    signing_secret: str | None
    former_signing: Sequence[datetime]


def shown(strategy: Strategy) -> Shown:
    """What to copy into alerts, and who may send."""
    row = strategies.webhook_of(strategy)
    return Shown(
        strategies.webhook_url(row),
        _times(strategy, Kind.WEBHOOK),
        row.per_minute,
        row.per_hour,
        row.dedupe_seconds,
        Senders(row.senders),
        row.addresses,
        _signing_secret(row),
        _times(strategy, Kind.SIGNING),
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


def change(
    strategy: Strategy,
    *,
    actor: str,
    senders: str | None = None,
    addresses: Sequence[str] | None = None,
    dedupe_seconds: int | None = None,
) -> None:
    """Who may send, and how long equal messages are one signal; None leaves it as it is. The
    list of addresses is kept while it is not in use.

    Raises BadWebhook.
    """
    row = _locked(strategy)
    before = _facts(row)
    if senders is not None:
        row.senders = allowed.read_senders(senders)
    listed = row.addresses if addresses is None else addresses
    row.addresses = allowed.read_addresses(listed, needed=row.senders == Senders.ADDRESSES)
    if dedupe_seconds is not None:
        row.dedupe_seconds = allowed.read_window(dedupe_seconds)
    if _facts(row) != before:
        _store(strategy, row, "change", before, actor)


def sign(strategy: Strategy, *, actor: str) -> None:
    """Take signed messages only, from here on by a new secret; the one there was works for
    the overlap.

    Raises TooManyFormers.
    """
    row = _locked(strategy)
    before, now = _facts(row), _signing_secret(row)
    if now is not None:
        formers.keep(strategy, Kind.SIGNING, secrets.digest(now), row.signing_sealed)
    drawn = secrets.draw_signing()
    row.signing_sealed = secrets.seal(_config().sealing_key, strategy.id, drawn)
    _store(strategy, row, "sign", before, actor)


def stop_signing(strategy: Strategy, *, actor: str) -> None:
    """Messages need no signature from here on."""
    row = _locked(strategy)
    before = _facts(row)
    if row.signing_sealed is not None:
        row.signing_sealed = None
        formers.end(strategy.id, Kind.SIGNING)
        _store(strategy, row, "stop-signing", before, actor)


def end_signing_overlap(strategy: Strategy, *, actor: str) -> None:
    """Only the newest secret signs from here on."""
    row = _locked(strategy)
    before = _facts(row)
    if formers.end(strategy.id, Kind.SIGNING):
        _store(strategy, row, "end-signing-overlap", before, actor)


def _signing_secret(row: StrategyWebhook) -> str | None:
    if row.signing_sealed is None:
        return None
    return secrets.unseal(_config().sealing_key, row.strategy_id, row.signing_sealed)


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
    signing = _signing_secret(row)
    return {
        "signing_hash": secrets.digest(signing).hex()[:8] if signing else None,
        "former_signing": [
            each.secret_hash.hex()[:8] for each in formers.of(row.strategy_id, Kind.SIGNING)
        ],
        "secret_hash": row.secret_hash.hex()[:8],
        "former_secrets": {
            each.secret_hash.hex()[:8]: each.until.isoformat(timespec="seconds")
            for each in formers.of(row.strategy_id, Kind.WEBHOOK)
        },
        "senders": str(row.senders),
        "addresses": list(row.addresses),
        "dedupe_seconds": row.dedupe_seconds,
    }


def _times(strategy: Strategy, kind: Kind) -> list[datetime]:
    return [each.until for each in formers.of(strategy.id, kind)]


def _config() -> Config:
    config: Config = current_app.extensions["fillwire.config"]
    return config
