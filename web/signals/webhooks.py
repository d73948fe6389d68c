"""A webhook as intake knows it: its secrets, its limits, its gate."""

import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from web.signals import gate
from web.signals.gate import Gate
from web.signals.storage import Row
from web.strategies.allowed import Senders


class Former(msgspec.Struct, frozen=True):
    """A secret that was replaced and works until then, in seconds since 1970."""

    kind: str
    hash: str
    until: float

    @property
    def digest(self) -> bytes:
        """What a given secret's digest is compared with."""
        return bytes.fromhex(self.hash)


class Admits(msgspec.Struct, frozen=True):
    """What the database says of a webhook beyond its secret and limits."""

    formers: tuple[Former, ...] = ()
    senders: Senders = Senders.ANYONE
    addresses: tuple[str, ...] = ()


_EVERYBODY = Admits()
_admits = msgspec.json.Decoder(Admits)
_formers = msgspec.json.Decoder(tuple[Former, ...])


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown must be this, or one of the former ones in their time."""

    digest: bytes
    formers: tuple[tuple[bytes, float], ...] = ()

    def fits(self, given: bytes) -> bool:
        """Is it one of them? In constant time: every one is compared."""
        found = hmac.compare_digest(given, self.digest)
        for former, until in self.formers:
            found |= hmac.compare_digest(given, former) & (time.time() < until)
        return found


@dataclass(frozen=True, slots=True)
class Webhook:
    """What intake needs to know of a strategy, as it was at `version`."""

    strategy_id: UUID
    tenant_id: UUID
    secret: Secret
    version: int
    asset_class: str
    per_minute: int
    per_hour: int
    dedupe_seconds: int
    # None for most: the secret is all that is asked for.
    gate: Gate | None


def read(row: Row) -> Webhook:
    """The webhook that the database tells of."""
    *known, admits_json = row
    strategy_id, tenant_id, secret_hash, version, asset_class, *numbers = map(str, known)
    per_minute, per_hour, dedupe_seconds = map(int, numbers)
    admits = _admits.decode(admits_json) if admits_json else _EVERYBODY
    return Webhook(
        UUID(strategy_id),
        UUID(tenant_id),
        secret(secret_hash, admits.formers, "webhook"),
        int(version),
        asset_class,
        per_minute,
        per_hour,
        dedupe_seconds,
        _gate(admits),
    )


def _gate(admits: Admits) -> Gate | None:
    if admits.senders is Senders.ANYONE:
        return None
    return gate.build(admits.senders, admits.addresses)


def secret(hash_text: str, formers: Iterable[Former], kind: str) -> Secret:
    """A secret of that kind, from the database's spelling of its digest."""
    digest = bytes.fromhex(hash_text.removeprefix("\\x"))
    return Secret(digest, tuple((f.digest, f.until) for f in formers if f.kind == kind))


def read_formers(formers_json: str | None) -> tuple[Former, ...]:
    """Former secrets as the database tells them."""
    return _formers.decode(formers_json) if formers_json else ()
