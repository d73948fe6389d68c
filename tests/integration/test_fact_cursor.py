"""Reading facts by cursor, page by page, whatever the numbers of their transactions."""

from uuid import UUID

import psycopg

from execution.journal.store import Store
from tests.conftest import Database

ACCOUNT = UUID(int=1)
_INSERT = """
    INSERT INTO execution.facts (xid, account_id, seq, canonical_id, kind, fact, at)
    VALUES (%s::xid8, %s, %s, %s, 'outcome', %s, now())
"""


async def test_no_fact_is_passed_over_when_transaction_numbers_gain_a_digit(
    database: Database,
) -> None:
    xids = [8, 9, 10, 11, 99, 100, 101]
    with psycopg.connect(database.url("owner")) as owner:
        for seq, xid in enumerate(xids, 1):
            owner.execute(_INSERT, [str(xid), ACCOUNT, seq, f"f{seq}", str(xid).encode()])
    store = Store(database.url("execution"))
    await store.open()

    read, cursor = [], ""
    while page := (answer := await store.facts_after(cursor, 2)).facts:
        read += page
        cursor = answer.cursor
    await store.close()

    assert [int(fact) for fact in read] == xids
