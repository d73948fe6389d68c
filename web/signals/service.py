"""Take one message in: find its webhook, read it, store it, and only then say yes.

Durable fact: the `signals` row. If the process dies before it is committed, the sender
heard no 2xx and sends again; if it dies after, `web.accept_signal` knows the repeat.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from protos import faults, ids
from web.boots import Boot
from web.config import Config
from web.queue import Bell, Ringer
from web.signals import crypto_arsenal, dialects, webhooks
from web.signals.connectors import Connectors, WrongConnector
from web.signals.gate import Gate, Request
from web.signals.group_commit import GroupCommit
from web.signals.refusals import BadSignal, bad
from web.signals.rules import Signal
from web.signals.storage import InDoubt, NotStored, Row, Statement, Storage
from web.signals.webhooks import Webhook
from web.strategies.rules import Connector

CACHE_SECONDS = 30.0
NOTE_SECONDS = 1.0

_FIND = Statement("webhook_at", "SELECT * FROM web.webhook_at($1)")
_ACCEPT = (
    *("uuid", "bigint", "uuid", "text", "text", "bytea", "bytea", "jsonb", "text", "boolean"),
    *("integer", "integer", "integer", "uuid", "timestamptz"),
)
_DOUBT = Statement(
    "doubt",
    "INSERT INTO web.doubts (strategy_id, body_hash) VALUES ($1, $2) RETURNING true",
    binary=(1,),
)
_REFUSE = Statement(
    "record_refusal", "SELECT web.record_refusal($1, $2, $3, $4, $5, $6, $7)", binary=(6,)
)

log = structlog.get_logger()


class TooManySignals(Exception):
    """The webhook's limit is used up."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class UnknownWebhook(Exception):
    """No webhook has this id."""


class WrongSecret(Exception):
    """The webhook has another secret."""

    def __init__(self, webhook: Webhook) -> None:
        super().__init__()
        self.webhook = webhook


class KeyReused(Exception):
    """The idempotency key was used for another message."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored signal, new or known."""

    signal_id: UUID
    seq: int
    duplicate: bool
    payload: Mapping[str, Any]
    dialect: str
    warnings: tuple[str, ...]


class Intake:
    """Takes messages for all webhooks. One a process, shared by its threads."""

    def __init__(self, config: Config, bell: Bell, boot: Boot) -> None:
        self._ringer = Ringer(bell)
        self._boot = boot
        self._sealing_key = config.sealing_key
        self._limits = config.webhook_limits
        self._webhooks: dict[UUID, tuple[float, Webhook]] = {}
        self._noted: dict[UUID, float] = {}
        self._storage = Storage(config.web_database_url)
        self._accepting = GroupCommit(config.web_database_url, "web.accept_signal", _ACCEPT)
        self._connectors = Connectors(self._storage)

    def close(self) -> None:
        """Let go of the database; every request was answered."""
        self._ringer.end()
        self._accepting.close()
        self._storage.close()
        self._boot.end()

    def find(self, webhook_uuid: UUID) -> Webhook:
        """The webhook, from memory when seen in the last 30 s.

        Raises UnknownWebhook, NotStored.
        """
        cached = self._webhooks.get(webhook_uuid)
        if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
            return cached[1]
        return self._load(webhook_uuid)

    def authenticate(self, webhook_uuid: UUID, secret_digest: bytes) -> Webhook:
        """The webhook, if the secret is its own.

        Raises UnknownWebhook, WrongSecret, NotStored.
        """
        webhook = self.find(webhook_uuid)
        if not webhook.secret.fits(secret_digest):
            # It may have been rotated since we looked.
            webhook = self._load(webhook_uuid)
            if not webhook.secret.fits(secret_digest):
                raise WrongSecret(webhook)
        return webhook

    def authenticate_connector(
        self, payload: Mapping[str, Any], address: str
    ) -> tuple[UUID, Webhook]:
        """The webhook that a message's connector stands for.

        Raises WrongConnector, NotStored.
        """
        webhook_uuid = self._connectors.find(payload, address)
        try:
            webhook = self.find(webhook_uuid)
            known = self._connectors.of_strategy(webhook.strategy_id, webhook.version)
            if known is None or not known.fits(payload):
                # It may have been changed since we looked.
                webhook = self._load(webhook_uuid)
                known = self._connectors.of_strategy(webhook.strategy_id, webhook.version)
        except UnknownWebhook:
            known = None
        if known is None or not known.fits(payload):
            raise self._connectors.wrong(payload, address)
        return webhook_uuid, webhook

    def accept(
        self,
        webhook_uuid: UUID,
        webhook: Webhook,
        request: Request,
        *,
        received_at: datetime,
    ) -> Accepted:
        """Store a message and ring the bell. What is refused is counted, and shown.

        Raises BadSignal, TooManySignals, KeyReused, UnknownWebhook, WrongConnector, NotStored.
        """
        if webhook.gate is not None and not request.is_ours:
            now = received_at.timestamp()
            webhook = self._admit(webhook_uuid, webhook.gate, webhook, request, now)
        payload, signal = self._read(webhook, request.body, received_at)
        body_hash = hashlib.sha256(request.body).digest()
        faults.point("intake.before_commit")
        row = self._store(webhook, signal, request, body_hash, received_at)
        if row[0] == "STALE":
            webhook = self._load(webhook_uuid)
            # What changed may be the secret, or the connector by which the message is read.
            if request.secret_digest and not webhook.secret.fits(request.secret_digest):
                raise bad("invalid-password")
            if webhook.gate is not None and not request.is_ours:
                webhook.gate.check(request, received_at.timestamp())
            payload, signal = self._read(webhook, request.body, received_at)
            row = self._store(webhook, signal, request, body_hash, received_at)
        match row:
            case ["NEW" | "SAME" as outcome, str(signal_id), str(seq), *_]:
                faults.point("intake.after_commit")
                self._ringer.ring()
                known = outcome == "SAME"
                return Accepted(
                    UUID(signal_id), int(seq), known, payload, signal.dialect, signal.warnings
                )
            case ["LIMITED", _, _, _, str(retry_after)]:
                raise TooManySignals(int(retry_after))
            case ["CONFLICT", *_]:
                raise KeyReused(request.key)
            case _:
                raise NotStored("the strategy keeps changing")

    def _admit(
        self, webhook_uuid: UUID, gate: Gate, webhook: Webhook, request: Request, now: float
    ) -> Webhook:
        """The webhook as it admits the message.

        Raises BadSignal, UnknownWebhook, NotStored.
        """
        try:
            gate.check(request, now)
        except BadSignal:
            # It may admit this sender since we looked.
            webhook = self._load(webhook_uuid)
            if webhook.gate is not None:
                webhook.gate.check(request, now)
        return webhook

    def doubt(self, webhook: Webhook, body: bytes) -> None:
        """A message was answered without knowing whether it is stored."""
        self._boot.doubt(webhook.strategy_id, hashlib.sha256(body).digest())

    def refuse(
        self,
        webhook: Webhook,
        body: bytes,
        *,
        code: str,
        message: str,
        field: str | None = None,
        fix: str | None = None,
    ) -> UUID:
        """Write down a message that was not taken; returns the id under which it shows."""
        refusal_id = ids.new()
        try:
            found = self._storage.run(
                _REFUSE,
                (
                    refusal_id.hex.encode(),
                    webhook.strategy_id.hex.encode(),
                    code.encode(),
                    field.encode() if field else None,
                    message.encode(),
                    fix.encode() if fix else None,
                    crypto_arsenal.redact(body)[:4096],
                ),
            )
        except NotStored:
            log.warning("refusal_not_recorded", strategy_id=webhook.strategy_id.hex, code=code)
            return refusal_id
        return UUID(found[0]) if found and found[0] else refusal_id

    def may_note(self, webhook: Webhook) -> bool:
        """Shall a wrong secret be written down? Once a second: strangers cost no more."""
        last = self._noted.get(webhook.strategy_id, 0.0)
        if time.monotonic() - last < NOTE_SECONDS:
            return False
        self._noted[webhook.strategy_id] = time.monotonic()
        return True

    def _read(
        self, webhook: Webhook, body: bytes, received_at: datetime
    ) -> tuple[dict[str, Any], Signal]:
        return dialects.read(
            body,
            asset_class=webhook.asset_class,
            now=received_at,
            connector=partial(self._connector, webhook),
        )

    def _connector(self, webhook: Webhook, payload: Mapping[str, Any]) -> Connector:
        """The terms for a message to this webhook.

        Raises BadSignal(`connector-missing`), WrongConnector, NotStored.
        """
        known = self._connectors.of_strategy(webhook.strategy_id, webhook.version)
        if known is None:
            raise bad("connector-missing")
        if not known.fits(payload):
            raise WrongConnector()
        return known.terms

    def _load(self, webhook_uuid: UUID) -> Webhook:
        row = self._storage.run(_FIND, (webhook_uuid.hex.encode(),))
        if row is None:
            self._webhooks.pop(webhook_uuid, None)
            raise UnknownWebhook()
        webhook = webhooks.read(row, self._sealing_key)
        self._webhooks[webhook_uuid] = (time.monotonic(), webhook)
        return webhook

    def _store(
        self,
        webhook: Webhook,
        signal: Signal,
        request: Request,
        body_hash: bytes,
        received_at: datetime,
    ) -> Row:
        limits = self._limits or webhook
        if self._boot.is_in_doubt(webhook.strategy_id, body_hash):
            # The first try may still be on its way to a commit: whichever comes second must
            # see the doubt, so it is written down before this one is tried.
            self._storage.run(_DOUBT, (webhook.strategy_id.hex.encode(), body_hash))
        try:
            return self._accepting.run(
                (
                    webhook.strategy_id.hex.encode(),
                    b"%d" % webhook.version,
                    ids.new().hex.encode(),
                    signal.dialect.encode(),
                    request.content_type.encode(),
                    crypto_arsenal.redact(request.body),
                    body_hash,
                    msgspec.json.encode(signal),
                    request.key.encode() if request.key else None,
                    b"t" if _is_exit(signal) else b"f",
                    b"%d" % limits.per_minute,
                    b"%d" % limits.per_hour,
                    b"%d" % webhook.dedupe_seconds,
                    self._boot.id.hex.encode(),
                    received_at.isoformat().encode(),
                ),
                alone=self._storage,
            )
        except InDoubt:
            self._boot.doubt(webhook.strategy_id, body_hash)
            raise


def _is_exit(signal: Signal) -> bool:
    """May it use the allowance that is kept for exits?"""
    closes = (signal.action, signal.sentiment) in (("sell", "bullish"), ("buy", "bearish"))
    return signal.reduces or (closes and signal.dialect == crypto_arsenal.DIALECT)
