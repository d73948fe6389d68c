"""What whoever takes an account reads of what waits for it."""

import asyncio
from uuid import UUID

import psycopg

from execution.domain.trades import AccountRef
from execution.journal import statements
from execution.journal.rows import InstructionRow
from execution.journal.store import Store
from protos.execution.v1 import execution_pb2 as pb
from tests.conftest import Database

ACCOUNT, STRATEGY = UUID(int=1), UUID(int=2)
EARLIER, ARRIVING, WITHDRAWN = (UUID(int=number) for number in (10, 11, 12))


async def test_what_arrives_is_read_again_only_where_it_was_withdrawn(database: Database) -> None:
    store = Store(database.url("execution"))
    await store.open()
    rows = [
        InstructionRow(trade_id, b"hash", ACCOUNT, STRATEGY, trade_id.bytes)
        for trade_id in (EARLIER, ARRIVING, WITHDRAWN)
    ]
    await store.accept("one", [(STRATEGY, 1)], rows)
    await store.withdraw([WITHDRAWN], pb.REASON_CANCELED_BY_MEMBER)
    ref = AccountRef("paper", "paper", "P1")
    taken = await store.take("one", {ACCOUNT: ref}, [ARRIVING, WITHDRAWN])
    await store.close()

    found = {stored.trade_id: stored.withdrawn for stored in taken[ACCOUNT].open}
    assert found == {EARLIER: 0, WITHDRAWN: pb.REASON_CANCELED_BY_MEMBER}


async def test_what_another_took_is_held_no_more(database: Database) -> None:
    store = Store(database.url("execution"))
    await store.open()
    refs = {UUID(int=number): AccountRef("paper", "paper", f"P{number}") for number in (1, 2)}
    await store.heartbeat("one", "there")
    images = await store.take("one", refs)
    held = {account: image.epoch for account, image in images.items()}
    assert await store.still_held("one", held) == set(refs)
    await store.depart("one")
    await store.take("two", {ACCOUNT: refs[ACCOUNT]})
    assert await store.still_held("one", held) == {UUID(int=2)}
    # Its own again, by somebody who came after it and is called the same.
    await store.take("one", {UUID(int=2): refs[UUID(int=2)]})
    assert await store.still_held("one", held) == set()
    await store.close()


async def test_who_lives_again_keeps_what_it_was_told_that_it_holds(database: Database) -> None:
    store = Store(database.url("execution"))
    await store.open()
    refs = {ACCOUNT: AccountRef("paper", "paper", "P1")}
    images = await store.take("one", refs)
    held = {account: image.epoch for account, image in images.items()}
    await store.depart("one")
    async with await psycopg.AsyncConnection.connect(database.url("execution")) as writer:
        # A journal that writes for the account: whoever takes it has to wait.
        await writer.execute("SELECT FROM execution.leases FOR KEY SHARE")
        taking = asyncio.create_task(store.take("two", refs))
        await _waits_for_a_lock(store)
        await store.heartbeat("one", "there")
        assert await store.still_held("one", held) == {ACCOUNT}
    assert await taking == {}
    assert await store.still_held("one", held) == {ACCOUNT}
    await store.close()


async def _waits_for_a_lock(store: Store) -> None:
    while not await store.ask("SELECT FROM pg_locks WHERE NOT granted", ()):
        await asyncio.sleep(0.01)


async def test_who_takes_an_account_and_stands_still_keeps_nobody_from_the_others(
    database: Database,
) -> None:
    store = Store(database.url("execution"))
    await store.open()
    refs = {UUID(int=number): AccountRef("paper", "paper", f"P{number}") for number in (1, 2)}
    images = await store.take("one", refs)
    held = {account: image.epoch for account, image in images.items()}
    async with await psycopg.AsyncConnection.connect(database.url("execution")) as taker:
        asked = {"instance": "two", "accounts": [ACCOUNT], "ttl": 6}
        await taker.execute(statements.FREE_LEASES, asked)
        async with asyncio.timeout(2):
            assert await store.still_held("one", held) == {UUID(int=2)}
    await store.close()
