"""Everything that is kept of a person, as one zip of JSON files.

Made by the relay and kept for a day, sealed under the person's own key.
"""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from web.audit import privacy
from web.audit.privacy import Opener

# Files of these names; the first are the person's, the others their own workspaces'.
PARTS = (
    "person",
    "memberships",
    "sessions",
    "sign_ins",
    "passkeys",
    "authenticators",
    "mails",
    "audit_events",
    "workspaces",
    "api_keys",
    "strategies",
    "connections",
    "subscriptions",
    "settings_versions",
    "signals",
    "refusals",
    "trades",
    "orders",
    "fills",
    "positions",
    "alarms",
    "switches",
)
AT_ONCE = 1000
_IN_MEMORY = 16 * 1024 * 1024
_NONCE = 12
README = """What Fillwire keeps of you, as JSON: one file a table, one row an object.

person, memberships, sessions, sign_ins, passkeys, authenticators, mails: you and your account.
audit_events: what you did, and what was done to you. Words that tell who you are, or that you
typed, are opened; those of others read `erased` or stay sealed.
The others: the workspaces that nobody but you is in. Bodies of signals are in base64.
Secrets (passwords, keys, codes) are in none of them: we keep hashes or sealed copies only.
"""


def write(
    connection: Connection[TupleRow],
    sealing_key: bytes,
    person: UUID,
    to: IO[bytes],
    progress: Callable[[int], None],
) -> None:
    """The zip; tells after each part how many are done."""
    opener = Opener(sealing_key, _keys(connection, person))
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        for number, part in enumerate(PARTS, start=1):
            with archive.open(f"{part}.json", "w", force_zip64=True) as file:
                _write_part(file, _rows(connection, person, part), opener)
            progress(number)


def sealed(
    connection: Connection[TupleRow],
    sealing_key: bytes,
    person: UUID,
    progress: Callable[[int], None],
) -> bytes | None:
    """The zip under the person's key; None for somebody who is erased."""
    of = _of(person)
    row = connection.execute(
        "SELECT web.privacy_key(%s, %s)", (of, privacy.fresh_key(sealing_key, of))
    ).fetchone()
    if row is None or row[0] is None:
        return None
    key, nonce = privacy.unwrap(sealing_key, of, row[0]), os.urandom(_NONCE)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        write(connection, sealing_key, person, file, progress)
        file.seek(0)
        return nonce + AESGCM(key).encrypt(nonce, file.read(), of.encode())


def opened(key: bytes, person: UUID, stored: bytes) -> bytes:
    """The zip again."""
    return AESGCM(key).decrypt(stored[:_NONCE], stored[_NONCE:], _of(person).encode())


def _of(person: UUID) -> str:
    return f"person:{ids.show('person', person)}"


def _keys(connection: Connection[TupleRow], person: UUID) -> list[tuple[str, bytes]]:
    """Of the person, and of what nobody else shares with them."""
    tenants = connection.execute("SELECT web.sole_tenants(%s)", (person,)).fetchall()
    whose = [_of(person), *(f"tenant:{ids.show('tenant', row[0])}" for row in tenants)]
    whose += [f"key:{ids.show('api_key', UUID(row['id']))}" for row in _all(connection, person)]
    found = connection.execute("SELECT of, key FROM web.find_privacy_keys(%s)", (whose,)).fetchall()
    return [(of, key) for of, key in found]


def _all(connection: Connection[TupleRow], person: UUID) -> list[dict[str, Any]]:
    return list(_rows(connection, person, "api_keys"))


def _rows(connection: Connection[TupleRow], person: UUID, part: str) -> Iterator[dict[str, Any]]:
    with (
        connection.transaction(),
        connection.cursor(name="part") as cursor,
    ):
        cursor.itersize = AT_ONCE
        cursor.execute("SELECT web.personal_rows(%s, %s)", (person, part))
        for (row,) in cursor:
            yield row


def _write_part(file: IO[bytes], rows: Iterator[dict[str, Any]], opener: Opener) -> None:
    before = b"[\n"
    for row in rows:
        if "reason" in row:
            row["reason"] = privacy.read_reason(row["reason"])
        line = json.dumps(opener.open(row), ensure_ascii=False)
        file.write(before + line.encode())
        before = b",\n"
    file.write(b"[]\n" if before == b"[\n" else b"\n]\n")
