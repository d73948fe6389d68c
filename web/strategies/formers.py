"""Secrets that were replaced: they work a day longer, so that no alert is lost meanwhile."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, select

from web.db import db
from web.strategies.models import FormerSecret, Strategy

OVERLAP = timedelta(hours=24)
# Each is compared with every message's.
MOST = 5


class Kind(StrEnum):
    """What a secret is for."""

    WEBHOOK = "webhook"
    CONNECTOR = "connector"
    SIGNING = "signing"


class TooManyFormers(Exception):
    """More secrets than `MOST` would work beside the new one."""


def of(strategy_id: UUID, kind: Kind) -> list[FormerSecret]:
    """Those that still work, the newest first."""
    mine = (FormerSecret.strategy_id == strategy_id, FormerSecret.kind == kind)
    alive = FormerSecret.until > datetime.now(UTC)
    return list(
        db.session.scalars(
            select(FormerSecret).where(*mine, alive).order_by(FormerSecret.until.desc())
        )
    )


def keep(strategy: Strategy, kind: Kind, digest: bytes, sealed: bytes | None = None) -> None:
    """Let a secret that is being replaced work until the overlap is over.

    Earlier ones keep their time. Raises TooManyFormers.
    """
    if len(of(strategy.id, kind)) >= MOST:
        raise TooManyFormers()
    forget(strategy.id, kind, digest)
    row = FormerSecret(strategy_id=strategy.id, tenant_id=strategy.tenant_id, kind=kind)
    row.secret_hash, row.sealed, row.until = digest, sealed, datetime.now(UTC) + OVERLAP
    db.session.add(row)


def forget(strategy_id: UUID, kind: Kind, digest: bytes) -> None:
    """It is no former one any more, and those that are over go with it."""
    mine = (FormerSecret.strategy_id == strategy_id, FormerSecret.kind == kind)
    gone = (FormerSecret.secret_hash == digest) | (FormerSecret.until <= datetime.now(UTC))
    db.session.execute(delete(FormerSecret).where(*mine, gone))


def end(strategy_id: UUID, kind: Kind) -> int:
    """Let none of them work any more; returns how many did."""
    found = of(strategy_id, kind)
    for row in found:
        db.session.delete(row)
    return len(found)
