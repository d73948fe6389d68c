"""The chain of seals: what is sealed, in which order, and what shows afterwards."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests import factories
from tests.conftest import Database
from web import db
from web.audit import checkpoints, lines, sealing, trail, verify
from web.audit.checkpoints import Signer
from web.audit.sealing import Sealer
from web.db import Pool
from web.execution_client import ExecutionClient

KEY = b"k" * 32
# Nothing of execution is sealed here.
NOBODY = ExecutionClient("127.0.0.1:1")
RUNTIME = ("web", "worker", "staff")


@pytest.fixture
def owner(database: Database) -> Any:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pool(database: Database) -> Any:
    with db.open_pool(database.url("worker"), size=2, name="test") as opened:
        yield opened


def add(owner: psycopg.Connection, tenant: UUID | None, subject: str, **more: Any) -> None:
    after = json.dumps(more.get("after"))
    owner.execute(
        "INSERT INTO web.audit_events (tenant_id, actor, action, subject, after) "
        "VALUES (%s, 'person:per_x', 'thing:change', %s, %s)",
        (tenant, subject, after),
    )


def signal(owner: psycopg.Connection, strategy: factories.Strategy, seq: int) -> None:
    owner.execute(
        "INSERT INTO web.signals (id, tenant_id, strategy_id, seq, dialect, content_type, body, "
        "body_hash, parsed, received_at, accepted_at, boot_id) VALUES (%s, %s, %s, %s, "
        "'traderspost', 'application/json', '{}', '', '{\"price\": 228.40}', now(), now(), %s)",
        (uuid4(), strategy.tenant_id, strategy.id, seq, uuid4()),
    )
    owner.execute(
        "UPDATE web.strategy_intake SET seq = %s WHERE strategy_id = %s", (seq, strategy.id)
    )


def export(owner: psycopg.Connection, chain: UUID) -> list[bytes]:
    return [f"{line}\n".encode() for line in trail.exported(owner, NOBODY, chain)]


def checkpoint(owner: psycopg.Connection, chain: UUID) -> verify.Checkpoint:
    row = owner.execute(
        "SELECT line FROM web.audit_checkpoints WHERE chain = %s ORDER BY number DESC", (chain,)
    ).fetchone()
    assert row is not None
    return verify.read_checkpoint(row[0])


def test_each_chain_is_its_own_and_an_export_of_it_is_intact(
    owner: psycopg.Connection, pool: Pool
) -> None:
    ours, theirs = uuid4(), uuid4()
    sealer, signer = Sealer(pool), Signer(pool, KEY, [])
    for turn in range(3):
        for tenant in (ours, theirs, None):
            add(owner, tenant, f"str_{turn}", after={"name": 'Zoë "\n', "size": 1.50})
        assert sealer.turn() == 3
    assert sealer.turn() == 0
    assert signer.turn() == 3
    for chain in (ours, theirs, lines.PLATFORM):
        followed = verify.check(export(owner, chain), checkpoint(owner, chain))
        assert (followed.event, followed.seal, followed.name) == (3, 3, lines.name(chain))
    assert signer.turn() == 0


def test_an_event_that_commits_late_is_sealed_late_and_nothing_is_left_out(
    owner: psycopg.Connection, pool: Pool, database: Database
) -> None:
    tenant = uuid4()
    with psycopg.connect(database.owner) as late:
        add(late, tenant, "str_first_made")
        add(owner, tenant, "str_second")
        Sealer(pool).turn()
        late.commit()
    Sealer(pool).turn()
    subjects = [json.loads(line).get("subject") for line in export(owner, tenant)]
    assert subjects == ["str_second", None, "str_first_made", None]


def test_more_than_a_seal_holds_takes_several(owner: psycopg.Connection, pool: Pool) -> None:
    tenant, count = uuid4(), 2 * sealing.EVENTS + 1
    owner.execute(
        "INSERT INTO web.audit_events (tenant_id, actor, action, subject) "
        "SELECT %s, 'a', 'b', n::text FROM generate_series(1, %s) n",
        (tenant, count),
    )
    assert Sealer(pool).turn() == 3
    assert Signer(pool, KEY, []).turn() == 1
    found = verify.check(export(owner, tenant), checkpoint(owner, tenant))
    assert found.event == count


def test_an_export_goes_on_after_a_seal(owner: psycopg.Connection, pool: Pool) -> None:
    tenant = uuid4()
    for subject in ("a", "b"):
        add(owner, tenant, subject)
        Sealer(pool).turn()
    found = [
        (seal, json.loads(line)) for seal, line in trail.page(owner, NOBODY, tenant, after_seal=1)
    ]
    assert [(seal, row["type"]) for seal, row in found] == [(2, "event"), (2, "seal")]
    assert found[0][1]["subject"] == "b"


def test_signals_are_sealed_in_ranges_and_a_changed_one_has_another_hash(
    owner: psycopg.Connection, pool: Pool
) -> None:
    strategy = factories.strategy(owner)
    for seq in (1, 2, 3):
        signal(owner, strategy, seq)
    now = 0.0
    sealer = Sealer(pool, lambda: now)
    assert sealer.turn() == 1
    *signals, line = [json.loads(row) for row in export(owner, strategy.tenant_id)]
    assert [(row["type"], row["seq"]) for row in signals] == [("signal", seq) for seq in (1, 2, 3)]
    [covered] = line["ranges"]
    assert (covered["first"], covered["last"], covered["count"]) == (1, 3, 3)

    digest = "SELECT encode(digest, 'hex'), rows FROM web.digest_sealed_signals(%s, 1, 3)"
    assert owner.execute(digest, (strategy.id,)).fetchone() == (covered["sha256"], 3)
    owner.execute("UPDATE web.signals SET duplicates = 1")
    assert owner.execute(digest, (strategy.id,)).fetchone() == (covered["sha256"], 3)
    owner.execute("UPDATE web.signals SET parsed = '{\"price\": 228.4}' WHERE seq = 2")
    changed = owner.execute(digest, (strategy.id,)).fetchone()
    assert changed is not None
    assert changed[0] != covered["sha256"]

    # The next range comes with the next minute.
    signal(owner, strategy, 4)
    assert sealer.turn() == 0
    now += sealing.RANGES_SECONDS
    assert sealer.turn() == 1


@pytest.mark.parametrize("role", RUNTIME)
@pytest.mark.parametrize("table", ["events", "places", "seals", "checkpoints"])
def test_no_runtime_role_changes_or_removes_what_was_written(
    owner: psycopg.Connection, pool: Pool, database: Database, role: str, table: str
) -> None:
    tenant = uuid4()
    add(owner, tenant, "str_x")
    Sealer(pool).turn()
    Signer(pool, KEY, []).turn()
    for statement in (
        f"DELETE FROM web.audit_{table}",
        f"TRUNCATE web.audit_{table} CASCADE",
        f"UPDATE web.audit_{table} SET {'actor = actor' if table == 'events' else 'chain = chain'}",
    ):
        # Not even the owner, unless the triggers are taken away first.
        for url in (database.url(role), database.owner):
            with (
                psycopg.connect(url) as connection,
                pytest.raises(
                    (psycopg.errors.InsufficientPrivilege, psycopg.errors.GeneratedAlways)
                ),
            ):
                connection.execute(statement)


def test_a_role_sees_its_own_chain_only(
    owner: psycopg.Connection, pool: Pool, database: Database
) -> None:
    ours, theirs = uuid4(), uuid4()
    add(owner, ours, "str_ours")
    add(owner, theirs, "str_theirs")
    add(owner, None, "platform")
    Sealer(pool).turn()
    Signer(pool, KEY, []).turn()
    with psycopg.connect(database.url("web")) as web:
        web.execute("SELECT set_config('app.tenant_id', %s, true)", (str(ours),))
        for table in ("places", "heads", "seals", "checkpoints"):
            seen = web.execute(f"SELECT DISTINCT chain FROM web.audit_{table}").fetchall()
            assert seen == [(ours,)]
        for chain in (theirs, lines.PLATFORM):
            assert list(trail.exported(web, NOBODY, chain)) == []


def test_a_checkpoint_leaves_before_it_counts(
    owner: psycopg.Connection, pool: Pool, tmp_path: Path
) -> None:
    tenant = uuid4()
    add(owner, tenant, "str_x")
    Sealer(pool).turn()
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert Signer(pool, KEY, [checkpoints.folder(blocked)]).turn() == 0
    assert owner.execute("SELECT count(*) FROM web.audit_checkpoints").fetchone() == (0,)

    away = tmp_path / "away"
    assert Signer(pool, KEY, [checkpoints.folder(away)]).turn() == 1
    kept = away / f"{lines.name(tenant)}.jsonl"
    assert verify.read_checkpoint(kept.read_text()) == checkpoint(owner, tenant)
    add(owner, tenant, "str_y")
    Sealer(pool).turn()
    Signer(pool, KEY, [checkpoints.folder(away)]).turn()
    assert [json.loads(line)["seal"] for line in kept.read_text().splitlines()] == [1, 2]


def test_a_checkpoint_says_who_signed_it(owner: psycopg.Connection, pool: Pool) -> None:
    tenant = uuid4()
    add(owner, tenant, "str_x")
    Sealer(pool).turn()
    Signer(pool, KEY, []).turn()
    row = owner.execute("SELECT line FROM web.audit_checkpoints").fetchone()
    assert row is not None
    public = Ed25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw().hex()
    assert verify.read_checkpoint(row[0], public).key == public
    with pytest.raises(verify.Bad, match="another key"):
        verify.read_checkpoint(row[0], "00" * 32)
    forged = json.loads(row[0])
    forged["signature"] = b64encode(b"s" * 64).decode()
    with pytest.raises(verify.Bad, match="signature"):
        verify.read_checkpoint(json.dumps(forged))
    for name in ("hash", "at", "chain", "seal"):
        changed = json.loads(row[0]) | {name: 9 if name == "seal" else "x"}
        with pytest.raises(verify.Bad, match="signature"):
            verify.read_checkpoint(json.dumps(changed))
