"""API keys of the accounts that ask for a login: issued, checked, revoked.

All of them are in memory; of a secret there is only what it is checked by, here and in the
database.
"""

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from execution.paper import store
from protos import logins

PERMISSIONS = ("read", "trade", "withdraw")
# How far a client's clock may be from ours.
SKEW = timedelta(minutes=1)

_ALL = "SELECT key_id, account, verifier, permissions, made_at, revoked_at FROM paper.api_keys"
_ADD = """
INSERT INTO paper.api_keys (key_id, account, verifier, permissions, made_at)
VALUES (%s, %s, %s, %s, %s)
"""
_REVOKE = "UPDATE paper.api_keys SET revoked_at = %s WHERE key_id = %s AND revoked_at IS NULL"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an account."""

    key_id: str
    account: str
    verifier: bytes
    permissions: tuple[str, ...]
    made_at: datetime
    revoked_at: datetime | None = None


class Keys:
    """Every key of the venue. All calls but `check` and `of` raise psycopg.OperationalError."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._keys: dict[str, Key] = {}
        # The accounts that ask for a login.
        self.accounts: set[str] = set()
        self._is_loaded = False
        self._one = asyncio.Lock()

    async def load(self) -> None:
        """Read what was issued before, once."""
        if self._is_loaded:
            return
        async with self._one, await store.connect(self._url) as connection:
            for row in await (await connection.execute(_ALL)).fetchall():
                row = {**row, "verifier": bytes(row["verifier"])}
                self._know(Key(**{**row, "permissions": tuple(row["permissions"])}))
            self._is_loaded = True

    async def issue(
        self, account: str, permissions: Sequence[str], now: datetime
    ) -> tuple[Key, str]:
        """A new key and its secret, which is not kept."""
        secret = secrets.token_urlsafe(30)
        key = Key(
            f"PK{uuid4().hex[:18].upper()}",
            account,
            logins.verifier(secret.encode()),
            tuple(word for word in PERMISSIONS if word in permissions),
            now,
        )
        await self.load()
        async with await store.connect(self._url) as connection:
            row = (key.key_id, account, key.verifier, list(key.permissions), now)
            await connection.execute(_ADD, row)
        self._know(key)
        return key, secret

    async def revoke(self, key_id: str, now: datetime) -> Key | None:
        """End a key; None where there is none."""
        await self.load()
        key = self._keys.get(key_id)
        if key is None or key.revoked_at is not None:
            return key
        async with await store.connect(self._url) as connection:
            await connection.execute(_REVOKE, (now, key_id))
        self._know(replace(key, revoked_at=now))
        return self._keys[key_id]

    def of(self, account: str) -> list[Key]:
        """The keys of an account, oldest first."""
        found = [key for key in self._keys.values() if key.account == account]
        return sorted(found, key=lambda key: key.made_at)

    def check(self, key_id: str, at: datetime, session_id: str, signature: bytes) -> Key | None:
        """The key, if its secret signed this."""
        key = self._keys.get(key_id)
        checked_by = key.verifier if key is not None else bytes(32)
        expected = logins.signature(checked_by, key_id, at, session_id)
        return key if hmac.compare_digest(expected, signature) else None

    def _know(self, key: Key) -> None:
        self._keys[key.key_id] = key
        self.accounts.add(key.account)


def unreachable(error: Exception) -> str:
    """What the log says of a failed statement: its kind, and nothing of what was in it."""
    return type(error).__name__
