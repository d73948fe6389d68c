"""Recompute a tenant's chain from the rows, a slice at a time: intact, or the first bad row.

The verifier that people run outside does the work; here it is fed from the tables.
"""

import json
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from protos import ids
from web.audit import export, lines, trail, verify
from web.audit.ranges import Facts

SLICE_SECONDS = 1.0
_FIRST_VERSION = '"type":"seal","version":1}'
_REMOVED = """
SELECT count(*), count(*) FILTER (WHERE row_sha256 IS NULL), EXISTS (
    SELECT FROM web.audit_events WHERE tenant_id = %(chain)s AND action = 'person:erase'
    AND after ->> 'sole' = 'true')
FROM web.emptied_signals WHERE tenant_id = %(chain)s
"""
_FIRST_SEALS = f"""
SELECT line FROM web.audit_seals WHERE chain = %(chain)s AND line LIKE '%%{_FIRST_VERSION}'
"""


@dataclass(frozen=True)
class Checked:
    """How far it is intact, of how much, and the first bad row."""

    seal: int
    seals: int
    events: int
    unsealed: int
    bad: str | None = None
    # Signals of the chain whose content an erasure removed: their hashes hold.
    removed: int = 0
    # Those among them of which not even the hash is left to be checked, only their number.
    lost: int = 0

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to look at."""
        return self.bad is not None or self.seal >= self.seals


def check(
    connection: Connection[TupleRow], facts: Facts, chain: UUID, *, after_seal: int
) -> Checked:
    """Go on after a seal for about SLICE_SECONDS. Raises ExecutionDown."""
    seals, sealed, unsealed = _size(connection, chain)
    at = min(after_seal, seals)
    followed = _begin(connection, chain, at)
    try:
        vouched = _vouched(connection, chain)
        followed.wanted = vouched.seal if vouched is not None else 0
        deadline = time.monotonic() + SLICE_SECONDS
        while found := trail.page(connection, facts, chain, after_seal=followed.seal):
            for _, line in found:
                followed.follow(f"{line}\n".encode())
                _ranges(connection, line)
            if time.monotonic() > deadline:
                break
        if vouched is not None and at < vouched.seal <= followed.seal:
            verify.vouch(followed, vouched)
        if followed.seal < seals and not found:
            raise verify.Bad(f"seal {followed.seal + 1} is missing")
        if followed.seal >= seals and followed.event < sealed:
            raise verify.Bad(f"the seal of event {followed.event + 1} is missing")
    except verify.Bad as bad:
        return Checked(followed.seal, seals, followed.event, unsealed, str(bad))
    checked = Checked(followed.seal, seals, followed.event, unsealed)
    return _with_removed(connection, chain, checked) if checked.is_over else checked


def _with_removed(connection: Connection[TupleRow], chain: UUID, checked: Checked) -> Checked:
    """With what an erasure took. It is in the chain, or somebody else took it."""
    row = connection.execute(_REMOVED, {"chain": chain}).fetchone()
    assert row is not None
    removed, hashless, was_erased = row
    if removed and not was_erased:
        return replace(checked, bad=f"{removed} signals were emptied, and no erasure says so")
    lost = _lost(connection, chain) if hashless else 0
    return replace(checked, removed=removed, lost=lost)


def _lost(connection: Connection[TupleRow], chain: UUID) -> int:
    seals = connection.execute(_FIRST_SEALS, {"chain": chain}).fetchall()
    ranges = (each for (line,) in seals for each in json.loads(line)["ranges"])
    return sum(_digest(connection, each)[2] for each in ranges)


def _size(connection: Connection[TupleRow], chain: UUID) -> tuple[int, int, int]:
    """How many seals there are, how many events they should cover, and how many wait."""
    row = connection.execute(
        "SELECT coalesce((SELECT max(number) FROM web.audit_seals WHERE chain = %(chain)s), 0), "
        "coalesce(sum(sealed_seq), 0), coalesce(sum(seq - sealed_seq), 0) "
        "FROM web.audit_heads WHERE chain = %(chain)s",
        {"chain": chain},
    ).fetchone()
    assert row is not None
    return row[0], int(row[1]), int(row[2])


def _begin(connection: Connection[TupleRow], chain: UUID, seal: int) -> verify.Chain:
    """As it is after a seal that was checked before: its hash is taken of its line again."""
    row = connection.execute(
        "SELECT last_seq, line FROM web.audit_seals WHERE chain = %s AND number = %s", (chain, seal)
    ).fetchone()
    if row is None:
        return verify.Chain(name=lines.name(chain))
    digest = verify.digest(row[1].encode())
    return verify.Chain(name=lines.name(chain), seal=seal, seal_hash=digest, event=row[0])


def _vouched(connection: Connection[TupleRow], chain: UUID) -> verify.Checkpoint | None:
    line = export.newest_checkpoint(connection, chain)
    return None if line is None else verify.read_checkpoint(line)


def _ranges(connection: Connection[TupleRow], line: str) -> None:
    """Hash what a seal of the first version covers, of which no rows are exported. Raises Bad."""
    if not line.endswith(_FIRST_VERSION):
        return
    for each in json.loads(line)["ranges"]:
        _signals(connection, each)


def _signals(connection: Connection[TupleRow], sealed: dict[str, Any]) -> None:
    count, digest, _ = _digest(connection, sealed)
    where = f"{sealed['first']} to {sealed['last']} of {sealed['of']}"
    if count != sealed["count"]:
        raise verify.Bad(f"of the signals {where} there are {count}, not {sealed['count']}")
    if digest is not None and digest.hex() != sealed["sha256"]:
        raise verify.Bad(f"one of the signals {where} is not as it was sealed")


def _digest(
    connection: Connection[TupleRow], sealed: dict[str, Any]
) -> tuple[int, bytes | None, int]:
    """Of what is there now: how many, the hash over them, and of how many no hash is left, where
    there is none over all."""
    row = connection.execute(
        "SELECT rows, digest, lost FROM web.digest_signals(%s, %s, %s)",
        (ids.read("strategy", sealed["of"]), sealed["first"] - 1, sealed["last"]),
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]
