"""Take one message in: find its webhook, read it, store it, and only then say yes.

Durable fact: the `signals` row. If the process dies before it is committed, the sender
heard no 2xx and sends again; if it dies after, `web.accept_signal` knows the repeat.
"""

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from protos import faults, ids
from web.boots import Boot
from web.config import Config
from web.db import CONNECT_TIMEOUT_SECONDS, Pool
from web.queue import Bell, Ringer
from web.signals import rules, traderspost
from web.signals.rules import BadSignal, Signal

# Together less than a second: then the sender hears 503 and comes again.
POOL_SECONDS = 0.3
STORE_SECONDS = 0.6
# After a failure, others do not wait for the database again before this has passed.
REST_SECONDS = 0.25
CACHE_SECONDS = 30.0

log = structlog.get_logger()


class NotStored(Exception):
    """The database could not be reached in time; nothing was promised."""


class TooManySignals(Exception):
    """The webhook's limit is used up."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class UnknownWebhook(Exception):
    """No webhook has this id."""


class KeyReused(Exception):
    """The idempotency key was used for another message."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What intake needs to know of a strategy, as it was at `version`."""

    strategy_id: UUID
    tenant_id: UUID
    secret_hash: bytes
    version: int
    asset_class: str
    per_minute: int
    per_hour: int
    dedupe_seconds: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored signal, new or known."""

    signal_id: UUID
    seq: int
    duplicate: bool
    payload: Mapping[str, Any]
    warnings: tuple[str, ...]


class DeadlineConnection(psycopg.Connection[TupleRow]):
    """A connection whose calls give up after STORE_SECONDS, also when the server hangs."""

    def wait(self, gen: Any, interval: float = 0.1) -> Any:
        """Run one exchange with the server. Raises OperationalError when it takes too long."""
        return super().wait(_until(gen, time.monotonic() + STORE_SECONDS), interval)


class Intake:
    """Takes messages for all webhooks. One a process, shared by its threads."""

    def __init__(self, config: Config, bell: Bell, boot: Boot) -> None:
        self._ringer = Ringer(bell)
        self._boot = boot
        self._limits = config.webhook_limits
        self._webhooks: dict[UUID, tuple[float, Webhook]] = {}
        self._rest_until = 0.0
        self._probe = threading.Lock()
        self._pool: Pool = ConnectionPool(
            config.web_database_url,
            connection_class=DeadlineConnection,
            min_size=2,
            max_size=8,
            timeout=POOL_SECONDS,
            reconnect_timeout=5,
            name="intake",
            open=True,
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": "fillwire-intake",
            },
        )

    def close(self) -> None:
        """Let go of the database; every request was answered."""
        self._ringer.end()
        self._pool.close()
        self._boot.end()

    def find(self, webhook_uuid: UUID) -> Webhook:
        """The webhook, from memory when seen in the last 30 s.

        Raises UnknownWebhook, NotStored.
        """
        cached = self._webhooks.get(webhook_uuid)
        if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
            return cached[1]
        return self._load(webhook_uuid)

    def authenticate(self, webhook_uuid: UUID, secret: str) -> Webhook:
        """The webhook, if the secret is its own.

        Raises UnknownWebhook, BadSignal(`invalid-password`), NotStored.
        """
        given = hashlib.sha256(secret.encode()).digest()
        webhook = self.find(webhook_uuid)
        if not hmac.compare_digest(given, webhook.secret_hash):
            # It may have been rotated since we looked.
            webhook = self._load(webhook_uuid)
            if not hmac.compare_digest(given, webhook.secret_hash):
                raise BadSignal(
                    "invalid-password",
                    "The secret in this webhook URL is not right.",
                    "Copy the webhook URL again from the strategy's page.",
                )
        return webhook

    def accept(
        self,
        webhook_uuid: UUID,
        webhook: Webhook,
        body: bytes,
        *,
        content_type: str,
        key: str | None,
        received_at: datetime,
    ) -> Accepted:
        """Store a message and ring the bell. What is refused is counted, and shown.

        Raises BadSignal, TooManySignals, KeyReused, NotStored.
        """
        payload = rules.read(body)
        signal = traderspost.parse(payload)
        body_hash = hashlib.sha256(body).digest()
        faults.point("intake.before_commit")
        row = self._store(webhook, signal, body, body_hash, content_type, key, received_at)
        if row[0] == "STALE":
            webhook = self._load(webhook_uuid)
            row = self._store(webhook, signal, body, body_hash, content_type, key, received_at)
        match row:
            case ("NEW" | "SAME" as outcome, signal_id, seq, *_):
                faults.point("intake.after_commit")
                self._ringer.ring()
                return Accepted(signal_id, seq, outcome == "SAME", payload, signal.warnings)
            case ("LIMITED", _, _, _, retry_after):
                raise TooManySignals(retry_after)
            case ("CONFLICT", *_):
                raise KeyReused(key)
            case _:
                raise NotStored("the strategy keeps changing")

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
            with self._connection() as connection:
                found = connection.execute(
                    "SELECT web.record_refusal(%s, %s, %s, %s, %s, %s, %b)",
                    (refusal_id, webhook.strategy_id, code, field, message, fix, body[:4096]),
                ).fetchone()
        except NotStored:
            log.warning("refusal_not_recorded", strategy_id=webhook.strategy_id.hex, code=code)
            return refusal_id
        return found[0] if found and found[0] else refusal_id

    def _load(self, webhook_uuid: UUID) -> Webhook:
        with self._connection() as connection:
            row = connection.execute(
                "SELECT * FROM web.find_webhook(%s)", (webhook_uuid,)
            ).fetchone()
        if row is None:
            self._webhooks.pop(webhook_uuid, None)
            raise UnknownWebhook()
        webhook = Webhook(*row)
        self._webhooks[webhook_uuid] = (time.monotonic(), webhook)
        return webhook

    def _store(
        self,
        webhook: Webhook,
        signal: Signal,
        body: bytes,
        body_hash: bytes,
        content_type: str,
        key: str | None,
        received_at: datetime,
    ) -> TupleRow:
        limits = self._limits or webhook
        doubt = partial(self._boot.doubt, webhook.strategy_id, body_hash)
        with self._connection(doubt) as connection:
            row = connection.execute(
                "SELECT * FROM web.accept_signal"
                "(%s, %s, %s, %s, %s, %b, %b, %s::jsonb, %s, %s, %s, %s, %s, %s, %s)",
                (
                    webhook.strategy_id,
                    webhook.version,
                    ids.new(),
                    signal.dialect,
                    content_type[:100],
                    body,
                    body_hash,
                    msgspec.json.encode(signal.to_json()).decode(),
                    key,
                    signal.reduces,
                    limits.per_minute,
                    limits.per_hour,
                    webhook.dedupe_seconds,
                    self._boot.id,
                    received_at,
                ),
                prepare=True,
            ).fetchone()
        assert row is not None
        return row

    @contextmanager
    def _connection(
        self, on_doubt: Callable[[], None] | None = None
    ) -> Iterator[psycopg.Connection[TupleRow]]:
        """A connection, or NotStored at once while the database is known to be away."""
        probing = time.monotonic() < self._rest_until
        if probing and not self._probe.acquire(blocking=False):
            raise NotStored("the database is away")
        try:
            with self._pool.connection() as connection:
                try:
                    yield connection
                except psycopg.OperationalError:
                    if on_doubt:
                        on_doubt()
                    connection.close()
                    raise
            self._rest_until = 0.0
        except (psycopg.OperationalError, PoolTimeout) as error:
            self._rest_until = time.monotonic() + REST_SECONDS
            log.error("signal_not_stored", error=str(error).strip())
            raise NotStored(str(error)) from error
        finally:
            if probing:
                self._probe.release()


def now() -> datetime:
    """When a request reached us."""
    return datetime.now(UTC)


def _until(gen: Any, deadline: float) -> Iterator[Any]:
    """The generator of a psycopg exchange, ended at a deadline."""
    ready = None
    while True:
        try:
            wanted = gen.send(ready)
        except StopIteration as done:
            return done.value
        ready = yield wanted
        if not ready and time.monotonic() > deadline:
            gen.close()
            raise psycopg.OperationalError("the database did not answer in time")
