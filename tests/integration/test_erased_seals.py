"""A chain with seals of the first version verifies after an erasure, unless it was changed."""

import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from tests import factories
from tests.conftest import Database
from tests.integration.test_sealing import KEY, NOBODY, add, checkpoint, export, signal
from web import db
from web.audit import checking, sealing, verify
from web.audit.checking import Checked
from web.audit.checkpoints import Signer
from web.audit.ranges import Range
from web.audit.sealing import Sealer
from web.db import Pool

FIRST = Path(__file__).parents[2] / "migrations" / "versions" / "0025_audit_seals.py"
SIGNALS = 4


@dataclass
class Chain:
    """Of somebody with a strategy alone: two signals under a first seal, two under a later one."""

    owner: psycopg.Connection
    pool: Pool
    strategy: factories.Strategy
    person: UUID

    @property
    def id(self) -> UUID:
        return self.strategy.tenant_id

    def check(self) -> Checked:
        return checking.check(self.owner, NOBODY, self.id, after_seal=0)

    def erase(self) -> None:
        self.owner.execute("SELECT web.erase_person(%s, 'system:test')", (self.person,))
        Sealer(self.pool).turn()
        Signer(self.pool, KEY, []).turn()

    def do(self, statement: str) -> None:
        self.owner.execute(statement, {"strategy": self.strategy.id, "tenant": self.id})


@pytest.fixture
def chain(database: Database) -> Iterator[Chain]:
    with (
        psycopg.connect(database.owner, autocommit=True) as owner,
        db.open_pool(database.url("worker"), size=1, name="test") as pool,
    ):
        strategy, person = factories.strategy(owner), uuid4()
        owner.execute(
            "INSERT INTO web.people (id, email, confirmed_at) VALUES (%s, 'a@people.test', now())",
            (person,),
        )
        owner.execute(
            "INSERT INTO web.members (tenant_id, person_id, role) VALUES (%s, %s, 'owner')",
            (strategy.tenant_id, person),
        )
        found = Chain(owner, pool, strategy, person)
        for seq in (1, 2):
            signal(owner, strategy, seq)
        first_seal(found)
        for seq in (3, SIGNALS):
            signal(owner, strategy, seq)
        add(owner, strategy.tenant_id, "str_x")
        Sealer(pool).turn()
        Signer(pool, KEY, []).turn()
        assert found.check() == Checked(2, 2, 1, 0)
        yield found


def first_seal(chain: Chain) -> None:
    """Seal two signals as the first version did, with its own function."""
    was = runpy.run_path(str(FIRST))["DIGESTS"].replace("web.digest_signals", "web.first_digest")
    chain.owner.execute(was)
    row = chain.owner.execute(
        "SELECT digest FROM web.first_digest(%s, 0, 2)", (chain.strategy.id,)
    ).fetchone()
    assert row is not None
    line = sealing.seal_line(
        chain.id,
        1,
        previous=verify.FIRST,
        first=1,
        rows=[],
        covers=[Range(chain.id, "signals", chain.strategy.id, 1, 2, 2, row[0].hex())],
        at=datetime(2026, 11, 20, tzinfo=UTC),
    ).replace('"version":2}', '"version":1}')
    chain.owner.execute(
        "INSERT INTO web.audit_seals (chain, number, last_seq, line) VALUES (%s, 1, 0, %s)",
        (chain.id, line),
    )
    chain.owner.execute(
        "INSERT INTO web.audit_marks (kind, of_id, seq) VALUES ('signals', %s, 2)",
        (chain.strategy.id,),
    )


def test_signals_under_a_first_seal_are_intact_after_they_were_erased(chain: Chain) -> None:
    chain.erase()
    found = chain.check()
    assert (found.bad, found.removed, found.lost) == (None, SIGNALS, 0)
    followed = verify.check(export(chain.owner, chain.id), checkpoint(chain.owner, chain.id))
    assert followed.removed == 2


def test_what_was_erased_before_its_hash_was_kept_is_counted_as_not_checked(chain: Chain) -> None:
    chain.erase()
    chain.do("UPDATE web.emptied_signals SET row_sha256 = NULL")
    found = chain.check()
    # Those under the later seal have other hashes, which are checked as ever.
    assert (found.bad, found.removed, found.lost) == (None, SIGNALS, 2)
    chain.do("DELETE FROM web.signals WHERE strategy_id = %(strategy)s AND seq = 2")
    assert "there are 1, not 2" in str(chain.check().bad)


@pytest.mark.parametrize("seq", [1, 2])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE web.signals SET parsed = '{}'",
        "UPDATE web.signals SET received_at = received_at - interval '1 second'",
        "DELETE FROM web.signals",
    ],
    ids=["parsed", "received", "deleted"],
)
def test_a_signal_under_a_first_seal_that_was_changed_is_found(
    chain: Chain, change: str, seq: int
) -> None:
    chain.do(f"{change} WHERE strategy_id = %(strategy)s AND seq = {seq}")
    assert "signals 1 to 2 of" in str(chain.check().bad)


def test_the_hash_of_an_erased_signal_cannot_be_changed(chain: Chain) -> None:
    chain.erase()
    chain.do("UPDATE web.emptied_signals SET row_sha256 = sha256('other')")
    assert "is not as it was sealed" in str(chain.check().bad)


def test_signals_are_not_emptied_without_an_erasure(chain: Chain) -> None:
    chain.do("SELECT web.erase_tenants(ARRAY[%(tenant)s::uuid])")
    assert chain.check().bad == f"{SIGNALS} signals were emptied, and no erasure says so"
