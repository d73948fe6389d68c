"""All SQL of sealed credentials and the keys around them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from execution.journal.store import Connection, Store
from execution.vault.envelopes import Envelope

_COLUMNS = """connection_id, tenant_id, account_id, broker, environment, account, version, sealed,
    wrapped_key, kek_id, ends, made_at, used_at, problem, problem_text"""

_OF_ACCOUNT = f"""
SELECT {_COLUMNS} FROM execution.credentials WHERE account_id = %s ORDER BY version DESC
"""

_OF_TENANT = f"""
SELECT {_COLUMNS} FROM execution.credentials
WHERE tenant_id = %(tenant)s
    AND (cardinality(%(some)s::uuid[]) = 0 OR connection_id = ANY(%(some)s::uuid[]))
"""

_NEXT_VERSION = "SELECT nextval('execution.credential_versions') AS version"

_PUT = """
INSERT INTO execution.credentials AS c (connection_id, tenant_id, account_id, broker, environment,
    account, version, sealed, wrapped_key, kek_id, ends)
VALUES (%(connection_id)s, %(tenant_id)s, %(account_id)s, %(broker)s, %(environment)s,
    %(account)s, %(version)s, %(sealed)s, %(wrapped_key)s, %(kek_id)s, %(ends)s)
ON CONFLICT (connection_id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
    wrapped_key = excluded.wrapped_key, kek_id = excluded.kek_id, ends = excluded.ends,
    made_at = excluded.made_at, used_at = NULL, problem = '', problem_text = ''
WHERE c.tenant_id = excluded.tenant_id AND c.account_id = excluded.account_id
RETURNING version
"""

_REMOVE = """
DELETE FROM execution.credentials WHERE connection_id = %s AND tenant_id = %s
RETURNING broker, environment, account
"""

_NOTE = """
UPDATE execution.credentials SET problem = %(problem)s, problem_text = %(text)s,
    used_at = CASE WHEN %(problem)s = '' THEN clock_timestamp() ELSE used_at END
WHERE connection_id = %(connection)s AND version = %(version)s
"""

_VERSIONS = """
SELECT account_id, broker, environment, account, max(version) AS version, count(*) AS many
FROM execution.credentials GROUP BY account_id, broker, environment, account
"""

# Whoever wraps with it holds it until the commit: a rotation waits for that, and then finds
# what was wrapped.
_CURRENT_KEK = "SELECT id FROM execution.keks WHERE is_current FOR SHARE"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('execution.keks', 0))"
_STEP_DOWN = "UPDATE execution.keks SET is_current = false WHERE is_current"
_STEP_UP = """
INSERT INTO execution.keks AS k (id, is_current) VALUES (%s, true)
ON CONFLICT (id) DO UPDATE SET is_current = true, retired_at = NULL
"""
_KEKS = """
SELECT id, is_current, made_at, retired_at,
    (SELECT count(*) FROM execution.credentials WHERE kek_id = k.id)
    + (SELECT count(*) FROM execution.transport_keys WHERE kek_id = k.id) AS records
FROM execution.keks k ORDER BY made_at
"""
_RETIRE = """
UPDATE execution.keks k SET retired_at = clock_timestamp()
WHERE NOT is_current AND retired_at IS NULL
    AND NOT EXISTS (SELECT FROM execution.credentials WHERE kek_id = k.id)
    AND NOT EXISTS (SELECT FROM execution.transport_keys WHERE kek_id = k.id)
RETURNING id
"""
_TO_REWRAP = f"""
SELECT {_COLUMNS} FROM execution.credentials
WHERE kek_id <> %(kek)s AND version <> ALL(%(but)s::bigint[])
LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
_REWRAPPED = """
UPDATE execution.credentials SET wrapped_key = %s, kek_id = %s
WHERE connection_id = %s AND version = %s
"""

_TRANSPORT = """
SELECT id, public_key, sealed, wrapped_key, kek_id, ends_at FROM execution.transport_keys
"""
_TRANSPORT_CURRENT = f"{_TRANSPORT} WHERE ends_at IS NULL"
_TRANSPORT_OF = f"{_TRANSPORT} WHERE id = %s AND coalesce(ends_at > clock_timestamp(), true)"
_TRANSPORT_TO_REWRAP = f"{_TRANSPORT} WHERE kek_id <> %s FOR UPDATE"
_TRANSPORT_END = """
UPDATE execution.transport_keys SET ends_at = clock_timestamp() + %s::interval
WHERE ends_at IS NULL
"""
_TRANSPORT_ADD = """
INSERT INTO execution.transport_keys (id, public_key, sealed, wrapped_key, kek_id)
VALUES (%s, %s, %s, %s, %s)
"""
_TRANSPORT_REWRAPPED = """
UPDATE execution.transport_keys SET wrapped_key = %s, kek_id = %s WHERE id = %s
"""
_TRANSPORT_DROP = "DELETE FROM execution.transport_keys WHERE id = %s"
_TRANSPORT_FORGET = "DELETE FROM execution.transport_keys WHERE ends_at < clock_timestamp()"


class Row(Struct, frozen=True):
    """Credentials as they lie in the database: nothing of them can be read here."""

    connection_id: UUID
    tenant_id: UUID
    account_id: UUID
    broker: str
    environment: str
    account: str
    version: int
    envelope: Envelope
    ends: Mapping[str, str] = {}
    made_at: datetime | None = None
    used_at: datetime | None = None
    problem: str = ""
    problem_text: str = ""


class TransportRow(Struct, frozen=True):
    """A key pair that web seals to; its private half is sealed."""

    id: str
    public_key: bytes
    envelope: Envelope


class CredentialStore:
    """Every call raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_account(self, account_id: UUID) -> list[Row]:
        """The credentials of every connection to an account, the newest first."""
        return [_row(row) for row in await self._store.ask(_OF_ACCOUNT, (account_id,))]

    async def of_tenant(self, tenant_id: UUID, connections: Sequence[UUID] = ()) -> list[Row]:
        """The credentials of some of a tenant's connections, or of all."""
        asked = {"tenant": tenant_id, "some": list(connections)}
        return [_row(row) for row in await self._store.ask(_OF_TENANT, asked)]

    async def remove(self, connection_id: UUID, tenant_id: UUID) -> tuple[str, str, str] | None:
        """Forget a connection's; whose they were."""
        rows = await self._store.ask(_REMOVE, (connection_id, tenant_id))
        return (rows[0]["broker"], rows[0]["environment"], rows[0]["account"]) if rows else None

    async def note(self, row: Row, problem: str, text: str) -> None:
        """How a login with them went."""
        noted = {"connection": row.connection_id, "version": row.version}
        async with self._store.transaction() as connection:
            await connection.execute(_NOTE, {**noted, "problem": problem, "text": text[:500]})

    async def versions(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """What is stored for each account: it changes when its credentials do."""
        rows = await self._store.ask(_VERSIONS, ())
        return {
            (row["broker"], row["environment"], row["account"]): (row["version"], row["many"])
            for row in rows
        }

    async def keks(self) -> list[DictRow]:
        """The key-encryption keys, oldest first, with how much is wrapped with each."""
        return await self._store.ask(_KEKS, ())

    async def transport_key(self, key_id: str) -> TransportRow | None:
        """A key pair that has not ended."""
        rows = await self._store.ask(_TRANSPORT_OF, (key_id,))
        return _transport(rows[0]) if rows else None

    async def current_transport_key(self) -> TransportRow | None:
        """The one to seal to."""
        rows = await self._store.ask(_TRANSPORT_CURRENT, ())
        return _transport(rows[0]) if rows else None

    @asynccontextmanager
    async def changing(self) -> "AsyncIterator[Change]":
        """One transaction."""
        async with self._store.transaction() as connection:
            yield Change(connection)


class Change:
    """What is written together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        """Nobody else changes keys meanwhile."""
        await self._connection.execute(_LOCK)

    async def current_kek(self) -> str | None:
        """The key to wrap with, which stays so until this commits."""
        for _ in range(2):
            # One that steps down while we wait is no answer, and its successor is one next time.
            rows = await self._rows(_CURRENT_KEK, ())
            if rows:
                return str(rows[0]["id"])
        return None

    async def next_version(self) -> int:
        """Never drawn before."""
        return int((await self._rows(_NEXT_VERSION, ()))[0]["version"])

    async def put(self, row: Row) -> bool:
        """Store credentials; False where the connection has others', or of another account."""
        envelope = row.envelope
        stored = await self._rows(
            _PUT,
            {
                **{name: getattr(row, name) for name in _PLAIN},
                "sealed": envelope.sealed,
                "wrapped_key": envelope.wrapped_key,
                "kek_id": envelope.kek_id,
                "ends": Jsonb(dict(row.ends)),
            },
        )
        return bool(stored)

    async def use_kek(self, kek_id: str) -> None:
        """Wrap with this one from the commit on."""
        await self._connection.execute(_STEP_DOWN)
        await self._connection.execute(_STEP_UP, (kek_id,))

    async def retire_keks(self) -> list[str]:
        """Those that wrap nothing any more."""
        return [row["id"] for row in await self._rows(_RETIRE, ())]

    async def to_rewrap(self, kek_id: str, but: Sequence[int], most: int) -> list[Row]:
        """Some that are wrapped with another key, but for these versions; others' transactions
        pass by them."""
        asked = {"kek": kek_id, "but": list(but), "most": most}
        return [_row(row) for row in await self._rows(_TO_REWRAP, asked)]

    async def rewrapped(self, row: Row, envelope: Envelope) -> None:
        """The same record with its key wrapped anew."""
        values = (envelope.wrapped_key, envelope.kek_id, row.connection_id, row.version)
        await self._connection.execute(_REWRAPPED, values)

    async def transport_to_rewrap(self, kek_id: str) -> list[TransportRow]:
        """Key pairs that are wrapped with another key."""
        return [_transport(row) for row in await self._rows(_TRANSPORT_TO_REWRAP, (kek_id,))]

    async def transport_rewrapped(self, key_id: str, envelope: Envelope) -> None:
        """The same key pair with its key wrapped anew."""
        values = (envelope.wrapped_key, envelope.kek_id, key_id)
        await self._connection.execute(_TRANSPORT_REWRAPPED, values)

    async def forget_transport_key(self, key_id: str) -> None:
        """One that nobody can open."""
        await self._connection.execute(_TRANSPORT_DROP, (key_id,))

    async def current_transport_key(self) -> TransportRow | None:
        """The one to seal to."""
        rows = await self._rows(_TRANSPORT_CURRENT, ())
        return _transport(rows[0]) if rows else None

    async def use_transport_key(self, row: TransportRow, overlap_seconds: int) -> None:
        """Web seals to this one from now on; the one before goes on for a while."""
        await self._connection.execute(_TRANSPORT_FORGET)
        await self._connection.execute(_TRANSPORT_END, (f"{overlap_seconds} seconds",))
        envelope = row.envelope
        values = (row.id, row.public_key, envelope.sealed, envelope.wrapped_key, envelope.kek_id)
        await self._connection.execute(_TRANSPORT_ADD, values)

    async def _rows(self, statement: str, parameters: Any) -> list[DictRow]:
        return await (await self._connection.execute(statement, parameters)).fetchall()


_PLAIN = (
    "connection_id",
    "tenant_id",
    "account_id",
    "broker",
    "environment",
    "account",
    "version",
)


def _row(row: DictRow) -> Row:
    kept = {name: row[name] for name in (*_PLAIN, "ends", "made_at", "used_at")}
    shown = {"problem": row["problem"], "problem_text": row["problem_text"]}
    return Row(envelope=_envelope(row), **kept, **shown)


def _transport(row: DictRow) -> TransportRow:
    return TransportRow(row["id"], bytes(row["public_key"]), _envelope(row))


def _envelope(row: DictRow) -> Envelope:
    return Envelope(bytes(row["sealed"]), bytes(row["wrapped_key"]), row["kek_id"])
