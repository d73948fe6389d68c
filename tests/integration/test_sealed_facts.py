"""Execution's facts are sealed into the chains, and what was changed since is found."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from execution.journal import digests
from tests.conftest import Database
from tests.integration.execution_kit import Kit
from web import db
from web.audit import lines, ranges, trail, verify
from web.audit.checkpoints import Signer
from web.audit.sealing import Sealer
from web.db import Pool
from web.execution_client import ExecutionClient, ExecutionDown

KEY = b"k" * 32


@pytest.fixture
def owner(database: Database) -> Any:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    with db.open_pool(database.url("worker"), size=2, name="test") as opened:
        yield opened


in_thread = asyncio.to_thread


async def trade(kit: Kit, tenant: UUID, count: int = 3) -> None:
    for _ in range(count):
        await kit.run(kit.trade(tenant_id=tenant.hex))


def judged(owner: psycopg.Connection, keeper: Any, chain: UUID) -> verify.Chain:
    rows = [f"{line}\n".encode() for line in trail.exported(owner, keeper, chain)]
    line = owner.execute(
        "SELECT line FROM web.audit_checkpoints WHERE chain = %s ORDER BY number DESC", (chain,)
    ).fetchone()
    assert line is not None
    return verify.check(rows, verify.read_checkpoint(line[0]))


@pytest.fixture
async def sealed(kit: Kit, pool: Pool) -> Any:
    """Two tenants that trade in one account, all of it sealed."""
    ours, theirs = UUID(int=5), UUID(int=6)
    for tenant in (ours, theirs, ours):
        await trade(kit, tenant, 1)
    await kit.read_facts()
    keeper = ExecutionClient(f"127.0.0.1:{kit.server.port}")

    def seal() -> None:
        Sealer(pool, facts=keeper).turn()
        Signer(pool, KEY, []).turn()

    await in_thread(seal)
    return keeper, ours, theirs


async def test_each_tenant_has_its_own_facts_and_all_are_in_one_chain(
    kit: Kit, owner: psycopg.Connection, sealed: Any
) -> None:
    keeper, ours, theirs = sealed
    told = {
        tenant: [f for f in kit.facts if f.tenant_id == tenant.hex] for tenant in (ours, theirs)
    }
    for tenant in (ours, theirs):
        found = await in_thread(judged, owner, keeper, tenant)
        assert found.facts == len(told[tenant]) > 0
    rows = await in_thread(list, trail.exported(owner, keeper, ours))
    exported = [json.loads(row) for row in rows if '"type":"fact"' in row]
    assert [row["seq"] for row in exported] == [fact.seq for fact in told[ours]]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE execution.facts SET fact = fact || '\\x0800' WHERE seq = %s",
        "DELETE FROM execution.facts WHERE seq = %s",
        "UPDATE execution.facts SET seq = seq + 1000 WHERE seq = %s",
        "UPDATE execution.facts SET fact = '\\xff' WHERE seq = %s",
    ],
    ids=["changed", "removed", "numbered anew", "made unreadable"],
)
async def test_a_fact_that_was_touched_after_it_was_sealed_is_found(
    kit: Kit, owner: psycopg.Connection, sealed: Any, statement: str
) -> None:
    keeper, ours, theirs = sealed
    seq = next(fact.seq for fact in kit.facts if fact.tenant_id == ours.hex)
    owner.execute(statement, (seq,))
    with pytest.raises(verify.Bad, match="facts"):
        await in_thread(judged, owner, keeper, ours)
    assert (await in_thread(judged, owner, keeper, theirs)).facts > 0


async def test_facts_are_sealed_once_page_by_page_and_again_after_a_restart(
    kit: Kit, owner: psycopg.Connection, pool: Pool, sealed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, ours, _ = sealed
    monkeypatch.setattr(ranges, "FACTS", 1)
    await trade(kit, ours, 2)
    await kit.read_facts()

    def seal() -> int:
        made = Sealer(pool, facts=keeper).turn()
        Signer(pool, KEY, []).turn()
        return made

    assert await in_thread(seal) > 1
    assert await in_thread(seal) == 0
    own = [fact for fact in kit.facts if fact.tenant_id == ours.hex]
    assert (await in_thread(judged, owner, keeper, ours)).facts == len(own)


async def test_events_are_sealed_while_execution_is_away(
    owner: psycopg.Connection, pool: Pool
) -> None:
    owner.execute(
        "INSERT INTO web.audit_events (actor, action, subject) VALUES ('system:x', 'a:b', 'c')"
    )
    away = ExecutionClient("127.0.0.1:1")
    assert await in_thread(Sealer(pool, facts=away).turn) == 1
    rows = await in_thread(list, trail.exported(owner, away, lines.PLATFORM))
    assert [json.loads(row)["type"] for row in rows] == ["event", "seal"]
    with pytest.raises(ExecutionDown):
        await in_thread(away.fact_range, UUID(int=1), None, 1, 2)


def test_a_digest_is_over_numbers_and_bytes() -> None:
    facts = [(1, b"one"), (2, b"two")]
    said = {
        digests.digest(each)
        for each in (facts, facts[::-1], facts[:1], [(1, b"one"), (3, b"two")], [(1, b"onetwo")])
    }
    assert len(said) == 5
