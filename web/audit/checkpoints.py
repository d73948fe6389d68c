"""Signed checkpoints: the newest seal of a chain, vouched for outside the system.

Whoever rules the database could make a whole new chain; not one that ends in a seal whose hash
somebody else has kept. Durable fact: the checkpoint's row, after every witness has taken it.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from web.audit import lines, verify
from web.db import Pool

CHECKPOINT_SECONDS = 60.0
MOST = 1000

# Takes a checkpoint away: the name of its chain, and the line. Raises OSError to be asked again.
Witness = Callable[[str, str], None]

log = structlog.get_logger()

_DUE = """
SELECT h.chain, s.number, s.last_seq, s.line, clock_timestamp() FROM web.audit_heads h
CROSS JOIN LATERAL (SELECT number, last_seq, line FROM web.audit_seals
    WHERE chain = h.chain ORDER BY number DESC LIMIT 1) s
WHERE NOT EXISTS (SELECT FROM web.audit_checkpoints c
    WHERE c.chain = h.chain AND c.number = s.number)
LIMIT %s
"""


class Signer:
    """Signs what was sealed and hands it to the witnesses."""

    def __init__(self, pool: Pool, key: bytes, witnesses: Sequence[Witness]) -> None:
        self._pool = pool
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        self._witnesses = witnesses

    def turn(self) -> int:
        """Sign the newest seals that are not signed yet; how many."""
        with self._pool.connection() as connection:
            due = connection.execute(_DUE, (MOST,)).fetchall()
            for chain, number, last_seq, seal, at in due:
                line = signed(self._key, chain, number, last_seq, seal, lines.moment(at))
                try:
                    for witness in self._witnesses:
                        witness(lines.name(chain), line)
                except OSError as error:
                    log.warning("checkpoint_not_taken", chain=lines.name(chain), error=error)
                    return 0
                connection.execute(
                    "INSERT INTO web.audit_checkpoints (chain, number, line) VALUES (%s, %s, %s)",
                    (chain, number, line),
                )
        return len(due)


def signed(
    key: Ed25519PrivateKey, chain: UUID, number: int, last_seq: int, seal: str, at: str
) -> str:
    """A checkpoint's line."""
    called, digest = lines.name(chain), verify.digest(seal.encode())
    signature = key.sign(verify.signed_bytes(called, number, digest, at))
    return lines.text(
        {
            "at": at,
            "chain": called,
            "events": last_seq,
            "hash": digest,
            "key": key.public_key().public_bytes_raw().hex(),
            "seal": number,
            "signature": b64encode(signature).decode(),
            "type": "checkpoint",
        }
    )


def folder(path: Path) -> Witness:
    """A folder with a file for each chain: added to and never read, so that it may be another
    machine's, or one that forbids anything else."""

    def add(chain: str, line: str) -> None:
        path.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file = os.open(path / f"{chain}.jsonl", flags, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)

    return add
